"""The database's clock beside this machine's, as questions and answers show it. Pure."""

from __future__ import annotations

from math import inf

SPAN_S = 30.0
"""For so long, at least, an offset is believed: clocks drift apart by some ms in that time at most."""


class Clock:
    """Tells when an answer would have come if it had been as quick as the quickest of late.

    An answer that is late has its delay on one of two ways, and nobody knows on which. But what it says was true when
    the database's clock showed what it says, and how that clock runs beside ours is known from quicker answers.
    """

    def __init__(self) -> None:
        self._since_s = -inf
        self._offset_s = inf  # our time of an answer's coming, less the database's of its making: the least since then
        self._before_s = inf  # the least in the span before

    def came_s(self, database_s: float, began_s: float, ended_s: float) -> float:
        """Return when an answer would have come. It cannot have been made before its question was asked."""
        if ended_s - self._since_s > SPAN_S:
            self._since_s, self._before_s, self._offset_s = ended_s, self._offset_s, inf
        self._offset_s = min(self._offset_s, ended_s - database_s)
        came_s = database_s + min(self._offset_s, self._before_s)
        if came_s >= began_s:
            return came_s
        self._since_s, self._before_s, self._offset_s = ended_s, inf, ended_s - database_s  # its clock was set back
        return ended_s
