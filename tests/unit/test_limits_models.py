"""How the sandbox counts requests a second, in each of its three ways."""

from __future__ import annotations

import pytest

from engine.sandbox.rates import COUNTERS, RateModel

TIMES = (0.0, 0.0, 0.9, 0.95, 1.0, 1.0, 1.85, 1.9, 1.96)


@pytest.mark.parametrize(
    ("model", "admitted"),
    [
        ("bucket", "+++-+-+--"),  # filled by two a second, a burst of two
        ("fixed", "++--++---"),  # the second of the clock
        ("sliding", "++--++---"),  # whichever second
    ],
)
def test_each_model_admits_its_own(model: RateModel, admitted: str) -> None:
    counter = COUNTERS[model](2.0, 2)
    assert "".join("+" if counter.admits(second) else "-" for second in TIMES) == admitted


@pytest.mark.parametrize(("model", "admitted"), [("fixed", [True] * 4), ("sliding", [True, True, False, False])])
def test_a_fixed_window_begins_anew_and_a_sliding_one_does_not(model: RateModel, admitted: list[bool]) -> None:
    counter = COUNTERS[model](2.0, 2)
    assert [counter.admits(second) for second in (0.9, 0.95, 1.0, 1.05)] == admitted


def test_a_window_of_less_than_one_request_admits_one() -> None:
    assert [COUNTERS["sliding"](0.5, 1).admits(0.0), COUNTERS["fixed"](0.5, 1).admits(0.0)] == [True, True]
