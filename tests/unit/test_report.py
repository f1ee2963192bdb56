"""A report as plain values: verdicts, causes, shares of the page, and what a client must not read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.documents.report import Line, Note, Part, Report, as_text
from engine.documents.report_build import fair_share, needs_person, part_of, run_of, verdict
from engine.documents.report_causes import causes_of
from engine.documents.report_facts import CompanyFacts, company_facts
from engine.documents.report_words import ELSEWHERE, OtherNames, Words, safe_lines
from engine.model.balance import Balance, State
from engine.model.outcome import Problem
from engine.model.result import CompanyResult, LastSync, company_json
from engine.model.sent_row import KeptRun
from engine.model.settings import NamedCompany
from engine.model.wanted import LeftOut
from tests.unit.model_server import STEADY

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def explain(code: str) -> tuple[str, str]:
    return f"about {code}", "type `fix ID`"


def remedy(code: str, ids: Sequence[int], key: str | None) -> str:
    return f"fix {code} {len(ids)} {key}"


WORDS = Words(explain=explain, remedy=remedy)
NOTHING = dict.fromkeys(("updated", "rejected", "held", "deferred", "uncertain", "invalid"), 0)


def company(company_id: int, state: State = State.SYNCED, *problems: Problem, **columns: int) -> dict[str, Any]:
    """A company's entry in a run's document, of ten rows."""
    rest = {"created": 0} | NOTHING | columns
    unchanged = 10 - sum(rest.values())
    balance = Balance(source_rows=10, unchanged=unchanged, **rest)
    name = f"Client {company_id}"
    found = CompanyResult(
        company_id=company_id, name=name, account="main", state=state, exit_code=0, balance=balance, problems=problems
    )
    return company_json(found)


def run(number: int, *companies: Mapping[str, Any], verb: str = "sync", count: int | None = None) -> KeptRun:
    """A kept run that ended at hour `number`."""
    at = NOON + timedelta(hours=number)
    totals = {"companies": len(companies) if count is None else count}
    return KeptRun(f"run-{number}", verb, at, at, 0, (), {"companies": companies, "totals": totals})


def synced(company_id: int, number: int, state: str = "unchanged") -> LastSync:
    at = NOON + timedelta(hours=number)
    return LastSync("main", company_id, "Pier", state, at, f"run-{number}", 10, 0, 0, 0, 0, at)


def report(*parts: Part, quiet: int = 0, is_fleet: bool = True, verb: str = "sync") -> Report:
    return verdict(
        Report(
            title="",
            level="good",
            verdict="",
            made_at=NOON,
            version="1",
            csv_name="r.csv",
            runs=(run_of(run(1, verb=verb), None),),
            balance={},
            requests={},
            parts=parts,
            quiet=quiet,
            is_fleet=is_fleet,
        )
    )


def part(*runs: KeptRun) -> Part:
    (facts,) = company_facts(runs, [], {})
    return part_of(facts, [], WORDS, account="main", most=10)


GOOD, BAD = part(run(1, company(1, created=2))), part(run(1, company(2, State.PARTIAL, rejected=1)))
WAITS = "1 waits and will go on without one"
NOTHING_TO_TELL = "Nothing to tell: nothing had changed, or the company was not part of this run."
WAITING = part(run(1, company(3, State.DEFERRED, deferred=10)))


@pytest.mark.parametrize(
    ("told", "level", "words"),
    [
        (report(GOOD), "good", "1 company in order: 2 rows created, 0 updated."),
        (report(GOOD, quiet=299), "good", "300 companies in order: 2 rows created, 0 updated."),
        (report(GOOD, verb="plan"), "good", "1 company in order: 2 rows would be created, 0 would be updated."),
        (
            report(GOOD, BAD, WAITING, quiet=4),
            "bad",
            f"1 of 7 companies needs a person, {WAITS}, 5 in order: 2 rows created, 0 updated.",
        ),
        (report(BAD, is_fleet=False), "bad", "This company needs a person: 0 rows created, 0 updated, 9 unchanged."),
        (report(GOOD, is_fleet=False), "good", "All is in order: 2 rows created, 0 updated, 8 unchanged."),
        (report(WAITING, is_fleet=False), "wait", "Not all is done yet: 0 rows created, 0 updated, 0 unchanged."),
        (
            report(is_fleet=False),
            "good",
            "Nothing to tell: nothing had changed, or the company was not part of this run.",
        ),
    ],
)
def test_a_verdict_is_one_sentence(told: Report, level: str, words: str) -> None:
    assert (told.level, told.verdict) == (level, words)


REFUSED = Problem(code="rejected", message="no", key="k1")
HELD = Problem(code="ambiguous", message="two rows", key="k2")
ONCE = run(1, company(1, State.PARTIAL, REFUSED, rejected=1))


@pytest.mark.parametrize(
    ("runs", "last", "state", "codes"),
    [
        ([ONCE], None, "partial", ["rejected"]),
        ([ONCE, run(2)], synced(1, 2), "unchanged", []),
        (
            [ONCE, run(2)],
            synced(1, 2, "held"),
            "partial",
            ["rejected"],
        ),
        (
            [ONCE, run(2, company(1, updated=1), verb="retry")],
            None,
            "synced",
            [],
        ),
        (
            [
                run(1, company(1, State.PARTIAL, REFUSED, HELD, rejected=1, held=1)),
                run(2, company(1, updated=1), verb="retry"),
            ],
            None,
            "partial",
            ["ambiguous"],
        ),
        (
            [run(1, company(1, updated=1), verb="retry"), run(2, company(1, State.PARTIAL, REFUSED, rejected=1))],
            None,
            "partial",
            ["rejected"],
        ),
    ],
    ids=["once", "well since", "held since", "retried", "retried but held", "retried before"],
)
def test_how_a_company_is_now(runs: list[KeptRun], last: LastSync | None, state: str, codes: list[str]) -> None:
    (facts,) = company_facts(runs, [last] if last else [], {})
    assert (facts.state, [one["code"] for one in facts.problems]) == (state, codes)
    assert needs_person(facts) is bool(codes)


def test_a_company_with_nothing_to_tell_is_told_of_where_rows_were_left_out_or_it_is_asked_for() -> None:
    reasons = {NamedCompany("main", 1): (LeftOut("filter", "Inactive", "Yes", "account", 3),)}
    syncs = [synced(1, 1), synced(2, 1), synced(3, 0)]
    assert [one.named.company_id for one in company_facts([run(1)], syncs, reasons)] == [1]
    assert [one.named.company_id for one in company_facts([run(1)], syncs, reasons, 2)] == [2]
    assert company_facts([run(1)], syncs, reasons, 3) == []
    (facts,) = company_facts([run(1)], syncs, reasons, 1)
    told = part_of(facts, [], WORDS, account="", most=1)
    assert (told.balance["read_rows"], told.balance["left_out"], told.balance["unchanged"]) == (13, 3, 10)


def test_one_cause_is_told_once_however_many_companies_have_it() -> None:
    def one(company_id: int, state: State, *problems: Problem) -> Part:
        return part(run(1, company(company_id, state, *problems, held=1)))

    too_many = [one(n, State.HELD, Problem(code="mass-create", message=f"would create {n} rows")) for n in range(3)]
    missing = one(8, State.FAILED, Problem(code="source", message="exports/8.csv cannot be read: No such file"))
    gone = one(9, State.FAILED, Problem(code="source", message="exports/9.csv cannot be read: No such file"))
    torn = one(7, State.FAILED, Problem(code="source", message="exports/7.csv ends in a torn line"))
    calm = part(run(1, company(5, State.SYNCED, Problem(code="code-filled", message="2 rows"))))
    causes = causes_of([*too_many, missing, gone, torn, calm], WORDS)
    assert [(cause.code, len(cause.companies)) for cause in causes] == [
        ("source", 2),
        ("source", 1),
        ("mass-create", 3),
    ]
    assert {(cause.next, cause.what) for cause in causes[:2]} == {("type `fix ID`", "about source")}
    assert [cause.command for cause in causes] == ["fix source 2 None", "fix source 1 None", "fix mass-create 3 None"]


def test_a_cause_says_whether_it_is_new_and_else_since_when_it_is_known() -> None:
    """The end of the first run that showed it, as results spell it; a cause that is both is told twice."""
    began = datetime(2026, 11, 20, 7, tzinfo=UTC)
    old, older = began - timedelta(days=2), datetime(2026, 11, 9, tzinfo=UTC)

    def one(company_id: int, since: datetime | None) -> Part:
        problem = Problem(code="source", message="exports/1.csv cannot be read", since=since)
        return part(run(1, company(company_id, State.FAILED, problem)))

    parts = [one(1, began), one(2, old), one(3, older), one(4, None)]
    told = [
        (cause.is_new, cause.since, [number for number, _ in cause.companies])
        for cause in causes_of(parts, WORDS, began=as_text(began))
    ]
    assert told == [(True, "2026-11-20T07:00:00.000Z", [1]), (False, "2026-11-09T00:00:00.000Z", [2, 3, 4])]
    assert [cause.is_new for cause in causes_of(parts, WORDS)] == [False]


OTHERS = OtherNames(["1105", "Red Oak", "third", ""])


@pytest.mark.parametrize(
    ("text", "is_told"),
    [
        ("company 1105's rows", False),
        ("rows of RED OAK, and others", False),
        ("11051 rows; thirdly", True),
        ("exports/1105.csv", False),
        ("", True),
    ],
)
def test_what_names_another_client_is_not_told(text: str, is_told: bool) -> None:
    words = Words(explain=lambda _: ("", ""), remedy=remedy, others=OTHERS)
    (line,) = safe_lines([Line(1, "", "Own", "run", "", "held", "k", "", "", reason=text, file=text)], words)
    expected = text if is_told else ELSEWHERE
    assert (line.reason, line.file) == (expected, expected)


@STEADY
@given(st.lists(st.integers(0, 50), max_size=30), st.integers(1, 300))
def test_companies_share_the_page_fairly(counts: list[int], room: int) -> None:
    share = fair_share(counts, room)
    shown = sum(min(count, share) for count in counts)
    assert shown <= max(room, len(counts))
    assert shown == sum(counts) or shown + len(counts) > room


def test_notes_are_kept_in_a_part() -> None:
    told = part(run(1, company(1, State.FAILED, Problem(code="source", message="no file"), REFUSED, rejected=1)))
    assert told.notes == (Note("source", "no file"),)
    assert CompanyFacts(named=NamedCompany("main", 1), name="", runs=((run(1), company(1)),)).total("created") == 0
