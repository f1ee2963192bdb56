"""The file of a saved plan: what was written is what is read, and anything else is refused with a sentence."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.documents.plan_file import COUNTS, PLAN_SCHEMA, _digest, read_plan, saved_plan, write_plan
from engine.errors import ConfigError
from engine.model.balance import Balance, State
from engine.model.change import Change, Hold
from engine.model.dimension import Dimension
from engine.model.outcome import Problem
from engine.model.result import CompanyResult, Requests, RunResult
from engine.model.row_history import Generation
from engine.model.saved_plan import CompanyPlan, SavedPlan
from engine.model.wanted import LeftOut, SourceCounts
from tests.tables import each_of
from tests.unit.model_server import steady

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

texts = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["", "\x00", "\x1b[31m", "\u2028", "\ufeff", "\U0001f600", '"', "\\", "\u202e", "null", "</script>"]
)
names = st.sampled_from(["name", "erp_id", "type_code", "type_label", "code"])
dimensions = st.builds(Dimension, texts, texts, texts, texts, texts, st.none() | texts)
moves = st.dictionaries(names, st.none() | texts)
changes = st.builds(
    lambda row, remote_id, moved, code: Change(row, remote_id, tuple(moved), code, tuple(moved.values())),
    *(dimensions, st.none() | texts, moves, st.none() | texts),
)
counts = st.integers(0, 10**7)
problems = st.builds(Problem, code=texts, message=texts)
company_plans = st.builds(
    CompanyPlan,
    company_id=st.integers(0, 2**40),
    account=texts,
    name=texts,
    generation=st.builds(Generation, counts, st.none() | texts),
    settings=texts,
    remote_count=st.none() | counts,
    creates=st.lists(changes, max_size=2).map(tuple),
    updates=st.lists(changes, max_size=2).map(tuple),
    canaries=st.lists(changes, max_size=2).map(tuple),
    reverts=st.lists(texts, max_size=2).map(tuple),
    again=st.dictionaries(texts, st.dictionaries(names, texts, max_size=2), max_size=2),
    list_requests=counts,
    holds=st.lists(st.builds(Hold, texts, texts, texts), max_size=2).map(tuple),
    orphans=st.lists(texts, max_size=2).map(tuple),
    left_out_by=st.lists(st.builds(LeftOut, texts, texts, texts, st.none() | texts, counts), max_size=2).map(tuple),
    sources=st.lists(st.builds(SourceCounts, texts, counts, counts), max_size=2).map(tuple),
    source_keys=st.dictionaries(texts, texts, max_size=2).map(lambda keys: tuple(sorted(keys.items()))),
    was_compared=st.booleans(),
    refused=st.lists(st.builds(Hold, texts, st.just("rejected"), texts), max_size=2).map(tuple),
    held_by=st.lists(problems, max_size=2).map(tuple),
    **{name: counts for name in COUNTS if name not in {"remote_count", "was_compared"}},
)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  they get UTC
plans = st.builds(
    SavedPlan,
    plan_id=texts,
    made_at=moments,
    origin=texts,
    contract=texts,
    allowed=st.lists(texts, max_size=2).map(tuple),
    companies=st.lists(company_plans, max_size=2).map(tuple),
)

ROW = Dimension("K1", "account", "Account", "Cash \U0001f4b0 \u202e", "0100", None)
PLAN = SavedPlan(
    plan_id="20261120T120000Z-1",
    made_at=NOON,
    origin="https://api.ottimate.com:443/v1",
    contract="guide",
    allowed=("canary:1",),
    companies=(
        CompanyPlan(
            company_id=1,
            account="main",
            name="Harbor",
            generation=Generation(3, "run"),
            settings="00ff",
            remote_count=9,
            creates=(Change(ROW, None),),
            updates=(Change(ROW._replace(key="K2", code="C"), "dim_2", ("name", "code"), before=("Kasse", None)),),
            canaries=(Change(ROW._replace(key="K3"), "dim_3", ("erp_id",), "0100", ("9",)),),
            reverts=("K2",),
            again={"K2": {"name": "CASH"}},
            left_out_by=(LeftOut("filter", "Inactive", "Yes", "account", 2),),
            sources=(SourceCounts("exports/1.csv", 11, 2),),
            holds=(Hold("K4", "look-alike", "it looks like dim_4"),),
            source_rows=9,
            unchanged=3,
            adopted=1,
            refused=(Hold("K5", "rejected", "no such period"),),
            code_unseen=1,
            invalid=1,
            orphans=("dim_7", "dim_8"),
            source_keys=(("K2", "new K2"),),
            bulk_requests=2,
            list_requests=1,
        ),
        CompanyPlan(
            company_id=2,
            account="main",
            generation=Generation(),
            creates=(Change(ROW, None),),
            held_by=(Problem(code="mass-create", message="too many"),),
            was_compared=False,
            source_rows=1,
        ),
        CompanyPlan(
            company_id=3,
            account="main",
            generation=Generation(),
            not_planned=(Problem(code="source", message="no such file"),),
            was_compared=False,
            source_rows=None,
        ),
    ),
)


def run_of(plan: SavedPlan) -> RunResult:
    """Return the result of the run that made a plan."""
    companies = tuple(
        CompanyResult(
            company_id=one.company_id,
            name=one.name,
            account=one.account,
            state=State.UNCHANGED,
            exit_code=0,
            plan=one,
        )
        for one in plan.companies
    )
    return RunResult(
        run_id=plan.plan_id,
        verb="plan",
        started_at=plan.made_at,
        finished_at=plan.made_at,
        elapsed_s=0.0,
        exit_code=0,
        totals=Balance(),
        requests=Requests(),
        companies=companies,
        allowed=plan.allowed,
    )


def text_of(plan: SavedPlan) -> str:
    return write_plan(plan)


@given(plans)
@settings(steady(20), suppress_health_check=[HealthCheck.too_slow])
def test_what_is_written_is_what_is_read(plan: SavedPlan) -> None:
    text = text_of(plan)
    assert read_plan(text.encode().decode(), "plan.json") == plan
    assert text_of(read_plan(text, "plan.json")) == text


def test_each_field_of_a_plan_is_in_its_file() -> None:
    """A field that is added to the values and forgotten in the file would be read as its default."""
    for column in fields(CompanyPlan):
        assert any(getattr(one, column.name) != column.default for one in PLAN.companies), f"{column.name} is not tried"
    assert read_plan(text_of(PLAN), "plan.json") == PLAN


def test_a_plan_of_an_earlier_version_does_not_tell_what_was_left_out() -> None:
    document = json.loads(text_of(PLAN))
    for company in document["companies"]:
        del company["left_out_by"], company["sources"]
    del document["digest"]
    read = read_plan(json.dumps(document | {"digest": _digest(document)}), "plan.json")
    assert [(company.left_out_by, company.sources) for company in read.companies] == [((), ())] * 3


def test_a_result_is_kept_and_why_a_company_has_no_plan() -> None:
    result = run_of(PLAN)
    problem = PLAN.companies[2].not_planned[0]
    lost = replace(result.companies[2], plan=None, problems=(problem, replace(problem, key="K1")))
    saved = saved_plan(replace(result, companies=(*result.companies[:2], lost)), origin=PLAN.origin, contract="guide")
    assert saved == PLAN


@given(st.data())
@steady(80)
def test_a_changed_byte_changes_nothing_or_is_refused(data: st.DataObject) -> None:
    """A blank between two values means nothing; whatever means something is under the digest."""
    honest = text_of(PLAN).encode()
    at = data.draw(st.integers(0, len(honest) - 1))
    byte = data.draw(st.integers(0, 255) | st.sampled_from(list(b' "\\{}[]:,0129tfn')))
    spoilt = honest[:at] + bytes([byte]) + honest[at + 1 :]
    try:
        text = spoilt.decode()
    except UnicodeDecodeError:
        return
    _same_or_refused(text)


@given(st.data())
@steady(40)
def test_a_piece_that_is_cut_out_or_doubled_is_refused(data: st.DataObject) -> None:
    honest = text_of(PLAN)
    start = data.draw(st.integers(0, len(honest) - 1))
    end = data.draw(st.integers(start + 1, len(honest)))
    _same_or_refused(honest[:start] + honest[end:])
    _same_or_refused(honest[:end] + honest[start:])


def _same_or_refused(text: str) -> None:
    try:
        read = read_plan(text, "plan.json")
    except ConfigError:
        return
    assert read == PLAN


@pytest.mark.parametrize("cut", [0, 1, 100, -2, -40])
def test_a_file_that_was_cut_short_is_no_plan(cut: int) -> None:
    with pytest.raises(ConfigError, match=r"plan\.json is no saved plan: `dimsync plan -o FILE` makes one"):
        read_plan(text_of(PLAN)[:cut], "plan.json")


NO_PLANS = {
    "empty": "",
    "words": "not JSON",
    "null": "null",
    "a number": "12",
    "a huge number": "9" * 5_000,
    "a text": '"schema"',
    "a list": "[]",
    "a list of lists": '[["schema", "digest"]]',
    "no schema": '{"digest": ""}',
    "no digest": json.dumps({"schema": PLAN_SCHEMA}),
    "a result": json.dumps({"schema": "dimsync.result/1"}),
    "a byte order mark": f"\ufeff{text_of(PLAN)}",
    "two plans": text_of(PLAN) * 2,
}


@each_of(NO_PLANS)
def test_what_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is no saved plan"):
        read_plan(text, "plan.json")


def test_a_text_that_is_nested_too_deep_is_refused() -> None:
    with pytest.raises(ConfigError, match="is no saved plan"):
        read_plan("[" * 100_000, "plan.json")


@pytest.mark.parametrize("schema", ["dimsync.plan/2", "dimsync.plan/10", "", None, 1, ["dimsync.plan/1"]])
def test_another_schema_is_refused_whatever_its_digest(schema: object) -> None:
    document = json.loads(text_of(PLAN)) | {"schema": schema}
    with pytest.raises(ConfigError, match=r"this dimsync reads dimsync\.plan/1: make a new one"):
        read_plan(json.dumps(document), "plan.json")


def _first(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["companies"][0]
    return found


EDITS = {
    "a name": lambda document: _first(document)["creates"][0]["row"].update(name="Other"),
    "an id": lambda document: _first(document)["updates"][0].update(remote_id="dim_9"),
    "an update made a create": lambda document: _first(document)["updates"][0].update(remote_id=None),
    "a change left out": lambda document: _first(document)["creates"].clear(),
    "a hold lifted": lambda document: document["companies"][1]["held_by"].clear(),
    "the age": lambda document: document.update(made_at="2026-11-21T12:00:00+00:00"),
    "the origin": lambda document: document.update(origin="https://elsewhere"),
    "the id of the plan": lambda document: document.update(plan_id="another"),
    "the ledger's generation": lambda document: _first(document).update(generation=[4, "run"]),
    "a figure for people": lambda document: document["totals"].update(creates=0),
    "a value for people": lambda document: _first(document)["updates"][0]["fields"]["name"].update({"from": "x"}),
    "something added": lambda document: document.update(note="approved"),
    "a company's order": lambda document: document["companies"].reverse(),
    "the digest": lambda document: document.update(digest="0" * 32),
}


@each_of(EDITS)
def test_an_edit_is_refused(edit: Any) -> None:
    document = json.loads(text_of(PLAN))
    edit(document)
    with pytest.raises(ConfigError, match="a plan is reviewed, never edited"):
        read_plan(json.dumps(document, ensure_ascii=False), "plan.json")


def test_a_file_that_was_written_anew_with_other_blanks_is_the_same() -> None:
    """As an editor or a formatter leaves it: blanks and escapes mean nothing."""
    document = json.loads(text_of(PLAN))
    assert read_plan(json.dumps(document, indent=4, ensure_ascii=True), "plan.json") == PLAN


def test_a_person_can_review_it() -> None:
    """What each field is now and is to be, what it costs, and which guards hold a company."""
    document = json.loads(text_of(PLAN))
    first, second, third = document["companies"]
    assert first["updates"][0]["fields"] == {
        "name": {"from": "Kasse", "to": ROW.name},
        "code": {"from": None, "to": "C"},
    }
    assert second["held_by"] == [{"code": "mass-create", "message": "too many"}]
    assert third["not_planned"] == [{"code": "source", "message": "no such file"}]
    assert document["totals"] == {"companies": 3, "held": 1, "creates": 1, "updates": 2, "requests": 4}
    assert [one.requests for one in PLAN.companies] == [4, 0, 0]
