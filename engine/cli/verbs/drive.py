"""Run the engine from a terminal: show its events as progress, and stop it on signals."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Protocol, TypeVar

import anyio

from engine.cli.progress.log_file import Log
from engine.cli.progress.progress import Progress
from engine.errors import plain
from engine.model.balance import ExitCode
from engine.model.events import Event
from engine.model.result import RunResult
from engine.model.settings import Settings
from engine.run.engine import Engine
from engine.run.run import Pending

T = TypeVar("T")

STOPPING = "stopping: finishing requests in flight, press again to quit at once"


class Watcher(Protocol):
    """Is told of a run's events. The run does not wait for what a watcher does with them."""

    def take(self, event: Event) -> None:
        """Take an event."""

    def say(self, text: str) -> None:
        """Take a text that is about no event."""

    def close(self) -> None:
        """Show what is left. Idempotent."""


class Stoppable(Protocol):
    """What a signal ends in order: a run, or a worker."""

    def stop(self, code: ExitCode) -> None:
        """Begin nothing more, and finish what is in flight."""


class Stop:
    """Handles SIGINT and SIGTERM: after the first, requests in flight are finished; the second ends the process."""

    def __init__(self) -> None:
        self.code: ExitCode | None = None  # None: no signal has come
        self._run: Stoppable | None = None
        self._watchers: Sequence[Watcher] = ()

    def watch(self, run: Stoppable, watchers: Sequence[Watcher]) -> None:
        """Set the run that a signal stops. If a signal has come already, stop it now."""
        self._run, self._watchers = run, watchers
        if self.code is not None:
            run.stop(self.code)

    async def heed(self, signals: AsyncIterator[signal.Signals]) -> None:
        """Wait for signals, and act on each."""
        async for number in signals:
            if self.code is not None:
                self._leave(self.code)
            self.code = ExitCode(128 + number)
            for watcher in self._watchers:
                watcher.say(STOPPING)
            if self._run is not None:
                self._run.stop(self.code)

    def _leave(self, code: ExitCode) -> None:
        """End the process at once. The ledger has every request that was sent and not answered."""
        for watcher in self._watchers:
            watcher.close()
        with suppress(OSError, ValueError):  # the streams are full or closed
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to run."""

    title: str  # shown in the progress display
    settings: Settings
    begin: Callable[[Engine], Pending]
    quiet: bool = False
    log: Log | None = None  # where events are written down, too


async def drive(order: Order, stop: Stop) -> RunResult:
    """Run until the end or until a signal stops the run, and return the result."""
    async with Engine(order.settings) as engine, order.begin(engine) as run:
        with ExitStack() as shown:
            watchers: list[Watcher] = [] if order.log is None else [order.log]
            if not order.quiet:
                watchers.append(shown.enter_context(Progress(order.title, sys.stderr)))
            stop.watch(run, watchers)
            async for event in run:
                for watcher in watchers:
                    watcher.take(event)
    return run.result


def run_heeding_signals(work: Callable[[Stop], Awaitable[T]]) -> T:
    """Run an event loop (uvloop where it is installed) in which SIGINT and SIGTERM stop `work`."""

    async def heeding() -> T:
        gc.freeze()  # the collector need not look through all that is loaded: 20 ms each time
        stop = Stop()
        with plain(), anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(stop.heed, signals)
                result = await work(stop)
                tasks.cancel_scope.cancel()
        return result

    return anyio.run(heeding, backend_options={"use_uvloop": find_spec("uvloop") is not None})
