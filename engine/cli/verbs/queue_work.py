"""Carry out `worker`: take jobs from the queue until it is stopped."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.verbs.drive import Stop, run_heeding_signals
from engine.cli.verbs.queue_settings import needs_extra, read_settings
from engine.config import Configured
from engine.errors import LedgerError
from engine.model.balance import ExitCode
from engine.model.origin import origin_of
from engine.model.settings import Settings
from engine.observe.terminal import safe

if TYPE_CHECKING:
    from engine.distributed.pace import Pace

LIBRARIES = ("procrastinate", "psycopg.pool")
"""Loggers of the queue's libraries: what they report is told in other words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLine:
    """One command line of `dimsync worker`."""

    config: Path
    jobs: int | None  # None: as many as is usual
    metrics: str | None  # HOST:PORT
    until_empty: bool
    quiet: bool
    heartbeat_s: float | None  # None: the usual one


class StopEvent:
    """Lets a signal end what waits for an event."""

    def __init__(self, words: str, *, quiet: bool) -> None:
        self.event = asyncio.Event()
        self._words = words
        self._quiet = quiet

    def stop(self, code: ExitCode) -> None:  # noqa: ARG002  a worker that was stopped exits with 0
        """End it, and say so."""
        if not self._quiet:
            tell(self._words)
        self.event.set()


def run_worker(line: WorkerLine) -> int:
    """Work until a signal comes, or, if that is asked for, no job is left."""
    configured = read_settings(line.config)
    with needs_extra():
        run_heeding_signals(partial(_work, line, configured))
    return ExitCode.DONE


async def _work(line: WorkerLine, configured: Configured, stop: Stop) -> None:
    from engine.cli.verbs.queue_notices import Notifier  # noqa: PLC0415  an extra
    from engine.distributed.seen import seen  # noqa: PLC0415
    from engine.distributed.worker import AT_ONCE, Shift, work  # noqa: PLC0415

    hush()
    settings = _settings(configured)
    at_once = line.jobs or AT_ONCE
    stopping = StopEvent("stopping: finishing requests in flight, once more to quit at once", quiet=line.quiet)
    stop.watch(stopping, ())
    if not line.quiet:
        who = f"worker {socket.gethostname()} {os.getpid()}"
        what = f"{len(settings.companies):,} companies of {safe(origin_of(settings.api.base_url))}"
        tell(f"{who}: {what}, {at_once:,} at a time, queue and ledger in {safe(settings.ledger_url)}")
    notifier = Notifier(configured, str(line.config))
    with seen(settings, line.metrics, lambda: not stopping.event.is_set()) as sight:
        if sight.address is not None and not line.quiet:
            tell(f"metrics are served at http://{sight.address}/metrics")
        shift = Shift(
            settings=settings,
            read=lambda: _settings(read_settings(line.config)),
            tell=nothing if line.quiet else tell,
            warn=tell,
            at_once=at_once,
            until_empty=line.until_empty,
            pace=pace_of(line.heartbeat_s),
            watchers=[notifier, *sight.watchers],
            telemetry=sight.telemetry,
        )
        async with asyncio.TaskGroup() as tasks:
            beside = [tasks.create_task(one()) for one in (notifier.keep_telling, sight.keep)]
            try:
                await work(shift, stopping.event)
            finally:
                for one in beside:
                    one.cancel()
    await notifier.look()


def _settings(configured: Configured) -> Settings:
    return replace(configured.settings, companies=configured.companies)


def pace_of(heartbeat_s: float | None) -> Pace:
    """Return the usual pace, or that of a heartbeat."""
    from engine.distributed.pace import Pace  # noqa: PLC0415  an extra

    return Pace() if heartbeat_s is None else Pace(heartbeat_s=heartbeat_s)


def tell(text: str) -> None:
    """Print a line on standard error, with the time before it."""
    click.echo(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {text}", err=True)


def nothing(text: str) -> None:
    """Tell nobody."""


def hush() -> None:
    """Keep what the queue's libraries log, and a job's end that was refused, from standard error.

    An end is refused to a worker that was taken for dead: another one has its job.
    """
    for name in LIBRARIES:
        logging.getLogger(name).addHandler(logging.NullHandler())
        logging.getLogger(name).propagate = False
    loop = asyncio.get_running_loop()

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        from procrastinate.exceptions import ConnectorException  # noqa: PLC0415  an extra

        if not isinstance(context.get("exception"), ConnectorException | LedgerError):
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)
