"""A wall clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

MORNING = datetime(2026, 11, 20, 7, 0, tzinfo=UTC)


class Clock:
    """The time of day for an engine and a sandbox together: `Engine(..., now=clock)` and `Sandbox(clock=clock)`.

    All that depends on the time of day moves with it: the day of a quota, the age of a listing, how long something
    rests, how long a token lasts in the sandbox. Waits within a run (`Retry-After`, timeouts) go by the event loop's
    clock.
    """

    def __init__(self, time: datetime = MORNING) -> None:
        """Begin at `time`, which has a zone. Raises `ValueError` without one."""
        if time.tzinfo is None:
            raise ValueError(f"a time of day needs a zone, such as {time.isoformat()}+00:00")
        self.time = time

    def __call__(self) -> datetime:
        """Return the time of day."""
        return self.time

    def forward(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Move the time of day on by a span of time; a negative span moves it back."""
        self.time += timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
