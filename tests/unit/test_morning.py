"""The morning's screen: what is new, what was known, what waits, what is in order; and the exit codes for monitors."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from rich.cells import cell_len

from engine.cli.desk.morning import KeyDay, Morning, morning, of_companies
from engine.cli.show.morning import company_lines, morning_lines
from engine.model.balance import ExitCode, State
from engine.model.outcome import Problem
from engine.model.quota import DayUse
from engine.model.result import CompanyResult, LastSync
from engine.model.settings import Account, NamedCompany, Secret
from engine.model.standing import RunTimes, Standing
from tests.unit.test_render import balance, company

NOW = datetime(2026, 11, 27, 7, 0, tzinfo=UTC)
FIVE = NOW - timedelta(hours=2)
LAST = RunTimes("run-9", "sync", FIVE - timedelta(seconds=47), FIVE, 1)
OLD = NOW - timedelta(days=3)


def account(name: str) -> Account:
    secret = Secret("not used")
    return Account(name=name, account_id=f"racc_{name}", api_key=secret, client_id=secret, client_secret=secret)


def synced(one: CompanyResult) -> LastSync:
    return LastSync(
        one.account, one.company_id, one.name, str(one.state), FIVE, "run-9", 0, 0, 0, 0, one.exit_code, OLD
    )


def problem(code: str, message: str, since: datetime = FIVE) -> Problem:
    return Problem(code=code, message=message, since=since)


TROUBLE = (
    company(1101, State.FAILED, 1, problems=(problem("source", "exports/1101.csv cannot be read"),)),
    company(
        1030,
        State.HELD,
        4,
        balance=balance(unchanged=40, held=40),
        problems=(problem("mass-create", "would create 40 rows where 40 are", OLD), problem("resting", "rests", OLD)),
    ),
    *(
        company(n, State.DEFERRED, 8, account="third", problems=(problem("authentication", "the API key is refused"),))
        for n in range(1200, 1221)
    ),
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
    days = [KeyDay(account(f"a{n}"), DayUse(day=NOW.date(), used=8_500 if n == 7 else 0)) for n in range(keys)]
    rests = {NamedCompany("main", 1030): NOW + timedelta(hours=5), NamedCompany("main", 1): NOW + timedelta(hours=5)}
    return morning(stands, [*named, (NamedCompany("main", 1299), "New one")], rests, days, NOW)


def lines(shown: Morning, width: int = 80) -> list[str]:
    return [line.plain for line in morning_lines(shown, width, {}, "dimsync.toml")]


def test_a_morning_with_trouble_of_each_kind() -> None:
    assert lines(a_morning(company(1), company(2))) == [
        "Last sync 04:59 UTC, 2 h ago, took 47 s   (none running)",
        "",
        "22 companies need you: new in the last sync",
        "failed     source  1101 Harbor Grill 1101  = 800                             NEW",
        "    exports/1101.csv cannot be read",
        "    once that is put right: dimsync sync --select company:1101",
        "refused    authentication  21 companies                                      NEW",
        "    companies of account third: 1200, 1201, 1202, 1203, 1204, 1205 and 15 more",
        "    1200: the API key is refused",
        "    once that is put right: dimsync sync --fresh",
        "",
        "1 company needs you: known since before",
        "held       mass-create  1030 Harbor Grill 1030  = 40  # 40    since Nov 24 07:00",
        "    all about it: dimsync status 1030",
        "",
        "Waits for nobody",
        "  26 companies until quota returns Nov 28 00:00 UTC (17 h)",
        "  1 company rests until 12:00 UTC (5 h), unless the source changes; sooner with",
        "  --fresh",
        "  1 company (1299) never synced: dimsync sync --select state:never",
        "",
        "account a0: 0 of 10,000 requests today, 1,000 reserved",
        "2 of 52 companies in order",
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
    shown = morning(Standing(), [(NamedCompany("main", 1), "A")], {}, [], NOW)
    assert lines(shown) == [
        "No sync has finished yet",
        "",
        "Waits for nobody",
        "  1 company (1) never synced: dimsync sync --select state:never",
        "",
        "0 of 1 company in order",
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


def test_exit_codes_are_those_of_the_last_states_and_of_silence() -> None:
    shown = a_morning()
    assert shown.exit_code == ExitCode.FAILED
    assert not shown.is_silent(7_200)
    assert shown.is_silent(7_199)
    calm = of_companies(shown, tuple(one for one in shown.companies if one.where.company_id == 1030))
    assert calm.exit_code == ExitCode.HELD
    stray = replace(shown, companies=(), problems=(problem("unknown-company", "3 rows"),))
    assert stray.exit_code == ExitCode.REJECTED
