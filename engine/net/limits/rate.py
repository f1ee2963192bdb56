"""Requests a second: close to a server's limit and not above it, whichever way the server counts."""

from __future__ import annotations

from asyncio import get_running_loop
from collections import deque
from math import ceil

import anyio
from aiolimiter import AsyncLimiter

BURST_S = 0.04
HEADROOM = 0.985
"""The limiter holds one request and 40 ms of burst, at 98.5 % of the rate. (The default, `AsyncLimiter(R, 1)`, lets 2 R
requests out in the first second.) The burst makes up for late wake-ups: without it, a busy machine loses a tenth of
50 requests/s, and most of 5,000/s."""

GRAIN_S = 0.005
"""Shortest sleep: at high rates several units are dealt out at each wake-up, as one costs as much as a send."""

WINDOW_S = 1.0
"""Length of the window of a server that counts requests in windows, in seconds."""

LATEST_S = 0.04
LONGEST_S = 0.2
"""A request counts as arrived when it is answered, and at the latest this long after it left. So a window never holds
one too many, and slow answers cost 4 % of the rate, not their whole time. While answers take less than 40 ms, it is
200 ms: that costs nothing then, and a server that stalls is not overrun. Else it is 40 ms, doubled at each refusal."""

MEMORY = 0.01
"""Weight of each answer in the mean of how long answers take: the mean is over about the last hundred."""


def paced(per_second: float) -> AsyncLimiter:
    """Return a limiter that fills a server's token bucket and never overruns it, not even in the first second."""
    burst = 1.0 + per_second * BURST_S
    return AsyncLimiter(burst, burst / (HEADROOM * per_second))


class Unit:
    """One request's part of the rate. It is in use until one window after the request has arrived."""

    __slots__ = ("arrived_by_s", "left_s")

    def __init__(self, left_s: float, arrived_by_s: float) -> None:
        self.left_s = left_s  # on the event loop's clock, both
        self.arrived_by_s = arrived_by_s


class Rate:
    """Deals out units, one a request: evenly, for servers with a token bucket; never too many in a window, for others.

    Windows alone would let all units of one out at once. Pacing alone is refused by a strict sliding window wherever
    two requests arrive closer together than they left: 3-8 % of them at 10-50 requests/s and 20 ms of jitter.
    """

    def __init__(self, per_second: float) -> None:
        self._paced = paced(per_second)
        self._most = ceil(per_second)  # units in a window
        self._latest_s = LATEST_S
        self._usual_s = 0.0  # mean time that an answer takes
        self._answers = 0
        self._used: deque[Unit] = deque()  # units of about the last window, in the order in which their requests left

    def is_free(self) -> bool:
        """Return whether `take` would return at once; then `take_free` does the same at less cost."""
        return not self._free_at_s() and self._paced.has_capacity()

    async def take(self) -> Unit:
        """Wait for one unit and return it. Only one caller may wait at a time; if it is cancelled, no unit is used.

        If a unit is free, this returns without a turn of the event loop.
        """
        await self.wait()
        return await self.take_free()

    async def wait(self) -> None:
        """Wait until a unit is free, or nearly so, and take none."""
        free_at_s = self._free_at_s()
        if free_at_s:
            await anyio.sleep_until(free_at_s)
        if not self._paced.has_capacity():
            await anyio.sleep(GRAIN_S)

    async def take_free(self) -> Unit:
        """Return one unit; where `is_free` has just said so, without a turn of the event loop."""
        await self._paced.acquire()
        now_s = get_running_loop().time()
        unit = Unit(now_s, now_s + (LONGEST_S if self._usual_s < LATEST_S else self._latest_s))
        self._used.append(unit)
        return unit

    def answered(self, unit: Unit) -> None:
        """Note that a request has arrived."""
        now_s = get_running_loop().time()
        unit.arrived_by_s = min(unit.arrived_by_s, now_s)
        self._answers += 1
        self._usual_s += max(MEMORY, 1 / self._answers) * (min(now_s - unit.left_s, LONGEST_S) - self._usual_s)

    def refused(self) -> None:
        """Note that a request was one too many: requests arrive later than assumed."""
        self._latest_s = min(LONGEST_S, 2 * self._latest_s)

    def _free_at_s(self) -> float:
        """Return when a window has room for one more unit (0.0: now); forget units that no window holds any more."""
        now_s = get_running_loop().time()
        while self._used and self._used[0].arrived_by_s + WINDOW_S <= now_s:
            self._used.popleft()
        return 0.0 if len(self._used) < self._most else self._used[0].arrived_by_s + WINDOW_S
