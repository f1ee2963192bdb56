"""A semaphore, first come, first served, whose number of places may change while they are held."""

from __future__ import annotations

import asyncio
from collections import deque


class Places:
    """Places that tasks hold. When their number is lowered, held places stay held, and waiting tasks wait longer."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._held = 0
        self._queue: deque[asyncio.Event] = deque()

    @property
    def held(self) -> int:
        """How many places are held."""
        return self._held

    def resize(self, places: int) -> None:
        """Let `places` be held at a time from now on."""
        self._places = places
        self._call_in()

    async def enter(self) -> None:
        """Wait for a place and hold it. A caller that is cancelled while it waits holds none."""
        if self._held < self._places and not self._queue:
            self._held += 1
            return
        turn = asyncio.Event()
        self._queue.append(turn)
        try:
            await turn.wait()
        except BaseException:
            if turn.is_set():  # it was given the place and cancelled in one turn of the loop
                self.leave()
            else:
                self._queue.remove(turn)
            raise

    def leave(self) -> None:
        """Give the place back."""
        self._held -= 1
        self._call_in()

    def _call_in(self) -> None:
        while self._queue and self._held < self._places:
            self._held += 1
            self._queue.popleft().set()
