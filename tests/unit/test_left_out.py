"""Rows that mappings leave out: their words, how they are counted, and the guard that sees a filter gone blind."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cli.show.render import print_run
from engine.guards.left_out import left_out
from engine.model.balance import Balance
from engine.model.dimension import Dimension
from engine.model.result import CompanyResult, company_json
from engine.model.settings import Guards
from engine.model.wanted import (
    MOST_REASONS,
    GoodCounts,
    LeftOut,
    SourceCounts,
    Wanted,
    few_reasons,
    paired,
    tell_left_out,
)
from engine.run.row_counts import RowCounts
from tests.tables import each_of
from tests.unit.model_server import STEADY
from tests.unit.test_render import TYPED, company, run

INACTIVE = LeftOut("filter", "Inactive", "Yes", "account", 9)
HEADING = LeftOut("heading", "", "", None, 3)


def rows(type_code: str, count: int) -> list[Dimension]:
    return [Dimension(f"{type_code}{n}", type_code, "", f"Name {n}", f"{n}") for n in range(count)]


def wanted(*kept: tuple[str, int], reasons: tuple[LeftOut, ...] = (), sources: tuple[SourceCounts, ...] = ()) -> Wanted:
    good = [row for type_code, count in kept for row in rows(type_code, count)]
    return Wanted(rows=good, source_rows=len(good), file="a.csv", left_out_by=reasons, sources=sources)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (INACTIVE, "Inactive is 'Yes'"),
        (HEADING, "heading"),
        (LeftOut("total", "Name", "TOTAL", None, 1), "total: Name is 'TOTAL'"),
        (LeftOut("filter", "Number", "", None, 1), "Number is empty"),
        (LeftOut("heading", "Type", "", None, 1), "heading: Type is empty"),
        (LeftOut("filter", "Name", "x" * 41, None, 1), f"Name is '{'x' * 40}...'"),
    ],
)
def test_a_reason_in_words(reason: LeftOut, words: str) -> None:
    assert reason.words == words


def test_reasons_are_told_with_their_rows_and_the_rest_is_summed() -> None:
    assert tell_left_out([INACTIVE, HEADING]) == "Inactive is 'Yes' 9, heading 3"
    assert tell_left_out([INACTIVE, HEADING, HEADING], 1) == "Inactive is 'Yes' 9, other reasons 6"


@STEADY
@given(st.lists(st.integers(1, 10**6), max_size=60))
def test_few_reasons_lose_no_row(counts: list[int]) -> None:
    reasons = [LeftOut("filter", "Inactive", f"{n}", None, count) for n, count in enumerate(counts)]
    few = few_reasons(reasons)
    assert len(few) <= MOST_REASONS
    assert sum(reason.rows for reason in few) == sum(counts)
    assert [*few] == reasons or few[-1].reason == "other"


def test_the_company_counts_what_it_read() -> None:
    counts = RowCounts()
    counts.wanted = wanted(("account", 4), reasons=(INACTIVE, HEADING))
    balance = counts.balance()
    assert (balance.read_rows, balance.left_out, balance.source_rows) == (16, 12, 4)
    assert balance.adds_up


def test_a_source_that_counts_another_number_of_rows_does_not_add_up() -> None:
    counts = RowCounts()
    counts.wanted = wanted(("account", 4), reasons=(INACTIVE,), sources=(SourceCounts("a.csv", 12, 9),))
    assert not counts.balance().adds_up


def test_rows_of_a_company_that_nothing_is_new_of_are_counted_as_they_were() -> None:
    counts = RowCounts()
    counts.take_unchanged(7, 2, (INACTIVE,))
    balance = counts.balance()
    assert (balance.read_rows, balance.left_out, balance.source_rows, balance.unchanged) == (16, 9, 7, 7)
    assert balance.adds_up


# The guard

ONE = (SourceCounts("a.csv", 30, 0),)
BEFORE = GoodCounts(ONE, {"account": 20, "department": 10})


def out(count: int, type_code: str | None = "account") -> tuple[LeftOut, ...]:
    return (LeftOut("filter", "Inactive", "No", type_code, count),)


def counted(name: str, read: int, left: int) -> tuple[SourceCounts, ...]:
    return (SourceCounts(name, read, left),)


TYPE = "every row of type account, and kept 20"
MOST = "20 of 30 rows, and left out 0 of 30"
DEPARTMENTS = ("department", 10)
CASES: dict[str, tuple[Wanted, GoodCounts | None, str | None]] = {
    "nothing is left out": (wanted(DEPARTMENTS), BEFORE, None),
    "no good run yet": (wanted(DEPARTMENTS, reasons=out(20)), None, None),
    "a type is left out whole": (wanted(DEPARTMENTS, reasons=out(20)), BEFORE, TYPE),
    "a type that the file lost, and others left out": (wanted(DEPARTMENTS, reasons=out(5, "department")), BEFORE, None),
    "a type is gone, and as many rows of unknown type are left out": (
        wanted(DEPARTMENTS, reasons=out(20, None)),
        BEFORE,
        TYPE,
    ),
    "a type is gone, and fewer rows of unknown type are left out": (
        wanted(DEPARTMENTS, reasons=out(3, None)),
        BEFORE,
        None,
    ),
    "a type that never had a row": (wanted(("account", 20), DEPARTMENTS, reasons=out(3, "item")), BEFORE, None),
    "some rows of the type stay": (wanted(("account", 1), DEPARTMENTS, reasons=out(9)), BEFORE, None),
    "most of the file": (wanted(("account", 5), ("department", 5), reasons=out(20)), BEFORE, MOST),
    "half of the file": (wanted(("account", 5), DEPARTMENTS, reasons=out(15)), BEFORE, None),
    "most of a file of which a tenth was left out": (
        wanted(("account", 5), ("department", 5), reasons=out(20)),
        GoodCounts(counted("a.csv", 30, 3), {"account": 17, "department": 10}),
        None,
    ),
    "the most of one of two files": (
        wanted(("account", 5), DEPARTMENTS, reasons=out(15), sources=(*counted("a.csv", 20, 15), *counted("b", 10, 0))),
        GoodCounts((*counted("a.csv", 20, 0), *counted("b", 10, 0)), {"account": 20, "department": 10}),
        "a.csv: the mapping leaves out 15 of 20 rows",
    ),
    "most of a file that has a new name": (
        wanted(("account", 5), ("department", 5), reasons=out(20), sources=counted("b.csv", 30, 20)),
        BEFORE,
        MOST,
    ),
    "most of a file that is new beside others": (
        wanted(("account", 25), DEPARTMENTS, reasons=out(6), sources=(*counted("a.csv", 35, 0), *counted("b", 6, 6))),
        BEFORE,
        None,
    ),
}


@each_of(CASES)
def test_what_trips(source: Wanted, before: GoodCounts | None, words: str | None) -> None:
    trips = left_out(source, before, Guards())
    assert [trip.slug for trip in trips] == ([] if words is None else ["left-out"])
    if words is not None:
        assert words in trips[0].message
        assert "(left out: Inactive is 'No' " in trips[0].message


def test_the_figures_are_settings() -> None:
    source = wanted(("account", 5), DEPARTMENTS, reasons=out(15))
    assert left_out(source, BEFORE, Guards(left_out_share=0.49))
    before = GoodCounts(counted("a.csv", 30, 6), BEFORE.kept)
    assert not left_out(source, before, Guards(left_out_share=0.49))
    assert left_out(source, before, Guards(left_out_share=0.49, left_out_usual_share=0.3))


# What a person and a program see


def with_left_out(company_id: int, *reasons: LeftOut) -> CompanyResult:
    left = sum(reason.rows for reason in reasons)
    zeros = dict.fromkeys(("created", "updated", "rejected", "held", "deferred", "uncertain", "invalid"), 0)
    balance = Balance(read_rows=4 + left, left_out=left, source_rows=4, unchanged=4, **zeros)
    return replace(company(company_id, balance=balance), left_out_by=reasons)


def shown(*companies: CompanyResult, details: bool = False) -> str:
    stream = io.StringIO()
    print_run(stream, run(list(companies), verb="plan"), TYPED, 80, details=details)
    return stream.getvalue()


def test_the_screen_tells_how_many_rows_were_left_out_and_why() -> None:
    told = shown(with_left_out(1, INACTIVE, HEADING), with_left_out(2, INACTIVE._replace(type_code="item")))
    assert "read      29 = 8 of the sources + 21 left out: Inactive is 'Yes' 18, heading 3\n" in told
    assert "left out by the mapping" not in told


def test_nothing_is_said_where_nothing_is_left_out() -> None:
    assert "left out" not in shown(with_left_out(1), details=True)


def test_the_details_tell_it_for_each_company() -> None:
    told = shown(with_left_out(1, INACTIVE, HEADING), with_left_out(2), details=True)
    assert told.startswith("1  Harbor Grill 1  12 left out by the mapping\n  9 of type account: Inactive is 'Yes'\n")
    assert "\n  3: heading\n" in told
    assert told.count("left out by the mapping") == 1


def test_hostile_values_are_made_harmless() -> None:
    hostile = LeftOut("filter", "A\x1b]0;b\x07", "\u202e", None, 1)
    told = shown(with_left_out(1, hostile), details=True)
    assert all(line.isprintable() for line in told.splitlines())


def test_the_json_has_the_reasons_only_where_there_are_some() -> None:
    document = company_json(with_left_out(1, INACTIVE))
    assert (document["read_rows"], document["left_out"], document["source_rows"]) == (13, 9, 4)
    assert document["left_out_by"] == [
        {"reason": "filter", "column": "Inactive", "value": "Yes", "type": "account", "rows": 9}
    ]
    assert "left_out_by" not in company_json(with_left_out(2))


PAIRS: dict[str, tuple[list[str], list[str], list[int]]] = {
    "by name": (["a", "b"], ["b", "a"], [1, 0]),
    "one name twice, a file that two mappings read": (["a", "a"], ["a", "a"], [0, 1]),
    "under a new name, by place": (["a", "2026-12.csv"], ["a", "2026-11.csv"], [0, 1]),
    "one more": (["a", "new"], ["a"], [0]),
    "none before": (["a"], [], []),
}


@pytest.mark.parametrize(("now", "before", "places"), PAIRS.values(), ids=PAIRS)
def test_a_source_is_measured_by_what_it_was(now: list[str], before: list[str], places: list[int]) -> None:
    earlier = [SourceCounts(name, place, 0) for place, name in enumerate(before)]
    pairs = paired([SourceCounts(name, 9, 0) for name in now], earlier)
    assert [was.read_rows for _, was in pairs] == places
