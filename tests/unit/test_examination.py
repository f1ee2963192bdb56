"""What `doctor` makes of what it has seen: each trouble with its grade and its remedy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from engine.cli.examination.accounts import (
    AccountLook,
    account_findings,
    clock_findings,
    company_findings,
    quota_findings,
    spelled,
)
from engine.cli.examination.diagnosis import Diagnosis, Grade, exit_code, grouped
from engine.cli.examination.files import file_findings
from engine.cli.examination.ledger import LedgerLook, ledger_findings
from engine.cli.show.findings import finding_lines
from engine.errors import (
    EngineError,
    OutcomeUnknown,
    OutOfScope,
    QuotaExhausted,
    Unauthorized,
    Untrusted,
    WrongContract,
)
from engine.model.outcome import Problem
from engine.model.quota import DayUse
from engine.model.result import PastRun
from engine.model.settings import Account, Secret
from engine.model.wanted import LeftOut, Wanted
from tests.tables import each_of

NOW = datetime(2026, 3, 2, 7, tzinfo=UTC)
DAY = timedelta(days=1)
URL = "https://api.ottimate.com/v1"


def account(name: str, key: Secret) -> Account:
    return Account(
        name=name, account_id="racc_1", api_key=key, client_id=Secret("env:ID"), client_secret=Secret("env:S")
    )


def looked(name: str = "main", error: EngineError | None = None, *seen: int, fault: str = "") -> AccountLook:
    return AccountLook(
        account=account(name, Secret("hush", fault=fault)),
        references=account(name, Secret("env:KEY")),
        error=error,
        seen=None if error else {number: f"Company {number}" for number in seen},
    )


def told(findings: Iterable[Diagnosis]) -> list[tuple[str, str]]:
    return [(str(each.grade), each.check) for each in findings]


REFUSED = {
    "wrong secret, or a key of another account": (
        Unauthorized("the token endpoint refused it", status=401),
        URL,
        "compare env:KEY, env:ID, env:S with what Ottimate issued",
    ),
    "a key that nobody knows": (
        Unauthorized("HTTP 403: Forbidden", status=403),
        URL,
        "put the right one where env:KEY",
    ),
    "an account of another key": (
        WrongContract("there is no 'racc_2'; check its account_id"),
        URL,
        "account_id or the",
    ),
    "no /v1": (WrongContract("there is no token endpoint"), URL.removesuffix("/v1"), f'base_url = "{URL}" under [api]'),
    "no such path": (OutOfScope("HTTP 404", status=404), URL, "correct base_url"),
    "certificate": (Untrusted("it cannot be verified"), URL, "SSL_CERT_FILE"),
    "no answer": (OutcomeUnknown("timed out"), URL, "check the network"),
    "quota": (QuotaExhausted("all used"), URL, "00:00 UTC"),
    "anything else": (EngineError("odd"), URL, "put right what it says"),
}


@pytest.mark.parametrize(("error", "url", "remedy"), REFUSED.values(), ids=REFUSED)
def test_each_trouble_of_an_account_has_its_remedy(error: EngineError, url: str, remedy: str) -> None:
    (found,) = account_findings([looked("third", error)], url, asked=True)
    assert (found.grade, found.subjects) == (Grade.FAIL, ("third",))
    assert remedy in found.remedy
    assert "hush" not in f"{found.text}{found.remedy}"


def test_an_unset_variable_is_told_whether_the_api_is_asked_or_not() -> None:
    unset = looked("third", fault="the environment variable KEY is not set")
    for asked in (True, False):
        found = next(iter(account_findings([unset], URL, asked=asked)))
        assert (found.grade, found.text) == (Grade.FAIL, "has no credentials: the environment variable KEY is not set")
        assert found.remedy == "set what is missing, then: dimsync sync --select account:third"


@pytest.mark.parametrize(
    ("ahead", "grade", "text"),
    [
        (timedelta(seconds=2), "ok", "within a minute"),
        (timedelta(minutes=2), "warn", "2 min behind the API's"),
        (timedelta(minutes=-7), "FAIL", "7 min ahead of the API's"),
        (timedelta(days=-3), "FAIL", "3 days ahead"),
    ],
)
def test_the_clock_is_held_against_the_api(ahead: timedelta, grade: str, text: str) -> None:
    (found,) = clock_findings([replace(looked(), ahead=timedelta()), replace(looked(), ahead=ahead)])
    assert found.grade == grade
    assert text in found.text
    assert list(clock_findings([looked()])) == []


def test_companies_of_another_account_of_nobody_and_of_no_settings() -> None:
    looks = [looked("main", None, 1, 2, 5), looked("west", None, 3), looked("down", EngineError("x"))]
    found = list(company_findings(looks, {1: "main", 3: "main", 4: "west", 9: "down"}, gone={5}))
    assert [(each.grade, each.subjects) for each in found] == [
        ("FAIL", ("3",)),
        ("FAIL", ("4",)),
        ("warn", ("2 Company 2",)),
        ("ok", ()),
    ]
    assert 'account = "west" in the company' in found[0].remedy
    assert found[-1].text == "1 configured and seen"  # of 9 nothing is known


def test_a_key_that_is_nearly_used_up_is_named() -> None:
    near, far = (
        replace(looked(name), use=DayUse(day=NOW.date(), used=used)) for name, used in (("a", 7_200), ("b", 9))
    )
    found = list(quota_findings([near, far], NOW))
    assert [(each.grade, each.subjects) for each in found] == [("warn", ("a",)), ("ok", ())]
    assert found[0].text == "7,200 of 9,000 requests of the day are used"


def run(started: datetime, finished: datetime | None, code: int | None = 0, verb: str = "sync") -> PastRun:
    return PastRun("r1", verb, started, finished, code, 1, 0, 0, 0, 0, "")


SOUND = LedgerLook(
    path="x.db", size_bytes=1_000, free_bytes=10**12, backed_up_at=NOW - DAY, runs=[run(NOW - DAY, NOW - DAY)]
)

LEDGERS = {
    "sound": (SOUND, {}),
    "unwritable": (LedgerLook(path="x.db", error="no", free_bytes=10**12), {"ledger": "FAIL"}),
    "new": (replace(SOUND, is_new=True, runs=(), backed_up_at=None), {"ledger": "warn"}),
    "large": (replace(SOUND, size_bytes=600_000_000), {"ledger": "warn"}),
    "never backed up": (replace(SOUND, backed_up_at=None), {"backup": "warn"}),
    "an old backup": (replace(SOUND, backed_up_at=NOW - 8 * DAY), {"backup": "warn"}),
    "a full disk": (replace(SOUND, free_bytes=1_000), {"disk": "FAIL"}),
    "a disk that is nearly full": (replace(SOUND, free_bytes=10**8, size_bytes=10**8), {"disk": "warn"}),
    "an old run": (replace(SOUND, runs=[run(NOW - 3 * DAY, NOW - 2 * DAY)]), {"last-run": "warn"}),
    "a run by a clock that was a year ahead": (
        replace(SOUND, runs=[run(NOW + 365 * DAY, NOW + 365 * DAY)]),
        {"last-run": "warn"},
    ),
    "a run by a clock that is a minute ahead": (replace(SOUND, runs=[run(NOW, NOW + timedelta(minutes=1))]), {}),
    "a run that held": (replace(SOUND, runs=[run(NOW - DAY, NOW - DAY, 4)]), {"last-run": "warn"}),
    "a run that died": (replace(SOUND, runs=[run(NOW - DAY, None), *SOUND.runs]), {"last-run": "warn"}),
    "a run under way": (replace(SOUND, runs=[run(NOW, None), *SOUND.runs]), {}),
    "plans alone": (replace(SOUND, runs=[run(NOW, NOW, verb="plan")]), {"last-run": "warn"}),
}


@each_of(LEDGERS)
def test_the_ledger_its_backup_its_disk_and_its_last_run(look: LedgerLook, trouble: dict[str, str]) -> None:
    found = list(ledger_findings(look, NOW, timedelta(hours=26)))
    assert {each.check: str(each.grade) for each in found if each.grade is not Grade.OK} == trouble
    assert all(bool(each.remedy) == (each.grade is not Grade.OK) for each in found)


def test_files_that_cannot_be_read_rows_that_are_invalid_and_what_is_left_out() -> None:
    out = LeftOut("filter", "Inactive", "Yes", "account", 9)
    problem = Problem(code="bad-id", message="no id", line=4)
    read = {
        1: Wanted(rows=(), source_rows=1, invalid=1, problems=(problem,)),
        2: Wanted(rows=(), source_rows=1, left_out_by=(out,)),
    }
    found = list(file_findings(read, {3: "3.csv is missing"}, {4: "shared"}, ["4 rows of nobody"], [NOW]))
    assert told(found) == [
        ("FAIL", "files"),
        ("FAIL", "files"),
        ("warn", "files"),
        ("warn", "files"),
        ("ok", "files"),
        ("warn", "mapping"),
        ("ok", "mapping"),
    ]
    assert "the next sync takes it" in found[0].remedy
    assert "first line 4: no id" in found[3].text
    assert found[-1].text == "left out 9: Inactive is 'Yes' 9"


def test_what_is_alike_is_told_once_with_an_example() -> None:
    missing = [
        Diagnosis(Grade.FAIL, "files", f"exports/{n}.csv is missing", f"export {n}", (str(n),))
        for n in range(1101, 1108)
    ]
    (found,) = grouped(missing)
    assert (found.text, found.remedy, len(found.subjects)) == ("exports/1101.csv is missing", "export 1101", 7)
    lines = list(finding_lines([found]))
    assert lines[0] == "FAIL  files      1101, 1102, 1103, 1104, 1105 and 2 more: exports/1101.csv is"
    assert lines[-1] == "1 FAIL: exit 1"
    assert all(len(line) <= 80 for line in lines)


@pytest.mark.parametrize(
    ("findings", "code"),
    [([], 0), ([("warn", "disk")], 0), ([("FAIL", "disk")], 1), ([("FAIL", "disk"), ("FAIL", "settings")], 2)],
)
def test_the_exit_code_follows_from_failures(findings: list[tuple[str, str]], code: int) -> None:
    assert exit_code(Diagnosis(Grade(grade), check, "") for grade, check in findings) == code


def test_spans_in_their_largest_unit() -> None:
    spans = (5, 60, 3_600 * 26, 86_400 * 3)
    assert [spelled(timedelta(seconds=each)) for each in spans] == ["5 s", "1 min", "26 h", "3 days"]
