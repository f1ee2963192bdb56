"""The times of what a worker does beside its jobs: heartbeats, looks at the queue, attempts to reconnect."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

USUAL_S = 10.0
"""Seconds between two heartbeats, unless a test sets another time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Times in seconds, most of which follow from the time between two heartbeats."""

    heartbeat_s: float = USUAL_S  # between two heartbeats of a worker

    @property
    def silent_s(self) -> float:
        """For how long a worker may say nothing before it is taken for dead."""
        return 3 * self.heartbeat_s

    @property
    def poll_s(self) -> float:
        """How often the queue is read, in case the notice of a new job is lost."""
        return self.heartbeat_s / 2

    @property
    def patience_s(self) -> float:
        """How long a database that is away is waited for, before the session with it is over."""
        return max(1.0, self.heartbeat_s)

    @property
    def idle_s(self) -> float:
        """How often a worker that ends with the last job looks whether a job is left."""
        return self.heartbeat_s / 40

    @property
    def reconnect_s(self) -> float:
        """How long a worker waits before it tries the database again."""
        return self.heartbeat_s / 2

    def scaled(self, seconds: float) -> float:
        """Return a time between two tries of a job at this pace; `seconds`: the same at the usual pace."""
        return seconds * self.heartbeat_s / USUAL_S


USUAL = Pace()

GRACE_S = 1.0
"""How long the jobs of a stopped worker may run on: short ones end by themselves, others are cancelled."""


async def wait(event: asyncio.Event, seconds: float) -> None:
    """Wait until an event is set, or until `seconds` have passed."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
