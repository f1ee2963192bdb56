"""How often: requests a second along a server's limit, whichever way the server counts them."""

from __future__ import annotations

from asyncio import get_running_loop
from collections import deque
from math import ceil

import anyio
from aiolimiter import AsyncLimiter

BURST_S = 0.04
HEADROOM = 0.985
"""One request and 40 ms of burst at 98.5 % of the rate: the default `AsyncLimiter(R, 1)` lets 2 R out in the first
second. What wakes up late catches up with it; without, a busy machine loses a tenth of 50/s, and most of 5,000/s."""

GRAIN_S = 0.005
"""At high rates units are dealt out by the handful: to wake up for each of them costs as much as to send it."""

WINDOW_S = 1.0
"""What "a second" is to a server that counts in windows."""

LATEST_S = 0.04
LONGEST_S = 0.2
"""A request is taken to have arrived when it is answered, at the latest so long after it left. So a window never holds
one too many, and slow answers cost 4 % of the rate, not their whole time. Where that proves too short, it doubles; and
where answers are fast as a rule, the longest costs nothing, and a server that stalls for a moment is not overrun."""

MEMORY = 0.01
"""Part of each answer in what is known of how long they take: that of about the last hundred."""


def paced(per_second: float) -> AsyncLimiter:
    """Return a limiter that fills a server's bucket and does not overrun it, first second included."""
    burst = 1.0 + per_second * BURST_S
    return AsyncLimiter(burst, burst / (HEADROOM * per_second))


class Unit:
    """One request's part of the rate. It is used up until a window after the request has arrived."""

    __slots__ = ("arrived_by_s", "left_s")

    def __init__(self, left_s: float, arrived_by_s: float) -> None:
        self.left_s = left_s  # on the event loop's clock, both
        self.arrived_by_s = arrived_by_s


class Rate:
    """Deals units out, one a request. Evenly, for a bucket; and never more in a window than the server's, for windows.

    A window alone would let all out at once. Pacing alone meets a strict sliding window's edge wherever two requests
    arrive closer together than they left: 3-8 % of them at 10-50 requests/s and 20 ms of jitter.
    """

    def __init__(self, per_second: float) -> None:
        self._paced = paced(per_second)
        self._most = ceil(per_second)  # in a window
        self._latest_s = LATEST_S
        self._usual_s = 0.0  # that an answer takes
        self._answers = 0
        self._used: deque[Unit] = deque()  # those of about the last window, in the order in which they left

    async def take(self) -> Unit:
        """Wait for one unit and return it; for one waiter at a time. Cancelled, it has used none.

        Where one is free there is no waiting, and no turn of the event loop.
        """
        free_at_s = self._free_at_s()
        if free_at_s:
            await anyio.sleep_until(free_at_s)
        if not self._paced.has_capacity():
            await anyio.sleep(GRAIN_S)
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
        """Note that a request was one too many: requests arrive later than was thought."""
        self._latest_s = min(LONGEST_S, 2 * self._latest_s)

    def _free_at_s(self) -> float:
        """Return when a window has room for one more; what is past counts no longer."""
        now_s = get_running_loop().time()
        while self._used and self._used[0].arrived_by_s + WINDOW_S <= now_s:
            self._used.popleft()
        return 0.0 if len(self._used) < self._most else self._used[0].arrived_by_s + WINDOW_S
