"""A run's events, on their way to their reader."""

from __future__ import annotations

import anyio

from engine.errors import EngineError
from engine.model.events import Event, RequestAnswered, RequestSent
from engine.net.feed import Feed

EVENTS_AHEAD = 256
"""Events that may wait for their reader before the run waits, too: enough for a burst of pages."""


class RunEvents:
    """Takes events from the run's tasks and keeps them for one reader, up to `EVENTS_AHEAD`; then the run waits.

    An event that nobody reads is dropped: before `watch`, and after the reader has left.
    """

    def __init__(self) -> None:
        self._feed = Feed[Event](EVENTS_AHEAD)
        self.is_watched = False  # somebody reads the events

    def watch(self) -> None:
        """Keep events from now on: there is a reader."""
        self.is_watched = True

    async def emit(self, event: Event) -> None:
        """Hand an event to the reader, if there is one who still listens."""
        if not self.is_watched:
            return
        try:
            if isinstance(
                event, RequestSent | RequestAnswered
            ):  # its part of the rate is taken: it may wait for nobody
                self._feed.put(event)
            else:
                await self._feed.send(event)
        except anyio.BrokenResourceError:
            self.is_watched = False

    async def next(self) -> Event:
        """Return the next event. Raises `StopAsyncIteration` at the end, `EngineError` once the reader has left."""
        try:
            return await anext(self._feed)
        except anyio.ClosedResourceError:
            raise EngineError("the run's block was left, and with it its events: read them inside of it") from None

    def wait_no_more(self) -> None:
        """Let no event wait for room: the run was stopped, and has few events still to come."""
        self._feed.widen()

    def leave(self) -> None:
        """Note that the reader has left. Idempotent."""
        self._feed.leave()

    def end(self) -> None:
        """Note that nothing more comes."""
        self._feed.end()
