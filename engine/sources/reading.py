"""Reading of sources that block: by threads, a few thousand rows at a time. They are closed in any case.

What takes no longer than a thread's start and end is read on the event loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Generator
from enum import Enum
from threading import Lock
from typing import NamedTuple, TypeAlias

from anyio import CancelScope, to_thread

from engine.model.wanted import FileEnd
from engine.sources.batch import Batch
from engine.sources.readers import Place
from engine.sources.turn import in_turn


class Told(NamedTuple):
    """What is known about a source once it is read to its end."""

    digest: bytes | None = None  # covers all bytes, and how they are read
    end: FileEnd | None = None  # how it ended; None: it is no file of lines


Batches: TypeAlias = Generator[Batch, None, Told | None]
"""Yields batches and returns what is known about the source, or None."""

ROWS_AT_ONCE = 2_000
"""Rows that a thread reads before it returns: to hand work to a thread costs about 0.1 ms."""

BATCHES_AT_ONCE = 4
"""Batches that a thread reads at most before it returns, however few rows they have: these are long, or wide."""


class Where(Enum):
    """Where a source is read."""

    THREAD = "in a thread"
    TURN = "on the event loop, in turns"  # it takes up to 2 ms
    HERE = "on the event loop, at once"  # it is so small


class Reading(AsyncIterator[Batch]):
    """One reading of a source: an async iterator of batches that can be closed."""

    def __init__(self, batches: Batches, *, where: Where = Where.THREAD) -> None:
        """Take a source's batches."""
        self._feed = Feed(batches)
        self._where = where
        self._place = Place() if where is Where.THREAD else None
        self._ahead: deque[Batch] = deque()

    @property
    def digest(self) -> bytes | None:
        """The source's digest; None: it is not read to its end, or has none."""
        return self._feed.told.digest

    @property
    def end(self) -> FileEnd | None:
        """How the file ended, once it is read to its end; None: it is no file of lines."""
        return self._feed.told.end

    async def __anext__(self) -> Batch:
        if not self._ahead:
            self._leave()  # what was read before is taken in
            if not self._feed.has_ended:
                self._ahead.extend(await self._read())
        if not self._ahead:
            self._leave()
            raise StopAsyncIteration
        return self._ahead.popleft()

    async def _read(self) -> list[Batch]:
        """Read the next batches. In a thread, their place is held until they are taken in."""
        if (place := self._place) is None:
            return self._feed.next() if self._where is Where.HERE else await in_turn(ROWS_AT_ONCE, self._feed.next)
        await place.enter()
        try:
            return await to_thread.run_sync(self._feed.next, abandon_on_cancel=True)
        except BaseException:
            place.leave()
            raise

    def _leave(self) -> None:
        if self._place is not None:
            self._place.leave()

    async def aclose(self) -> None:
        """Close the source, even while a thread reads it."""
        self._ahead.clear()
        self._leave()
        if not self._feed.has_ended:
            with CancelScope(shield=True):
                await to_thread.run_sync(self._feed.close)  # closing a database connection waits for the database


class Feed:
    """A generator that a thread runs and that any thread may close, even while it runs.

    A cancelled task does not wait for its thread; the thread then closes the generator when its call returns.
    """

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self._error: Exception | None = None  # raised after good batches, which are returned first
        self._running = Lock()
        self._is_closed = False
        self.has_ended = False
        self.told = Told()

    def next(self) -> list[Batch]:
        """Return the next batches: of `ROWS_AT_ONCE` rows, or `BATCHES_AT_ONCE`. Empty: the generator has ended."""
        if self._error is not None:
            self.has_ended = True
            raise self._error
        with self._running:
            batches = self._take()
        if self._is_closed:
            self.close()
        return batches

    def _take(self) -> list[Batch]:
        batches: list[Batch] = []
        while len(batches) < BATCHES_AT_ONCE and sum(map(len, batches)) < ROWS_AT_ONCE and not self._is_closed:
            try:
                batches.append(next(self._batches))
            except StopIteration as end:
                self.has_ended, self.told = True, end.value or Told()
                break
            except Exception as error:
                if not batches:
                    raise
                self._error = error
                break
        return batches

    def close(self) -> None:
        """Close the generator: now, or when the thread that runs it returns."""
        self._is_closed = True
        if self._running.acquire(blocking=False):
            try:
                self._batches.close()
            finally:
                self._running.release()
