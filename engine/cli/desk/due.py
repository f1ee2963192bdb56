"""`sync --due`: which companies a run takes, by their schedules and how their last runs went. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from engine.model.outcome import Problem
from engine.model.schedule import Schedule
from engine.model.standing import LastBegun


class NotDue(NamedTuple):
    """A company that a run leaves out, and the moment from which on it is due."""

    company_id: int
    until: datetime


class Overdue(NamedTuple):
    """A company that no sync has taken up since it was due."""

    company_id: int
    since: datetime


GRACE = timedelta(hours=1)
"""How long a company may be due before it is told: the scheduler has to come to it, and a run takes its time."""


def not_due(schedules: Mapping[int, Schedule], lasts: Mapping[int, LastBegun], now: datetime) -> list[NotDue]:
    """Return the companies that are not due, in the order in which they will be. Both mappings are by company id.

    A company without a schedule is always due; so is one whose last run has not seen to it (`LastBegun.seen_to_at`).
    """
    found = []
    for company_id, schedule in schedules.items():
        until = schedule.due_at(_began(lasts.get(company_id)), now)
        if until is not None:
            found.append(NotDue(company_id, until))
    return sorted(found, key=lambda each: (each.until, each.company_id))


def _began(last: LastBegun | None) -> datetime | None:
    """Return when the last sync began that counts; None: none does."""
    return None if last is None else last.seen_to_at


def overdue(schedules: Mapping[int, Schedule], lasts: Mapping[int, LastBegun], now: datetime) -> list[Overdue]:
    """Return the companies that were seen to and have been due for longer than `GRACE`, the first that was due first.

    Those that failed, were deferred or were never synced are told as such.
    """
    found = []
    for company_id, schedule in schedules.items():
        began = _began(lasts.get(company_id))
        if began is not None and (since := schedule.next_after(began)) + GRACE <= now:
            found.append(Overdue(company_id, since))
    return sorted(found, key=lambda each: (each.since, each.company_id))


def not_due_notice(left_out: list[NotDue], companies: int) -> Problem:
    """Return what is said of a run that leaves companies out; `companies`: how many there are with them."""
    first = left_out[0]
    count = f"{len(left_out):,} of {companies:,} companies" if companies > 1 else "the company"
    verb = "is" if len(left_out) == 1 or companies == 1 else "are"
    text = f"{count} {verb} not due; the next is company {first.company_id}, at {first.until:%Y-%m-%d %H:%M} UTC"
    return Problem(code="not-due", message=f"{text} (all of them: without --due)")
