"""Which companies `dimsync schedule` enqueues, by their schedules and how their last runs went. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from engine.distributed.company_job import portion
from engine.model.schedule import NEVER, Schedule
from engine.model.standing import LastBegun

APART = timedelta(seconds=30)
"""How far clocks of two machines may be apart: a sync that began so shortly before a point may have begun after it."""

SPREAD, SHARE = timedelta(minutes=5), 10
"""Companies of one point are enqueued over this time, or a tenth of the time to the next point if that is less.

So the hosts of their sources are not all asked at once. Each company has its own place in it, which stays.
"""

AGAIN = timedelta(hours=1)
"""After how long a company is enqueued again that failed or was deferred, unless it rests for longer."""


def is_due(
    schedule: Schedule, last: LastBegun | None, now: datetime, *, name: str, rests_until: datetime | None = None
) -> bool:
    """Return whether a company is to be enqueued now.

    `last`: the run that its last state is of; None: it was never synced, and is due at once. `name`: of its job.
    `rests_until`: as the ledger has it. However many points have passed, it is enqueued once: a sync counts from its
    start, as for `sync --due`. A company that no sync has seen to is due at the next point, too, and an hour after its
    last try, or when it rests no more.
    """
    if last is None:
        return True
    seen_to_at = last.seen_to_at
    began = seen_to_at or last.started_at
    if began > now + APART:  # the clock was set back: it tells nothing
        return True
    if seen_to_at is None and max(began + AGAIN, rests_until or began) <= now:
        return True
    point = schedule.next_after(began)
    return point != NEVER and point + _late(schedule, point, name) <= now


def _late(schedule: Schedule, point: datetime, name: str) -> timedelta:
    """Return how long after a point a company is enqueued."""
    return APART + portion(name) * min(SPREAD, (schedule.next_after(point) - point) / SHARE)
