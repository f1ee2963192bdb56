"""One HTTP exchange: the request and the answer as values, and the Protocol of what carries them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, Protocol


class Request(NamedTuple):
    """A request. `url` is encoded already, and sent as it is."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None

    def __repr__(self) -> str:
        """Show nothing of the headers, which hold the token and the API key, nor of the body."""
        return f"Request(method={self.method!r}, url={self.url!r})"


class Answer(NamedTuple):
    """An answer with any status."""

    status: int
    headers: Mapping[str, str]  # names compare without case
    body: bytes


class Transport(Protocol):
    """Carries requests. Never follows a redirect, never repeats, never gives up by itself: its caller cancels it."""

    async def send(self, request: Request) -> Answer:
        """Send one request and return its answer. Raises `OutcomeUnknown` when no whole answer can come any more."""
        ...


class LateTransport:
    """A transport that is made for its first request: many runs send none, and importing aiohttp takes 0.2 s."""

    def __init__(self, make: Callable[[], Awaitable[Transport]]) -> None:
        self._make = make
        self._made: Transport | None = None

    async def send(self, request: Request) -> Answer:
        """Send one request and return its answer."""
        if self._made is None:
            self._made = await self._make()
        return await self._made.send(request)
