"""A refused row rests for a day while it is unchanged."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.model.change import Change, Plan
from engine.model.dimension import Dimension, fingerprint
from engine.model.known import Rejection
from engine.planning.withhold import withhold
from tests.unit.model_server import NOW, dim

ROW = dim("k1", "1", code="c1")
SECOND = timedelta(seconds=1)
DAY = timedelta(hours=24)


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
def test_which_rows_rest(now_wanted: Dimension, ago: timedelta, rests: bool, remote_id: str | None) -> None:
    change = Change(now_wanted, remote_id)
    plan = Plan(creates=(change,)) if remote_id is None else Plan(updates=(change,))

    left, resting = withhold(plan, refused(ROW, ago), NOW)

    assert left.changes == (() if rests else (change,))
    assert [found for found, _ in resting] == ([change] if rests else [])


def test_the_rest_of_the_plan_goes_on_unchanged_and_in_order() -> None:
    creates = tuple(Change(dim(key, key), None) for key in "abc")
    updates = tuple(Change(dim(key, key), f"r{key}", ("name",)) for key in "def")
    plan = Plan(creates=creates, updates=updates, unchanged=5, matched=8, orphans=("r9",))
    rejections = refused(creates[1].row, SECOND) | refused(updates[0].row, SECOND)

    left, resting = withhold(plan, rejections, NOW)

    assert left == Plan(creates=(creates[0], creates[2]), updates=updates[1:], unchanged=5, matched=8, orphans=("r9",))
    assert [(change, rejection.message) for change, rejection in resting] == [
        (creates[1], "no such thing"),
        (updates[0], "no such thing"),
    ]


def test_nothing_rests_when_nothing_was_refused() -> None:
    plan = Plan(creates=(Change(ROW, None),))

    assert withhold(plan, {}, NOW) == (plan, [])
