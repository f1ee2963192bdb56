"""The database's clock beside this machine's, as questions and answers show it. Pure."""

from __future__ import annotations

from math import inf

SPAN_S = 30.0
"""How long an offset is believed, at least: clocks drift apart by some ms in that time."""


class Clock:
    """Tells when an answer would have come if it had been as quick as the quickest recent one.

    A late answer was delayed on its way there or back, and nobody knows on which. But it was true when the database's
    clock showed the time that it names, and quicker answers show how far that clock is from ours.
    """

    def __init__(self) -> None:
        self._since_s = -inf
        self._offset_s = inf  # when an answer came, by our clock, less when it was made, by the database's: the least
        self._before_s = inf  # the least in the span before this one

    def came_s(self, database_s: float, began_s: float, ended_s: float) -> float:
        """Return when an answer would have come. It cannot have been made before its question was asked."""
        if ended_s - self._since_s > SPAN_S:
            self._since_s, self._before_s, self._offset_s = ended_s, self._offset_s, inf
        self._offset_s = min(self._offset_s, ended_s - database_s)
        came_s = database_s + min(self._offset_s, self._before_s)
        if came_s >= began_s:
            return came_s
        self._since_s, self._before_s, self._offset_s = ended_s, inf, ended_s - database_s  # the clock was set back
        return ended_s
