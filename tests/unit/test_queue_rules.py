"""The pure parts of the queue: names, delays, who is due, steps of its schema."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from engine.distributed.company_job import CompanyJob, portion, queue_of
from engine.distributed.due import AGAIN, APART, SPREAD, is_due
from engine.distributed.members import Member, in_turn, members_of
from engine.distributed.schema import due_steps, shipped_steps
from engine.errors import ConfigError
from engine.model.balance import Balance, ExitCode, State
from engine.model.outcome import Problem
from engine.model.result import CompanyResult, Requests, RunResult
from engine.model.schedule import NEVER, Schedule
from engine.model.settings import Account, Company, Secret, Settings
from engine.model.standing import LastBegun
from engine.run.one_company import LONGEST_S, again_after_s, growing_s
from tests.sandbox.world import Rows, dims
from tests.tables import each_of

FIVE = datetime(2026, 11, 30, 5, tzinfo=UTC)
DAILY = Schedule(cron="0 5 * * *")
JOB = CompanyJob(origin="https://api.example.com/v1", account_id="racc_1", company_id=123)


def begun(state: State = State.SYNCED, at: datetime = FIVE - timedelta(days=1), verb: str = "sync") -> LastBegun:
    return LastBegun(verb, state, at)


def test_companies_of_other_apis_accounts_and_ids_have_other_locks() -> None:
    origins, accounts, ids = ("https://a.example/v1", "http://a.example/v1"), ("racc_1", "racc_1 2"), (2, 12)
    jobs = [CompanyJob(origin=o, account_id=a, company_id=c) for o, a, c in product(origins, accounts, ids)]
    assert len({job.lock for job in jobs}) == 8
    assert JOB.lock == "https://api.example.com/v1 racc_1 123"


def test_the_name_of_a_queue_is_short_enough_for_a_channel() -> None:
    assert len(f"procrastinate_queue_v1#{queue_of('https://' + 200 * 'a')}") < 64
    assert queue_of("https://a.example/v1") != queue_of("https://b.example/v1")


def test_a_job_is_read_as_it_was_written_also_by_an_older_or_newer_dimsync() -> None:
    job = CompanyJob(origin="o", account_id="a", company_id=1, tries=3, deaths=2, unknown_since=FIVE)
    assert CompanyJob.of(job.args()) == job
    assert CompanyJob.of({**job.args(), "more": 1}) == job
    assert CompanyJob.of({"origin": "o", "account_id": "a", "company_id": 1}) == job.afresh()


def test_delays_grow_to_an_hour() -> None:
    assert [growing_s(tries) for tries in (0, 1, 2, 6, 7, 10_000)] == [30.0, 60.0, 120.0, 1920.0, LONGEST_S, LONGEST_S]


def test_names_are_spread_over_the_time_and_stay_in_their_place() -> None:
    places = [portion(f"company {number}") for number in range(1_000)]
    assert [sum(tenth <= 10 * place < tenth + 1 for place in places) > 70 for tenth in range(10)] == [True] * 10
    assert portion("company 1") == places[1]


def result(state: State, *codes: str, of_run: str = "") -> RunResult:
    problems = tuple(Problem(code=code, message="as it went") for code in codes)
    company = CompanyResult(
        company_id=123, name="", account="main", state=state, exit_code=ExitCode.DONE, problems=problems
    )
    return RunResult(
        run_id="1",
        verb="sync",
        started_at=FIVE,
        finished_at=FIVE,
        elapsed_s=0.0,
        exit_code=0,
        totals=Balance(),
        requests=Requests(),
        companies=(company,),
        problems=(Problem(code=of_run, message="as it went"),) if of_run else (),
    )


@each_of(
    [
        (result(State.SYNCED), None),
        (result(State.UNCHANGED, of_run="new-ledger"), None),
        (result(State.PARTIAL, "rejected", "uncertain"), None),
        (result(State.HELD, "mass-create"), None),
        (result(State.FAILED, "source"), None),
        (result(State.DEFERRED, "quota"), None),
        (result(State.DEFERRED, "authentication"), None),
        (result(State.LOCKED, "locked"), 30.0),
        (result(State.DEFERRED, "stopped"), 0.0),
        (result(State.DEFERRED, "host-down"), 120.0),
        (result(State.FAILED, "ledger"), 120.0),
        (result(State.SYNCED, of_run="ledger"), 120.0),
    ]
)
def test_what_becomes_of_a_job_after_its_run(ended: RunResult, after_s: float | None) -> None:
    assert again_after_s(ended, tries=2) == after_s


def latest(late: timedelta) -> datetime:
    return FIVE + APART + late


@each_of(
    [
        ("never synced", None, FIVE, True),
        ("the point has not come", begun(), FIVE - timedelta(seconds=1), False),
        ("clocks may be apart", begun(), FIVE, False),
        ("the point is past, for all companies", begun(), latest(SPREAD), True),
        ("a sync began after the point", begun(at=FIVE), latest(SPREAD), False),
        ("many points are past", begun(at=FIVE - timedelta(days=9)), FIVE - timedelta(hours=9), True),
        ("its clock is a little ahead", begun(at=FIVE + timedelta(seconds=20)), FIVE, False),
        ("the clock was set back", begun(at=FIVE + timedelta(hours=2)), FIVE, True),
        ("it failed just now", begun(State.FAILED, FIVE), FIVE + timedelta(minutes=59), False),
        ("it failed an hour ago", begun(State.FAILED, FIVE), FIVE + AGAIN, True),
        ("it was deferred an hour ago", begun(State.DEFERRED, FIVE), FIVE + AGAIN, True),
        ("an apply is no sync", begun(State.SYNCED, FIVE, "apply"), FIVE + AGAIN, True),
        ("it failed before the point", begun(State.FAILED, FIVE - timedelta(minutes=10)), latest(SPREAD), True),
    ]
)
def test_who_is_due(case: str, last: LastBegun | None, now: datetime, due: bool) -> None:
    assert is_due(DAILY, last, now, name=JOB.lock) is due, case


def test_a_company_that_rests_is_left_alone_until_it_rests_no_more_or_a_point_comes() -> None:
    failed, until = begun(State.FAILED, FIVE), FIVE + timedelta(hours=6)
    asked = {"name": JOB.lock, "rests_until": until}
    assert not is_due(DAILY, failed, until - timedelta(seconds=1), name=JOB.lock, rests_until=until), asked
    assert is_due(DAILY, failed, until, name=JOB.lock, rests_until=until)
    hourly = Schedule(every_s=3_600.0)
    assert is_due(hourly, failed, FIVE + timedelta(hours=1, minutes=7), name=JOB.lock, rests_until=until)


def test_a_schedule_without_another_point_is_never_due_again() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Schedule, "next_after", lambda *_: NEVER)
        assert not is_due(DAILY, begun(), datetime(2400, 1, 1, tzinfo=UTC), name=JOB.lock)


def test_companies_of_one_point_are_enqueued_over_a_tenth_of_the_time_to_the_next() -> None:
    every_ten_minutes, last = Schedule(every_s=600.0), begun(at=FIVE - timedelta(minutes=1))
    first = [
        next(s for s in range(600) if is_due(every_ten_minutes, last, FIVE + timedelta(seconds=s), name=f"company {n}"))
        for n in range(50)
    ]
    assert (min(first) >= 30, max(first) <= 90, len(set(first)) > 20) == (True, True, True)


def accounts(*names: str) -> tuple[Account, ...]:
    return tuple(
        Account(
            name=name,
            account_id=f"racc_{name}",
            api_key=Secret(f"key {name}"),
            client_id=Secret("id"),
            client_secret=Secret("secret"),
        )
        for name in names
    )


def test_companies_are_enqueued_in_turn_by_account() -> None:
    settings = Settings(accounts=accounts("one", "two", "three"))
    of = {1: "one", 2: "one", 3: "one", 4: "two", 5: "three", 6: "two"}
    companies = [Company(id=number, source=Rows(dims(1)), account=name) for number, name in of.items()]
    members = members_of(settings, companies)
    assert [member.company.id for member in in_turn(members)] == [1, 4, 5, 2, 6, 3]
    assert members[3].job == CompanyJob(origin="https://api.ottimate.com:443/v1", account_id="racc_two", company_id=4)


def test_the_only_account_need_not_be_named() -> None:
    settings = Settings(accounts=accounts("main"))
    (member,) = members_of(settings, [Company(id=1, source=Rows(dims(1)))])
    assert isinstance(member, Member)
    assert (member.account, member.job.account_id) == ("main", "racc_main")
    with pytest.raises(ConfigError, match="company 1 names the account 'other'"):
        members_of(settings, [Company(id=1, source=Rows(dims(1)), account="other")])


def test_steps_that_workers_of_the_version_before_do_not_outlive_wait_for_the_next_upgrade() -> None:
    old = ["03.01.00_01_pre_a.sql", "03.01.00_50_post_a.sql"]
    new = [*old, "03.02.00_01_pre_b.sql", "03.02.00_50_post_b.sql"]
    newer = [*new, "03.03.00_01_pre_c.sql"]
    assert due_steps(new, []) == new[:3]
    assert due_steps(new, new[:3]) == []
    assert due_steps(newer, new[:3]) == newer[3:]
    assert due_steps(newer, newer) == []


def test_the_library_s_own_steps_are_named_as_this_expects() -> None:
    steps = shipped_steps()
    assert steps == sorted(steps)
    assert [step for step in steps if "_post_" in step][-1] == "03.04.00_50_post_add_retry_failed_job_procedure.sql"
