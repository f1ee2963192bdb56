"""Guards by their figures, plans that stay passed, and sketches that tell clients apart."""

from __future__ import annotations

from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.guards.approved_plan import marks, not_passed, within, without
from engine.guards.volume import Figures, violations
from engine.model.change import Change
from engine.model.dimension import Dimension
from engine.model.settings import Guards
from engine.model.sketch import KEPT, Likeness, Sketch, alike, sketch
from tests.tables import each_of
from tests.unit.model_server import STEADY


def figures(**given: int | None) -> Figures:
    base: dict[str, int | None] = {"source_rows": 100, "last_good_rows": 100, "there": 100, "creates": 0, "updates": 0}
    return Figures(**base | given)  # type: ignore[arg-type]  # whole numbers, and one that may be None


CASES: dict[str, tuple[Figures, list[str]]] = {
    "nothing": (figures(), []),
    "creates, a row more": (figures(creates=26), ["mass-create"]),
    "creates, to the row": (figures(creates=25), []),
    "creates, to the share": (figures(there=200, creates=40), []),
    "creates, beyond the share": (figures(there=200, creates=41), ["mass-create"]),
    "creates in a small company": (figures(there=9, creates=5_000), []),
    "creates in an empty company": (figures(there=0, creates=5_000), []),
    "updates, a row more": (figures(updates=31), ["mass-update"]),
    "updates, to the share": (figures(updates=30), []),
    "both": (figures(creates=50, updates=50), ["mass-create", "mass-update"]),
    "half a source": (figures(source_rows=50), []),
    "under half a source": (figures(source_rows=49), ["shrunken-source"]),
    "no source": (figures(source_rows=0), ["shrunken-source"]),
    "no source, and never was one": (figures(source_rows=0, last_good_rows=0), []),
    "no good run yet": (figures(source_rows=0, last_good_rows=None), []),
}


@each_of(CASES)
def test_what_trips(seen: Figures, slugs: list[str]) -> None:
    assert [trip.slug for trip in violations(seen, Guards())] == slugs


rows = st.lists(st.text(max_size=8), unique=True, max_size=12)


@STEADY
@given(rows, rows)
def test_what_passed_is_not_counted_again(passed: list[str], planned: list[str]) -> None:
    def changes(keys: list[str]) -> list[Change]:
        return [Change(Dimension(key, "account", "Account", "Name", key), None) for key in keys]

    before = marks(change.row for change in changes(passed))
    assert not_passed(changes(planned), before) == len(set(planned) - set(passed))
    assert not_passed(changes(planned), None) == len(planned)


ROW = Dimension("k1", "account", "GL Account", "Food cost", "0150", "C1")


@pytest.mark.parametrize(
    ("row", "is_known"),
    [
        (ROW, True),
        (ROW._replace(type_label="Account"), True),  # which a listing between two runs may settle otherwise
        (ROW._replace(name="Food costs"), False),
        (ROW._replace(erp_id="150"), False),
        (ROW._replace(code=None), False),
        (ROW._replace(type_code="item"), False),
        (ROW._replace(key="k2"), False),
    ],
)
def test_w10_a_row_of_a_plan_that_passed_is_known_by_all_that_the_source_says_of_it(
    row: Dimension, is_known: bool
) -> None:
    passed = marks([ROW, ROW._replace(key="other")])
    assert not_passed([Change(row, None)], passed) == (not is_known)
    assert (without(passed, [row]) == marks([ROW._replace(key="other")])) == is_known
    assert within(passed, [row]) == (marks([ROW]) if is_known else None)


def test_w10_marks_of_keys_alone_as_ledgers_had_them_equal_none() -> None:
    of_key = blake2b(ROW.key.encode(), digest_size=8).digest()
    assert not_passed([Change(ROW, None)], of_key) == 1


def client(number: int, first: int, count: int) -> list[Dimension]:
    return [
        Dimension(f"k{n}", "account", "Account", f"Account {n} of {number}", f"{n}")
        for n in range(first, first + count)
    ]


def likest(rows: list[Dimension], others: list[tuple[int, Sketch]]) -> Likeness | None:
    return next(iter(alike(rows, others, over=-1.0)), None)


@pytest.mark.parametrize("count", [20, KEPT, KEPT + 1, 5_000])
def test_a_whole_file_of_another_is_known(count: int) -> None:
    others = [(n, sketch(client(n, 0, count))) for n in (1, 2, 3)]
    found = likest(client(2, 0, count), others)
    assert found == (2, 1.0)
    assert len(others[0][1].marks) <= KEPT * 8


def test_a_share_is_estimated() -> None:
    others = [(1, sketch(client(1, 0, 5_000)))]
    mixed = client(1, 0, 4_000) + client(9, 0, 1_000)
    found = likest(mixed, others)
    assert found is not None
    assert found.share == pytest.approx(0.8, abs=0.1)


def test_too_little_is_no_likeness() -> None:
    assert likest(client(1, 0, 7), [(1, sketch(client(1, 0, 7)))]) is None
    assert likest(client(1, 0, 50), [(1, sketch([]))]) == (1, 0.0)
    assert likest(client(1, 0, 50), []) is None
