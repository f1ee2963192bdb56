"""What a key's gate and its token need of the place through which several workers share an API key.

The ledger offers it, if it can be used from several machines. Without it, one process uses the key alone.
Errors are `LedgerError`. A future belongs to the event loop in which it was asked for.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Awaitable, Callable
from typing import Protocol

from engine.model.shared_limits import Ask, KeptToken, KeyName, Lease, News

Hear = Callable[[News], None]


class SharedLimits(Protocol):
    """Permits, seats and pauses of API keys, over all workers."""

    def lease(self, key: KeyName, ask: Ask) -> Future[Lease]:
        """Ask for permits and seats; the question is on its way when this returns."""
        ...

    def pause(self, key: KeyName, seconds: float) -> Future[None]:
        """Let no worker send anything for some seconds; a pause that ends later stays."""
        ...

    def watch(self, key: KeyName, worker: str, hear: Hear) -> None:
        """Call `hear`, on this event loop, with what a worker must know at once, until the worker leaves."""
        ...

    def leave(self, key: KeyName, worker: str) -> Future[None]:
        """Give a worker's seats back."""
        ...


class SharedTokens(Protocol):
    """The tokens of API keys, as sealed bytes."""

    def token(self, key: KeyName) -> Awaitable[KeptToken | None]:
        """Return the newest token that is not known to be expired; None: there is none."""
        ...

    def keep_token(self, key: KeyName, sealed: bytes, usable_s: float) -> Awaitable[int]:
        """Keep a token for `usable_s` seconds, in place of the one before it; return its number."""
        ...


class Turns(Protocol):
    """Errands that one worker does for all."""

    def take_turn(self, what: str, worker: str, bound_s: float) -> Awaitable[float]:
        """Take an errand for at most `bound_s`; return 0.0, or the seconds that another worker may still have it."""
        ...

    def end_turn(self, what: str, worker: str) -> Awaitable[None]:
        """Let others have the errand."""
        ...


class Shared(SharedLimits, SharedTokens, Turns, Protocol):
    """All that workers share of an API key, except its quota."""
