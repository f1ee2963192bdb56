"""Rows that are not sent for now: refused ones for a day, those of no known outcome for longer and longer."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from engine.compare.collision import collided, collision_fingerprint, without
from engine.compare.recent_refusals import uncertain_again, without_resting
from engine.model.change import Change, Plan
from engine.model.company_record import CompanyRecord
from engine.model.dimension import Dimension, fingerprint
from engine.model.outcome import Column
from engine.model.resting import DAY, KEY_COLLISION, NOT_LISTED, UNCERTAIN, Rejection, RestingRow
from tests.unit.model_server import NOW, dim, source

ROW = dim("k1", "1", code="c1")
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


def refused(row: Dimension, ago: timedelta) -> dict[str, Rejection]:
    return {row.key: Rejection(fingerprint(row), NOW - ago, "no such thing")}


@pytest.mark.parametrize(
    ("now_wanted", "ago", "rests"),
    [
        (ROW, timedelta(), True),
        (ROW, DAY - SECOND, True),
        (ROW, DAY + SECOND, False),
        (ROW, -SECOND, False),  # a clock that went back
        (ROW._replace(name="Changed"), SECOND, False),
        (ROW._replace(code=None), SECOND, False),
        (ROW._replace(code=""), SECOND, False),
        (ROW._replace(key="k2"), SECOND, False),
    ],
)
@pytest.mark.parametrize("remote_id", [None, "r1"])
def test_which_refused_rows_rest(now_wanted: Dimension, ago: timedelta, rests: bool, remote_id: str | None) -> None:
    change = Change(now_wanted, remote_id)
    plan = Plan(creates=(change,)) if remote_id is None else Plan(updates=(change,))
    record = CompanyRecord(rejections=refused(ROW, ago))

    left, resting = without_resting(plan, record, NOW)

    assert left.changes == (() if rests else (change,))
    assert [row.change for row in resting] == ([change] if rests else [])
    assert without_resting(plan, record, NOW, again=True) == (plan, [])


def test_the_rest_of_the_plan_goes_on_unchanged_and_in_order() -> None:
    creates = tuple(Change(dim(key, key), None) for key in "abc")
    updates = tuple(Change(dim(key, key), f"r{key}", ("name",)) for key in "def")
    plan = Plan(creates=creates, updates=updates, unchanged=5, matched=8, orphans=("r9",))
    rejections = refused(creates[1].row, SECOND) | refused(updates[0].row, SECOND)

    left, resting = without_resting(plan, CompanyRecord(rejections=rejections), NOW)

    assert left == Plan(creates=(creates[0], creates[2]), updates=updates[1:], unchanged=5, matched=8, orphans=("r9",))
    assert [(row.change, row.column, row.words) for row in resting] == [
        (creates[1], Column.REJECTED, "no such thing"),
        (updates[0], Column.REJECTED, "no such thing"),
    ]


def test_what_rests_is_not_counted_as_pushed_back() -> None:
    """Else a row that the server refuses would be held as flapping after two runs that did not touch it."""
    updates = tuple(Change(dim(key, key), f"r{key}", ("name",)) for key in "ab")
    plan = Plan(updates=updates, reverts=("a", "b"))

    left, _ = without_resting(plan, CompanyRecord(rejections=refused(updates[0].row, SECOND)), NOW)

    assert (left.updates, left.reverts) == (updates[1:], ("b",))


def test_nothing_rests_when_nothing_is_noted() -> None:
    plan = Plan(creates=(Change(ROW, None),))

    assert without_resting(plan, CompanyRecord(), NOW) == (plan, [])


def test_w9_the_same_bytes_to_the_same_end_rest_for_1_h_6_h_and_a_day() -> None:
    """The first time a row is sent again at once; then less and less often, until it changes."""
    change, note, now = Change(ROW, None), None, NOW
    waits = []
    for _ in range(6):
        note = uncertain_again(note, change, "HTTP 500", now)
        waits.append(note.next_at and note.next_at - now)
        now = note.next_at or now
    assert waits == [None, HOUR, 6 * HOUR, DAY, DAY, DAY]
    changed = uncertain_again(note, Change(ROW._replace(name="Changed"), None), "HTTP 500", now)
    assert (changed.tries, changed.next_at) == (0, None)


@pytest.mark.parametrize(
    ("next_at", "since", "row", "rests"),
    [
        (None, NOW, ROW, False),  # the first time
        (NOW + SECOND, NOW, ROW, True),
        (NOW, NOW - HOUR, ROW, False),
        (NOW + HOUR, NOW + SECOND, ROW, False),  # a clock that went back
        (NOW + HOUR, NOW, ROW._replace(name="Changed"), False),
    ],
)
def test_which_uncertain_rows_rest(next_at: datetime | None, since: datetime, row: Dimension, rests: bool) -> None:
    plan = Plan(creates=(Change(row, None),))
    record = CompanyRecord(resting={"k1": RestingRow(UNCERTAIN, fingerprint(ROW), "HTTP 500", since, 1, next_at)})

    left, resting = without_resting(plan, record, NOW)

    assert (len(left.creates), [each.column for each in resting]) == ((0, [Column.UNCERTAIN]) if rests else (1, []))
    assert without_resting(plan, record, NOW, again=True) == (plan, [])


def test_w4_a_row_that_is_not_listed_is_held_until_it_is_allowed() -> None:
    """Neither a change of its values nor `dimsync retry` sends it."""
    plan = Plan(creates=(Change(ROW._replace(name="Changed"), None),))
    record = CompanyRecord(resting={"k1": RestingRow(NOT_LISTED, fingerprint(ROW), "gone", NOW, 0, NOW + HOUR)})

    for again in (False, True):
        left, resting = without_resting(plan, record, NOW, again=again)
        assert (left.changes, resting, [hold.slug for hold in left.holds]) == ((), [], [NOT_LISTED])
    assert without_resting(plan, record, NOW, allowed={NOT_LISTED}) == (plan, [])


SENT = dim("old", "1")


@pytest.mark.parametrize(
    ("change", "slug"),
    [
        (Change(dim("new", "1"), None), "key-shift"),
        (Change(dim("new", "1"), "r2", ("erp_id",)), "ambiguous"),
        (Change(dim("new", "1"), "r2"), "ambiguous"),  # of unknown outcome: nobody knows whether it moves
        (Change(dim("new", "1"), "r2", ("name",)), None),
        (Change(dim("new", "2"), None), None),
        (Change(SENT, None), None),
        (Change(dim("new", "1", type_code="item"), None), None),
    ],
)
def test_what_may_be_there_under_one_key_is_not_made_under_another(change: Change, slug: str | None) -> None:
    plan = Plan(creates=(change,)) if change.remote_id is None else Plan(updates=(change,))
    record = CompanyRecord(may_be_there={"old": ("account", "1")})

    left, resting = without_resting(plan, record, NOW, again=True, allowed={NOT_LISTED, "key-shift"})

    assert ([hold.slug for hold in left.holds], resting) == ([slug] if slug else [], [])
    assert left.changes == (() if slug else (change,))


def test_a_row_that_was_sent_under_both_keys_is_sent_again_under_its_own() -> None:
    plan = Plan(creates=(Change(SENT, None),))
    record = CompanyRecord(may_be_there={"old": ("account", "1"), "older": ("account", "1")})
    assert without_resting(plan, record, NOW) == (plan, [])


A, B = dim("A", "1"), dim("a", "2")


@pytest.mark.parametrize(
    ("rows", "stands"),
    [
        ((A, B), True),
        ((B, A), True),
        ((A, B._replace(type_label="Other label")), True),  # a label is the remote side's
        ((A, B._replace(name="Changed")), False),
        ((A,), False),
        ((B,), False),
        ((A, B._replace(key="b")), False),
    ],
)
def test_w3_a_collision_stands_until_one_of_its_rows_changes(rows: tuple[Dimension, ...], stands: bool) -> None:
    fingerprint_of_both = collision_fingerprint((A, B))
    record = CompanyRecord(
        resting={
            "A": RestingRow(KEY_COLLISION, fingerprint_of_both, "one row", NOW, others=("a",)),
            "a": RestingRow(KEY_COLLISION, fingerprint_of_both, "one row", NOW, others=("A",)),
        }
    )
    wanted = source(*rows)

    found = collided(wanted, record)

    assert set(found) == ({"A", "a"} if stands else set())
    left = without(wanted, found)
    assert [row.key for row in left.rows] == ([] if stands else [row.key for row in rows])
    assert left.source_rows == wanted.source_rows
