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
"""After this time a place is free again, whatever its thread does: it waits for a disk, a network or a database, not
for a processor. So 80 slow sources begin in a second, and one that never answers holds up no other."""

_PLACES: RunVar[anyio.Semaphore] = RunVar("places for threads that read sources")


class Place:
    """One of the few places for threads that read. It is left at the latest after `PATIENCE_S`.

    Whoever reads rows stays in it until they are taken in: else the rows of all companies that begin together would be
    read before the event loop has taken in those of the first, at 600 bytes a row.
    """

    __slots__ = ("_patience", "_places")

    def __init__(self) -> None:
        self._patience: asyncio.TimerHandle | None = None  # None: it is not held

    async def enter(self) -> None:
        """Wait for a place, and hold it for a while."""
        self._places = _places()
        await self._places.acquire()
        self._patience = asyncio.get_running_loop().call_later(PATIENCE_S, self.leave)

    def leave(self) -> None:
        """Leave the place to the next, if it is held."""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
            self._places.release()


async def in_thread(work: Callable[[], T]) -> T:
    """Return the result of blocking work, from a thread, once few other threads read."""
    place = Place()
    await place.enter()
    try:
        return await to_thread.run_sync(work)
    finally:
        place.leave()


def _places() -> anyio.Semaphore:
    """Return the places that all sources of the running event loop share."""
    try:
        return _PLACES.get()
    except LookupError:
        places = anyio.Semaphore(AT_ONCE, fast_acquire=True)
        _PLACES.set(places)
        return places
