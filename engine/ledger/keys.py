"""What the ledger knows of accounts and their API keys, as the engine asks for it.

How all of these Protocols behave (durability, transactions, errors, times) is said in `engine.ledger.protocols`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Protocol

from engine.model.directory import Directory
from engine.model.quota import MOST, DayUse, UsedUp
from engine.model.resting import Pause, Rest


class KeyGrants(Protocol):
    """What the server last granted an API key, and how long it asked it to wait. `key_id`: `Account.key_id`."""

    async def page_size(self, origin: str, key_id: str) -> int | None:
        """Return how many rows a page the server last granted this key; None: no listing has shown it."""
        ...

    async def remember_page_size(self, origin: str, key_id: str, rows: int) -> None:
        """Remember the page size that the server granted."""
        ...

    async def pause(self, origin: str, key_id: str) -> Pause | None:
        """Return the wait that the API last asked of this key, over or not; None: it asked for none."""
        ...

    async def remember_pause(self, origin: str, key_id: str, pause: Pause) -> None:
        """Remember a wait for the next run."""
        ...

    async def forget_pause(self, origin: str, key_id: str, at: datetime) -> None:
        """End the wait that was asked for at that moment, unless another one was asked for since."""
        ...


class Keys(Protocol):
    """What is remembered per account beside its quota. `account`: `Account.account_id`."""

    async def key_notes(self, origin: str, account: str) -> dict[str, str]:
        """Return the notes on an account's key, by name."""
        ...

    async def note_key(self, origin: str, account: str, name: str, value: str) -> None:
        """Write a note on an account's key, in place of the one of that name."""
        ...

    async def rests(self, origin: str, account: str) -> dict[str, Rest]:
        """Return what failed for a whole account and is not tried again for a while, by its name, over or not."""
        ...

    async def remember_rest(self, origin: str, account: str, what: str, rest: Rest | None) -> None:
        """Note when something that failed for a whole account is tried again; None: it works again."""
        ...


class Quotas(Protocol):
    """Requests of each API key on each UTC day, counted before they are sent. `key_id`: `Account.key_id`."""

    async def carry_over(self, origin: str, key_ids: Mapping[str, str]) -> None:
        """Move counts, pauses and page sizes that stand under accounts' ids to their API keys.

        An older dimsync noted these by account. `key_ids`: `Account.key_id` by `Account.account_id`. Counts are added
        to the key's own.
        """
        ...

    async def quota(self, origin: str, key_id: str, day: date) -> DayUse:
        """Return what is known of a key's day."""
        ...

    async def reserve_requests(self, origin: str, key_id: str, day: date, usable: int, most: int = MOST) -> int:
        """Count a block of requests as used before they are sent; return how many it has, 0: none is left.

        The block is `model.quota.block` of what is left of the day's `usable` requests, at most `most`. Two callers
        that reserve at once, in one process or in several, never get the same request.
        """
        ...

    async def charge_requests(self, origin: str, key_id: str, day: date, requests: int) -> None:
        """Count requests beyond those reserved; a negative number gives back what was reserved and not sent."""
        ...

    async def remember_used_up(self, origin: str, key_id: str, day: date, used_up: UsedUp) -> None:
        """Note that the API called a key's day used up. Replaces an earlier note of that day."""
        ...

    async def forget_used_up(self, origin: str, key_id: str, day: date, at: datetime) -> None:
        """Take back that the API called a key's day used up at that moment, unless it has said so again since."""
        ...


class Directories(Protocol):
    """What the API user of an account may see, as last listed."""

    async def directory(self, origin: str, account: str) -> Directory | None:
        """Return the directory of an account (`Account.account_id`); None: it was never read."""
        ...

    async def shown(self, origin: str, account: str, companies: Collection[int]) -> Directory | None:
        """Return these companies of an account's directory, without locations and accounts; None: it was never read."""
        ...

    async def remember_directory(self, origin: str, account: str, directory: Directory) -> None:
        """Replace an account's directory; parts that were not read (None) stay as they are."""
        ...
