"""Run hundreds of companies at once: fair among accounts, independent of each other, each with a result in any case."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil

import anyio

from engine.model.balance import ExitCode, State
from engine.model.events import CompanyFinished, Emit
from engine.model.outcome import Problem
from engine.model.result import CompanyResult
from engine.run.company import CompanyRun
from engine.run.endings import STOPPED
from engine.run.rows_in_work import RowsInWork

Start = Callable[[int], CompanyRun]
"""Makes the n-th company's run, when its turn comes."""

LEAST = 3
"""Companies of an account that are open at a time, at least: with one alone, its key would be idle while it waits."""

ROWS = 20_000
"""Rows of all open companies together, shared among the accounts, beyond the `LEAST` of each. This bounds memory. Many
small companies must be open to keep a key busy, as each makes a request or two; a few large ones do the same."""


@dataclass(slots=True, kw_only=True)
class Slots:
    """One account's companies that are open, by their turns, with their rows."""

    most: int  # companies that are open at once
    rows: int  # that open companies have together at most, once a few are open
    all_rows: RowsInWork = field(default_factory=RowsInWork)  # of all accounts
    _open: dict[int, int] = field(default_factory=dict)
    _changed: anyio.Event | None = None

    async def enter(self, turn: int, rows: int) -> None:
        """Wait for room. One at a time, so that companies begin in their order."""
        while not self._has_room(rows):
            self._changed = anyio.Event()
            await self._changed.wait()
        await self.all_rows.enter(rows, waits=bool(self._open))
        self._open[turn] = rows

    def weigh(self, turn: int, rows: int) -> None:
        """Take note of how many rows a company has, now that it is known."""
        if turn in self._open:
            self.all_rows.change(self._open[turn], rows)
            self._open[turn] = rows
            self._tell()

    def leave(self, turn: int) -> None:
        """Make room for the next."""
        self.all_rows.change(self._open.pop(turn), 0)
        self._tell()

    def _has_room(self, rows: int) -> bool:
        """Return whether another company may open. A giant counts as half of the rows, to leave room for small ones."""
        companies, half = len(self._open), self.rows // 2
        taken = sum(min(each, half) for each in (*self._open.values(), rows))
        return companies < min(LEAST, self.most) or (companies < self.most and taken <= self.rows)

    def _tell(self) -> None:
        if self._changed is not None:
            self._changed.set()


class Fleet:
    """Runs companies, each account's in slots of its own: an account that waits holds up no other, or not for long.

    `at_once` companies are open at a time, shared among the accounts: fewer if they are large, and at least `LEAST` of
    each account.
    """

    def __init__(
        self, names: Sequence[tuple[int, str, str]], start: Start, emit: Emit, *, at_once: int, most_held: int | None
    ) -> None:
        """Take (id, name, account) of each company, how to start the n-th, and how many may be held (None: all)."""
        self._names = names
        self._accounts = [account for _, _, account in names]
        self._start = start
        self._emit = emit
        self._at_once = at_once
        self._most_held = most_held
        self.held = 0  # companies that guards have stopped
        self._results: dict[int, CompanyResult] = {}
        self._scopes: set[anyio.CancelScope] = set()
        self._slots: dict[str, Slots] = {}  # by account
        self._turns = {company_id: turn for turn, (company_id, *_) in enumerate(names)}
        self._stopping = False

    async def run(self, waves: Iterable[Sequence[int]], rows: Sequence[int]) -> None:
        """Run the companies to their end, or to where `stop` finds them, one wave of turns after the other.

        `rows`: about how many each company has.
        """
        for wave in waves:
            await self._run_wave(wave, rows)

    async def _run_wave(self, wave: Sequence[int], rows: Sequence[int]) -> None:
        by_account: dict[str, list[int]] = {}
        for turn in wave:
            by_account.setdefault(self._accounts[turn], []).append(turn)
        accounts = max(1, len(by_account))
        most = max(min(LEAST, self._at_once), ceil(self._at_once / accounts))
        in_work = RowsInWork(accounts=accounts)
        self._slots = {account: Slots(most=most, rows=ROWS // accounts, all_rows=in_work) for account in by_account}
        async with anyio.create_task_group() as pipelines:
            for account, own in by_account.items():
                pipelines.start_soon(self._run_account, own, rows, self._slots[account])

    async def _run_account(self, turns: Sequence[int], rows: Sequence[int], slots: Slots) -> None:
        async with anyio.create_task_group() as companies:
            for turn in turns:
                await slots.enter(turn, rows[turn])
                if self._stopping:
                    slots.leave(turn)
                    return
                companies.start_soon(self._run_one, turn, slots)

    async def _run_one(self, turn: int, slots: Slots) -> None:
        try:
            if not self._stopping:
                await self._run_company(turn)
        finally:
            slots.leave(turn)

    async def _run_company(self, turn: int) -> None:
        await self._run_to_result(turn)
        self.held += self._results[turn].state is State.HELD
        if self.is_held:
            self.stop()
        await self._emit(CompanyFinished(result=self._results[turn]))

    async def _run_to_result(self, turn: int) -> None:
        """Run a company and keep its result. Its rows are freed here, before the result is announced."""
        company = self._start(turn)
        with anyio.CancelScope() as scope:
            self._scopes.add(scope)
            try:
                await company.run()
            finally:
                self._scopes.discard(scope)
                self._results[turn] = company.result()
            await company.free()

    def weigh(self, company_id: int, rows: int) -> None:
        """Take note of how many rows a company's source has."""
        turn = self._turns[company_id]
        slots = self._slots.get(self._accounts[turn])
        if slots is not None:
            slots.weigh(turn, rows)

    @property
    def is_held(self) -> bool:
        """Whether more companies are held than the settings allow: then the fault is probably common to all."""
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
