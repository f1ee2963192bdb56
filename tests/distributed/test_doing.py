"""What a worker does with one job, on a ledger and a queue in Postgres, against a sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from procrastinate.jobs import Job

from engine.distributed.company_job import CompanyJob
from engine.distributed.doing import Doing
from engine.distributed.members import members_of
from engine.distributed.pace import Pace
from engine.distributed.queue import JobQueue, jobs_of, open_queue
from engine.distributed.roster import Roster
from engine.distributed.schedule import Planned, enqueue_due
from engine.distributed.watching import Watcher
from engine.ledger.opening import open_ledger
from engine.model.result import RunResult
from engine.model.schedule import Schedule
from engine.model.settings import Api, Company, CompanyKey, Settings
from engine.run.engine import Engine
from engine.testing import Match, Rule, Sandbox, faults
from tests.sandbox.world import Rows, dims
from tests.service.conftest import until
from tests.unit.test_queue_rules import accounts

SLOW = Rule(effect=faults.Latency(seconds=0.2), match=Match(operation="bulk"))
DOWN = Rule(effect=faults.Status(status=503))
HOURLY = Schedule(every_s=3_600.0)


@dataclass(slots=True)
class Seen(Watcher):
    """A watcher that notes what it is told."""

    began_: list[int] = field(default_factory=list)
    ended_: list[tuple[int, bool]] = field(default_factory=list)

    def registered(self, worker_id: int) -> None:
        raise NotImplementedError

    def began(self, job: CompanyJob) -> None:
        self.began_.append(job.company_id)

    def ended(self, job: CompanyJob, result: RunResult | None) -> None:
        self.ended_.append((job.company_id, result is not None))


@dataclass(slots=True)
class Bench:
    """One worker's parts."""

    api: Sandbox
    settings: Settings
    engine: Engine
    queue: JobQueue
    doing: Doing
    told: list[str]
    seen: Seen
    now: list[Settings]  # what the settings file says now

    def job(self, company_id: int = 123) -> CompanyJob:
        return CompanyJob(
            origin=self.queue.origin, account_id=self.settings.accounts[0].account_id, company_id=company_id
        )

    async def do(self, job: CompanyJob) -> None:
        await self.doing.do(job, lambda: False)

    async def left(self) -> tuple[Job, CompanyJob]:
        """Return the only job that waits."""
        (waiting,) = await self.queue.waiting()
        return waiting, jobs_of([waiting])[0]


def after_s(job: Job) -> float:
    assert job.scheduled_at is not None
    return (job.scheduled_at - datetime.now(UTC)).total_seconds()


def companies(ids: Iterable[int], *, write: bool = True) -> tuple[Company, ...]:
    return tuple(Company(id=number, name="Harbor Grill", source=Rows(dims(3)), write=write) for number in ids)


@asynccontextmanager
async def opened(url: str, known: tuple[Company, ...]) -> AsyncIterator[Bench]:
    async with Sandbox() as api:
        for one in known:
            api.place(one.id)
        settings = replace(api.settings(ledger_url=url), companies=known)
        async with Engine(settings) as engine, open_queue(url, api.base_url) as queue:
            told: list[str] = []
            now = [settings]
            seen = Seen()
            roster = Roster(engine, settings, lambda: now[0], told.append)
            doing = Doing(engine, queue, roster, pace=Pace(), tell=told.append, warn=told.append, watchers=[seen])
            yield Bench(api, settings, engine, queue, doing, told, seen, now)


@pytest.fixture
async def bench(queue_url: str) -> AsyncIterator[Bench]:
    async with opened(queue_url, companies([123])) as made:
        yield made


async def test_a_job_is_a_run_of_its_company(bench: Bench) -> None:
    await bench.do(bench.job())
    assert len(bench.api.rows(123)) == 3
    assert await bench.queue.waiting() == []
    assert bench.told[0].startswith("company 123 Harbor Grill: synced, + 3, 4 requests; new-ledger: the ledger ")
    (run,) = await bench.engine.history()
    assert (run.verb, run.companies, run.created) == ("sync", 1, 3)
    await bench.do(bench.job())
    assert bench.told[1:] == ["company 123 Harbor Grill: unchanged, = 3, 0 requests"]
    assert (bench.seen.began_, bench.seen.ended_) == ([123, 123], [(123, True), (123, True)])


async def test_a_company_that_another_run_has_is_tried_in_half_a_minute(bench: Bench) -> None:
    async with await open_ledger(bench.queue.url) as other:
        job = bench.job()
        async with other.lock(CompanyKey(origin=job.origin, account=job.account_id, company_id=123)):
            await bench.do(job)
    assert bench.api.requests(company_id=123) == []
    waiting, again = await bench.left()
    assert (again.lock, 28 < after_s(waiting) < 37) == (job.lock, True)
    assert bench.told[0].startswith("company 123 Harbor Grill: locked, ")


async def test_companies_that_found_the_api_down_together_count_once(queue_url: str) -> None:
    async with opened(queue_url, companies([123, 124, 125, 126])) as bench:
        bench.api.set_faults(DOWN)
        await asyncio.gather(*(bench.do(bench.job(each)) for each in (123, 124, 125)))
        for waiting in await bench.queue.waiting():
            await bench.queue.take_out(waiting)
        await bench.do(bench.job(126))
        waiting, _ = await bench.left()
        assert 25 < after_s(waiting) < 37


async def test_while_the_api_is_down_jobs_are_put_off_without_a_request_each(queue_url: str) -> None:
    async with opened(queue_url, companies([123, 124, 125])) as bench:
        bench.api.set_faults(DOWN)
        await bench.do(replace(bench.job(), tries=2))
        waiting, again = await bench.left()
        assert (again.tries, 110 < after_s(waiting) < 145) == (3, True)
        asked = len(bench.api.requests())
        await bench.do(bench.job(124))
        await bench.do(bench.job(125))
        assert len(bench.api.requests()) == asked
        assert {job.company_id: job.tries for job in jobs_of(await bench.queue.waiting())} == {123: 3, 124: 0, 125: 0}


async def test_a_job_that_fails_while_another_waits_blocks_nobody(bench: Bench) -> None:
    bench.api.set_faults(DOWN)
    await bench.queue.put(bench.job())
    await bench.do(bench.job())
    waiting, _ = await bench.left()
    assert waiting.scheduled_at is None, "the one that waited goes on"
    bench.api.set_faults()
    async with opened_again(bench) as again:
        await again.do(again.job())
    assert len(bench.api.rows(123)) == 3


@asynccontextmanager
async def opened_again(bench: Bench) -> AsyncIterator[Bench]:
    """A worker that has not noticed that the API was down."""
    doing = Doing(
        bench.engine,
        bench.queue,
        Roster(bench.engine, bench.settings, None, bench.told.append),
        pace=Pace(),
        tell=bench.told.append,
        warn=bench.told.append,
    )
    yield replace(bench, doing=doing)


async def test_a_job_that_is_broken_off_ends_in_order_and_waits_again(bench: Bench) -> None:
    bench.api.set_faults(SLOW)
    working = asyncio.create_task(bench.do(bench.job()))
    await until(lambda: bool(bench.api.requests("bulk")))
    working.cancel()
    bench.api.set_faults()
    with pytest.raises(asyncio.CancelledError):
        await working
    _, again = await bench.left()
    assert again == bench.job()
    assert bench.told == ["company 123: stopped, and put into the queue again"]
    assert bench.seen.ended_ == [(123, False)]
    (run,) = await bench.engine.history()
    assert run.finished_at is not None


async def test_a_job_that_a_person_calls_off_does_not_wait_again(bench: Bench) -> None:
    bench.api.set_faults(SLOW)
    working = asyncio.create_task(bench.doing.do(bench.job(), lambda: True))
    await until(lambda: bool(bench.api.requests("bulk")))
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert await bench.queue.waiting() == []


async def test_a_company_that_the_settings_lack_is_left_to_other_workers(bench: Bench) -> None:
    await bench.do(bench.job(999))
    waiting, again = await bench.left()
    assert again.unknown_since is not None
    assert 9 < after_s(waiting) < 13
    assert bench.told[0].startswith("company 999 of account racc_main is not in the settings of this worker: its job ")
    assert "restart those whose settings are older" in bench.told[0]
    assert await bench.engine.history() == []


async def test_so_is_one_that_they_have_in_another_account(bench: Bench) -> None:
    await bench.do(replace(bench.job(), account_id="racc_2"))
    assert (await bench.left())[1].account_id == "racc_2"
    assert bench.told[0].startswith("company 123 of account racc_2 is of account racc_main in the settings of this ")
    assert bench.api.requests() == []


async def test_a_company_that_has_come_meanwhile_is_known_by_the_settings_as_they_are_now(bench: Bench) -> None:
    (other,) = accounts("other")
    bench.api.place(124)
    bench.now[0] = replace(
        bench.settings,
        accounts=(*bench.settings.accounts, other),
        companies=tuple(replace(each, account="main") for each in companies([123, 124])),
    )
    await bench.do(bench.job(124))
    assert [len(bench.api.rows(each)) for each in (123, 124)] == [0, 3]
    await bench.do(bench.job(999))
    assert "is not in the settings of this worker" in bench.told[-1]


async def test_so_is_a_mapping_that_has_changed(bench: Bench) -> None:
    (new,) = companies([123])
    bench.now[0] = replace(bench.settings, companies=(replace(new, source=Rows(dims(5)), settings="new"),))
    await bench.do(replace(bench.job(), settings="new"))
    assert len(bench.api.rows(123)) == 5
    assert len(bench.told) == 1


def settings_of(bench: Bench, ids: Iterable[int], rows: int, settings: str) -> Settings:
    """Return settings by which each company's source has so many rows."""
    made = (replace(one, source=Rows(dims(rows)), settings=settings) for one in companies(ids))
    return replace(bench.settings, companies=tuple(made))


async def test_jobs_that_begin_while_the_settings_are_read_wait_for_what_they_say(queue_url: str) -> None:
    async with opened(queue_url, companies([123, 124, 125])) as bench:
        bench.now[0] = settings_of(bench, [123, 124, 125], 5, "new")
        await asyncio.gather(*(bench.do(replace(bench.job(each), settings="new")) for each in (123, 124, 125)))
        assert [len(bench.api.rows(each)) for each in (123, 124, 125)] == [5, 5, 5]


async def test_a_mapping_that_is_corrected_twice_within_a_minute_is_the_corrected_one(bench: Bench) -> None:
    for rows, settings in ((4, "new"), (5, "newer")):
        bench.now[0] = settings_of(bench, [123], rows, settings)
        await bench.do(replace(bench.job(), settings=settings))
        assert len(bench.api.rows(123)) == rows


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"api": Api(base_url="https://api.example.com/v1")}, "they name another API"),
        ({"accounts": accounts("main")}, "there is an account 'main' with other values"),
    ],
)
async def test_settings_that_cannot_be_taken_over_are_told(bench: Bench, change: dict[str, Any], why: str) -> None:
    bench.now[0] = replace(bench.settings, **change)
    await bench.do(bench.job(124))
    assert bench.told[0].startswith(f"the settings were read anew, and cannot be taken over: {why}")
    assert bench.told[0].endswith("Restart the worker with them")
    assert (await bench.left())[1].company_id == 124


async def test_a_changed_mapping_that_cannot_be_taken_over_is_left_to_other_workers(bench: Bench) -> None:
    changed = settings_of(bench, [123], 5, "new")
    bench.now[0] = replace(changed, accounts=accounts("main"))  # with other values
    await bench.do(replace(bench.job(), settings="new"))
    assert bench.api.rows(123) == [], "its rows would be made by the mapping of before"
    assert "has changed in settings that this worker cannot take over: its job is put to the " in bench.told[-1]
    assert (await bench.left())[1].settings == "new"
    bench.now[0] = changed
    await bench.do(replace(bench.job(), settings="newer"))  # read again for another change, and taken over
    assert len(bench.api.rows(123)) == 5


async def test_a_company_that_is_unknown_does_not_keep_another_one_s_changes_from_being_read(bench: Bench) -> None:
    await bench.do(bench.job(999))
    bench.now[0] = settings_of(bench, [123], 5, "new")
    await bench.do(replace(bench.job(), settings="new"))
    assert len(bench.api.rows(123)) == 5


async def test_settings_that_differ_are_told_once(bench: Bench) -> None:
    for _ in range(2):
        await bench.do(replace(bench.job(), settings="another mapping"))
    assert bench.told[0].startswith("company 123 Harbor Grill: its sources or mapping here differ from those where ")
    assert [line.split(",")[0] for line in bench.told[1:]] == [
        "company 123 Harbor Grill: synced",
        "company 123 Harbor Grill: unchanged",
    ]


async def test_what_no_worker_knows_for_a_day_is_given_up_in_words(bench: Bench) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=1, minutes=1)
    await bench.do(replace(bench.job(999), unknown_since=long_ago))
    assert await bench.queue.waiting() == []
    assert bench.told[0].endswith(f" since {long_ago:%Y-%m-%d %H:%M} UTC: it is given up")


async def test_a_company_that_is_read_only_here_is_left_out(queue_url: str) -> None:
    async with opened(queue_url, companies([123], write=False)) as bench:
        await bench.do(bench.job())
        assert bench.told == ["company 123 Harbor Grill: read-only in these settings (write = false), and left out"]
        assert (await bench.queue.waiting(), bench.api.rows(123)) == ([], [])


async def test_each_point_is_enqueued_once_though_several_schedulers_run(queue_url: str) -> None:
    async with opened(queue_url, companies([123, 124])) as bench, await open_ledger(queue_url) as ledger:
        planned = [Planned(member, HOURLY) for member in members_of(bench.settings, bench.settings.companies)]

        async def look(now: datetime) -> int:
            found = await asyncio.gather(*(enqueue_due(bench.queue, ledger, planned, now) for _ in range(3)))
            return sum(found_one or 0 for found_one in found)

        now = datetime.now(UTC)
        assert await look(now) == 2, "neither was ever synced"
        assert await look(now) == 0, "both wait"
        taken = await bench.queue.app.job_manager.fetch_job(
            [bench.queue.name], await bench.queue.app.job_manager.register_worker()
        )
        assert taken is not None
        assert await look(now) == 0, "one waits, one is under way"
        await bench.do(bench.job(124))
        await bench.do(bench.job(123))
        for job in await bench.queue.waiting():
            await bench.queue.take_out(job)
        await bench.queue.forget(taken)
        assert await look(now) == 0, "no point has passed since their syncs"
        assert await look(now + timedelta(hours=2)) == 2
