"""Source keys that stand for others on the wire: no row is lost, none counts twice, and undone is as before."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.compare.join import join
from engine.compare.rekey import Rekey, rekeyable, rekeyed
from engine.compare.remote_view import RemoteView
from engine.model.row_record import RowRecord
from engine.model.wanted import Wanted
from tests.unit.model_server import STEADY, dim, known, ledger_of, shown, source

KEYS = st.sampled_from([f"k{n}" for n in range(6)])
SOURCES = st.lists(KEYS, unique=True).map(lambda keys: in_file([f"{key}" for key in keys]))
MAPPINGS = st.dictionaries(KEYS, KEYS)


def in_file(keys: list[str]) -> Wanted:
    rows = [dim(key, f"{key}00") for key in keys]
    lines = {key: n for n, key in enumerate(keys, start=2)}
    return replace(source(*rows), lines=lines, file="rows.csv")


@STEADY
@given(SOURCES, MAPPINGS)
def test_rekeyed_rows_count_the_same_and_none_is_lost(wanted: Wanted, wire_keys: dict[str, str]) -> None:
    result = rekeyed(wanted, wire_keys)
    assert result.source_rows == wanted.source_rows == len(result.rows) + result.invalid
    assert result.invalid == len(result.problems)
    told = [result.source_keys.get(row.key, row.key) for row in result.rows]
    assert sorted([*told, *(problem.key or "" for problem in result.problems)]) == sorted(
        row.key for row in wanted.rows
    )
    assert len({row.key for row in result.rows}) == len(result.rows)


@STEADY
@given(SOURCES, MAPPINGS)
def test_only_the_key_differs_and_it_is_the_one_that_was_stored(wanted: Wanted, wire_keys: dict[str, str]) -> None:
    result = rekeyed(wanted, wire_keys)
    by_key = {row.key: row for row in wanted.rows}
    for row in result.rows:
        own = by_key[result.source_keys.get(row.key, row.key)]
        assert row == own._replace(key=wire_keys.get(own.key, own.key))
        assert result.lines[row.key] == wanted.lines[own.key]


@STEADY
@given(SOURCES, MAPPINGS)
def test_two_rows_of_one_wire_key_are_both_invalid(wanted: Wanted, wire_keys: dict[str, str]) -> None:
    result = rekeyed(wanted, wire_keys)
    ends = [wire_keys.get(row.key, row.key) for row in wanted.rows]
    for row, end in zip(wanted.rows, ends, strict=True):
        problems = [problem for problem in result.problems if problem.key == row.key]
        assert [problem.code for problem in problems] == ["rekeyed-twice"] * (ends.count(end) > 1)
        assert all((problem.file, problem.line) == ("rows.csv", wanted.lines[row.key]) for problem in problems)
        assert end in result.invalid_keys or not problems


@STEADY
@given(SOURCES, MAPPINGS)
def test_undone_is_as_before(wanted: Wanted, wire_keys: dict[str, str]) -> None:
    """Nothing stored is nothing changed; and what is stored and not collided leads back."""
    assert rekeyed(wanted, {}) is wanted
    result = rekeyed(wanted, wire_keys)
    if not result.invalid:
        back = [row._replace(key=result.source_keys.get(row.key, row.key)) for row in result.rows]
        assert back == wanted.rows


def test_an_invalid_row_is_known_by_its_wire_key_too() -> None:
    wanted = source(dim("b", "2"), invalid_keys=["new"], invalid=1)
    record = replace(ledger_of(known(dim("old", "1"), "r1")), wire_keys={"new": "old"})
    matching = join(rekeyed(wanted, record.wire_keys), RemoteView([shown("r1", "1"), shown("r2", "2")]), record)
    assert (matching.orphans, matching.contested) == ([], {"r1"})


# Which rows can be rekeyed

OLD = known(dim("old", "1"), "r1")


def test_a_row_that_is_there_under_a_key_which_the_source_has_no_more() -> None:
    found = rekeyable(source(dim("new", "1", "Renamed"), dim("other", "2")), ledger_of(OLD))
    assert found == [Rekey("new", "old", "account", "1", "Renamed", "r1")]


def test_a_row_that_is_listed_under_another_key() -> None:
    record = ledger_of(strays=[shown("r1", "1", key="theirs"), shown("r2", "2")])
    found = rekeyable(source(dim("new", "1"), dim("other", "2")), record)
    assert [(one.source_key, one.wire_key, one.remote_id) for one in found] == [("new", "theirs", "r1")]


@pytest.mark.parametrize(
    ("wanted", "entry"),
    [
        (source(dim("new", "1"), dim("old", "9")), OLD),
        (source(dim("new", "1"), invalid_keys=["old"], invalid=1), OLD),
        (source(dim("old", "1")), OLD),
        (source(dim("new", "1"), dim("newer", "1")), OLD),
        (source(dim("new", "1")), OLD._replace(confirmed=False)),
        (source(dim("new", "1")), OLD._replace(outcome_known=False)),
        (source(dim("new", "1", type_code="item")), OLD),
    ],
    ids=[
        "old key in the source",
        "old key invalid",
        "same key",
        "two rows",
        "unconfirmed",
        "unsettled",
        "another type",
    ],
)
def test_what_cannot_be_rekeyed(wanted: Wanted, entry: RowRecord) -> None:
    assert rekeyable(wanted, ledger_of(entry)) == []


def test_a_row_whose_own_key_leads_somewhere_is_left_alone() -> None:
    record = ledger_of(OLD, known(dim("new", "7"), "r7"))
    assert rekeyable(source(dim("new", "1")), record) == []
    adopted = ledger_of(OLD, known(dim("new", "1"), "r1", confirmed=False))
    assert [one.wire_key for one in rekeyable(source(dim("new", "1")), adopted)] == ["old"]


def test_what_was_stored_is_not_listed_again() -> None:
    record = replace(ledger_of(OLD), wire_keys={"new": "old"})
    assert rekeyable(source(dim("new", "1")), record) == []


@STEADY
@given(
    st.lists(st.tuples(KEYS, st.integers(0, 5)), unique_by=lambda pair: pair[0]),
    st.lists(st.tuples(KEYS, st.integers(0, 5)), unique_by=lambda pair: pair[0]),
)
def test_what_is_listed_can_be_stored(new: list[tuple[str, int]], old: list[tuple[str, int]]) -> None:
    """Stored as listed, nothing collides, each row is the one of its natural key, and nothing is left to list."""
    wanted = source(*(dim(f"s{key}", f"{n}") for key, n in new))
    unique = {n: key for key, n in old}  # one entry for each natural key: what several mean is a case of its own
    record = ledger_of(*(known(dim(key, f"{n}"), f"r{n}") for n, key in unique.items()))
    found = rekeyable(wanted, record)
    wire_keys = {one.source_key: one.wire_key for one in found}
    result = rekeyed(wanted, wire_keys)
    assert result.invalid == 0
    for row in result.rows:
        if row.key in record.rows:
            assert record.rows[row.key].row.erp_id == row.erp_id
    assert rekeyable(wanted, replace(record, wire_keys=wire_keys)) == []


def test_several_keys_are_never_guessed_between() -> None:
    """The ledger knows two rows of this type and ERP id: which of them the source means, nobody can tell."""
    record = ledger_of(OLD, known(dim("older", "1"), "r2"))
    assert rekeyable(source(dim("new", "1")), record) == []


def test_a_wire_key_that_is_taken_is_not_listed() -> None:
    """`first` goes by `old` and has a new ERP id, which is not sent yet; `second` has got its old one."""
    record = replace(ledger_of(OLD), wire_keys={"first": "old"})
    wanted = source(dim("first", "9"), dim("second", "1"))
    wire_keys = record.wire_keys | {one.source_key: one.wire_key for one in rekeyable(wanted, record)}
    assert rekeyed(wanted, wire_keys).invalid == 0
