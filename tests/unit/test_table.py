"""Rows over columns: a table is a sequence of its rows, and a keyed one a mapping."""

from __future__ import annotations

import gc
from collections import Counter
from sys import getrefcount
from typing import Any

import pytest

from engine.model.dimension import Dimension, dimension_table, dimensions
from engine.model.table import (
    SLICE,
    Keyed,
    Table,
    distinct,
    gathered,
    has_all,
    has_any,
    mark,
    packed,
    positions_of,
    taken,
    transposed,
    unequal,
    uses_of,
)
from tests.unit.model_server import dim

ROWS = [dim("k1", "1"), dim("k2", "2"), dim("k3", "3")]


def test_a_table_is_a_sequence_of_its_rows() -> None:
    table = dimension_table(ROWS)
    assert (len(table), list(table), table[1], table[-1]) == (3, ROWS, ROWS[1], ROWS[2])
    assert table[1:] == ROWS[1:]
    assert table != ROWS[1:]
    assert repr(table) == repr(ROWS)
    with pytest.raises(IndexError):
        table[3]
    with pytest.raises(TypeError):
        hash(table)


def test_rows_are_taken_by_position_and_fields_by_name() -> None:
    table = dimension_table(ROWS)
    assert table.column("erp_id") == ["1", "2", "3"]
    assert table.take([2, 0]).column("erp_id") == ("3", "1")
    assert list(table.columns("key", "erp_id")) == [("k1", "1"), ("k2", "2"), ("k3", "3")]
    assert table.take([2, 0]) == [ROWS[2], ROWS[0]]
    assert table.take([2, 0]).in_order_of("key") == [1, 0]
    assert table.take(range(1, 3)) == ROWS[1:]
    assert table.take(range(2, -1, -1)) == ROWS[::-1]
    assert taken(column := table.column("key"), range(3)) == column
    assert taken(column, range(3)) is not column


def test_a_table_without_rows_has_its_columns() -> None:
    empty = dimension_table([])
    assert (len(empty), list(empty), list(empty.column("name"))) == (0, [], [])
    empty.extend(dimension_table(ROWS))
    assert empty == ROWS


def test_columns_of_other_lengths_are_no_table() -> None:
    with pytest.raises(ValueError, match="shorter"):
        list(dimensions([["k1"], *([[]] * (len(Dimension._fields) - 1))]))


def test_a_keyed_table_is_a_mapping() -> None:
    keyed = Keyed(dimension_table(ROWS[:2]), "key")
    keyed.append(dimension_table(ROWS[2:]), "key")
    assert dict(keyed) == {row.key: row for row in ROWS}
    assert (keyed["k3"], keyed.get("k2"), keyed.get("k9"), "k9" in keyed) == (ROWS[2], ROWS[1], None, False)


def test_where_columns_differ() -> None:
    assert unequal(["a", "b", None], ("a", "c", "")) == [1, 2]
    assert unequal(["a"], ["a"]) == unequal(("a",), ["a"]) == []


def test_a_whole_table_has_tuples_for_columns_until_it_grows() -> None:
    table = dimension_table(ROWS[:2])
    table.seal()
    assert (table.column("key"), table) == (("k1", "k2"), dimension_table(ROWS[:2]))
    gc.collect()
    assert not any(gc.is_tracked(table.column(name)) for name in Dimension._fields)
    empty = dimension_table([]).take([])
    empty.extend(table)
    assert all(empty.column(name) is table.column(name) for name in Dimension._fields)
    table.extend(dimension_table(ROWS[2:]))
    assert table == dimension_table(ROWS)
    assert empty == dimension_table(ROWS[:2])


def test_all_rows_of_a_whole_table_share_its_columns() -> None:
    table = dimension_table(ROWS)
    table.seal()
    table.extend(dimension_table([]))
    for everything in (range(3), [0, 1, 2], packed(iter(range(3)))):
        assert table.take(everything).column("key") is table.column("key")
    for others in (range(2), [0, 2, 1], [0, 1, 1], [0, 1, 2, 2], range(2, -1, -1)):
        assert table.take(others) == [ROWS[at] for at in others]
    growing = dimension_table(ROWS)
    assert growing.take(range(3)).column("key") is not growing.column("key")


def test_the_collector_has_looked_at_each_long_column_of_a_whole_table() -> None:
    long = [Dimension(f"k{number}", "account", "Account", f"Rent {number}", "1") for number in range(SLICE + 1)]
    table = dimension_table(long)
    table.seal()
    taken_from = table.take(range(1, SLICE + 1)), table.take(range(SLICE, -1, -1))
    table.share(dimension_table(long), "key", "name")
    columns = [each.column(name) for each in (table, *taken_from) for name in Dimension._fields]
    assert [gc.is_tracked(column) for column in columns if len(column) > SLICE] == [False] * 2 * len(Dimension._fields)


def test_columns_that_grow_are_old_to_the_collector_before_they_are_long() -> None:
    thresholds = gc.get_threshold()
    gc.set_threshold(10**6)
    try:
        keyed = Keyed(dimension_table([]), "key")
        for start in range(0, 2 * SLICE, 1_000):
            keyed.append(dimension_table([dim(f"k{start + number}", "1") for number in range(1_000)]), "key")
        columns = transposed(((number, None) for number in range(2 * SLICE)), 2)
        young = set(map(id, gc.get_objects(generation=0)))
    finally:
        gc.set_threshold(*thresholds)
    assert young.isdisjoint(id(column) for column in (*columns, *map(keyed.table.column, Dimension._fields)))


@pytest.mark.parametrize("values", [1, 7, SLICE, 10**6])
@pytest.mark.parametrize("rows", [0, 1, SLICE, SLICE + 1, 5 * SLICE])
def test_the_order_of_a_field_is_that_of_one_sort(rows: int, values: int) -> None:
    column = [f"k{number * 7919 % values}" for number in range(rows)]
    assert Table(("key",), [column], tuple).in_order_of("key") == sorted(range(rows), key=column.__getitem__)


@pytest.mark.parametrize("rows", [0, 1, SLICE - 1, SLICE, SLICE + 1, 2 * SLICE + 3])
def test_what_is_done_slice_by_slice_is_done_to_every_row(rows: int) -> None:
    given = [(f"k{number}", number, None) for number in range(rows)]
    columns = transposed(iter(given), 3)
    assert columns == [[row[at] for row in given] for at in range(3)]
    table = Table(("key", "number", "nothing"), columns, tuple)
    assert gathered(iter(table)) == table.listed() == given
    assert list(packed(iter(range(rows)))) == columns[1]
    assert taken(columns[1], range(rows)[::-1]) == columns[1][::-1]
    assert table.take(range(1, rows)).column("key") == tuple(columns[0][1:])
    assert uses_of(number % 7 for number in range(rows)) == Counter(number % 7 for number in range(rows))
    assert has_all(set(columns[1]), range(rows))
    assert not has_all(set(columns[1]), range(rows + 1))
    marked: dict[str, bool] = {}
    mark(marked, columns[0], True)
    assert marked == dict.fromkeys(columns[0], True)
    whole = dimension_table([dim(key, "1") for key in columns[0]])
    assert whole.joined(whole, dimension_table(ROWS)) == [*whole, *whole, *ROWS]
    assert positions_of((number % 3 == 1 for number in range(rows)), rows) == list(range(1, rows, 3))
    keyed = Keyed(table, "key")
    assert keyed.positions == {key: number for key, number, _ in given}
    assert keyed.append(Table(("key", "number", "nothing"), [["x"] * rows] * 3, tuple), "key") is (rows <= 1)
    assert keyed.positions.get("x") == (2 * rows - 1 if rows else None)


@pytest.mark.parametrize("rows", [1, SLICE + 2])
def test_equal_values_of_two_tables_become_one_object(rows: int) -> None:
    def columns(*numbers: int) -> list[list[str | None]]:
        """Return keys, texts that follow from them, and texts of which every third is another or none at all."""
        others = [None if number % 3 else f"{rows} {number}" for number in numbers]
        return [[f"k{number}" for number in numbers], [f"text {number}" for number in numbers], others]

    def owned(table: Table[Any], other: Table[Any], name: str) -> list[object]:
        theirs = set(map(id, other.column(name)))
        return [text for text in table.column(name) if id(text) not in theirs]

    names = ("key", "text", "other")
    for order in (range(rows), range(rows, 0, -1)):
        other = Table(names, columns(*order), tuple)
        one = Table(names, [*columns(*range(rows))[:2], [f"{rows} {number}" for number in range(rows)]], tuple)
        before = list(one)
        one.share(other, *names)
        assert list(one) == before
        missing = ["k0"] if 0 not in order else []
        assert owned(one, other, "key") == missing
        assert owned(one, other, "text") == [f"text {key[1:]}" for key in missing]
        apart = [number for number in range(rows) if number % 3 or number not in order]
        assert owned(one, other, "other") == [f"{rows} {number}" for number in apart]


def test_a_table_shares_nothing_with_one_without_rows() -> None:
    table = dimension_table(ROWS)
    table.share(dimension_table([]), "key", "name")
    assert table == ROWS


def test_a_drained_table_holds_nothing() -> None:
    column = ["k1"]
    table = Table(("key",), [column], tuple)
    held = getrefcount(column)
    table.drain()
    assert getrefcount(column) == held - 1


def test_many_values_are_told_apart_slice_by_slice() -> None:
    numbers = range(2 * SLICE + 3)
    assert distinct(each // 2 for each in numbers) == set(range(SLICE + 2))
    assert list(distinct(each // 2 for each in numbers)) == list(range(SLICE + 2))
    found = [has_any({wanted}, iter(numbers), len(numbers)) for wanted in (0, SLICE, 2 * SLICE + 2, -1)]
    assert found == [True, True, True, False]
    assert not has_any(set(), iter(numbers), len(numbers))


def test_a_row_that_lacks_a_value_fails_in_any_slice() -> None:
    for at in (1, SLICE + 1):
        rows: list[tuple[int, ...]] = [(number, number) for number in range(2 * SLICE)]
        rows[at] = (0,)
        with pytest.raises(ValueError, match="shorter"):
            transposed(rows, 2)
