"""Watch an event loop: by how much it is late for ticks that are due every millisecond."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.ticks import TICK_S, counted, p999_ms


class Watch:
    """Notes by how much the event loop was late for each tick, and for how much of that this process was at work."""

    def __init__(self) -> None:
        self._late_s = [TICK_S]
        self._busy_s = [0.0]

    async def tick(self) -> None:
        """Tick until cancelled."""
        while True:
            due, began = time.monotonic() + TICK_S, time.process_time()
            await asyncio.sleep(TICK_S)
            self._late_s.append(time.monotonic() - due)
            self._busy_s.append(min(self._late_s[-1], time.process_time() - began))

    def report(self) -> dict[str, Any]:
        """Return of both the longest, what 99.9 % of this run's ticks are within, and how many ticks were how late."""
        found: dict[str, Any] = {}
        for name, each in (("stall", self._late_s), ("work", self._busy_s)):
            ticks = counted(each)
            found[f"longest_{name}_s"], found[f"p999_{name}_s"] = max(each), p999_ms([ticks]) / 1_000
            found[f"{name}_ticks"] = ticks
        return found


@asynccontextmanager
async def watched(*, wanted: bool) -> AsyncIterator[Watch]:
    """Watch the running loop during the block, if that is wanted: watching costs a few percent of a processor."""
    watch = Watch()
    async with asyncio.TaskGroup() as tasks:
        ticking = tasks.create_task(watch.tick()) if wanted else None
        yield watch
        if ticking is not None:
            ticking.cancel()
