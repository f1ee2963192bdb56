"""How long a run will still take, from the known work and the recent pace. Pure.

Work is counted in units: one for each company, and one for each request.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

HALF_LIFE_S = 20.0
"""Work done this many seconds ago counts half as much as work done now: the pace follows a server that slows down."""

LEAST_S = 3.0
"""How many seconds a pace is watched before it is told."""


STALLED = 10.0
"""A key is stalled when it has done nothing for the time in which it usually does this many units."""


class Pace:
    """The pace of one API key: units of work a second, as a mean in which what is recent counts more."""

    def __init__(self, now: float) -> None:
        self._at = now
        self._done = 0.0
        self._units = self._seconds = 0.0  # both fade alike, so that their ratio is the mean
        self._watched_s = 0.0
        self._idle_s = 0.0  # time since the last unit was done

    def note(self, done: float, now: float, *, is_paused: bool) -> None:
        """Take note of how much has been done until now. Time in which the key may send nothing does not count."""
        seconds, units = now - self._at, done - self._done
        self._at, self._done = now, done
        if is_paused or seconds <= 0:
            return
        fade = 0.5 ** (seconds / HALF_LIFE_S)
        self._units, self._seconds = self._units * fade + units, self._seconds * fade + seconds
        self._watched_s += seconds
        self._idle_s = 0.0 if units else self._idle_s + seconds

    @property
    def per_second(self) -> float | None:
        """Units a second; None: it has not been watched for long enough, or nothing was done."""
        if self._watched_s < LEAST_S or self._units <= 0:
            return None
        return self._units / self._seconds

    @property
    def is_stalled(self) -> bool:
        """Whether nothing has been done for much longer than usual."""
        return self._idle_s > LEAST_S and self._idle_s * (self.per_second or 0.0) > STALLED


class KeyLeft(NamedTuple):
    """What one API key still has to do."""

    units: float
    per_second: float | None  # units; None: not known
    pause_s: float = 0.0  # for how long it still may send nothing
    is_stalled: bool = False


def left_s(keys: Iterable[KeyLeft]) -> float | None:
    """Return how many seconds are left, roughly, until the last key has ended. None: it is not known.

    A key whose pace is not known is taken to be as fast as the others are on average. While a key is stalled, nobody
    knows when it will end.
    """
    busy = [key for key in keys if key.units > 0]
    paces = [key.per_second for key in busy if key.per_second]
    if not paces or any(key.is_stalled for key in busy):
        return None
    usual = sum(paces) / len(paces)
    return max(key.pause_s + key.units / (key.per_second or usual) for key in busy)
