"""How many at once, as a pure function: within bounds, gentle on chance, and back when the trouble ends."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.net.limits.width import DOUBT, ENOUGH, PATIENCE, START, Flight, Width, after, at_first, trouble_of
from tests.unit.model_server import STEADY

PAGE, CHUNK = ("list", 14), ("bulk", 15)
NEW = at_first(64)


def flight(out: int, took_s: float = 0.1, *, trouble: str = "", chunks_s: float | None = None) -> Flight:
    """Return a flight of that many requests, a few at least, all answered alike."""
    made = Flight(since_s=10.0, most=out)
    for _ in range(max(out, ENOUGH)):
        made.add(PAGE, 10.0, took_s, out, trouble)
        if chunks_s is not None:
            made.add(CHUNK, 10.0, chunks_s, out, trouble)
    return made


def full(width: Width, took_s: float = 0.1, *, trouble: str = "") -> Width:
    """Return the width after a flight that used all of it."""
    return after(width, flight(width.places, took_s, trouble=trouble))


def course(width: Width, *times: float) -> list[int]:
    """Return the places after each of some full flights."""
    places = []
    for took_s in times:
        width = full(width, took_s)
        places.append(width.places)
    return places


troubles = st.sampled_from(["", "", "", "HTTP 503", "HTTP 429", "timeout", "connection lost", "HTTP 504"])
flights = st.tuples(st.floats(0.001, 60.0), st.floats(0.0, 1.0), troubles)


@STEADY
@given(st.lists(flights, max_size=60), st.integers(1, 100))
def test_it_stays_within_its_bounds_and_comes_back(seen: list[tuple[float, float, str]], ceiling: int) -> None:
    width = at_first(ceiling)
    for took_s, used, trouble in seen:
        before = width
        width = after(width, flight(max(1, round(used * width.places)), took_s, trouble=trouble))
        assert 1 <= width.places <= ceiling
        if trouble:
            assert width.places < before.places or before.places == 1
        else:
            assert width.places >= before.places // 4
    for _ in range(60):
        width = full(width, 0.05)
    assert width.places == ceiling


def test_a_new_key_doubles_until_trouble_then_takes_one_by_one() -> None:
    assert course(NEW, *[0.1] * 5) == [16, 32, 64, 64, 64]
    met = full(replace(NEW, places=32), trouble="HTTP 503")
    assert met.places == 27
    assert course(met, *[0.1] * 8) == [28, 29, 30, 31, 32, 33, 34, 35]
    assert (met.reason, full(met).reason) == ("HTTP 503", "answers come in time")


@pytest.mark.parametrize(
    ("trouble", "left"),
    [("HTTP 503", 27), ("connection lost", 27), ("HTTP 429", 22), ("timeout", 16), ("HTTP 504", 16)],
)
def test_each_trouble_has_its_measure(trouble: str, left: int) -> None:
    assert full(replace(NEW, places=32), trouble=trouble).places == left


def test_a_single_503_costs_one_step_and_not_the_width() -> None:
    width = full(NEW, trouble="HTTP 503")
    assert width.places == 7
    alone = after(replace(NEW, places=64), flight(1, trouble="HTTP 503"))  # one request was out, of 64 that might
    assert alone.places == 54


def test_trouble_is_met_where_it_was_and_not_where_it_might_have_been() -> None:
    """Twice as many had just been let go, and the 34th was refused."""
    width = after(replace(NEW, places=64), flight(34, trouble="HTTP 503"))
    assert (width.places, width.mark) == (29, 34)


def test_a_bound_that_was_met_twice_is_tried_seldom() -> None:
    width = replace(NEW, places=9)
    for _ in range(2):
        width = full(width, trouble="HTTP 503")
        assert width.places == 8
        width = full(width) if width.patience == 0 else width
    assert width.patience == PATIENCE
    assert course(width, *[0.1] * (PATIENCE + 1)) == [8] * PATIENCE + [9]


def test_a_bound_that_is_no_more_is_left_behind_fast() -> None:
    width = full(full(replace(NEW, places=8), trouble="timeout"))
    assert course(width, *[0.1] * 9) == [6, 7, 8, 9, 10, 11, 12, 24, 48]


def test_late_answers_leave_as_many_as_need_not_queue_and_the_best_time_is_kept() -> None:
    settled = full(full(NEW))
    late = full(settled, 0.25)
    assert (late.places, late.reason) == (13, "answers take 2.5 times as long")
    assert full(settled, 9.0).places == 8
    assert full(late, 0.1).places > 13
    assert full(late, 0.1).bests == {PAGE: 0.1}


def test_somewhat_late_answers_hold_it_until_it_is_tried_whether_fewer_would_help() -> None:
    """They do: back it goes, bit by bit. They don't: the times are the server's own, and there is room for more."""
    width = full(full(NEW))
    held = course(width, *[0.18] * (DOUBT + 1))
    assert held == [32] * DOUBT + [16]
    for _ in range(DOUBT + 1):
        width = full(width, 0.18)
    assert course(width, *[0.1] * 6) == [20, 23, 25, 26, 27, 28]
    assert course(width, *[0.18] * 3) == [32, 33, 34]


def test_it_does_not_stay_at_one_because_answers_have_become_slow() -> None:
    width = full(full(NEW))
    for took_s in (0.3, 1.0, 4.0, 16.0, 64.0):
        width = full(width, took_s)
    assert width.places <= 2
    for _ in range(40):
        width = full(width, 64.0)
    assert width.places == 64


def test_answers_that_are_late_by_themselves_are_found_out() -> None:
    """Half as many, and they take as long: it was not us, so the width comes back and the measure is a new one."""
    settled = full(full(NEW))
    back = full(full(settled, 0.4), 0.4)
    assert (back.places, back.reason) == (settled.places, "answers take longer by themselves")
    assert course(back, 0.4, 0.4) == [33, 34]


def test_answers_that_get_later_yet_leave_fewer_yet() -> None:
    assert course(full(full(NEW)), 0.25, 0.9, 0.9) == [13, 3, 13]


def test_a_few_milliseconds_more_are_noise() -> None:
    fast = full(full(NEW, 0.001), 0.001)
    assert full(fast, 0.04).places > fast.places


def test_a_bulk_of_many_rows_is_slow_by_nature() -> None:
    """Each kind is held against its own best; what takes longest does not make the others late."""
    width = NEW
    for _ in range(3):
        width = after(width, flight(width.places, 0.1, chunks_s=3.0))
    assert (width.places, width.bests) == (64, {PAGE: 0.1, CHUNK: 3.0})
    assert after(width, flight(64, 3.0, chunks_s=3.0)).places == 64  # pages alone are no measure of the whole
    assert after(width, flight(64, 0.3, chunks_s=9.0)).places == 21


def test_a_width_that_nobody_uses_does_not_grow() -> None:
    assert after(NEW, flight(5)).places == START
    assert after(NEW, flight(7)).places == 2 * START


def test_new_connections_and_single_slow_answers_are_not_taken_for_load() -> None:
    settled = full(full(NEW))
    made = flight(12)
    for _ in range(6):
        made.add(PAGE, 10.0, 30.0, 12, "")
    assert after(settled, made).places >= settled.places


def test_a_flight_counts_what_left_since_its_start_and_ends_with_the_first_trouble() -> None:
    made = Flight(since_s=10.0, most=8)
    made.add(PAGE, 9.9, 0.1, 8, "HTTP 503")
    assert (made.answers, made.trouble, made.is_over) == (0, "", False)
    for n in range(3):
        made.add(PAGE, 10.0 + n, 0.1, 8, "")
    assert not made.is_over
    made.add(PAGE, 11.0, 0.1, 5, "HTTP 503")
    assert (made.is_over, made.trouble, made.trouble_at, len(made.times)) == (True, "HTTP 503", 5, 3)


def test_what_speaks_of_load() -> None:
    assert [trouble_of(status) for status in (200, 207, 400, 401, 500, 503, 429)] == [""] * 5 + ["HTTP 503", "HTTP 429"]
    assert (trouble_of(None), trouble_of(None, timed_out=True)) == ("connection lost", "timeout")
