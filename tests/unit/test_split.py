"""A chunk in parts: every row in one part with its own bytes, both ends heard before the rest is refused with them."""

from __future__ import annotations

from collections import Counter, deque
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.change import Change
from engine.send.chunks import Cut
from engine.send.split import REFUSED_ALONE, Part, Split, halves, regrouped
from engine.wire.guide import DIALECT
from tests.unit.model_server import COMPANY, STEADY, dim

CUT = Cut(max_rows=100, max_bytes=10**6, encode=DIALECT.row, body=partial(DIALECT.bulk_body, COMPANY))


def part(*names: str, attempts: int = 3) -> Part:
    changes = [Change(dim(f"k{number:05}", str(number), name), None) for number, name in enumerate(names)]
    return Part(chunk=CUT.chunk(changes, map(DIALECT.row, (change.row for change in changes))), attempts=attempts)


def keys(parts: list[Part]) -> list[str]:
    return [change.row.key for each in parts for change in each.chunk.changes]


def assert_whole(parts: list[Part], whole: Part) -> None:
    """See that the parts hold each row of the whole once, in the bytes that it had."""
    assert sorted(keys(parts)) == keys([whole])
    for each in parts:
        assert each.chunk.rows == tuple(DIALECT.row(change.row) for change in each.chunk.changes)
        assert each.chunk.body == CUT.body(each.chunk.rows)


@STEADY
@given(st.integers(2, 40))
def test_halves_are_the_chunk_in_order_and_know_what_was_sent_before(rows: int) -> None:
    whole = part(*"n" * rows)

    found = halves(whole, CUT, 2, exposed=True, is_lost=True)

    assert_whole(found, whole)
    assert keys(found) == keys([whole])
    assert len(found[0].chunk.changes) - len(found[1].chunk.changes) in {0, 1}
    assert {(each.attempts, each.exposed, each.is_lost) for each in found} == {(2, True, True)}


@STEADY
@given(st.lists(st.sampled_from("abcde"), min_size=2, max_size=30))
def test_doubtful_rows_are_sent_again_where_no_name_stands_twice(names: list[str]) -> None:
    whole = part(*names)

    found = regrouped(whole, CUT, whole.chunk.changes)

    assert_whole(found, whole)
    if len(set(names)) < len(names):
        assert all(len({change.row.name for change in each.chunk.changes}) == len(each.chunk.changes) for each in found)
    else:  # it was so before, and helped nothing
        assert len(found) == 2


def test_parts_are_taken_from_both_ends_in_turn() -> None:
    split = Split(deque(part(name) for name in "abcdef"))
    taken = []
    while split.parts:
        taken += [change.row.name for change in split.take().chunk.changes]
        split.put([])

    assert "".join(taken) == "afbecd"


def test_what_takes_the_place_of_a_part_is_sent_next() -> None:
    split = Split(deque([part("a", "b", "c", "d"), part("z")]))
    split.put(halves(split.take(), CUT, 1, exposed=False))

    assert [change.row.name for change in split.take().chunk.changes] == ["a", "b"]


@pytest.mark.parametrize(
    ("refusals", "stored", "verdict"),
    [
        ({"no": REFUSED_ALONE - 1}, False, None),
        ({"no": REFUSED_ALONE}, False, "no"),
        ({"no": REFUSED_ALONE}, True, None),
        ({"no": REFUSED_ALONE, "otherwise": 1}, False, None),
    ],
)
def test_rows_are_refused_unsent_only_where_all_were_refused_alike_and_none_was_stored(
    refusals: dict[str, int], stored: bool, verdict: str | None
) -> None:
    assert Split(deque(), refusals=Counter(refusals), stored=stored).verdict == verdict
