"""When a company is due: points of `every` and `cron`, on days when clocks change, after gaps, with wrong clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.model.schedule import EPOCH, NEVER, Schedule, cron_fault
from tests.tables import each_of
from tests.unit.model_server import STEADY

ZONES = ["UTC", "America/New_York", "Europe/Berlin", "Australia/Sydney", "America/Havana", "Asia/Kolkata"]
CRONS = [
    "0 5 * * *",
    "30 2 * * *",
    "30 1 * * *",
    "*/15 * * * *",
    "30 * * * *",
    "0 2,3 * * 1-5",
    "0 0 1 * *",
    "0 6 L * *",
]
DAY_S = 86_400


def at(text: str) -> datetime:
    """Return a moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


moments = st.one_of(
    st.timedeltas(timedelta(0), timedelta(days=31)).map(lambda later: at("2026-03-06") + later),
    st.timedeltas(timedelta(0), timedelta(days=31)).map(lambda later: at("2026-10-03") + later),
    st.timedeltas(timedelta(0), timedelta(days=36_500)).map(lambda later: at("2000-01-01") + later),
)
"""Days when clocks change, and any others."""
schedules = st.one_of(
    st.builds(Schedule, every_s=st.sampled_from([60.0, 90.0, 600.0, 3_600.0, 7 * 3_600.0, DAY_S, 7 * DAY_S])),
    st.builds(Schedule, cron=st.sampled_from(CRONS), zone=st.sampled_from(ZONES).map(ZoneInfo)),
)


@pytest.mark.parametrize(
    ("cron", "zone", "after", "points"),
    [
        pytest.param("0 5 * * *", "UTC", "2026-11-30T05:00", ["12-01 05:00"], id="a point is not after itself"),
        pytest.param("0 5 * * *", "America/New_York", "2026-11-30T05:00", ["11-30 10:00"], id="in its zone"),
        pytest.param(
            "30 2 * * *",
            "America/New_York",
            "2026-03-07T12:00",
            ["03-08 07:00", "03-09 06:30"],
            id="a time that is not",
        ),
        pytest.param(
            "30 1 * * *",
            "America/New_York",
            "2026-10-31T12:00",
            ["11-01 05:30", "11-02 06:30"],
            id="a time that is twice",
        ),
        pytest.param(
            "30 1 * * *", "America/New_York", "2026-11-01T06:10", ["11-02 06:30"], id="begun in the second hour"
        ),
        pytest.param(
            "30 * * * *", "America/New_York", "2026-11-01T05:00", ["11-01 05:30", "11-01 06:30"], id="each real hour"
        ),
        pytest.param(
            "0 2,3 * * *", "America/New_York", "2026-03-07T12:00", ["03-08 07:00", "03-09 06:00"], id="one of both"
        ),
        pytest.param("30 0 * * *", "America/Havana", "2026-03-07T12:00", ["03-08 05:00"], id="no midnight"),
    ],
)
def test_points_of_cron(cron: str, zone: str, after: str, points: list[str]) -> None:
    schedule, found = Schedule(cron=cron, zone=ZoneInfo(zone)), [at(after)]
    for _ in points:
        found.append(schedule.next_after(found[-1]))
    assert [f"{point:%m-%d %H:%M}" for point in found[1:]] == points


@pytest.mark.parametrize(
    ("every_s", "after", "point"),
    [
        (3_600, "2026-11-30T05:59:59.9", "2026-11-30T06:00"),
        (3_600, "2026-11-30T06:00", "2026-11-30T07:00"),
        (6 * 3_600, "2026-11-30T13:00", "2026-11-30T18:00"),
        (DAY_S, "2026-11-30T13:00", "2026-12-01T00:00"),
    ],
)
def test_points_of_every(every_s: float, after: str, point: str) -> None:
    assert Schedule(every_s=every_s).next_after(at(after)) == at(point)


@STEADY
@given(schedules, moments, moments)
@example(Schedule(cron="45 1 * * *", zone=ZoneInfo("America/New_York")), at("2026-11-01T06:30"), at("2026-11-01T05:40"))
def test_points_lie_ahead_and_none_is_passed_over(schedule: Schedule, one: datetime, other: datetime) -> None:
    point = schedule.next_after(one)
    assert point > one
    assert point.tzinfo is UTC
    between = one + (other - one) % (point - one)
    assert schedule.next_after(between) == point


@STEADY
@given(schedules, moments, st.lists(st.timedeltas(timedelta(seconds=1), timedelta(days=3)), max_size=30))
def test_each_point_is_caught_up_with_once_by_the_next_look(
    schedule: Schedule, first: datetime, waits: list[timedelta]
) -> None:
    began, now = first, first
    for wait in waits:
        before, now = now, now + wait
        if schedule.due_at(began, now) is None:
            assert began < schedule.next_after(began) <= now
            assert schedule.next_after(before) <= now, "it was due at the look before"
            began = now
        assert schedule.due_at(began, now) == schedule.next_after(now), "it is due once, however much was missed"


@STEADY
@given(st.sampled_from([600.0, 3_600.0, DAY_S]), st.integers(1, 50), st.integers(0, 599))
def test_every_does_not_drift(every_s: float, points: int, late_s: int) -> None:
    schedule, began, runs = Schedule(every_s=every_s), EPOCH, 0
    for look in range(1, int(points * every_s / 600) + 1):
        now = EPOCH + timedelta(
            seconds=600 * look + (late_s * look) % 600
        )  # a scheduler that is late, each time otherwise
        if schedule.due_at(began, now) is None:
            began, runs = now, runs + 1
    assert runs == points


@STEADY
@given(schedules, moments, moments)
def test_a_clock_that_was_set_back_makes_it_due_once(schedule: Schedule, began: datetime, now: datetime) -> None:
    if began > now:
        assert schedule.due_at(began, now) is None
        assert schedule.due_at(now, now) is not None


def test_what_was_never_synced_is_due() -> None:
    assert Schedule(every_s=60.0).due_at(None, EPOCH) is None


@each_of(
    [
        ("0 5 * * *", None),
        ("*/10 6-20 * * mon-fri", None),
        ("0 5 29 2 *", None),
        ("0 5 L * *", None),
        ("", "has not five fields"),
        ("@daily", "has not five fields"),
        ("0 0 5 * * *", "has not five fields"),
        ("61 5 * * *", "its minute"),
        ("0 25 * * *", "its hour"),
        ("0 5 * * funday", "its day-of-week"),
        ("0 5 31 2 *", "its day-of-month"),
        ("0 5 */31 2 MON#5", "never comes"),
        (f"{'1' * 5_000} 5 * * *", "its number"),
    ]
)
def test_faults_of_cron_expressions(text: str, fault: str | None) -> None:
    found = cron_fault(text)
    assert fault in found if fault and found else found is fault


@STEADY
@given(st.lists(st.text("0123456789*/,-#LW MONFRI²", min_size=1, max_size=8), min_size=5, max_size=5))
def test_any_text_is_a_schedule_or_has_a_fault(fields: list[str]) -> None:
    text = " ".join(fields)
    if cron_fault(text) is None:
        assert EPOCH < Schedule(cron=text).next_after(EPOCH) < NEVER
