"""Which companies `dimsync schedule` enqueues, by their schedules and how their last runs went. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from engine.distributed.company_job import portion
from engine.model.schedule import NEVER, Schedule
from engine.model.standing import LastBegun

APART = timedelta(seconds=30)
"""How far apart two machines' clocks may be: a sync that began this shortly before a point may have begun after it."""

SPREAD, SHARE = timedelta(minutes=5), 10
"""Companies that are due at one point are enqueued over this time, or over a tenth of the time to the next point if
that is less, so that the hosts of their sources are not all asked at once. Each company keeps its place in this time.
"""

AGAIN = timedelta(hours=1)
"""After how long a company that failed or was deferred is enqueued again, unless it rests for longer."""


def is_due(
    schedule: Schedule, last: LastBegun | None, now: datetime, *, name: str, rests_until: datetime | None = None
) -> bool:
    """Return whether a company is to be enqueued now.

    `last`: the run that gave the company its last state; None: it was never synced, and is due at once. `name`: of its
    job. `rests_until`: until when the ledger lets it rest. However many points have passed, it is enqueued once; points
    are counted from the start of its last sync, as for `sync --due`. A company whose last run has not seen to it
    (`LastBegun.seen_to_at`) is also due an hour after that run began, or when its rest ends if that is later.
    """
    if last is None:
        return True
    seen_to_at = last.seen_to_at
    began = seen_to_at or last.started_at
    if began > now + APART:  # a clock was set back, so the time says nothing
        return True
    if seen_to_at is None and max(began + AGAIN, rests_until or began) <= now:
        return True
    point = schedule.next_after(began)
    return point != NEVER and point + _late(schedule, point, name) <= now


def _late(schedule: Schedule, point: datetime, name: str) -> timedelta:
    """Return how long after a point a company is enqueued."""
    return APART + portion(name) * min(SPREAD, (schedule.next_after(point) - point) / SHARE)
