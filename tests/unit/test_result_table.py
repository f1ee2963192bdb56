"""Outcomes as a table: they are as the outcomes one by one, for counts, for the audit trail and for the ledger."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from engine.ledger.jobs.attempts import lines_of
from engine.model.change import Change
from engine.model.dimension import RemoteRow
from engine.model.outcome import STORED, Column, ItemResult, Outcome, columns_of, result_table, trail
from engine.model.row_record import RowRecord
from engine.run.row_counts import RowCounts
from engine.send.known_rows import KnownRows
from tests.unit.model_server import STEADY, dim

THERE = RemoteRow("dim_there", "account", "", "Rent of old", "1")
COLUMNS = (Column.CREATED, Column.UPDATED, Column.REJECTED, Column.UNCERTAIN)


@st.composite
def outcomes(draw: st.DrawFn, columns: tuple[Column, ...] = COLUMNS) -> list[ItemResult]:
    """Draw outcomes of rows with different keys."""
    found = []
    for number in range(draw(st.integers(0, 6))):
        row = dim(f"k{number}", str(number), draw(st.sampled_from(["Rent", "Wages"])), code=draw(codes))
        matched = draw(st.sampled_from([None, "dim_there", f"?k{number}"]))
        change = Change(row, matched)
        if draw(st.booleans()):
            change = Change(row, matched, ("name",), before=("Rent of old",))
        told = draw(st.sampled_from([None, f"dim_{number}", "dim_there"]))
        found.append(ItemResult(change, draw(st.sampled_from(columns)), told, draw(st.sampled_from(["", "no"]))))
    return found


codes = st.sampled_from([None, "60"])


@STEADY
@given(outcomes())
def test_a_table_of_outcomes_is_equal_to_the_outcomes(rows: list[ItemResult]) -> None:
    table = result_table(rows)

    assert table == rows
    assert result_table(table) is table
    assert [table[at] for at in range(len(rows))] == rows
    assert list(table.keys) == [each.change.row.key for each in rows]
    assert table.are_stored is all(each.column in STORED for each in rows)
    assert columns_of(table) == columns_of(rows) == Counter(each.column for each in rows)


@STEADY
@given(outcomes())
def test_the_audit_trail_has_each_outcome(rows: list[ItemResult]) -> None:
    told = [
        Outcome(each.change.row.key, each.column.value, each.remote_id, each.message, each.change.moves_to)
        for each in rows
    ]

    assert trail(result_table(rows)) == trail(rows) == told
    assert lines_of(trail(rows)) == lines_of(told)


@STEADY
@given(outcomes((Column.CREATED,) * 9 + COLUMNS), st.data())
def test_rows_that_are_all_new_are_kept_as_each_of_them_is(rows: list[ItemResult], data: st.DataObject) -> None:
    keys = [each.change.row.key for each in rows]
    some = st.sets(st.sampled_from(keys), max_size=1) if keys else st.just(set[str]())
    entry = RowRecord(dim("k0", "0"), None, confirmed=False, outcome_known=False, code_known=True)
    known = KnownRows(
        run_id="run",
        records=dict.fromkeys(data.draw(some), entry),
        listed_ids={"dim_there"},
        remotes={"dim_there": THERE},
        again={key: {"name": "Rent of old"} for key in data.draw(some)},
    )
    answered = dict.fromkeys(data.draw(some), "RENT")

    found = known.all_created(result_table(rows), answered)

    each = {
        result.change.row.key: known.acknowledged(result, explained=True, answered=answered.get(result.change.row.key))
        for result in rows
        if result.column in STORED
    }
    assert found is None or dict(found) == each
    is_new = all(result.column is Column.CREATED and result.change.remote_id is None for result in rows)
    if rows and is_new and not (known.records or known.again or answered):
        assert found is not None


@STEADY
@given(outcomes())
def test_a_row_is_counted_in_one_column_by_the_table(rows: list[ItemResult]) -> None:
    at_once, one_by_one = RowCounts(), RowCounts()

    at_once.record(result_table(rows))
    for each in rows:
        one_by_one.record([each])

    assert at_once.done == one_by_one.done
    assert at_once.problems == one_by_one.problems
    assert at_once.rejects == one_by_one.rejects
