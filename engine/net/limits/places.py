"""Places to hold, first come first served, whose number may change while they are held."""

from __future__ import annotations

from collections import deque

import anyio


class Places:
    """A semaphore that can be made narrower: whoever holds a place keeps it, and the next ones wait longer."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._held = 0
        self._queue: deque[anyio.Event] = deque()

    def resize(self, places: int) -> None:
        """Let so many be held from now on."""
        self._places = places
        self._call_in()

    async def enter(self) -> None:
        """Wait for a place and hold it. Cancelled while waiting, it has held none."""
        if self._held < self._places and not self._queue:
            self._held += 1
            return
        turn = anyio.Event()
        self._queue.append(turn)
        try:
            await turn.wait()
        except BaseException:
            if turn.is_set():  # called in and cancelled at one time
                self.leave()
            else:
                self._queue.remove(turn)
            raise

    def leave(self) -> None:
        """Let another one have the place."""
        self._held -= 1
        self._call_in()

    def _call_in(self) -> None:
        while self._queue and self._held < self._places:
            self._held += 1
            self._queue.popleft().set()
