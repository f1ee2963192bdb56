"""When an answer came, as the database's clock tells: late ones are known to be late."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ledger.postgres.clock import SPAN_S, Clock
from tests.unit.model_server import STEADY

AHEAD_S = 1_000.0  # of the database's clock

WAYS = st.lists(st.tuples(st.floats(0, 5), st.floats(0.0001, 0.3), st.floats(0.0001, 0.3)), min_size=1, max_size=30)


@given(ways=WAYS)
@STEADY
def test_no_answer_came_before_it_was_made_nor_after_it_was_here(ways: list[tuple[float, float, float]]) -> None:
    clock, now_s = Clock(), 0.0
    for pause_s, there_s, back_s in ways:
        began_s = now_s + pause_s
        made_s, now_s = began_s + there_s, began_s + there_s + back_s
        assert made_s - 1e-6 <= clock.came_s(made_s + AHEAD_S, began_s, now_s) <= now_s + 1e-6


def test_an_answer_that_is_late_came_when_a_quick_one_would_have() -> None:
    clock = Clock()
    assert clock.came_s(AHEAD_S + 0.001, 0.0, 0.002) == pytest.approx(0.002)
    assert clock.came_s(AHEAD_S + 1.001, 1.0, 1.202) == pytest.approx(1.002)  # late on its way back
    assert clock.came_s(AHEAD_S + 2.201, 2.0, 2.202) == pytest.approx(2.202)  # on its way there


@pytest.mark.parametrize("leap_s", [-3_600.0, -0.5, 0.5, 3_600.0])
def test_a_database_whose_clock_leaps_is_believed_anew_at_once(leap_s: float) -> None:
    clock = Clock()
    clock.came_s(AHEAD_S, 0.0, 0.002)
    for now_s in (1.0, 2.0):
        assert clock.came_s(AHEAD_S + leap_s + now_s, now_s, now_s + 0.002) == pytest.approx(now_s + 0.002)


def test_clocks_that_drift_apart_are_followed() -> None:
    clock, drift = Clock(), 1.0001
    for second in range(2_000):
        now_s = float(second)
        came_s = clock.came_s(AHEAD_S + now_s / drift, now_s - 0.001, now_s + 0.001)
        assert 0 <= now_s + 0.001 - came_s <= 2 * SPAN_S * (drift - 1) + 1e-6
