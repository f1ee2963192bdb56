"""An account's token that workers share: one of them fetches it, and the others take what it has kept, sealed.

It takes `cryptography`, of the extra `distributed`. Without it, each worker fetches a token of its own.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import anyio

from engine.errors import LedgerError
from engine.model.settings import Account, Secret
from engine.model.shared_limits import KeyName
from engine.net.http.auth import Fetch, Held, held
from engine.net.limits.errands import turn
from engine.net.limits.shared import Shared

if TYPE_CHECKING:
    from engine.net.http.sealing import Seal


class SharedToken:
    """Finds tokens of one API key, and keeps them for others. Where the database is away, it fetches them alone."""

    def __init__(self, shared: Shared, key: KeyName, account: Account) -> None:
        self._shared = shared
        self._key = key
        self._seal = _seal(account, key)
        self._number = 0  # of the token that this worker had last

    async def other(self, fetch: Fetch) -> Held:
        """Return another token than this worker had last: if other workers have one by now, that; else a new one.

        Raises what `fetch` raises.
        """
        if self._seal is None:
            return held(await fetch())
        async with turn(self._shared, f"token {self._key.key_id} {self._key.origin}"):
            with suppress(LedgerError):
                if (found := await self._found(self._seal)) is not None:
                    return found
            new = held(await fetch())
            with anyio.CancelScope(shield=True), suppress(LedgerError):
                self._number = await self._shared.keep_token(self._key, self._seal.sealed(new.token), new.usable_s)
            return new

    async def _found(self, seal: Seal) -> Held | None:
        kept = await self._shared.token(self._key)
        if kept is None or kept.number == self._number:
            return None
        token: Secret | None = seal.opened(kept.sealed)
        if token is None:
            return None
        self._number = kept.number
        return Held(token=token, usable_s=kept.usable_s, is_proven=True)


def _seal(account: Account, key: KeyName) -> Seal | None:
    """Return what seals an account's tokens; None: there is no `cryptography`, or its secrets are not known yet."""
    if account.fault:
        return None
    try:
        from engine.net.http.sealing import Seal  # noqa: PLC0415  it takes an extra
    except ImportError:
        return None
    return Seal(account, key)
