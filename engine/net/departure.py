"""Let a request leave: count it against the run's budget and the key's quota, wait for the rate, tell of it.

A request that does not leave after all is taken back from both counts.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from engine.errors import BudgetSpent
from engine.model.events import Emit, RequestSent, Waiting, WidthChanged
from engine.net.call import Call
from engine.net.key import Key
from engine.net.limits.budget import Budget
from engine.net.limits.gate import Place
from engine.net.limits.quota import Quota
from engine.net.trouble.host import Host
from engine.net.trouble.parking import Parking

OTHERS_PAUSE = "the API asked another worker with the same API key to wait"


class NotNow(Exception):
    """Nothing was sent, as something changed since the call's turn came: it takes turns anew.

    Its token was refused, its credentials are not known any more, or the host came into doubt.

    Raised by `Departure` and `Sending`; it never leaves the channel.
    """


class Departure:
    """The last step before the socket, for all requests of one account."""

    def __init__(self, key: Key, budget: Budget, host: Host, parking: Parking, emit: Emit) -> None:
        """Take what may keep a request from leaving. `emit`: is told when it leaves."""
        self._key = key
        self._account = key.account.name
        self._budget = budget
        self._host = host
        self._parking = parking
        self._emit = emit

    async def leave(self, call: Call[Any], kind: str, place: Place, quota: Quota) -> date:
        """Return when the request may go out now, with the day of the quota that it counts on.

        `kind`: what it is counted and told as. `quota`: of the API key that it is sent with. Raises `AccountParked`,
        `QuotaExhausted`, `NotNow` and what the ledger raises; the request has cost nothing then.
        """
        await self._parking.raise_if_parked()
        try:
            self._budget.take(call.kind)
        except BudgetSpent as spent:
            raise await self._parking.park(spent) from spent
        day = await self._take_from_quota(call, quota)
        try:
            await self._set_off(call, kind, place)
        except BaseException:
            self.take_back(call, quota, day)
            raise
        return day

    def take_back(self, call: Call[Any], quota: Quota, day: date) -> None:
        """Count a request no more that never left."""
        quota.give_back(day)
        self._budget.give_back(call.kind)

    async def _take_from_quota(self, call: Call[Any], quota: Quota) -> date:
        try:
            return await quota.take()
        except BaseException:
            self._budget.give_back(call.kind)
            raise

    async def _set_off(self, call: Call[Any], kind: str, place: Place) -> None:
        if call.sends and call.before_repeat is not None:
            await call.before_repeat()
        await self._tell_width()
        if self._key.gate.others_pause_s:
            await self._tell_pause()
        await self._key.gate.set_off(place, self._parking.begun)
        await self._parking.raise_if_parked()
        if not self._host.lets(self._account, call):  # in doubt by now, and another request finds out
            raise NotNow
        await self._emit(RequestSent(account=self._account, company_id=call.company_id, kind=kind))

    async def _tell_pause(self) -> None:
        """Tell, once, that another worker was asked to wait, which holds this one."""
        seconds, self._key.gate.others_pause_s = self._key.gate.others_pause_s, 0.0
        await self._emit(Waiting(account=self._account, seconds=seconds, reason=OTHERS_PAUSE))

    async def _tell_width(self) -> None:
        """Tell how many requests may be out at once, if that has changed notably."""
        width = self._key.gate.news()
        if width is not None:
            await self._emit(WidthChanged(account=self._account, places=width.places, reason=width.reason))
