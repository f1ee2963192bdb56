"""Which companies `sync --due` takes, by how their last runs went."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.cli.desk.due import NotDue, Overdue, not_due, not_due_notice, overdue
from engine.model.balance import State
from engine.model.schedule import Schedule
from engine.model.standing import LastBegun

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
HOURLY = Schedule(every_s=3_600.0)


@pytest.mark.parametrize("state", State)
def test_a_company_waits_for_its_next_point_only_when_it_was_seen_to(state: State) -> None:
    found = not_due({1: HOURLY}, {1: LastBegun("sync", state, NOON)}, NOON + timedelta(minutes=5))
    waits = state in {"synced", "unchanged", "partial", "held"}
    assert found == ([NotDue(1, NOON + timedelta(hours=1))] if waits else [])


def test_an_apply_is_no_sync() -> None:
    assert not_due({1: HOURLY}, {1: LastBegun("apply", State.SYNCED, NOON)}, NOON) == []


def test_a_company_that_was_never_synced_or_has_no_schedule_is_due() -> None:
    lasts = {2: LastBegun("sync", State.SYNCED, NOON)}
    assert not_due({1: HOURLY}, lasts, NOON) == []


def test_a_company_that_nobody_took_up_is_overdue_after_an_hour() -> None:
    lasts = {
        1: LastBegun("sync", State.SYNCED, NOON),
        2: LastBegun("sync", State.HELD, NOON - timedelta(hours=1)),
        3: LastBegun("sync", State.FAILED, NOON),
    }
    schedules = dict.fromkeys((1, 2, 3, 4), HOURLY)
    assert overdue(schedules, lasts, NOON + timedelta(minutes=59)) == []
    late = overdue(schedules, lasts, NOON + timedelta(hours=2))
    assert late == [Overdue(2, NOON), Overdue(1, NOON + timedelta(hours=1))]


def test_the_one_that_is_due_next_is_told() -> None:
    schedules = {1: Schedule(every_s=86_400.0), 2: HOURLY, 3: HOURLY}
    lasts = dict.fromkeys(schedules, LastBegun("sync", State.UNCHANGED, NOON))
    found = not_due(schedules, lasts, NOON + timedelta(minutes=1))
    assert [each.company_id for each in found] == [2, 3, 1]
    more = "(all of them: without --due)"
    assert not_due_notice(found, 5).message == (
        f"3 of 5 companies are not due; the next is company 2, at 2026-11-30 13:00 UTC {more}"
    )
    assert not_due_notice(found[:1], 5).message.startswith("1 of 5 companies is not due; ")
    assert not_due_notice(found[:1], 1).message.startswith("the company is not due; ")
