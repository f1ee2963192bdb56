"""Schedules: the points at which a company is to be synced, and whether one has passed since its last sync. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from cronsim import CronSim, CronSimError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""The points of `every` are counted from here, so that no run moves them: those of `1d` are at midnight UTC."""

NEVER = datetime.max.replace(tzinfo=UTC)
"""Stands for the next point of a schedule that has none."""

SHORTEST_S, LONGEST_S = 60.0, 366 * 86_400.0
"""The least and the most time between two points of `every`: a minute, as cron has it, and a year."""

FIELDS = 5
"""Of a cron expression: minute, hour, day of the month, month, day of the week."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a company is to be synced. Exactly one of `every_s` and `cron` is given."""

    every_s: float | None = None  # a point whenever a multiple of these seconds has passed since `EPOCH`
    cron: str | None = None
    zone: tzinfo = UTC  # whose clock `cron` means

    def next_after(self, moment: datetime) -> datetime:
        """Return the first point after a moment, in UTC; `NEVER`: there is none.

        On days when clocks change, points of `cron` are as those of Debian's cron: a fixed time that does not exist is
        moved to the first one that does, a fixed time that comes twice counts once, and points of each hour or so many
        minutes follow the real time.
        """
        if self.every_s is not None:
            every = timedelta(seconds=self.every_s)
            return EPOCH + ((moment - EPOCH) // every + 1) * every
        points = CronSim(self.cron or "", moment.astimezone(self.zone))
        in_utc = (point.astimezone(UTC) for point in points)
        # In an hour that comes twice, the first points may lie before the moment.
        return next((point for point in in_utc if point > moment), NEVER)

    def due_at(self, began: datetime | None, now: datetime) -> datetime | None:
        """Return the next point, where none has passed since the last sync began; None: the sync is due now.

        However many points have passed, the sync is due once. `began` None: no sync counts. A sync that began after
        `now` does not count: the clock was set back.
        """
        if began is None or began > now:
            return None
        point = self.next_after(began)
        return point if point > now else None


def cron_fault(text: str) -> str | None:
    """Return what is wrong with a cron expression, in words that follow it; None: nothing is."""
    if len(text.split()) != FIELDS:
        return "has not five fields: minute, hour, day of the month, month, day of the week, such as 0 5 * * *"
    try:
        if Schedule(cron=text).next_after(EPOCH) == NEVER:
            return "never comes: there is no such day"
    except (CronSimError, ValueError) as error:  # ValueError: a number of thousands of digits
        field = str(error).lower().removeprefix("bad ") if isinstance(error, CronSimError) else "number"
        return f"is no cron expression: its {field} is not understood"
    return None
