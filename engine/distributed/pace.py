"""How often a worker does what it does beside its jobs."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

USUAL_S = 10.0
"""The time between two heartbeats, unless a test wants another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Times in seconds, most of which follow from that of a heartbeat."""

    heartbeat_s: float = USUAL_S  # a worker says so often that it is alive

    @property
    def silent_s(self) -> float:
        """For how long a worker may say nothing before it is taken for dead."""
        return 3 * self.heartbeat_s

    @property
    def poll_s(self) -> float:
        """How often the queue is looked at where no notice of a new job comes."""
        return self.heartbeat_s / 2

    @property
    def patience_s(self) -> float:
        """How long a database that is away is waited for, before the session with it is over."""
        return max(1.0, self.heartbeat_s)

    @property
    def idle_s(self) -> float:
        """How often a worker that ends with its work looks whether that is done."""
        return self.heartbeat_s / 40

    @property
    def reconnect_s(self) -> float:
        """How long it waits before it tries the database again."""
        return self.heartbeat_s / 2

    def scaled(self, seconds: float) -> float:
        """Return a time between two tries of a job, which is given as it is at the usual pace."""
        return seconds * self.heartbeat_s / USUAL_S


USUAL = Pace()

GRACE_S = 1.0
"""How long a worker that is stopped lets its jobs run on: short ones end by themselves, others are broken off."""


async def wait(event: asyncio.Event, seconds: float) -> None:
    """Wait until an event is set, for so long at most."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
