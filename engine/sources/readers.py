"""Threads that read sources: a few at a time, as the event loop waits for the interpreter until each had its share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import anyio
from anyio import to_thread
from anyio.lowlevel import RunVar

T = TypeVar("T")

AT_ONCE = 4
"""Threads that read at once. A thread keeps the interpreter for 5 ms at a time; files that come from a local disk are
read no sooner by more threads."""

PATIENCE_S = 0.05
"""After this time a thread is no longer counted: it waits for a disk, a network or a database, not for a processor. So
80 slow sources begin in a second, and one that never answers holds up no other."""

_PLACES: RunVar[anyio.Semaphore] = RunVar("places for threads that read sources")


async def in_thread(work: Callable[[], T], *, abandon_on_cancel: bool = False) -> T:
    """Return the result of blocking work, from a thread, once few other threads read.

    `abandon_on_cancel`: a task that is cancelled does not wait for the thread.
    """
    places = _places()
    await places.acquire()
    is_counted = True

    def leave() -> None:
        nonlocal is_counted
        if is_counted:
            is_counted = False
            places.release()

    patience = asyncio.get_running_loop().call_later(PATIENCE_S, leave)
    try:
        return await to_thread.run_sync(work, abandon_on_cancel=abandon_on_cancel)
    finally:
        patience.cancel()
        leave()


def _places() -> anyio.Semaphore:
    """Return the places that all sources of the running event loop share."""
    try:
        return _PLACES.get()
    except LookupError:
        places = anyio.Semaphore(AT_ONCE, fast_acquire=True)
        _PLACES.set(places)
        return places
