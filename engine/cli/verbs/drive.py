"""Run the engine from a terminal: events go to the progress display, signals stop the run."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TypeVar

import anyio

from engine.errors import plain
from engine.model.balance import ExitCode
from engine.model.result import RunResult
from engine.model.settings import Settings
from engine.observe.progress import Progress
from engine.run.engine import Engine
from engine.run.run import Pending, Run

T = TypeVar("T")

STOPPING = "stopping: finishing requests in flight, press again to quit at once"


class Stop:
    """What signals do: the first lets the run finish what is in flight, the second leaves at once."""

    def __init__(self) -> None:
        self.code: ExitCode | None = None  # None: nobody wants to stop
        self._run: Run | None = None
        self._progress: Progress | None = None

    def watch(self, run: Run, progress: Progress | None) -> None:
        """Take a run to stop; it stops at once when the signal has come already."""
        self._run, self._progress = run, progress
        if self.code is not None:
            run.stop(self.code)

    async def heed(self, signals: AsyncIterator[signal.Signals]) -> None:
        """Wait for signals and obey them."""
        async for number in signals:
            if self.code is not None:
                self._leave(self.code)
            self.code = ExitCode(128 + number)
            if self._progress is not None:
                self._progress.say(STOPPING)
            if self._run is not None:
                self._run.stop(self.code)

    def _leave(self, code: ExitCode) -> None:
        """End the process here and now. What was sent and not answered is in the ledger as such."""
        if self._progress is not None:
            self._progress.close()
        with suppress(OSError, ValueError):  # they are full or closed
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to run."""

    title: str  # as progress calls it
    settings: Settings
    begin: Callable[[Engine], Pending]
    quiet: bool = False


async def drive(order: Order, stop: Stop) -> RunResult:
    """Run it to its end, or to where a signal stops it, and return the result."""
    async with Engine(order.settings) as engine, order.begin(engine) as run:
        if order.quiet:
            await _follow(run, stop, None)
        else:
            with Progress(order.title, sys.stderr) as progress:
                await _follow(run, stop, progress)
    return run.result


async def _follow(run: Run, stop: Stop, progress: Progress | None) -> None:
    stop.watch(run, progress)
    async for event in run:
        if progress is not None:
            progress.take(event)


def run_heeding_signals(work: Callable[[Stop], Awaitable[T]]) -> T:
    """Run an event loop (uvloop where it is installed) in which SIGINT and SIGTERM stop `work`."""

    async def heeding() -> T:
        gc.freeze()  # what is loaded by now stays: to look at it again and again would hold the loop up for 20 ms
        stop = Stop()
        with plain(), anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(stop.heed, signals)
                result = await work(stop)
                tasks.cancel_scope.cancel()
        return result

    return anyio.run(heeding, backend_options={"use_uvloop": find_spec("uvloop") is not None})
