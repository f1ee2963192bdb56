"""Threads that a test leaves behind."""

from __future__ import annotations

import threading


def lasting_threads() -> int:
    """Return how many threads there are, without those that anyio keeps for the next work till its loop ends."""
    return sum(not thread.name.startswith("AnyIO worker thread") for thread in threading.enumerate())
