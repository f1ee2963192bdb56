"""Plan -> chunks: each change once, both limits kept by real bytes, rows of one name apart where that is free."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from functools import partial
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.change import Change
from engine.model.outcome import Chunk
from engine.send.chunks import Cut, cut
from engine.wire.guide import DIALECT
from tests.unit.model_server import COMPANY, STEADY, dim

BODY = partial(DIALECT.bulk_body, COMPANY)
FRAME = len(BODY(()))


def how(rows: int = 100, size: int = 10**6) -> Cut:
    return Cut(max_rows=rows, max_bytes=size, encode=DIALECT.row, body=BODY)


def changes(*names: str) -> list[Change]:
    return [Change(dim(f"k{number:05}", str(number), name), None) for number, name in enumerate(names)]


def sent(chunks: Sequence[Chunk]) -> list[str]:
    return sorted(change.row.key for chunk in chunks for change in chunk.changes)


def doubled(chunk: Chunk) -> int:
    """Return how many rows of a chunk bear a name that another row before them bears."""
    return len(chunk.changes) - len({change.row.name for change in chunk.changes})


names = st.lists(st.sampled_from(["Rent", "Wages", "Café", "Miete 東京", "x" * 90, *"abcdefgh"]), max_size=60)


@STEADY
@given(names, st.integers(1, 12), st.integers(FRAME, FRAME + 900))
def test_each_change_goes_once_and_both_limits_hold(picked: list[str], rows: int, size: int) -> None:
    plan = changes(*picked)

    chunks = list(cut(plan, how(rows, size)))

    assert sent(chunks) == sorted(change.row.key for change in plan)
    for chunk in chunks:
        assert 1 <= len(chunk.changes) <= rows
        assert len(chunk.body) <= size or len(chunk.changes) == 1
        assert chunk.body == BODY(chunk.rows)
        assert chunk.rows == tuple(DIALECT.row(change.row) for change in chunk.changes)
        assert [item["unique_key"] for item in json.loads(chunk.body)["dimensions"]] == [
            change.row.key for change in chunk.changes
        ]


@STEADY
@given(names, st.integers(1, 12))
def test_the_fewest_chunks_where_only_rows_count(picked: list[str], rows: int) -> None:
    assert len(list(cut(changes(*picked), how(rows)))) == ceil(len(picked) / rows)


@STEADY
@given(names, st.integers(1, 12), st.integers(FRAME, FRAME + 900))
def test_keeping_names_apart_costs_no_chunk_over_plain_filling(picked: list[str], rows: int, size: int) -> None:
    plan = changes(*picked)

    assert len(list(cut(plan, how(rows, size)))) <= len(filled(plan, rows, size))


@STEADY
@given(st.lists(st.integers(1, 90), max_size=60), st.integers(1, 12), st.integers(FRAME, FRAME + 2_000))
def test_rows_of_different_names_fill_chunks_in_the_order_of_the_plan(lengths: list[int], rows: int, size: int) -> None:
    plan = changes(*(f"{number:03}".ljust(length, "x") for number, length in enumerate(lengths)))

    assert [list(chunk.changes) for chunk in cut(plan, how(rows, size))] == filled(plan, rows, size)


def filled(plan: list[Change], rows: int, size: int) -> list[list[Change]]:
    """Return the chunks that plain filling in the plan's order makes."""
    chunks: list[list[Change]] = []
    for change in plan:
        together = [*chunks[-1], change] if chunks else []
        if together and len(together) <= rows and len(BODY([DIALECT.row(each.row) for each in together])) <= size:
            chunks[-1] = together
        else:
            chunks.append([change])
    return chunks


@pytest.mark.parametrize(
    ("picked", "rows", "expected"),
    [
        (["a", "a", "b", "b"], 2, [0, 0]),
        (["a", "a", "a", "b", "c", "d"], 2, [0, 0, 0]),
        (["a"] * 3, 3, [2]),  # apart would cost a chunk
        (["a"] * 100 + [f"n{number}" for number in range(9900)], 100, [0] * 100),
        ([f"n{number}" for number in range(9900)] + ["a"] * 100, 100, [0] * 99 + [99]),  # met too late
    ],
)
def test_rows_of_one_name_are_apart_where_that_is_free(picked: list[str], rows: int, expected: list[int]) -> None:
    chunks = list(cut(changes(*picked), how(rows)))

    assert sum(map(doubled, chunks)) <= sum(expected)
    assert len(chunks) == len(expected)


def test_a_chunk_may_be_exactly_as_large_as_allowed() -> None:
    plan = changes("a", "b", "c")
    size = len(BODY([DIALECT.row(change.row) for change in plan]))

    assert [len(chunk.changes) for chunk in cut(plan, how(size=size))] == [3]
    assert [len(chunk.changes) for chunk in cut(plan, how(size=size - 1))] == [2, 1]


def test_bytes_are_counted_as_they_are_sent() -> None:
    plan = changes(*(letter * 100 for letter in "é東\u0001🙂"))
    size = FRAME + max(len(DIALECT.row(change.row)) for change in plan)

    chunks = list(cut(plan, how(size=size)))

    assert all(len(chunk.body) <= size for chunk in chunks)


def test_a_row_too_large_for_any_chunk_goes_alone_and_sinks_nobody() -> None:
    plan = changes("a", "x" * 2000, "b")

    chunks = list(cut(plan, how(size=1000)))

    assert sent(chunks) == ["k00000", "k00001", "k00002"]
    assert [chunk.changes for chunk in chunks if len(chunk.body) > 1000] == [(plan[1],)]


def test_each_row_is_serialised_once_and_no_more_than_are_needed() -> None:
    calls: Counter[str] = Counter()

    def encode(row: object) -> bytes:
        calls[str(row)] += 1
        return b"{}"

    chunks = cut(changes(*map(str, range(1000))), Cut(max_rows=10, max_bytes=10**6, encode=encode, body=BODY))
    next(chunks)

    assert len(calls) <= 11
    assert len(list(chunks)) == 99
    assert set(calls.values()) == {1}
    assert len(calls) == 1000


def test_no_changes_make_no_chunk() -> None:
    assert list(cut([], how())) == []


class Counted(str):
    """A name that counts how often it is looked up."""

    __slots__ = ()
    looked_up = 0

    def __hash__(self) -> int:
        Counted.looked_up += 1
        return super().__hash__()


def test_the_work_grows_with_the_rows_even_if_all_bear_one_name() -> None:
    def work(count: int) -> int:
        before = Counted.looked_up
        plan = [Change(dim(f"k{number}", str(number), Counted("Rent")), None) for number in range(count)]
        assert sum(len(chunk.changes) for chunk in cut(plan, how(rows=10))) == count
        return Counted.looked_up - before

    assert work(8000) < 9 * work(1000)
