"""A bound on the rows of all open companies together, whichever account they belong to. It bounds a run's memory."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import inf

import anyio
from anyio.lowlevel import checkpoint

MOST_ROWS = 40_000
"""Rows of all open companies together: a row takes some 650 bytes while it is worked on, and 850 while it is listed."""

PATIENCE_S = 10.0
"""How long an account of which no company is open waits for other accounts: these may themselves wait for minutes."""


@dataclass(slots=True, kw_only=True)
class RowsInWork:
    """Lets companies begin while there is room, in the order in which they ask."""

    most: int = MOST_ROWS
    accounts: int = 1  # that share it
    taken: int = 0
    _line: deque[tuple[int, anyio.Event]] = field(default_factory=deque)

    def counted(self, rows: int) -> int:
        """Return as how many rows a company counts. A giant counts as a third, to leave room for others."""
        return min(rows, self.most // 3)

    async def enter(self, rows: int, *, waits: bool) -> None:
        """Take room for a company, once there is any. It goes in whole, so that the bound may be passed by one company.

        `waits`: for as long as it takes, as its account has others that are open; accounts that have none go first.
        """
        if waits and self.accounts > 1:
            await checkpoint()
        rows = self.counted(rows)
        if self._line or self.taken >= self.most:
            await self._stand_in_line(rows, inf if waits else PATIENCE_S)
        else:
            self.taken += rows

    async def _stand_in_line(self, rows: int, longest_s: float) -> None:
        """Wait to be called, which takes the room; or go in uncalled after a time."""
        called = anyio.Event()
        place = rows, called
        self._line.append(place)
        try:
            with anyio.move_on_after(longest_s):
                await called.wait()
        except BaseException:
            if called.is_set():
                self.taken -= rows
            else:
                self._line.remove(place)
            self._call()
            raise
        if not called.is_set():
            self._line.remove(place)
            self.taken += rows

    def change(self, before: int, now: int) -> None:
        """Take note of what a company turns out to have. `now` 0: it has ended."""
        self.taken += self.counted(now) - self.counted(before)
        self._call()

    def _call(self) -> None:
        while self._line and self.taken < self.most:
            rows, called = self._line.popleft()
            self.taken += rows
            called.set()
