"""A worker in the test's own process: its sessions with the queue."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import psycopg

from engine.distributed.company_job import CompanyJob
from engine.distributed.members import members_of
from engine.distributed.pace import Pace
from engine.distributed.queue import open_queue
from engine.distributed.watching import Watcher
from engine.distributed.worker import SILENT, Shift, work
from engine.model.result import RunResult
from engine.model.settings import Company
from engine.testing import Sandbox
from tests.sandbox.world import Rows, dims
from tests.service.conftest import until

FORGET = "delete from dimsync_jobs.procrastinate_workers"


@dataclass(slots=True)
class Numbers(Watcher):
    """The numbers that a worker has had."""

    had: list[int] = field(default_factory=list)

    def registered(self, worker_id: int) -> None:
        self.had.append(worker_id)

    def began(self, job: CompanyJob) -> None: ...

    def ended(self, job: CompanyJob, result: RunResult | None) -> None: ...


async def test_a_worker_that_was_taken_for_dead_begins_anew(queue_url: str) -> None:
    async with Sandbox() as api:
        api.place(123)
        companies = (Company(id=123, source=Rows(dims(3))),)
        settings = replace(api.settings(ledger_url=queue_url), companies=companies)
        told: list[str] = []
        numbers, stop = Numbers(), asyncio.Event()
        shift = Shift(
            settings=settings, tell=told.append, warn=told.append, pace=Pace(heartbeat_s=0.2), watchers=[numbers]
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(work(shift, stop))
            await until(lambda: numbers.had)
            async with (
                open_queue(queue_url, api.base_url) as queue,
                await psycopg.AsyncConnection.connect(queue_url, autocommit=True) as connection,
            ):
                await connection.execute(FORGET)
                await queue.put(members_of(settings, companies)[0].job)
                await until(lambda: len(api.rows(123)) == 3)
            stop.set()
        assert told[0] == SILENT
        assert told[1].startswith("company 123: synced, + 3, 4 requests")
        assert len(numbers.had) == 2
