"""The queue of jobs, which lies in the ledger's database."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime, timedelta

import psycopg
import psycopg_pool
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status
from psycopg.rows import dict_row, scalar_row

from engine.distributed.company_job import TASK, CompanyJob, queue_of
from engine.distributed.schema import SCHEMA, make_schema
from engine.errors import LedgerError
from engine.ledger.postgres.address import checked
from engine.ledger.postgres.session import CONNECT_TIMEOUT_S

CONNECTIONS = 3
"""The most connections that a worker has to its queue, which jobs use seldom. One more listens for new jobs."""

NOW = "select clock_timestamp()"
ALONE = "select pg_try_advisory_xact_lock(hashtextextended(%s, 0)) as is_taken"


class JobQueue:
    """The queue of one API; made by `open_queue`. Errors of the database are `LedgerError`."""

    def __init__(self, app: App, pool: psycopg_pool.AsyncConnectionPool, origin: str, url: str) -> None:
        self.app = app
        self.origin = origin
        self.name = queue_of(origin)
        self.url = url
        self._pool = pool

    async def put(self, job: CompanyJob, after_s: float = 0.0) -> bool:
        """Add a job that may begin in `after_s` seconds; return False if a job of its company is waiting already."""
        at = await self.now() + timedelta(seconds=after_s) if after_s > 0 else None
        return await self._add([self._made(job, at)])

    async def put_all(self, jobs: Sequence[CompanyJob]) -> int:
        """Add, in their order, the jobs of companies of which no job is waiting; return how many were added."""
        waiting = {job.lock for job in await self.waiting()}
        new = [self._made(job) for job in jobs if job.lock not in waiting]
        if not new or await self._add(new):
            return len(new)
        return sum([await self._add([each]) for each in new])  # another process adds some of them at this moment

    async def now(self) -> datetime:
        """Return the time by the database's clock, which lets jobs begin: a worker's own may be wrong by a year."""
        with self.explained():
            async with self._pool.connection() as connection:
                cursor = connection.cursor(row_factory=scalar_row)
                found: list[datetime] = await (await cursor.execute(NOW)).fetchall()
        return found[0]

    def _made(self, job: CompanyJob, at: datetime | None = None) -> Job:
        return Job(
            queue=self.name,
            task_name=TASK,
            lock=job.lock,
            queueing_lock=job.lock,
            task_kwargs=job.args(),
            scheduled_at=at,
        )

    async def _add(self, jobs: list[Job]) -> bool:
        """Add all jobs or none; return False if another job of one of their companies is waiting."""
        try:
            await self.app.job_manager.batch_defer_jobs_async(jobs)
        except AlreadyEnqueued:
            return False
        except ConnectorException as error:
            if isinstance(error.__cause__, psycopg.errors.DeadlockDetected):  # another process adds in another order
                return False
            raise LedgerError(self._failed(error)) from error
        except AssertionError as error:  # procrastinate knows the error by English words; the server may use others
            if isinstance(error.__context__, psycopg.errors.UniqueViolation):
                return False
            raise
        return True

    async def waiting(self) -> list[Job]:
        """Return the jobs that are waiting, also those for a later time."""
        return await self._jobs(Status.TODO)

    async def due(self) -> list[Job]:
        """Return the waiting jobs that may begin now, except those of companies that a worker is syncing."""
        now = await self.now()
        taken = {job.lock for job in await self.under_way()}
        return [job for job in await self.waiting() if job.lock not in taken and (job.scheduled_at or now) <= now]

    async def under_way(self) -> list[Job]:
        """Return the jobs that a worker is doing, or was doing when it died."""
        return await self._jobs(Status.DOING)

    async def take_out(self, job: Job) -> bool:
        """Delete a waiting job; return False if it is not waiting any more."""
        with self.explained():
            return await self.app.job_manager.cancel_job_by_id_async(_id(job), delete_job=True)

    async def silent(self, seconds: float) -> list[Job]:
        """Return the jobs of workers that are known to be dead, or that sent no heartbeat for `seconds`."""
        with self.explained():
            stalled = self.app.job_manager.get_stalled_jobs
            return list(await stalled(queue=self.name, seconds_since_heartbeat=seconds))

    async def live(self, worker_id: int) -> None:
        """Record a heartbeat of a worker; do nothing if the database cannot be reached."""
        with suppress(LedgerError), self.explained():
            await self.app.job_manager.update_heartbeat(worker_id)

    async def forget_silent_workers(self, seconds: float) -> None:
        """Delete the entries of workers that sent no heartbeat for `seconds`."""
        with self.explained():
            await self.app.job_manager.prune_stalled_workers(seconds)

    async def failed(self) -> list[Job]:
        """Return the jobs that ended in an error."""
        return await self._jobs(Status.FAILED)

    async def forget(self, job: Job) -> bool:
        """Delete a job that a worker had taken; return False if another process has done so."""
        return await self._changed(self.app.job_manager.finish_job(job, Status.FAILED, delete_job=True))

    async def revive(self, job: Job) -> bool:
        """Let a job that ended in an error wait again; return False if one of its company waits, or if it is gone."""
        return await self._changed(self.app.job_manager.retry_job(job))

    async def _changed(self, change: Awaitable[None]) -> bool:
        """Carry out a change of a job; return False if the job's state no longer allows it."""
        try:
            await change
        except UniqueViolation:
            return False
        except ConnectorException as error:
            if isinstance(error.__cause__, psycopg.errors.RaiseException):
                return False
            raise LedgerError(self._failed(error)) from error
        return True

    @asynccontextmanager
    async def alone(self, what: str) -> AsyncIterator[bool]:
        """Keep other processes out of the block called `what` until it is left; give False if one is in it already."""
        with self.explained():
            async with self._pool.connection() as connection:
                cursor = connection.cursor(row_factory=dict_row)
                found = await (await cursor.execute(ALONE, (f"{SCHEMA} {self.name}: {what}",))).fetchone()
                yield bool(found and found["is_taken"])

    async def _jobs(self, status: Status) -> list[Job]:
        with self.explained():
            return list(await self.app.job_manager.list_jobs_async(queue=self.name, task=TASK, status=status.value))

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn the database's errors in a block into `LedgerError`."""
        try:
            yield
        except (ConnectorException, psycopg.Error) as error:
            raise LedgerError(self._failed(error)) from error

    def _failed(self, error: Exception) -> str:
        return f"The queue of jobs in {self.url} failed: {_said(error)}."


@asynccontextmanager
async def open_queue(url: str, origin: str, *, patience_s: float = CONNECT_TIMEOUT_S) -> AsyncIterator[JobQueue]:
    """Open the queue of an API in the ledger's database; make its tables if they are missing.

    `patience_s`: how long an operation waits for a database that goes away later, before it fails.
    Raises `ConfigError` for a URL that no Postgres ledger has, and `LedgerError` if the database cannot be reached.
    """
    address = checked(url)
    who = f"dimsync jobs {socket.gethostname()} {os.getpid()}"
    try:
        async with await psycopg.AsyncConnection.connect(
            address, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S, fallback_application_name=who
        ) as connection:
            await make_schema(connection)
    except psycopg.Error as error:
        raise LedgerError(f"The queue of jobs in {address} cannot be used: {_said(error)}.") from error
    connector = PsycopgConnector(
        conninfo=address,
        kwargs={"options": f"-c search_path={SCHEMA}", "fallback_application_name": who},
        min_size=1,
        max_size=CONNECTIONS,
        timeout=patience_s,
    )
    app = App(connector=connector)
    async with app.open_async():
        yield JobQueue(app, connector.pool, origin, address)


def jobs_of(found: Iterable[Job]) -> list[CompanyJob]:
    """Return the jobs of the queue's library as `CompanyJob`s."""
    return [CompanyJob.of(each.task_kwargs) for each in found]


def _id(job: Job) -> int:
    if job.id is None:
        raise LedgerError("A job of the queue has no number.")
    return job.id


def _said(error: Exception) -> str:
    told = error.__cause__ if isinstance(error, ConnectorException) and error.__cause__ else error
    if isinstance(told, psycopg.Error) and told.diag.message_primary:
        return told.diag.message_primary  # without the statement
    return " ".join(str(told).split()).rstrip(".") or type(told).__name__
