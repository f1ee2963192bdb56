"""How a schedule is written: `every = "1h"`, or `cron = "0 5 * * *"` with a `timezone`."""

from __future__ import annotations

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from engine.config.faults import unknown
from engine.config.values import duration
from engine.model.schedule import LONGEST_S, SHORTEST_S, cron_fault

DEFAULT_ZONE = "UTC"


def every(value: object) -> float:
    """Return the seconds of `every`. Raises `ValueError`."""
    seconds = duration(value)
    if seconds < SHORTEST_S:
        raise ValueError(f"{value!r} is too often: at least 1m")
    if seconds > LONGEST_S:
        raise ValueError(f"{value!r} is too seldom: at most 366d")
    return seconds


def cron(value: object) -> str:
    """Check a cron expression and return it as it is written. Raises `ValueError`."""
    if not isinstance(value, str):
        raise ValueError('must be text, in quotes, such as "0 5 * * *"')  # noqa: TRY004  pydantic takes only ValueError
    if (fault := cron_fault(value)) is not None:
        raise ValueError(f"{value[:60]!r} {fault}")
    return value


def zone_name(value: object) -> str:
    """Check the name of a time zone and return it. Raises `ValueError`."""
    if not isinstance(value, str):
        raise ValueError('must be text, in quotes, such as "America/New_York"')  # noqa: TRY004  pydantic takes only ValueError
    zone(value)
    return value


def zone(name: str) -> tzinfo:
    """Return a time zone by its IANA name; UTC needs no database. Raises `ValueError`."""
    if name == DEFAULT_ZONE:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder
        raise ValueError(_unknown_zone(name)) from None


def _unknown_zone(name: str) -> str:
    if not (known := available_timezones()):
        return f"{name!r} cannot be looked up: this machine knows no time zones; pip install tzdata"
    hint = unknown(name, known)
    example = hint if hint.startswith("did you mean") else "it is an IANA name, such as America/New_York"
    return f"there is no time zone {name!r}; {example}"
