"""Runs in tasks of their own, which the engine keeps.

The task that waits for a run, or reads its events, may be cancelled, or may be an abandoned generator that the event
loop closes in another task. The run ends in order all the same, and cancels no task but its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass
from typing import Any

import anyio

from engine.errors import EngineError, OutcomeUnknown
from engine.model.result import RunResult
from engine.net.http.exchange import Answer, Request, Transport

GRACE_S = 5.0
"""Time to write down what a request did: after its own timeout, and after requests in flight were broken off."""


class Lines:
    """A run's requests that are in flight, which can be broken off all at once."""

    def __init__(self) -> None:
        self.waiting: set[asyncio.Task[Any]] = set()  # requests that wait for an answer
        self.broken = asyncio.Event()

    def over(self, transport: Transport) -> Transport:
        """Return a transport whose requests end when `break_off` is called."""
        return _Breakable(transport, self)

    def break_off(self) -> None:
        """Wait for no answer any more: each request ends as one whose outcome is unknown."""
        self.broken.set()
        for task in self.waiting:
            task.cancel()


class _Breakable:
    def __init__(self, transport: Transport, lines: Lines) -> None:
        self._transport = transport
        self._lines = lines

    async def send(self, request: Request) -> Answer:
        """Exchange one request. Raises `OutcomeUnknown` when it is broken off, and what the transport raises."""
        lines, task = self._lines, asyncio.current_task()
        if task is None or lines.broken.is_set():
            raise OutcomeUnknown("not sent: the run was broken off", unsent=True)
        lines.waiting.add(task)
        try:
            return await self._transport.send(request)
        except asyncio.CancelledError:
            if not lines.broken.is_set():
                raise
            task.uncancel()
            raise OutcomeUnknown("the run was broken off before the answer came") from None
        finally:
            lines.waiting.discard(task)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hosted:
    """A run under way."""

    task: asyncio.Task[RunResult]
    stop: Callable[[], None]  # begin nothing more; what is in flight is answered and written down
    break_off: Callable[[], None]  # wait for no answer any more
    longest_s: float  # how long one request may take

    def failure(self) -> BaseException | None:
        """Return what ended the run instead of a result; None: nothing did, or it has not ended."""
        if not self.task.done():
            return None
        if self.task.cancelled():  # by a loop that is being closed, which cancels all of its tasks
            return EngineError("the run's task was cancelled from outside, as by a program that cancels all tasks")
        return self.task.exception()


class RunHost:
    """The runs of an engine, from its opening to its closing, and again."""

    def __init__(self) -> None:
        self.is_open: bool = False
        self._runs: set[Hosted] = set()
        self._loop: asyncio.AbstractEventLoop | None = None  # in which it was opened

    def take(
        self,
        work: Coroutine[Any, Any, RunResult],
        *,
        name: str,
        stop: Callable[[], None],
        break_off: Callable[[], None],
        longest_s: float,
    ) -> Hosted:
        """Begin a run in a task of its own, in the caller's context (`contextvars`)."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        hosted = Hosted(task=task, stop=stop, break_off=break_off, longest_s=longest_s)
        self._runs.add(hosted)
        task.add_done_callback(lambda _: self._runs.discard(hosted))
        return hosted

    def open(self) -> None:
        """Take runs from now on, in the event loop that runs here."""
        self.is_open = True
        self._loop = asyncio.get_running_loop()

    def require_own_loop(self) -> None:
        """Raise `EngineError` in another event loop than the one in which it was opened."""
        if asyncio.get_running_loop() is not self._loop:
            text = (
                "the engine was entered in another event loop, as by another `asyncio.run`: an engine serves one loop;"
            )
            raise EngineError(f"{text} enter it where its runs are begun, or make one engine for each loop")

    async def close(self, *, is_cancelled: bool) -> None:
        """Take no more runs, and drain those that are under way. Whoever waits for these gets their results."""
        self.is_open = False
        await drain(tuple(self._runs), is_cancelled=is_cancelled)


async def drain(runs: Collection[Hosted], *, is_cancelled: bool) -> None:
    """Stop runs and wait until what they have in flight is answered and written down.

    At most for a request's timeout and `GRACE_S`. `is_cancelled`: the caller has been cancelled already; cancelled
    again, it breaks off what is in flight, to be written down as of unknown outcome, and waits `GRACE_S` at most.
    A caller who is cancelled here for the first time waits on, and is told of it (`CancelledError`) at the end.
    """
    left = {run.task for run in runs if not run.task.done()}
    for run in runs:
        run.stop()
    loop, most = asyncio.get_running_loop(), 1 if is_cancelled else 2
    cancelled: list[asyncio.CancelledError] = []
    give_up_at_s = loop.time() + max((run.longest_s for run in runs), default=0.0) + GRACE_S
    while left and len(cancelled) < most and loop.time() < give_up_at_s:
        try:
            with anyio.CancelScope(shield=True):  # a scope of the caller's that is cancelled would end each wait
                _, left = await asyncio.wait(left, timeout=give_up_at_s - loop.time())
        except asyncio.CancelledError as error:
            cancelled.append(error)
            left = {task for task in left if not task.done()}
    if left:
        for run in runs:
            run.break_off()
        with anyio.CancelScope(shield=True):
            await asyncio.wait(left, timeout=GRACE_S)
    if cancelled and not is_cancelled:
        raise cancelled[0]


def tell_loop(error: BaseException, task: asyncio.Task[RunResult]) -> None:
    """Hand an error that cannot be raised to the event loop's exception handler, as asyncio does."""
    context = {"message": "a run failed while its block was being left", "exception": error, "task": task}
    asyncio.get_running_loop().call_exception_handler(context)
