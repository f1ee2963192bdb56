"""Measure how late the event loop is, while a run is under way and somebody wants to know."""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import Callable

import anyio

EVERY_S = 0.1
"""Often enough to meet what holds the loop for tens of milliseconds now and then; ten timers a second cost nothing."""


async def watch_lag(tell: Callable[[float], None]) -> None:
    """Tell again and again by how many seconds the loop woke too late, until it is cancelled."""
    loop = get_running_loop()
    while True:
        due_s = loop.time() + EVERY_S
        await anyio.sleep(EVERY_S)
        tell(max(0.0, loop.time() - due_s))
