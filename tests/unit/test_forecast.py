"""A source against what the ledger knows, as `dimsync map preview --diff` shows it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from engine.compare.forecast import forecast
from engine.model.company_record import CompanyRecord
from engine.model.dimension import Dimension
from engine.model.row_record import RowRecord
from engine.model.wanted import Wanted
from tests.unit.model_server import STEADY


def row(key: str, name: str = "Cash", code: str | None = None, type_code: str = "account") -> Dimension:
    return Dimension(key, type_code, type_code.title(), name, f"id {key}", code)


def wanted(*rows: Dimension) -> Wanted:
    return Wanted(rows=rows, source_rows=len(rows))


def record(*rows: Dimension, code_known: bool = True) -> CompanyRecord:
    known = {
        each.key: RowRecord(each, None, confirmed=True, outcome_known=True, code_known=code_known) for each in rows
    }
    return CompanyRecord(rows=known)


def test_fields_that_differ_are_named() -> None:
    found = forecast(wanted(row("a", "Bank", "1")), record(row("a")))
    assert [(each.field, each.before, each.after) for each in found.changed] == [
        ("name", "Cash", "Bank"),
        ("code", None, "1"),
    ]
    assert (found.new, found.gone, found.same) == ((), (), 0)


def test_a_code_that_nobody_can_see_differs_from_none() -> None:
    found = forecast(wanted(row("a", code="1")), record(row("a"), code_known=False))
    assert (found.changed, found.same) == ((), 1)


def test_rows_of_other_lists_and_invalid_rows_are_not_gone() -> None:
    known = record(row("a"), row("b"), row("c"), row("d", type_code="department"))
    source = replace(wanted(row("a")), invalid=1, source_rows=2, invalid_keys=frozenset({"b"}))
    assert forecast(source, known).gone == (row("c"),)


def test_a_row_that_was_rekeyed_is_the_same_row() -> None:
    found = forecast(wanted(row("new")), replace(record(row("old")), wire_keys={"new": "old"}))
    assert [each.field for each in found.changed] == ["erp_id"]
    assert (found.new, found.gone) == ((), ())


KEYS = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["Cash", "Bank"]))


@STEADY
@given(KEYS, KEYS)
def test_each_row_of_the_source_is_new_changed_or_the_same(there: dict[str, str], here: dict[str, str]) -> None:
    found = forecast(
        wanted(*(row(key, name) for key, name in here.items())), record(*(row(*pair) for pair in there.items()))
    )
    assert len(found.new) + len(found.changed) + found.same == len(here)
    assert {each.key for each in found.new} == here.keys() - there.keys()
    assert {each.key for each in found.gone} == (there.keys() - here.keys() if here else set())
