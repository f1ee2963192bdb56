"""Stop an account: nothing more is sent in this run, and everyone who waits is told why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import anyio

from engine.errors import AccountParked, EngineError, Unauthorized
from engine.model.events import Emit, Parked
from engine.model.settings import Account
from engine.net.trouble.host import Host
from engine.net.trouble.trial import Trial


class Parking:
    """Whether one account is stopped in this run, and why."""

    def __init__(self, account: Account, host: Host, trial: Trial, *, emit: Emit, now: Callable[[], datetime]) -> None:
        """Take the account and what is shared with its other requests. One without credentials is stopped."""
        self.reason = no_credentials(account)  # None: the account is not stopped
        self.at: datetime | None = None
        self.begun = anyio.Event()  # set when the account is stopped; whoever waits for the key waits for this, too
        self._account = account.name
        self._host = host
        self._trial = trial
        self._emit = emit
        self._now = now

    async def park(self, reason: EngineError) -> AccountParked:
        """Stop the account and return what every call of it raises from now on. The first reason stays."""
        if self.reason is None:
            self.reason, self.at = reason, self._now()
            self.begun.set()
            self._trial.left(None)
            await self._emit(Parked(account=self._account, reason=str(reason)))
        return AccountParked(self.reason)

    async def raise_if_parked(self) -> None:
        """Raise `AccountParked` if the account is stopped. A host that is down stops it."""
        if self._host.down is not None:
            await self.park(self._host.down)
        if self.reason is not None:
            raise AccountParked(self.reason)


def no_credentials(account: Account) -> EngineError | None:
    """Return the error that stops an account whose credentials are not known; None: they are known."""
    if not account.fault:
        return None
    return Unauthorized(f"account {account.name} has no credentials: {account.fault}")
