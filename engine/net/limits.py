"""What one API key may have in the air: requests a second, requests at once, and a common pause when asked to wait."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from aiolimiter import AsyncLimiter

from engine.model.settings import Limits

BURST_S = 0.01
HEADROOM = 0.985
"""10 ms of burst at 98.5 % of the rate: the default `AsyncLimiter(R, 1)` lets 2 R out in the first second."""


def paced(requests_per_second: float) -> AsyncLimiter:
    """Return a limiter that fills a server's bucket and does not overrun it, first second included."""
    burst = max(1.0, requests_per_second * BURST_S)
    return AsyncLimiter(burst, burst / (HEADROOM * requests_per_second))


class KeyLimits:
    """The gate of one API key. Waiters go first come, first served: be fair between companies before coming here."""

    def __init__(self, limits: Limits) -> None:
        self._rate = paced(limits.requests_per_second)
        self._room = anyio.Semaphore(limits.max_concurrency, fast_acquire=True)
        self._resume_at = 0.0  # on the event loop's clock

    @asynccontextmanager
    async def slot(self, give_up: anyio.Event) -> AsyncIterator[None]:
        """Hold one place; its unit of the rate is taken as the last step before the body runs.

        `give_up` ends waiting for a pause: the body then has to find out that there is nothing to wait for.
        """
        async with self._room:
            while True:
                if anyio.current_time() < self._resume_at:
                    with anyio.move_on_at(self._resume_at):
                        await give_up.wait()
                await self._rate.acquire()
                if anyio.current_time() >= self._resume_at or give_up.is_set():
                    break
            yield

    def pause(self, seconds: float) -> None:
        """Hold the whole key back; a longer pause that is under way stays."""
        self._resume_at = max(self._resume_at, anyio.current_time() + seconds)
