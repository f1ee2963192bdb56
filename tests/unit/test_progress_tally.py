"""What is counted of a run that is under way, and how long it is said to take still."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from engine.cli.desk.first_causes import first_causes
from engine.model.balance import Balance, ExitCode, State
from engine.model.events import (
    ChunkSettled,
    CompanyAhead,
    CompanyFinished,
    CompanyStarted,
    Event,
    KeyAhead,
    PageRead,
    Parked,
    Planned,
    RequestSent,
    RunStarted,
    Scheduled,
    SourceRead,
    Waiting,
    WidthChanged,
)
from engine.model.outcome import Problem
from engine.model.result import CompanyResult, Requests
from engine.observe.pace import KeyLeft, Pace, left_s
from engine.observe.tally import Tally
from engine.observe.view import AtWork, Day, Trouble, Wait


def tally(*events: Event, now: float = 0.0) -> Tally:
    made = Tally("sync", first_causes, began=0.0)
    for event in events:
        made.take(event, now)
    return made


def ended(
    company_id: int = 7, *problems: Problem, code: ExitCode = ExitCode.DONE, requests: int = 0
) -> CompanyFinished:
    state = State.SYNCED if code is ExitCode.DONE else State.FAILED
    result = CompanyResult(
        company_id=company_id,
        name=f"Company {company_id}",
        account="main",
        state=state,
        exit_code=code,
        balance=Balance(),
        requests=Requests(list=requests),
        problems=problems,
    )
    return CompanyFinished(result=result)


def planned(creates: int, updates: int, chunks: int) -> Planned:
    return Planned(
        company_id=7, evidence="listing", unchanged=0, creates=creates, updates=updates, held=0, chunks=chunks
    )


def ahead(companies: int, requests: int, *, accounts: int = 1, used: int = 0, usable: int = 9_000) -> Scheduled:
    """Return what lies ahead of `companies` of each of some accounts, each of which takes some requests to read."""
    names = [f"a{n}" for n in range(accounts)]
    return Scheduled(
        companies=tuple(
            CompanyAhead(1 + number * companies + n, name, requests)
            for number, name in enumerate(names)
            for n in range(companies)
        ),
        keys=tuple(KeyAhead((name,), 10.0, used, usable) for name in names),
    )


def test_the_tally_counts_what_the_events_say() -> None:
    view = tally(
        RunStarted(run_id="r", companies=3),
        RequestSent(account="main", company_id=None, kind="token"),
        RequestSent(account="main", company_id=7, kind="list"),
        SourceRead(company_id=7, rows=900, invalid=1),
        PageRead(company_id=7, rows=100, declared=2_000),
        ChunkSettled(company_id=7, created=20, updated=3, rejected=1, uncertain=0),  # what is rejected is not written
        WidthChanged(account="main", places=32, reason="answers come in time"),
        WidthChanged(account="other", places=16, reason="HTTP 503"),
        WidthChanged(account="main", places=24, reason="HTTP 503"),
        ended(),
    ).view(0.0)
    assert (view.companies, view.finished, view.rows, view.listed, view.written) == (3, 1, 900, 100, 23)
    assert (view.requests, view.at_once, view.per_second, view.left_s, view.needed) == (2, 40, None, None, None)


STEPS: dict[str, tuple[list[Event], str]] = {
    "begun": ([], "reading its source"),
    "read": ([SourceRead(company_id=7, rows=9, invalid=0)], "comparing"),
    "listing": ([PageRead(company_id=7, rows=100, declared=2_000)], "listing 100 of 2,000 rows"),
    "listing once more": (
        [PageRead(company_id=7, rows=rows, declared=150) for rows in (100, 50, 100)],
        "listing 100 of 150 rows",
    ),
    "listing what counts its pages alone": (
        [PageRead(company_id=7, rows=100, declared=100), PageRead(company_id=7, rows=60, declared=60)],
        "listing 60 of 60 rows",
    ),
    "sending": ([planned(20, 5, 3)], "sending 0 of 25 rows"),
    "sent": (
        [planned(20, 5, 3), ChunkSettled(company_id=7, created=8, updated=1, rejected=1, uncertain=0)],
        "sending 10 of 25 rows",
    ),
    "nothing to send": ([planned(20, 5, 0)], "ending"),
}


@pytest.mark.parametrize(("events", "step"), STEPS.values(), ids=STEPS)
def test_what_is_done_with_a_company(events: Iterable[Event], step: str) -> None:
    view = tally(CompanyStarted(company_id=7, name="Red Oak"), *events).view(0.0)
    assert (view.begun, view.at_work) == (1, (AtWork(7, "Red Oak", step),))


def test_a_company_that_has_ended_is_at_work_no_more() -> None:
    view = tally(CompanyStarted(company_id=7, name="Red Oak"), ended()).view(0.0)
    assert (view.begun, view.at_work) == (0, ())


def test_who_waits_for_one_reason_is_told_together_until_it_goes_on() -> None:
    reason = "HTTP 429: slow down, request {}"
    waits = [Waiting(account=f"a{n}", seconds=20.0 + n, reason=reason.format(n)) for n in range(3)]
    late = Waiting(account="a0", company_id=5, seconds=29.0, reason="not known")
    counted = tally(*waits, late, now=100.0)
    assert counted.view(110.0).waits == (
        Wait("company", "5", 1, 19.0, "not known"),
        Wait("account", "a2", 3, 12.0, reason.format(2)),
    )
    assert counted.view(121.0).waits[1:] == (Wait("account", "a2", 1, 1.0, reason.format(2)),)
    assert counted.view(129.0).waits == ()
    counted.take(Waiting(account="main", seconds=30.0, reason="429"), 130.0)
    counted.take(Parked(account="main", reason="bad key"), 131.0)
    assert counted.view(132.0).waits == (Wait("account", "main", 1, None, "bad key"),)


def test_a_reason_to_stop_is_told_at_once_when_the_first_account_has_it() -> None:
    counted, parked = tally(), [Parked(account=f"a{n}", reason=f"the key of a{n} is refused") for n in range(300)]
    news = [one for event in parked for one in counted.take(event, 0.0)]
    wait = Wait("account", "a0", 1, None, "the key of a0 is refused")
    assert news == [wait]
    assert counted.view(0.0).waits == (wait._replace(number=300),)


def test_one_cause_is_told_once_with_a_count_and_notices_are_not() -> None:
    counted = tally()
    new = []
    for number in range(1, 294):
        missing = Problem(code="missing-source", message=f"exports/{number}.csv: there is no such file")
        new += counted.take(ended(number, missing, code=ExitCode.FAILED), 0.0)
    rows = [Problem(code="rejected", key=f"k{n}", message=f"name {n}: too long") for n in range(5)]
    new += counted.take(ended(500, *rows, code=ExitCode.REJECTED), 0.0)
    new += counted.take(ended(501, Problem(code="new-ledger", message="the ledger is new")), 0.0)
    assert [(one.code, one.companies, one.company_id) for one in new if isinstance(one, Trouble)] == [
        ("missing-source", 1, 1),
        ("rejected", 1, 500),
    ]
    assert [(one.gravity, one.code, one.companies) for one in counted.view(0.0).troubles] == [
        (ExitCode.FAILED, "missing-source", 293),
        (ExitCode.REJECTED, "rejected", 1),
    ]


def test_nothing_is_said_of_what_is_left_before_a_pace_is_known() -> None:
    counted = tally(RunStarted(run_id="r", companies=10), ahead(10, 20))
    assert counted.view(0.0).left_s is None
    assert counted.view(60.0).left_s is None  # nothing was done yet
    assert counted.view(60.0).share == 0.0


def at_a_pace(counted: Tally, *, seconds: int, began: int = 0, account: str = "a0", company_id: int = 1) -> None:
    """Let 10 requests be sent in each second, and look once a second."""
    for second in range(began, began + seconds):
        for _ in range(10):
            counted.take(RequestSent(account=account, company_id=company_id, kind="list"), second)
        counted.view(second + 1.0)


def test_what_is_left_follows_from_the_work_that_is_known_and_the_pace() -> None:
    counted = tally(RunStarted(run_id="r", companies=10), ahead(10, 100))  # 1,010 units
    counted.take(CompanyStarted(company_id=1, name="One"), 0.0)
    at_a_pace(counted, seconds=10)  # 100 requests: what company 1 takes
    view = counted.view(10.0)
    assert view.left_s == pytest.approx(910 / 10)
    assert view.share == pytest.approx(100 / 1_010)
    assert (view.needed, view.ceiling, view.per_second) == (1_000, 10.0, 10.0)
    counted.take(ended(1, requests=100), 10.0)
    assert counted.view(11.0).needed == 1_000


def test_the_request_rate_is_that_of_the_last_seconds_however_seldom_one_looks() -> None:
    counted = tally()
    for second in range(20):
        for _ in range(10 if second < 10 else 2):
            counted.take(RequestSent(account="a0", company_id=1, kind="list"), second)
        if second == 9:
            assert counted.view(10.0).per_second == 10.0
    assert counted.view(20.0).per_second == 2.0


def test_companies_teach_what_those_to_come_will_take() -> None:
    counted = tally(RunStarted(run_id="r", companies=10), ahead(10, 100))
    counted.take(CompanyStarted(company_id=1, name="One"), 0.0)
    at_a_pace(counted, seconds=5)
    counted.take(ended(1, requests=50), 5.0)  # half of what was expected
    assert counted.view(6.0).needed == 50 + 9 * 50
    stopped = ended(2, code=ExitCode.STOPPED, requests=3)
    counted.take(stopped, 6.0)  # which tells nothing of the others
    assert counted.view(7.0).needed == 50 + 8 * 50


def test_a_pause_is_part_of_what_is_left_and_not_of_the_pace() -> None:
    counted = tally(RunStarted(run_id="r", companies=1), ahead(1, 200))
    counted.take(CompanyStarted(company_id=1, name="One"), 0.0)
    at_a_pace(counted, seconds=10)
    counted.take(Waiting(account="a0", seconds=30.0, reason="HTTP 429"), 10.0)
    assert counted.view(20.0).left_s == pytest.approx(20 + 101 / 10)
    assert counted.view(39.0).left_s == pytest.approx(1 + 101 / 10)


def test_nothing_is_said_of_what_is_left_while_pauses_come_again_and_again() -> None:
    counted = tally(RunStarted(run_id="r", companies=1), ahead(1, 200))
    counted.take(CompanyStarted(company_id=1, name="One"), 0.0)
    at_a_pace(counted, seconds=10)
    told: list[float | None] = []
    for began in range(10, 100, 6):  # each time it goes on, the answer is 429 again
        counted.take(Waiting(account="a0", seconds=5.0, reason="HTTP 429"), began)
        told += [counted.view(second + 0.5).left_s for second in range(began, began + 6)]
    assert told[1] == pytest.approx(3.5 + 101 / 10)
    assert told[30:] == [None] * (len(told) - 30)


def test_nothing_is_said_of_what_is_left_while_nothing_gets_done() -> None:
    counted = tally(RunStarted(run_id="r", companies=1), ahead(1, 200))
    counted.take(CompanyStarted(company_id=1, name="One"), 0.0)
    at_a_pace(counted, seconds=10)
    told = [counted.view(second).left_s is not None for second in range(10, 22, 2)]
    assert told == [True, True, False, False, False, False]
    at_a_pace(counted, seconds=1, began=30)
    assert counted.view(32.0).left_s is not None


def test_a_day_that_ends_first_ends_the_run() -> None:
    counted = tally(RunStarted(run_id="r", companies=1), ahead(1, 1_000, used=8_700))  # of 9,000
    counted.take(CompanyStarted(company_id=1, name="One"), 0.0)
    at_a_pace(counted, seconds=10)
    assert counted.view(10.0).left_s == pytest.approx(200 / 10, rel=0.01)


def test_the_account_that_ends_last_decides_and_one_that_was_stopped_does_not() -> None:
    counted = tally(RunStarted(run_id="r", companies=2), ahead(1, 500, accounts=2))
    for company_id in (1, 2):
        counted.take(CompanyStarted(company_id=company_id, name=""), 0.0)
    for second in range(10):
        for _ in range(10):
            counted.take(RequestSent(account="a0", company_id=1, kind="list"), second)
        counted.take(RequestSent(account="a1", company_id=2, kind="list"), second)
        counted.view(second + 1.0)
    assert counted.view(10.0).left_s == pytest.approx(491 / 1)
    counted.take(Parked(account="a1", reason="bad key"), 10.0)
    assert counted.view(11.0).left_s == pytest.approx(401 / 10, rel=0.2)


def test_what_the_day_lacks_is_known_before_it_is_missed() -> None:
    view = tally(RunStarted(run_id="r", companies=10), ahead(10, 100, used=8_200)).view(0.0)
    assert view.day == Day(800, 9_000, 1, 200)


def test_the_share_never_goes_back() -> None:
    counted = tally(RunStarted(run_id="r", companies=4), ahead(4, 10))
    counted.take(CompanyStarted(company_id=1, name=""), 0.0)
    at_a_pace(counted, seconds=1)
    counted.take(ended(1, requests=100), 1.0)  # ten times what was expected
    before = counted.view(1.5).share
    assert counted.view(3.0).share >= before > 0


def test_a_key_without_a_pace_is_taken_to_be_as_fast_as_the_others() -> None:
    assert left_s([KeyLeft(100, 10.0), KeyLeft(300, None, 5.0)]) == 35.0
    assert left_s([KeyLeft(100, None)]) is None
    assert left_s([KeyLeft(0, 10.0)]) is None


def test_a_pace_follows_what_is_done_lately() -> None:
    pace, done = Pace(0.0), 0.0
    for second in range(1, 41):
        done += 10 if second <= 20 else 1
        pace.note(done, second, is_paused=False)
    assert pace.per_second is not None
    assert 1 < pace.per_second < 5
