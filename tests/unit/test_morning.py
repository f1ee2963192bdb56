"""The morning's screen: what is new, what was known, what waits, what is in order; and the exit codes for monitors."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from rich.cells import cell_len

from engine.cli.desk.due import Overdue
from engine.cli.desk.morning import Morning, morning, of_companies
from engine.cli.show.morning import company_lines, morning_lines
from engine.cli.show.morning_new import Frame
from engine.model.balance import ExitCode, State
from engine.model.outcome import Problem
from engine.model.quota import QuotaDay
from engine.model.result import CompanyResult, LastSync
from engine.model.settings import NamedCompany
from engine.model.standing import RunTimes, Standing
from tests.unit.test_render import balance, company

NOW = datetime(2026, 11, 27, 7, 0, tzinfo=UTC)
FIVE = NOW - timedelta(hours=2)
LAST = RunTimes("run-9", "sync", FIVE - timedelta(seconds=47), FIVE, 1)
OLD = NOW - timedelta(days=3)


def key_day(name: str, *, used: int) -> QuotaDay:
    return QuotaDay(account=name, day=NOW.date(), used=used, per_day=10_000, reserve=1_000, closed_until=None)


def synced(one: CompanyResult) -> LastSync:
    return LastSync(
        one.account, one.company_id, one.name, str(one.state), FIVE, "run-9", 0, 0, 0, 0, one.exit_code, OLD
    )


def problem(code: str, message: str, since: datetime = FIVE) -> Problem:
    return Problem(code=code, message=message, since=since)


REFUSED = problem("authentication", "HTTP 403: Forbidden; the gateway refuses the account's api_key")

TROUBLE = (
    company(1101, State.FAILED, 1, problems=(problem("source", "exports/1101.csv cannot be read"),)),
    company(
        1030,
        State.HELD,
        4,
        balance=balance(unchanged=40, held=40),
        problems=(problem("mass-create", "would create 40 rows where 40 are", OLD), problem("resting", "rests", OLD)),
    ),
    *(company(n, State.DEFERRED, 8, account="third", problems=(REFUSED,)) for n in range(1200, 1221)),
    *(company(n, State.DEFERRED, 5, problems=(problem("quota", "all are used"),)) for n in range(1221, 1247)),
)


def a_morning(*more: CompanyResult, keys: int = 1, standing: Standing | None = None) -> Morning:
    told = (*TROUBLE, *more)
    stands = standing or Standing(
        last=LAST,
        syncs={NamedCompany(one.account, one.company_id): synced(one) for one in told},
        companies={NamedCompany(one.account, one.company_id): one for one in told},
    )
    named = [(NamedCompany(one.account, one.company_id), one.name) for one in told]
    days = [key_day(f"a{n}", used=8_500 if n == 7 else 0) for n in range(keys)]
    rests = {NamedCompany("main", 1030): NOW + timedelta(hours=5), NamedCompany("main", 1): NOW + timedelta(hours=5)}
    named.append((NamedCompany("main", 1299), "New one"))
    return morning(replace(stands, rests=rests), named, days, NOW)


REFERENCES = {"third": {"api_key": "env:OTT_KEY_3", "client_id": "env:ID", "client_secret": "file:secret"}}


def lines(shown: Morning, width: int = 80) -> list[str]:
    return [line.plain for line in morning_lines(shown, Frame(NOW, width, {}, "dimsync.toml", REFERENCES))]


def test_a_morning_with_trouble_of_each_kind() -> None:
    assert lines(a_morning(company(1), company(2))) == [
        "Last sync 04:59 UTC, 2 h ago, took 47 s   (none running)",
        "",
        "1 company needs you                                                since",
        "  1101 Harbor Grill 1101  source: exports/1101.csv cannot be read  today     NEW",
        "    once that is put right: dimsync sync --select company:1101",
        "1 account needs you",
        "  third: API key refused (env:OTT_KEY_3); 21 waiting               today     NEW",
        "    new key in that variable, then: dimsync sync --select account:third",
        "",
        "Known since before: 1 held, mass-create (1030, 3 days): dimsync status 1030",
        "Waits for nobody",
        "  26 until quota returns 00:00 UTC (17 h)",
        "  1 company rests until 12:00 UTC (5 h), unless the source changes; sooner with",
        "    --fresh",
        "  1 company (1299) never synced: dimsync sync --select state:never",
        "account a0: 0 of 10,000 requests today, 1,000 reserved",
        "2 of 52 in order",
    ]


@pytest.mark.parametrize("width", [80, 200])
def test_the_screen_fits_its_width(width: int) -> None:
    assert max(map(cell_len, lines(a_morning(keys=5), width))) <= width


def test_of_many_accounts_only_those_near_their_days_end_are_told() -> None:
    assert [line for line in lines(a_morning(keys=300)) if line.startswith("account ")] == [
        "account a7: 8,500 of 10,000 requests today, 1,000 reserved"
    ]


def test_one_company_tells_all_that_is_remembered_of_it() -> None:
    shown = a_morning()
    shown = of_companies(shown, tuple(one for one in shown.companies if one.where.company_id == 1030))
    told = [line.plain for line in company_lines(shown.companies[0], shown, 80, {}, "dimsync.toml")]
    assert told == [
        "1030 Harbor Grill 1030, account main",
        "held at 05:00 UTC; last in order Nov 24 07:00 UTC: = 40  # 40",
        "it rests until 12:00 UTC (5 h), unless its source changes; sooner with --fresh",
        "",
        "held       mass-create  1030 Harbor Grill 1030  = 40  # 40    since Nov 24 07:00",
        "    would create 40 rows where 40 are",
        "    if that is right:",
        "    dimsync sync --select company:1030 --allow mass-create:1030",
    ]


def test_before_the_first_sync_nothing_is_claimed() -> None:
    shown = morning(Standing(), [(NamedCompany("main", 1), "A")], [], NOW)
    assert lines(shown) == [
        "No sync has finished yet",
        "",
        "Waits for nobody: 1 company (1) never synced: dimsync sync --select state:never",
        "0 of 1 in order",
    ]
    assert (shown.exit_code, shown.is_silent(1e9)) == (ExitCode.DONE, True)


def test_runs_that_are_under_way_or_died_are_told() -> None:
    going = RunTimes("run-11", "sync", NOW - timedelta(minutes=2), None, None)
    dead = RunTimes("run-10", "sync", NOW - timedelta(hours=1), None, None)
    shown = a_morning(standing=Standing(last=LAST, running=(going,), died=(dead,)))
    assert lines(shown)[:4] == [
        "Last sync 04:59 UTC, 2 h ago, took 47 s",
        "A sync is under way since 06:58 UTC, 2 min",
        "The sync that began 06:00 UTC, 1 h ago, died before its end: nothing is lost,",
        "and the next sync goes on from there",
    ]
    assert shown.is_silent(26 * 3600)


YEAR = timedelta(days=365)


@pytest.mark.parametrize(("ahead", "is_silent"), [(timedelta(minutes=1), False), (YEAR, True)])
def test_a_sync_that_a_wrong_clock_has_dated_is_no_sign_of_life(ahead: timedelta, is_silent: bool) -> None:
    shown = a_morning(standing=Standing(last=RunTimes("run-9", "sync", NOW + ahead, NOW + ahead, 0)))
    assert shown.is_silent(26 * 3600) is is_silent
    assert ("by a wrong clock" in lines(shown)[0]) is is_silent


def test_a_company_that_a_wrong_clock_has_dated_was_not_synced_within_a_day() -> None:
    where = NamedCompany("main", 1)
    one = synced(company(1))
    for at, fresh in ((NOW, 1), (NOW - timedelta(days=2), 0), (NOW + YEAR, 0)):
        standing = Standing(last=LAST, syncs={where: one._replace(at=at)})
        assert morning(standing, [(where, "A")], [], NOW).fresh == fresh


def test_exit_codes_are_those_of_the_last_states_and_of_silence() -> None:
    shown = a_morning()
    assert shown.exit_code == ExitCode.FAILED
    assert not shown.is_silent(7_200)
    assert shown.is_silent(7_199)
    calm = of_companies(shown, tuple(one for one in shown.companies if one.where.company_id == 1030))
    assert calm.exit_code == ExitCode.HELD
    stray = replace(shown, companies=(), problems=(problem("unknown-company", "3 rows"),))
    assert stray.exit_code == ExitCode.REJECTED


def swapped(number: int, owner: int, since: datetime = FIVE, *more: Problem) -> CompanyResult:
    text = f"about 100% of the source's rows are company {owner}'s, and few are this one's: has its file been swapped?"
    told = (*more, problem("wrong-client", text, since))
    return company(number, State.HELD, 4, balance=balance(held=40), problems=told)


def screen(*companies: CompanyResult) -> list[str]:
    """Return the lines of a morning with these companies alone, and no account to tell of."""
    shown = a_morning(*companies, keys=0)
    return lines(of_companies(shown, tuple(one for one in shown.companies if one.told in companies)))


def test_two_files_swapped_with_each_other_are_told_as_a_pair() -> None:
    """Without what follows from it: `mass-update` would be a wrong remedy. The JSON output has all."""
    follows = problem("mass-update", "would change 40 rows where 40 are")
    assert screen(swapped(1107, 1105), swapped(1105, 1107, OLD, follows))[2:] == [
        "2 companies need you                                               since",
        "  1105 Harbor Grill 1105  }  wrong-client: files swapped           today     NEW",
        "  1107 Harbor Grill 1107  }  with each other: swap them back",
        "    then: dimsync sync --select company:1105 --select company:1107",
        "",
        "0 of 2 in order",
    ]
    assert screen(swapped(1107, 1105, OLD), swapped(1105, 1107, OLD))[2:-1] == [
        "Known since before",
        "  2 held, wrong-client (1105 and 1107, 3 days), files swapped: swap them back,",
        "    then:",
        "    dimsync sync --select company:1105 --select company:1107",
    ]


@pytest.mark.parametrize("owners", [(1107, 1109), (1107, None), (None, None)])
def test_a_swap_that_is_not_shown_from_both_sides_is_no_pair(owners: tuple[int | None, int | None]) -> None:
    """A third company's file, or a sign that names nobody."""
    nobody = problem("wrong-client", "only 1 of the source's 40 rows are among the 40 of these types")
    told = [
        swapped(number, owner)
        if owner is not None
        else company(number, State.HELD, 4, balance=balance(held=40), problems=(nobody,))
        for number, owner in zip((1105, 1107), owners, strict=True)
    ]
    shown = a_morning(*told)
    assert shown.swapped == ()
    assert any("--allow wrong-client" in line for line in screen(*told))


ACCOUNTS: dict[str, tuple[str, str, str]] = {
    "a variable that is not set": (
        "account third has no credentials: the environment variable OTT_KEY_3 is not set",
        "third: the environment variable OTT_KEY_3 is not set; 1 waiting",
        "set it, then:",
    ),
    "the token endpoint": (
        "the token endpoint refused the account: HTTP 401; check client_id and client_secret of the account",
        "third: client_id or client_secret refused (env:ID, file:secret); 1 waiting",
        "put that right, then:",
    ),
    "words that name no secret": (
        "the user is locked; ask",
        "third: the user is locked; 1 waiting",
        "put that right, then:",
    ),
}


@pytest.mark.parametrize(("message", "line", "words"), ACCOUNTS.values(), ids=ACCOUNTS)
def test_an_account_says_which_secret_it_is(message: str, line: str, words: str) -> None:
    told = company(1, State.DEFERRED, 8, account="third", problems=(problem("authentication", message),))
    found = " ".join(" ".join(screen(told)).split())
    assert line.partition(" (")[0] in found.replace(" today NEW", "")
    assert f"{words} dimsync sync --select account:third" in found


def test_an_account_that_was_known_before_is_a_line() -> None:
    told = company(1, State.DEFERRED, 8, account="third", problems=(replace(REFUSED, since=OLD),))
    assert screen(told)[2:-1] == [
        "Known since before",
        "  account third refused (1 waiting, 3 days): dimsync sync --select account:third",
    ]


def test_notices_of_the_last_sync_come_last() -> None:
    shown = replace(a_morning(), problems=(problem("unlisted-files", "1 file is of a company that no list names"),))
    assert lines(shown)[-2] == "Notice: 1 file is of a company that no list names"


def test_a_row_that_is_refused_is_told_in_all_of_the_servers_words() -> None:
    told = Problem(code="rejected", message="name: too long; code: taken", key="k1", since=FIVE)
    (line, *_) = screen(company(5, State.PARTIAL, 3, problems=(told,)))[3:]
    assert line == "  5 Harbor Grill 5  rejected, 1 row: k1: name: too long; code:     today     NEW"


def one_by_one(*, running: int = 0) -> Morning:
    """A fleet whose companies each had a run of their own, the last one a moment ago."""
    ended = {1: NOW - timedelta(minutes=2), 2: FIVE, 3: NOW - timedelta(days=3), 4: NOW - timedelta(hours=20)}
    told = [company(n, State.FAILED, 1, problems=(problem("source", "is torn", ended[n]),)) for n in ended]
    standing = Standing(
        last=RunTimes("run-1", "sync", ended[1], ended[1], 1),
        running=tuple(RunTimes(f"r{n}", "sync", NOW - timedelta(seconds=n), None, None) for n in range(running)),
        syncs={
            NamedCompany("main", one.company_id): synced(one)._replace(
                run_id=f"run-{one.company_id}", at=ended[one.company_id]
            )
            for one in told
        },
        companies={NamedCompany("main", one.company_id): one for one in told},
    )
    return morning(standing, [(NamedCompany("main", n), f"Company {n}") for n in ended], [], NOW)


def test_where_workers_sync_companies_one_by_one_a_day_is_told_and_not_the_last_run() -> None:
    shown = one_by_one()
    assert lines(shown)[:4] == [
        "Last sync 06:58 UTC, 2 min ago, of one company   (none running)",
        "3 of 4 companies were synced within a day; 1 longer ago, company 3 at Nov 24",
        "07:00 UTC",
        "",
    ]
    assert [(cause.is_new, len(cause.companies)) for cause in shown.causes] == [(True, 3), (False, 1)]
    one = of_companies(shown, shown.companies[1:2])
    assert [cause.is_new for cause in one.causes] == [True]


def test_many_runs_under_way_are_counted() -> None:
    assert lines(one_by_one(running=3))[3:6] == [
        f"A sync is under way since {'07:00' if n == 0 else '06:59'} UTC, {n} s" for n in range(3)
    ]
    assert lines(one_by_one(running=20))[3] == "20 runs are under way, the first since 06:59 UTC, 19 s"


def test_companies_that_nobody_takes_up_are_a_matter_of_scheduler_and_workers() -> None:
    late = replace(one_by_one(), overdue=(Overdue(3, OLD),))
    text = " ".join(lines(late))
    assert "Company 3 has been due since Nov 24 07:00 UTC: do dimsync schedule and a worker run?" in text
