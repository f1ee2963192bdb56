"""A worker: takes jobs from the queue and does them, on one engine, until it is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psycopg
from procrastinate.worker import Worker

from engine.distributed.company_job import CompanyJob
from engine.distributed.doing import Doing
from engine.distributed.pace import GRACE_S, USUAL, Pace, wait
from engine.distributed.queue import JobQueue, open_queue
from engine.distributed.rescue import rescue
from engine.distributed.roster import Roster
from engine.distributed.tasks import add_tasks
from engine.distributed.watching import Watcher
from engine.errors import LedgerError
from engine.model.origin import origin_of
from engine.model.settings import Settings
from engine.observe.telemetry import Telemetry
from engine.run.engine import Engine

AT_ONCE = 8
"""Companies that a worker syncs at a time, unless it is told another number.

A job of a small company is some five requests of 30 to 50 ms, and some 25 ms of computing: eight of them keep most of a
processor busy. Each holds its company's rows in memory.
"""

TRYING = "It is tried again until it is there."
SILENT = "The worker was silent for so long that it was taken for dead, and others have its jobs. It begins anew."


class _TakenForDeadError(LedgerError):
    """The queue does not know this worker any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """What a worker is to do."""

    settings: Settings  # the worker knows their companies
    read: Callable[[], Settings] | None = None  # reads the settings again, for companies that were added
    tell: Callable[[str], None]  # receives what the worker does, a line at a time
    warn: Callable[[str], None]  # receives warnings, also for people who do not follow those lines
    at_once: int = AT_ONCE
    until_empty: bool = False  # end when no job is left that may begin now
    pace: Pace = USUAL
    watchers: Sequence[Watcher] = ()
    telemetry: Telemetry | None = None


async def work(shift: Shift, stop: asyncio.Event) -> None:
    """Do jobs until `stop` is set or, with `until_empty`, none is left. A database that goes away later is waited for.

    Once stopped, the worker takes no more jobs; those under way may run on for `GRACE_S`, then they are cancelled (see
    `Doing.do`). Raises `ConfigError`, and `LedgerError` if the database cannot be reached at the start.
    """
    settings, patience_s = shift.settings, shift.pace.patience_s
    url, origin = settings.ledger_url, origin_of(settings.api.base_url)
    has_begun, trouble = False, ""
    async with Engine(settings, telemetry=shift.telemetry) as engine:
        roster = Roster(engine, settings, shift.read, shift.warn)
        while not stop.is_set():
            try:
                async with open_queue(url, origin, patience_s=patience_s) as queue:
                    has_begun, trouble = True, ""
                    if await _Session(shift, engine, queue, roster).work(stop):
                        return
                    told = f"The connection to the queue of jobs was lost. {TRYING}"
            except LedgerError as error:
                if not has_begun:
                    raise
                told = SILENT if isinstance(error, _TakenForDeadError) else f"{error} {TRYING}"
            if told != trouble and not stop.is_set():
                shift.warn(told)
            trouble = told
            await wait(stop, shift.pace.reconnect_s)


class _Session:
    """A worker's time with one opened queue: it ends when the worker is stopped, or the database goes away."""

    def __init__(self, shift: Shift, engine: Engine, queue: JobQueue, roster: Roster) -> None:
        self._shift = shift
        self._queue = queue
        self._pace = shift.pace
        self._doing = Doing(
            engine,
            queue,
            roster,
            pace=shift.pace,
            tell=shift.tell,
            warn=shift.warn,
            watchers=shift.watchers,
        )
        add_tasks(queue, self._doing)
        self._worker = Worker(
            app=queue.app,
            queues=[queue.name],
            concurrency=shift.at_once,
            fetch_job_polling_interval=shift.pace.poll_s,
            abort_job_polling_interval=shift.pace.poll_s,
            shutdown_graceful_timeout=GRACE_S,
            delete_jobs="successful",
            install_signal_handlers=False,
            update_heartbeat_interval=shift.pace.heartbeat_s,
            stalled_worker_timeout=shift.pace.silent_s,
        )
        self._ended = asyncio.Event()
        self._is_through = False

    async def work(self, stop: asyncio.Event) -> bool:
        """Do jobs until the session ends; return whether it ended because no job is left. Raises `LedgerError`."""
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(self._run())
            heeding = tasks.create_task(self._heed(stop))
            tasks.create_task(self._sweep())
            tasks.create_task(self._announce())
            if self._shift.until_empty:
                tasks.create_task(self._end_when_empty())
            await self._ended.wait()
            heeding.cancel()
        if (lost := running.result()) is not None:
            raise lost
        return self._is_through

    async def _run(self) -> LedgerError | None:
        """Run procrastinate's worker; return its error, if any. An error that is raised would cancel other tasks."""
        try:
            with self._queue.explained():
                await self._worker.run()
        except LedgerError as error:
            cause = error.__cause__ and error.__cause__.__cause__
            is_forgotten = isinstance(cause, psycopg.errors.ForeignKeyViolation)  # the worker's number is gone
            return _TakenForDeadError(SILENT) if is_forgotten else error
        finally:
            self._ended.set()
        return None

    async def _heed(self, stop: asyncio.Event) -> None:
        """Stop procrastinate's worker when `stop` is set; then send the heartbeats that it has stopped sending."""
        await stop.wait()
        self._worker.stop()
        while (number := self._worker.worker_id) is not None:
            await self._queue.live(number)
            await wait(self._ended, self._pace.heartbeat_s)

    async def _announce(self) -> None:
        """Tell the watchers the worker's number, once it has one."""
        while self._worker.worker_id is None and not self._ended.is_set():
            await wait(self._ended, self._pace.idle_s)
        if self._worker.worker_id is not None:
            for watcher in self._shift.watchers:
                watcher.registered(self._worker.worker_id)

    async def _sweep(self) -> None:
        """Rescue the jobs of dead workers, as often as this worker sends a heartbeat."""
        while not self._ended.is_set():
            with suppress(LedgerError):  # the session ends by itself if the database is away
                for job in await rescue(self._queue, self._pace):
                    self._shift.warn(_died_words(job))
            await wait(self._ended, self._pace.heartbeat_s)

    async def _end_when_empty(self) -> None:
        """Stop the worker when it is doing no job and no waiting job may begin now."""
        while not self._ended.is_set():
            with suppress(LedgerError):
                if await self._is_empty():
                    self._is_through = True
                    self._worker.stop()
                    return
            await wait(self._ended, self._pace.idle_s)

    async def _is_empty(self) -> bool:
        """Return whether no job is left here. Jobs for a later time, and jobs of other workers, do not count."""
        if self._doing.at_work or self._worker.worker_id is None:
            return False
        under_way = await self._queue.under_way()
        has_taken = any(job.worker_id == self._worker.worker_id for job in under_way)  # taken, not begun yet
        return not has_taken and not await self._queue.due()


def _died_words(job: CompanyJob) -> str:
    """Return what is said of a job whose worker has died."""
    told = f"company {job.company_id}: its worker has died, its job waits again"
    workers = "a worker" if job.deaths == 1 else f"{job.deaths:,} workers"
    more = f" (as {workers} before it, with this company: does it need more memory than there is?)"
    return f"{told}{more}" if job.deaths else told
