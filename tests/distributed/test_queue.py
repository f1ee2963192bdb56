"""The queue itself: who waits, who is taken for dead, and what is put there again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import cast

import psycopg
import pytest
import time_machine
from procrastinate.jobs import Job, Status

from engine.distributed.company_job import TASK, CompanyJob
from engine.distributed.doing import Doing
from engine.distributed.enqueue import Enqueued, enqueue
from engine.distributed.members import Member, members_of
from engine.distributed.pace import Pace
from engine.distributed.queue import JobQueue, jobs_of, open_queue
from engine.distributed.rescue import rescue
from engine.distributed.tasks import TIDY, add_tasks
from engine.errors import ConfigError, LedgerError
from engine.model.settings import Api, Company, Settings
from tests.distributed.conftest import ORIGIN
from tests.postgres_server import PostgresServer
from tests.sandbox.world import Rows, dims
from tests.unit.test_queue_rules import accounts

JOB = CompanyJob(origin=ORIGIN, account_id="racc_main", company_id=123)
QUICK = Pace(heartbeat_s=0.1)


def members(*company_ids: int) -> list[Member]:
    settings = Settings(accounts=accounts("main"), api=Api(base_url=ORIGIN))
    return members_of(settings, [Company(id=number, source=Rows(dims(1))) for number in company_ids])


async def taken(queue: JobQueue) -> Job:
    """Take the next job, as a worker of a number of its own."""
    number = await queue.app.job_manager.register_worker()
    job = await queue.app.job_manager.fetch_job([queue.name], number)
    assert job is not None
    return job


async def silence(queue: JobQueue) -> None:
    """Let all workers have died a minute ago."""
    async with queue._pool.connection() as connection:
        await connection.execute("update procrastinate_workers set last_heartbeat = now() - interval '1 minute'")


async def companies(queue: JobQueue) -> list[int]:
    return [job.company_id for job in jobs_of(await queue.waiting())]


async def test_a_company_waits_once(queue: JobQueue) -> None:
    assert await enqueue(queue, members(1, 2)) == Enqueued(added=2, hastened=0, waiting=0)
    assert await enqueue(queue, members(1, 2, 3)) == Enqueued(added=1, hastened=0, waiting=2)
    assert await companies(queue) == [1, 2, 3]


async def test_one_that_is_under_way_waits_once_more(queue: JobQueue) -> None:
    await enqueue(queue, members(1))
    await taken(queue)
    assert await enqueue(queue, members(1)) == Enqueued(added=1, hastened=0, waiting=0)
    assert await enqueue(queue, members(1)) == Enqueued(added=0, hastened=0, waiting=1)
    assert await queue.app.job_manager.fetch_job([queue.name], 1) is None, "no two at once"


async def test_one_that_waits_for_a_later_time_is_hastened(queue: JobQueue) -> None:
    (member,) = members(1)
    await queue.put(member.job, after_s=3_600.0)
    assert await enqueue(queue, [member]) == Enqueued(added=0, hastened=1, waiting=0)
    assert (await taken(queue)).lock == member.job.lock


@pytest.mark.parametrize("leap", [timedelta(days=365), timedelta(days=-365)], ids=["ahead", "behind"])
async def test_a_job_for_later_begins_by_the_databases_clock(queue: JobQueue, leap: timedelta) -> None:
    """By a worker's own clock that is a year ahead, the company would stay out of the queue for that year."""
    (member,) = members(1)
    before = await queue.now()
    with time_machine.travel(datetime.now(UTC) + leap, tick=True):
        await queue.put(member.job, after_s=3_600.0)
        (job,) = await queue.waiting()
        assert job.scheduled_at is not None
        assert timedelta() <= job.scheduled_at - before - timedelta(hours=1) < timedelta(minutes=30)
        assert await queue.due() == []
        assert await enqueue(queue, [member]) == Enqueued(added=0, hastened=1, waiting=0)


async def test_queues_of_two_apis_in_one_database_do_not_meet(queue: JobQueue) -> None:
    other = "https://sandbox.example.com/v1"
    async with open_queue(queue.url, other) as another:
        await queue.put(JOB)
        assert await another.waiting() == []
        assert await another.put(CompanyJob(origin=other, account_id="racc_main", company_id=123))
        assert jobs_of([await taken(another)])[0].origin == other
        assert len(await queue.waiting()) == 1


async def test_the_job_of_a_silent_worker_waits_again(queue: JobQueue) -> None:
    await queue.put(JOB)
    dead = await taken(queue)
    assert await rescue(queue, Pace()) == []
    await silence(queue)
    assert await rescue(queue, Pace()) == [JOB]
    (waiting,) = jobs_of(await queue.waiting())
    assert (waiting.lock, waiting.deaths) == (JOB.lock, 1)
    assert await queue.under_way() == []
    assert (await taken(queue)).id != dead.id, "a worker that was only frozen ends its own job alone"


async def test_where_another_job_of_the_company_waits_that_one_goes_on(queue: JobQueue) -> None:
    await queue.put(JOB)
    await taken(queue)
    await queue.put(JOB)
    await silence(queue)
    assert await rescue(queue, Pace()) == [JOB]
    assert jobs_of([await taken(queue)]) == [JOB]
    assert await queue.waiting() == []


async def test_two_workers_may_look_for_dead_ones_at_once(queue: JobQueue) -> None:
    for number in range(5):
        await queue.put(CompanyJob(origin=ORIGIN, account_id="racc_main", company_id=number))
        await taken(queue)
    await silence(queue)
    found = await asyncio.gather(*(rescue(queue, Pace()) for _ in range(3)))
    assert sorted(job.company_id for jobs in found for job in jobs) == [0, 1, 2, 3, 4]
    assert sorted(await companies(queue)) == [0, 1, 2, 3, 4]


async def test_a_company_that_workers_die_of_waits_longer_each_time(queue: JobQueue) -> None:
    await queue.put(CompanyJob(origin=ORIGIN, account_id="racc_main", company_id=123, deaths=1))
    await taken(queue)
    await silence(queue)
    await rescue(queue, Pace())
    (waiting,) = await queue.waiting()
    assert (jobs_of([waiting])[0].deaths, waiting.scheduled_at is None) == (2, False)


async def test_a_job_that_broke_waits_again(queue: JobQueue) -> None:
    manager = queue.app.job_manager
    await queue.put(JOB)
    broken = await taken(queue)
    await manager.finish_job(broken, Status.FAILED, delete_job=False)
    await queue.put(JOB)
    await rescue(queue, Pace())
    assert len(await queue.failed()) == 1, "another one waits"
    await taken(queue)
    await rescue(queue, Pace())
    assert [job.id for job in await queue.waiting()] == [broken.id]


async def test_the_tables_are_made_once_by_however_many_come_first(postgres: PostgresServer) -> None:
    async def come(url: str) -> bool:
        async with open_queue(url, ORIGIN) as opened:
            return await opened.put(JOB)

    with postgres.empty_database() as url:
        assert sorted(await asyncio.gather(*(come(url) for _ in range(4)))) == [False, False, False, True]


async def test_those_who_enqueue_at_once_enqueue_each_company_once(queue: JobQueue) -> None:
    every = [member.job for member in members(*range(1, 31))]
    added = await asyncio.gather(*(queue.put_all(jobs) for jobs in (every, every[::-1], every[10:])))
    assert sum(added) == len(await queue.waiting()) == 30
    assert await queue.put_all(every) == 0


async def test_one_scheduler_at_a_time(queue: JobQueue) -> None:
    async with queue.alone("schedule") as one, queue.alone("schedule") as other, queue.alone("else") as third:
        assert (one, other, third) == (True, False, True)
    async with queue.alone("schedule") as one:
        assert one


async def test_a_database_that_is_not_there_is_told(postgres: PostgresServer) -> None:
    with pytest.raises(LedgerError, match=r"The queue of jobs in .* cannot be used: .*does not exist"):
        async with open_queue(postgres.url("nowhere"), ORIGIN):
            pass
    with pytest.raises(ConfigError, match="holds a password"):
        async with open_queue("postgresql://a:secret@host/db", ORIGIN):
            pass


async def test_procrastinate_watches_over_heartbeat_and_listening(queue: JobQueue) -> None:
    """It does so only as long as there is a periodic task."""
    add_tasks(queue, doing=cast("Doing", None))
    assert set(queue.app.tasks) >= {TASK, TIDY}
    assert [name for name, _ in queue.app.periodic_registry.periodic_tasks] == [TIDY]
    assert queue.app.tasks[TASK].retry_strategy is None


async def test_the_queue_has_a_schema_of_its_own(queue: JobQueue) -> None:
    with psycopg.connect(queue.url) as connection:
        found = connection.execute(
            "select distinct table_schema from information_schema.tables where table_name like 'procrastinate%'"
        ).fetchall()
    assert found == [("dimsync_jobs",)]
