"""One HTTP exchange as values: what goes out, what comes back, and what carries them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What goes out. `url` is taken as it stands: it is encoded already."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)  # they hold the token and the API key
    body: bytes | None = field(default=None, repr=False)
    timeout_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, whatever it is."""

    status: int
    headers: Mapping[str, str]  # names compare without case
    body: bytes


class Transport(Protocol):
    """Carries requests. Never follows a redirect, never repeats by itself."""

    async def send(self, request: Request) -> Answer:
        """Exchange one request. Raises `OutcomeUnknown` when no whole answer came back."""
        ...


class LateTransport:
    """A transport that is made for its first request: many a run sends none, and aiohttp alone takes 0.2 s to load."""

    def __init__(self, make: Callable[[], Transport]) -> None:
        self._make = make
        self._made: Transport | None = None

    async def send(self, request: Request) -> Answer:
        """Exchange one request."""
        if self._made is None:
            self._made = self._make()
        return await self._made.send(request)
