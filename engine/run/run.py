"""A run as its caller has it: begun once, watched through its events, stopped if need be, ended with a result."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Self
from warnings import warn

from engine.errors import EngineError, plain
from engine.model.balance import ExitCode
from engine.model.events import Event
from engine.model.result import RunResult
from engine.observe.telemetry import Telling
from engine.run.dependencies import Dependencies
from engine.run.execution import Execution
from engine.run.run_events import RunEvents
from engine.run.tasks import Hosted, Lines, drain, tell_loop
from engine.run.work import Work


class Run:
    """A run that is under way: an async iterator of its events. `result` is there when they have ended.

    Up to `EVENTS_AHEAD` events are kept for their reader, then the run waits for it; a stopped run does not wait.
    """

    def __init__(self, dependencies: Dependencies, work: Work) -> None:
        started_at = dependencies.now()
        self.run_id: str = f"{started_at:%Y%m%dT%H%M%SZ}-{dependencies.rng.getrandbits(32):08x}"
        self._host = dependencies.host
        self._work = work
        self._events = RunEvents()
        self._lines = Lines()
        self._telling = Telling(dependencies.telemetry, self.run_id)
        self._execution = Execution(
            dependencies,
            work,
            run_id=self.run_id,
            started_at=started_at,
            events=self._events,
            lines=self._lines,
            telling=self._telling,
        )
        self._hosted: Hosted | None = None  # None: not begun

    @property
    def name(self) -> str:
        """What it is called in messages: its verb and its id."""
        return f"{self._work.mode.verb} {self.run_id}"

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        """Return the next event. Raises `EngineError` once the run's block was left."""
        return await self._events.next()

    @property
    def result(self) -> RunResult:
        """The outcome. Raises `EngineError` while the run has not ended."""
        if self._execution.result is None:
            raise EngineError("the run has not ended: read its events to their end, or leave its block")
        return self._execution.result

    def stop(self, code: ExitCode = ExitCode.STOPPED) -> None:
        """End early: requests in flight are answered and written down, the rest is deferred. The first code stays."""
        self._execution.stop(code)

    def begin(self, *, watched: bool) -> None:
        """Begin the run in a task of its own. `watched`: somebody reads its events. Once; raises `EngineError`."""
        if self._hosted is not None:
            text = "this run was begun before: a call of `sync`, `plan` or the like gives one run, by its block or its"
            raise EngineError(f"{text} `result()`, once; call it again for another run")
        if not self._host.is_open:
            raise EngineError("the engine that this run was made by has been left: nothing can be sent any more")
        self._host.require_own_loop()
        if watched:
            self._events.watch()
        self._hosted = self._host.take(
            self._execute(),
            name=self.name,
            stop=self.stop,
            break_off=self._lines.break_off,
            longest_s=max((job.account.limits.timeout_s for job in self._work.jobs), default=0.0),
        )

    async def outcome(self) -> RunResult:
        """Wait for the end of a run that nobody watches. Cancelled, drain the run before the cancellation passes."""
        hosted = self._begun()
        try:
            await asyncio.wait({hosted.task})
        except asyncio.CancelledError as error:
            await drain([hosted], is_cancelled=True)
            self._raise_failure(error)
            raise
        self._raise_failure(None)
        return self.result

    async def leave(self, error: BaseException | None) -> None:
        """End the block in which the run was watched, with the error that ends it: stop the run and drain it."""
        hosted = self._begun()
        self._events.leave()
        await drain([hosted], is_cancelled=isinstance(error, asyncio.CancelledError))
        self._raise_failure(error)

    def _begun(self) -> Hosted:
        if self._hosted is None:
            raise EngineError("the run has not begun")
        return self._hosted

    def _raise_failure(self, error: BaseException | None) -> None:
        """Raise what ended the run instead of a result, unless the caller has an error of its own.

        An `EngineError` of the caller is replaced, as the failure may be its cause ("the run has not ended"), and stays
        as the context. A failure that is not raised goes to the event loop's exception handler.
        """
        hosted = self._begun()
        failure = hosted.failure()
        if failure is None:
            return
        if error is None or isinstance(error, EngineError):
            raise failure
        tell_loop(failure, hosted.task)

    async def _execute(self) -> RunResult:
        error: BaseException | None = None
        try:
            with plain():
                return await self._execution.execute()
        except BaseException as raised:
            error = raised
            raise
        finally:
            self._events.end()
            self._telling.ended(error)


class Pending(AbstractAsyncContextManager[Run]):
    """A run that has not begun: `async with` it to watch it, or await `result()` for the outcome alone. Once.

    The run has a task of its own, which sees the caller's `contextvars`. It is stopped when its block is left early, by
    `break`, an error, a cancellation, or an async generator around it that nobody reads to its end, and when `result()`
    is cancelled; that waits until

    - requests in flight are answered, and what became of them is written down,
    - the run's end is in the ledger's journal, with the result as far as it got (exit code 5),

    for a request's timeout and 5 s at most (`asyncio.timeout` waits so long, too). Then the cancellation goes on to the
    caller. A second cancellation breaks off what is in flight: those rows are written down as of unknown outcome, the
    journal is closed, and that takes 5 s at most. A third one waits for nothing. Whatever was not written down then is
    as after a power cut: the intents are in the ledger, and the next run sends those rows again by their keys.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._is_used = False

    def __del__(self) -> None:
        """Warn of a run that nobody began, as Python warns of a coroutine that nobody awaits. Nothing was sent."""
        if not self._is_used:
            text = f"the run {self._run.name} was never begun, and nothing was sent: `async with` it, or await it"
            warn(text, RuntimeWarning, stacklevel=2, source=self)

    def __await__(self) -> Generator[Any, None, RunResult]:
        """Do the run and return its outcome: `await engine.sync(companies)` is short for its `result()`."""
        return self.result().__await__()

    async def result(self) -> RunResult:
        """Do the run and return its outcome. Cancelling it stops and drains the run first."""
        self._is_used = True
        self._run.begin(watched=False)
        return await self._run.outcome()

    async def __aenter__(self) -> Run:
        self._is_used = True
        self._run.begin(watched=True)
        return self._run

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._run.leave(error)
