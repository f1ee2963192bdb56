"""The state of the queue and of its workers, read from the database alone: procrastinate need not be installed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from engine.distributed.company_job import TASK, queue_of
from engine.distributed.pace import USUAL, Pace
from engine.distributed.schema import SCHEMA
from engine.ledger.postgres.address import checked
from engine.ledger.postgres.session import Session

IS_THERE = f"select to_regclass('{SCHEMA}.procrastinate_jobs') is not null, now()"
WORKERS = f"""
    select id, last_heartbeat, host, pid, runs from {SCHEMA}.procrastinate_workers
    left join {SCHEMA}.worker_notes on worker_id = id order by id
"""  # noqa: S608  our own schema
UNDER_WAY = f"""
    select worker_id, lock, args, coalesce(
        (select max(at) from {SCHEMA}.procrastinate_events where job_id = jobs.id and type = 'started'), now()
    ) as since
    from {SCHEMA}.procrastinate_jobs as jobs
    where status = 'doing' and task_name = ? and queue_name = ? order by since, id
"""  # noqa: S608  our own schema
QUEUE = f"""
    select count(*) filter (where is_due), min(at) filter (where is_due),
           count(*) filter (where not is_due), min(at) filter (where not is_due)
    from (
        select coalesce(scheduled_at, (select min(at) from {SCHEMA}.procrastinate_events where job_id = jobs.id)) as at,
               scheduled_at is null or scheduled_at <= now() as is_due
        from {SCHEMA}.procrastinate_jobs as jobs where status = 'todo' and task_name = ? and queue_name = ?
    ) as waiting
"""  # noqa: S608  our own schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """The waiting jobs of a queue."""

    at: datetime | None = None  # by the database's clock; None: it has no queue
    waiting: int = 0  # jobs that could begin now
    oldest_at: datetime | None = None  # since when the one of them that waits longest could have begun
    later: int = 0  # jobs for a later time
    next_at: datetime | None = None  # when the first of them may begin

    @property
    def oldest_s(self) -> float:
        """For how many seconds the job that waits longest could have begun; 0: none waits."""
        return 0.0 if self.oldest_at is None or self.at is None else (self.at - self.oldest_at).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class AtWork:
    """A company that a worker is syncing, or was syncing when it died."""

    account_id: str
    company_id: int
    since: datetime
    run_id: str | None  # None: the worker has not told it, as in the first second of a job


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenWorker:
    """A worker. Those that died and were deleted from the queue's tables are shown as one, whose number is None."""

    number: int | None
    host: str | None  # None: the worker has not told it yet
    pid: int | None
    heard_at: datetime | None  # when it sent its last heartbeat
    is_silent: bool  # nothing was heard of it for so long that it is taken for dead
    companies: tuple[AtWork, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The workers of a database and the queue of one API."""

    queue: Queue
    workers: tuple[SeenWorker, ...] = ()


def read_overview(url: str, origin: str, pace: Pace = USUAL) -> Overview:
    """Return what workers are doing. `url`: of a ledger in Postgres. `origin`: the API whose queue is meant.

    Raises `ConfigError` for a URL that no Postgres ledger has, and `LedgerError` if the database cannot be reached.
    """
    silent = timedelta(seconds=pace.silent_s)
    with closing(_session(url)) as session:
        session.execute("begin isolation level repeatable read read only")
        at = _there_at(session)
        if at is None:
            return Overview(queue=Queue())
        return Overview(queue=_queue(session, origin, at), workers=tuple(_workers(session, origin, at - silent)))


def read_queue(url: str, origin: str) -> Queue:
    """Return the jobs that wait; raises as `read_overview`."""
    with closing(_session(url)) as session:
        session.execute("begin read only")
        at = _there_at(session)
        return Queue() if at is None else _queue(session, origin, at)


def _session(url: str) -> Session:
    address = checked(url)
    return Session(address, address, lambda _: None)


def _there_at(session: Session) -> datetime | None:
    """Return the time by the database's clock; None: the database has no queue."""
    ((is_there, now),) = session.execute(IS_THERE).fetchall()
    at: datetime = now
    return at if is_there else None


def _queue(session: Session, origin: str, at: datetime) -> Queue:
    ((waiting, oldest_at, later, next_at),) = session.execute(QUEUE, (TASK, queue_of(origin))).fetchall()
    return Queue(at=at, waiting=waiting, oldest_at=oldest_at, later=later, next_at=next_at)


def _workers(session: Session, origin: str, silent_before: datetime) -> Iterator[SeenWorker]:
    """Yield the workers; last, as one, those that were deleted while they had jobs."""
    jobs: dict[int | None, list[tuple[str, dict[str, Any], datetime]]] = {}
    for number, *job in session.execute(UNDER_WAY, (TASK, queue_of(origin))).fetchall():
        jobs.setdefault(number, []).append((job[0], job[1], job[2]))
    for number, heard_at, host, pid, runs in session.execute(WORKERS).fetchall():
        yield SeenWorker(
            number=number,
            host=host,
            pid=pid,
            heard_at=heard_at,
            is_silent=heard_at < silent_before,
            companies=tuple(_at_work(job, runs or {}) for job in jobs.pop(number, ())),
        )
    if left := [job for of in jobs.values() for job in of]:
        companies = tuple(_at_work(job, {}) for job in left)
        yield SeenWorker(number=None, host=None, pid=None, heard_at=None, is_silent=True, companies=companies)


def _at_work(job: tuple[str, dict[str, Any], datetime], runs: Mapping[str, str]) -> AtWork:
    lock, args, since = job
    return AtWork(account_id=args["account_id"], company_id=args["company_id"], since=since, run_id=runs.get(lock))
