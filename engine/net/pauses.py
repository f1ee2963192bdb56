"""Hold a whole key back for as long as the API asks; a wait that is too long for the run stops the account."""

from __future__ import annotations

from asyncio import get_running_loop

import anyio

from engine.errors import Throttled
from engine.model.events import Emit, Waiting, WaitKind
from engine.net.key import Key
from engine.net.trouble.parking import Parking


class Pauses:
    """The waits of one account that the API asks for."""

    def __init__(self, key: Key, parking: Parking, emit: Emit, give_up_at_s: float) -> None:
        """Take the key to hold back. `give_up_at_s`: the run's deadline, on the event loop's clock."""
        self._key = key
        self._parking = parking
        self._emit = emit
        self._give_up_at_s = give_up_at_s

    async def begin(self, error: Throttled, wait_s: float) -> None:
        """Let the key send nothing for `wait_s` seconds; return at once. Raises `AccountParked` if that is too long."""
        account = self._key.account
        if wait_s > account.limits.max_wait_s or get_running_loop().time() + wait_s > self._give_up_at_s:
            raise await self._parking.park(error) from error
        added_s = self._key.gate.pause(wait_s)
        if added_s > 0:
            await self._emit(Waiting(account=account.name, seconds=added_s, reason=str(error)))

    async def rest(self, company_id: int | None, seconds: float, reason: str, kind: WaitKind) -> None:
        """Let one call wait, and no other."""
        account = self._key.account.name
        await self._emit(Waiting(account=account, company_id=company_id, seconds=seconds, reason=reason, kind=kind))
        await anyio.sleep(seconds)
