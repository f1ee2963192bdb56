"""Moments and spans for people: since when, until when, how long ago. All clocks are UTC."""

from __future__ import annotations

from datetime import datetime, timedelta

HOUR_S, DAY_S = 3_600, 86_400


def span(length: timedelta) -> str:
    """Return a span in its two largest units at most: "47 s", "12 min", "2 h 5 min", "17 h", "3 days"."""
    seconds = max(0, round(length.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < HOUR_S:
        return f"{seconds // 60} min"
    if seconds < 10 * HOUR_S and (minutes := seconds % HOUR_S // 60):
        return f"{seconds // HOUR_S} h {minutes} min"
    if seconds < 2 * DAY_S:
        return f"{seconds // HOUR_S} h"
    return f"{seconds // DAY_S:,} days"


def clock(moment: datetime, now: datetime) -> str:
    """Return a moment with as much of its date as `now` does not have: "05:00", "Nov 27 05:00", "2025-11-27 05:00"."""
    if moment.date() == now.date():
        return f"{moment:%H:%M}"
    return f"{moment:%b %d %H:%M}" if moment.year == now.year else f"{moment:%Y-%m-%d %H:%M}"


def since_words(since: datetime | None, now: datetime, *, is_new: bool) -> str:
    """Return since when a cause is known; empty: nobody noted it."""
    if since is None:
        return ""
    return "NEW" if is_new else f"since {clock(since, now)}"


def day_words(since: datetime | None, now: datetime) -> str:
    """Return on which day something began: "today", "yesterday", "3 days"; empty: nobody noted it."""
    if since is None:
        return ""
    days = (now.date() - since.date()).days
    return "today" if days <= 0 else "yesterday" if days == 1 else f"{days:,} days"
