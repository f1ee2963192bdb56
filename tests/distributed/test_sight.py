"""What is seen of workers: by `dimsync workers`, from the database alone, and on a worker's page for Prometheus."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from urllib.request import urlopen

import psycopg
import pytest

from engine.distributed.company_job import CompanyJob
from engine.distributed.overview import AtWork, Overview, Queue, SeenWorker, read_overview, read_queue
from engine.distributed.queue import JobQueue
from engine.distributed.work_notes import NoteWriter, WorkNotes, keep_notes
from engine.errors import ConfigError, LedgerError
from engine.model.events import RunStarted
from tests.cli.conftest import Here
from tests.cli.program import Fleet, until
from tests.distributed.conftest import ORIGIN
from tests.distributed.test_workers import QUICK, bulks, queue_fleet, shared, told, worker
from tests.postgres_server import PostgresServer

__all__ = ["queue_fleet"]

SECOND = timedelta(seconds=1)


def job(company_id: int, origin: str = ORIGIN) -> CompanyJob:
    return CompanyJob(origin=origin, account_id="racc_1", company_id=company_id)


async def taken(queue: JobQueue, worker_id: int) -> None:
    """Let a worker take the job whose turn it is."""
    assert await queue.app.job_manager.fetch_job(queues=[queue.name], worker_id=worker_id) is not None


async def overview(queue: JobQueue) -> Overview:
    return await asyncio.to_thread(read_overview, queue.url, ORIGIN)


async def noted(queue: JobQueue, runs: int) -> SeenWorker:
    """Return the worker once its notes tell of so many runs."""
    async with asyncio.timeout(10):
        while True:
            (seen,) = (await overview(queue)).workers
            if seen.host and sum(one.run_id is not None for one in seen.companies) == runs:
                return seen
            await asyncio.sleep(0.01)


def test_a_database_without_a_queue_has_no_workers(postgres: PostgresServer) -> None:
    with postgres.empty_database() as url:
        assert read_overview(url, ORIGIN) == Overview(queue=Queue())
        assert read_queue(url, ORIGIN) == Queue()


async def test_jobs_that_wait_are_counted_of_one_api_and_by_when_they_may_begin(queue: JobQueue) -> None:
    begun = datetime.now(UTC)
    for company_id, after_s in ((1, 0.0), (2, 0.0), (3, 900.0), (4, 300.0)):
        assert await queue.put(job(company_id), after_s)
    found = await asyncio.to_thread(read_queue, queue.url, ORIGIN)
    assert (found.waiting, found.later) == (2, 2)
    assert found.at is not None
    assert found.oldest_at is not None
    assert found.next_at is not None
    assert found.oldest_at <= found.at
    assert 0 <= found.oldest_s < 60
    assert abs(found.next_at - begun - 300 * SECOND) < 60 * SECOND
    other = await asyncio.to_thread(read_queue, queue.url, "https://other.example.com/v1")
    assert (other.waiting, other.later, other.oldest_s) == (0, 0, 0.0)


async def test_a_worker_is_seen_with_its_machine_its_companies_and_their_runs(queue: JobQueue) -> None:
    worker_id = await queue.app.job_manager.register_worker()
    for company_id in (1, 2):
        await queue.put(job(company_id))
        await taken(queue, worker_id)
    (before,) = (await overview(queue)).workers
    assert (before.number, before.host, before.pid, before.is_silent) == (worker_id, None, None, False)
    assert [(one.company_id, one.run_id) for one in before.companies] == [(1, None), (2, None)]
    notes = WorkNotes()
    with closing(NoteWriter(queue.url)) as writer:
        async with asyncio.TaskGroup() as tasks:
            keeping = tasks.create_task(keep_notes(notes, writer, apart_s=0))
            notes.registered(worker_id)
            for number in (1, 2):
                tasks.create_task(begin(notes, job(number), f"run-{number}"))
            seen = await noted(queue, 2)
            assert (seen.number, seen.pid) == (worker_id, os.getpid())
            assert [(one.account_id, one.company_id, one.run_id) for one in seen.companies] == [
                ("racc_1", 1, "run-1"),
                ("racc_1", 2, "run-2"),
            ]
            notes.ended(job(1), None)
            assert [one.run_id for one in (await noted(queue, 1)).companies] == [None, "run-2"]
            keeping.cancel()


async def begin(notes: WorkNotes, one: CompanyJob, run_id: str) -> None:
    """Do what a worker and its engine do when a job begins."""
    notes.began(one)
    notes.telemetry.take(RunStarted(run_id=run_id, companies=1), run_id)


async def test_a_worker_that_is_not_heard_of_is_silent_and_one_that_was_struck_out_left_its_jobs(
    queue: JobQueue,
) -> None:
    lively, dead = [await queue.app.job_manager.register_worker() for _ in range(2)]
    await queue.put(job(1))
    await taken(queue, dead)
    with psycopg.connect(queue.url, autocommit=True) as connection:
        connection.execute("set search_path to dimsync_jobs")
        connection.execute(
            "update procrastinate_workers set last_heartbeat = now() - interval '31 s' where id = %s", (dead,)
        )
        assert [(each.number, each.is_silent) for each in (await overview(queue)).workers] == [
            (lively, False),
            (dead, True),
        ]
        connection.execute("delete from procrastinate_workers where id = %s", (dead,))
    found = (await overview(queue)).workers
    assert [(each.number, each.is_silent, len(each.companies)) for each in found] == [
        (lively, False, 0),
        (None, True, 1),
    ]
    (left,) = found[1].companies
    assert left == AtWork(account_id="racc_1", company_id=1, since=left.since, run_id=None)


def test_notes_that_cannot_be_written_keep_nobody_from_work() -> None:
    with closing(NoteWriter("postgresql://nobody@127.0.0.1:1/none")) as writer:
        writer.write(7, {"a job": "run-1"})


def test_a_database_that_is_away_is_told_in_words() -> None:
    with pytest.raises(LedgerError, match="cannot be reached"):
        read_queue("postgresql://nobody@127.0.0.1:1/none", ORIGIN)
    with pytest.raises(ConfigError, match="holds a password"):
        read_queue("postgresql://me:hush@db/ledger", ORIGIN)


def test_what_a_worker_is_at_is_seen_by_others(queue_fleet: Fleet, here: Here) -> None:
    fleet = queue_fleet
    shared(fleet, 9071, 9072)
    fleet.door.faults({"effect": "hang", "commit": True, "match": {"operation": "bulk", "company": 9071}})
    here("enqueue")
    with worker(fleet, *QUICK, "--jobs", "1", "--metrics", "127.0.0.1:0") as process:
        until(bulks(fleet, 9071))
        seen: list[str] = []

        def is_run_seen() -> bool:
            seen.append(here("workers", "--json").stdout)
            return '"run_id": "20' in seen[-1]

        until(is_run_seen)
        document = json.loads(seen[-1])
        assert document["schema"] == "dimsync.workers/1"
        assert document["jobs"]["waiting"] == 1
        (mine,) = document["workers"]
        assert (mine["pid"], mine["is_silent"]) == (process.pid, False)
        (company,) = mine["companies"]
        assert {name: company[name] for name in ("company_id", "name", "account")} == {
            "company_id": 9071,
            "name": "Company 9071",
            "account": "main",
        }
        (run,) = json.loads(here("history", "--output", "json").stdout)["runs"]
        assert company["run_id"] == run["run_id"]
        lines = here("workers").stdout.splitlines()
        assert lines[0].startswith("1 worker at 1 company; 1 job waits, the oldest since ")
        assert "9071 Company 9071" in lines[-1]
        assert max(map(len, lines)) <= 80
        found = re.search(r"metrics are served at (http://127\.0\.0\.1:\d+/metrics)$", told(fleet), re.MULTILINE)
        assert found is not None
        with urlopen(found[1], timeout=5) as answer:  # noqa: S310  our own address
            page = answer.read().decode()
        assert "dimsync_jobs_running 1.0" in page
        assert "dimsync_jobs_waiting 1.0" in page
        assert 'dimsync_requests_total{account="main",kind="list",status="200"}' in page
        process.kill()
        process.wait()

    def is_seen_dead() -> bool:
        seen.append(" ".join(here("workers", *QUICK).stdout.split()))
        return "it is dead, or frozen" in seen[-1]

    until(is_seen_dead)
    assert f"process {process.pid}) was not heard of since" in seen[-1]
    assert "It was at 9071 Company 9071: another worker takes that over" in seen[-1]


@pytest.mark.parametrize("address", ["9464", "127.0.0.1:99999"])
def test_a_worker_whose_metrics_have_no_address_does_not_begin(queue_fleet: Fleet, address: str) -> None:
    shared(queue_fleet, 9081)
    done = queue_fleet.run("worker", "--until-empty", "-q", "--metrics", address)
    assert (done.returncode, done.stderr) == (
        2,
        f"Error: --metrics {address!r} is no HOST:PORT, such as 127.0.0.1:9464\n",
    )


def test_a_ledger_in_a_file_has_no_workers(fleet: Fleet, here: Here) -> None:
    fleet.configure(9082)
    done = here("workers")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: workers share a ledger and a queue in Postgres, and `[ledger] url` in")


def test_procrastinate_need_not_be_installed(queue_fleet: Fleet, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    shared(queue_fleet, 9083)
    for name in [name for name in sys.modules if name.startswith(("engine.distributed.", "procrastinate"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "procrastinate", None)
    done = here("workers")
    assert (done.returncode, done.stdout) == (
        0,
        "no worker is at work: `dimsync worker` starts one; no job waits\n",
    ), done.stderr
