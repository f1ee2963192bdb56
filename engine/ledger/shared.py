"""What workers share of API keys, except their quota: what the engine asks of a ledger that several machines use.

It goes over a connection of its own, so that no request waits behind the ledger's writes. A future belongs to the
event loop in which it was asked for. What is stored here is valid for minutes at most, and not copied with a ledger.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable
from typing import Protocol

from engine.model.shared_limits import Ask, KeptToken, KeyName, Lease, News


class SharedLimits(Protocol):
    """Permits, seats, pauses, tokens and errands of API keys, over all workers. Errors are `LedgerError`."""

    def lease(self, key: KeyName, ask: Ask) -> Future[Lease]:
        """Give a worker permits and seats. The permits of all workers lie as far apart as the key's rate requires.

        No more seats are in use than `Ask.most`, over all workers; where they are short, each worker gets its turn.
        """
        ...

    def pause(self, key: KeyName, seconds: float) -> Future[None]:
        """Give no permits for some seconds, and tell all workers at once; a pause that ends later stays."""
        ...

    def watch(self, key: KeyName, worker: str, hear: Callable[[News], None]) -> None:
        """Call `hear`, on this event loop, with what a worker must know at once, until the worker leaves."""
        ...

    def leave(self, key: KeyName, worker: str) -> Future[None]:
        """Give a worker's seats to others, and tell it nothing more. Raises at once if the database is away."""
        ...

    def token(self, key: KeyName) -> Future[KeptToken | None]:
        """Return the newest token of a key that is not expired by the database's clock; None: there is none."""
        ...

    def keep_token(self, key: KeyName, sealed: bytes, usable_s: float) -> Future[int]:
        """Keep a key's token, in place of the one before it; return its number, one more than that one's."""
        ...

    def take_turn(self, what: str, worker: str, bound_s: float) -> Future[float]:
        """Let a worker do an errand for all, for at most `bound_s`, and return 0.0.

        If another worker has it, return for how many seconds it may still have it.
        """
        ...

    def end_turn(self, what: str, worker: str) -> Future[None]:
        """End a worker's errand."""
        ...
