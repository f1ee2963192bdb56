"""The ledger as one Protocol, made of the small ones in `store`, `journal` and `keys`.

All times are aware datetimes in UTC. Every write is durable when its call returns (it survives a power cut), and each
call is one transaction. Errors are `LedgerError`; a failed call has changed nothing. One conformance suite
(`tests/ledger`) runs on every implementation.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from engine.ledger.journal import Intents, Runs, SavedPlans
from engine.ledger.keys import Directories, KeyGrants, Keys, Quotas
from engine.ledger.shared import SharedLimits
from engine.ledger.store import Passes, Rekeys, Reverts, Rows, Sketches, Sources
from engine.model.settings import CompanyKey

__all__ = ["Ledger", "Rows"]


class Locks(Protocol):
    """Mutual exclusion between runs, in this process and others."""

    def lock(self, company_key: CompanyKey) -> AbstractAsyncContextManager[None]:
        """Hold a company. Entering raises `Locked` at once when another run holds it; the end of a process frees it."""
        ...


class Described(Protocol):
    """A ledger that people can query with other programs."""

    async def schema(self) -> str:
        """Return the commented statements that make its tables and views."""
        ...


class Ledger(
    Rows,
    Rekeys,
    SavedPlans,
    Passes,
    Sketches,
    Sources,
    Reverts,
    Intents,
    Runs,
    KeyGrants,
    Keys,
    Quotas,
    Directories,
    Locks,
    Described,
    Protocol,
):
    """Everything that the engine asks of a ledger."""

    @property
    def shared_limits(self) -> SharedLimits | None:
        """What workers on several machines share of API keys; None: this ledger is one machine's."""
        ...

    async def aclose(self) -> None:
        """Finish what is queued and close. Idempotent."""
        ...
