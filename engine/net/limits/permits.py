"""The permits of an API key that one worker has in hand, and how many it asks for. Times are arguments."""

from __future__ import annotations

from collections import deque
from math import inf
from typing import NamedTuple

from engine.model.shared_limits import Lease
from engine.net.limits.pacing import interval_s, lateness_s, most_permits


class Permit(NamedTuple):
    """Leave for one request."""

    from_s: float
    until_s: float  # it lapses then


class Permits:
    """Permits in hand, in the order of their moments."""

    def __init__(self, per_second: float) -> None:
        self.interval_s = interval_s(per_second)
        self.lateness_s = lateness_s(per_second)
        self._most = most_permits(per_second)
        self._in_hand: deque[Permit] = deque()
        self._size = 1  # permits that were asked for last time
        self._lapsed = 0  # permits that lapsed since then
        self._has_line = False  # others' permits lay before those of the last lease

    def __len__(self) -> int:
        return len(self._in_hand)

    def is_due(self, now_s: float) -> bool:
        """Return whether a permit may be used now; forget those that have lapsed."""
        in_hand = self._in_hand
        while in_hand and in_hand[0].until_s < now_s:
            in_hand.popleft()
            self._lapsed += 1
        return bool(in_hand) and in_hand[0].from_s <= now_s

    def due_s(self) -> float:
        """Return from when on the next permit may be used; inf: there is none."""
        return self._in_hand[0].from_s if self._in_hand else inf

    def use(self) -> None:
        """Use up the next permit, which is due."""
        self._in_hand.popleft()

    def clear(self) -> None:
        """Drop all permits: they are void."""
        self._in_hand.clear()

    def are_few(self, waiting: int) -> bool:
        """Return whether to ask early: half of the last lease or less is left, and more requests wait than permits."""
        return 2 * len(self._in_hand) <= self._size and waiting > len(self._in_hand)

    def to_ask_for(self, waiting: int) -> int:
        """Return how many permits to ask for while `waiting` requests wait: twice as many as last time, if none lapsed.

        While other workers stand in line, more only if the demand is there: permits that lapse here are lost to them.
        """
        if self._lapsed:
            self._size = max(1, self._size - self._lapsed)
        elif not self._has_line or 2 * waiting > max(2, self._size):
            self._size = 2 * self._size
        self._lapsed = 0
        self._size = min(self._most, max(self._size, waiting - len(self._in_hand)))
        return self._size

    def add(self, lease: Lease, not_before_s: float) -> None:
        """Take the permits of a lease, but for those whose moments are before `not_before_s`."""
        if lease.permits:
            self._has_line = lease.wait_s > 0
        moment_s = lease.at_s + lease.wait_s
        for _ in range(lease.permits):
            if moment_s >= not_before_s:
                self._in_hand.append(Permit(moment_s, moment_s + self.lateness_s))
            moment_s += self.interval_s
