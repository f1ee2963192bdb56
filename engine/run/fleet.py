"""Hundreds of companies at once: fairly, each for itself, and each with a result whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import ceil

import anyio

from engine.model.balance import ExitCode, State
from engine.model.events import CompanyFinished
from engine.model.outcome import Problem
from engine.model.result import CompanyResult
from engine.net.channel import Emit
from engine.run.company import CompanyRun
from engine.run.endings import STOPPED

Start = Callable[[int], CompanyRun]
"""Makes the n-th company's run, when its turn comes."""

LEAST = 4
"""Companies of an account open at a time, however many accounts there are: one that waits keeps its key idle."""


class Fleet:
    """Runs companies, each account's in its own places: one that waits holds up no other.

    `at_once` companies are open at a time, dealt between the accounts, and `LEAST` of each in any case.
    """

    def __init__(
        self, names: Sequence[tuple[int, str, str]], start: Start, emit: Emit, *, at_once: int, most_held: int | None
    ) -> None:
        """Take (id, name, account) of each company, how to start the n-th, and how many may be held (None: all)."""
        self._names = names
        self._start = start
        self._emit = emit
        self._at_once = at_once
        self._most_held = most_held
        self.held = 0  # companies that guards have stopped
        self._results: dict[int, CompanyResult] = {}
        self._scopes: set[anyio.CancelScope] = set()
        self._stopping = False

    async def run(self, waves: Iterable[Sequence[int]]) -> None:
        """Run the companies to their end, or to where `stop` finds them, one wave of turns after the other."""
        for wave in waves:
            await self._run_wave(wave)

    async def _run_wave(self, wave: Sequence[int]) -> None:
        by_account: dict[str, list[int]] = {}
        for turn in wave:
            by_account.setdefault(self._names[turn][2], []).append(turn)
        places = max(min(LEAST, self._at_once), ceil(self._at_once / max(1, len(by_account))))
        async with anyio.create_task_group() as pipelines:
            for own in by_account.values():
                turns = iter(own)
                for _ in range(min(places, len(own))):
                    pipelines.start_soon(self._work, turns)

    async def _work(self, turns: Iterator[int]) -> None:
        for turn in turns:
            if self._stopping:
                return
            company = self._start(turn)
            with anyio.CancelScope() as scope:
                self._scopes.add(scope)
                try:
                    await company.run()
                finally:
                    self._scopes.discard(scope)
                    self._results[turn] = company.result()
            self.held += self._results[turn].state is State.HELD
            if self.is_held:
                self.stop()
            await self._emit(CompanyFinished(result=self._results[turn]))

    @property
    def is_held(self) -> bool:
        """Whether so many companies are held that something is wrong with all of them."""
        return self._most_held is not None and self.held > self._most_held

    def stop(self) -> None:
        """Start nothing more, and end every company as soon as its requests in flight are answered and written down."""
        self._stopping = True
        for scope in self._scopes:
            scope.cancel()

    def results(self) -> tuple[CompanyResult, ...]:
        """Return a result for each company, in the order given; one whose turn never came is deferred and uncounted."""
        return tuple(self._results.get(turn) or _never_started(*name) for turn, name in enumerate(self._names))


def _never_started(company_id: int, name: str, account: str) -> CompanyResult:
    problem = Problem(code=STOPPED.code, message="the run ended before this company's turn; run it again")
    return CompanyResult(
        company_id=company_id,
        name=name,
        account=account,
        state=State.DEFERRED,
        exit_code=ExitCode.STOPPED,
        problems=(problem,),
    )
