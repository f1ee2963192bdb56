"""Items on their way from some tasks to a reader: bounded, in order, and at no cost while neither has to wait.

A memory object stream gives way to all other tasks at each item and at both ends: 30 us, as much as is spent on the
request that an item tells of.
"""

from __future__ import annotations

import sys
from collections import deque
from types import TracebackType
from typing import Generic, Self, TypeVar

import anyio

T = TypeVar("T")


class Feed(Generic[T]):
    """An async iterator of what was put in. It ends with `end`, once all of it is read; `with` it to read from it."""

    def __init__(self, ahead: int) -> None:
        """Let so many items wait for the reader before `send` waits, too."""
        self._ahead = ahead
        self._items: deque[T] = deque()
        self._has_ended = False
        self._is_left = False
        self._news: anyio.Event | None = None  # that a reader waits for
        self._room: anyio.Event | None = None  # that senders wait for

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    def leave(self) -> None:
        """Read nothing any more. Idempotent."""
        self._is_left = True
        self._items.clear()
        self._make_room()
        self._wake()

    def widen(self) -> None:
        """Let `send` wait for the reader no more. For a run that was stopped: few events are still to come."""
        self._ahead = sys.maxsize
        self._make_room()

    def end(self) -> None:
        """Note that nothing more comes."""
        self._has_ended = True
        self._wake()

    def put(self, item: T) -> None:
        """Put an item in, whether there is room or not: for what may not wait. Raises `BrokenResourceError`."""
        if self._is_left:
            raise anyio.BrokenResourceError
        self._items.append(item)
        self._wake()

    async def send(self, item: T) -> None:
        """Wait for room and put an item in. Raises `BrokenResourceError` when the reader has left."""
        while len(self._items) >= self._ahead and not self._is_left:
            if self._room is None:
                self._room = anyio.Event()
            await self._room.wait()
        self.put(item)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        while not self._items:
            if self._is_left:
                raise anyio.ClosedResourceError
            if self._has_ended:
                raise StopAsyncIteration
            if self._news is None:
                self._news = anyio.Event()
            await self._news.wait()
        item = self._items.popleft()
        if self._room is not None and 2 * len(self._items) <= self._ahead:  # a few at a time: each has to be woken
            self._make_room()
        return item

    def _make_room(self) -> None:
        if self._room is not None:
            self._room.set()
            self._room = None

    def _wake(self) -> None:
        if self._news is not None:
            self._news.set()
            self._news = None
