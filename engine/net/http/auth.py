"""One token per account, fetched once for all tasks that need it, and for all workers where they share it."""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

import anyio

from engine.model.settings import Secret
from engine.wire.oauth import Grant

MARGIN = 0.05
"""A token is renewed when this share of its lifetime is left, at most 60 s: no request shall carry an expired one."""
LONGEST_MARGIN_S = 60.0


Fetch = Callable[[], Awaitable[Grant]]
"""One call of the token endpoint, with its own retries. Its errors are raised in the task that made it."""


class Held(NamedTuple):
    """A token, and what is known of it when it comes."""

    token: Secret
    usable_s: float
    is_proven: bool  # another worker has it already: if it is refused, that is no sign that a new one would be


def held(grant: Grant) -> Held:
    """Return a token that was just granted."""
    margin_s = min(LONGEST_MARGIN_S, grant.lifetime_s * MARGIN)
    return Held(token=grant.token, usable_s=grant.lifetime_s - margin_s, is_proven=False)


class SharesToken(Protocol):
    """Gets tokens that several workers share."""

    async def other(self, fetch: Fetch) -> Held:
        """Return another token than this worker had last, which it fetches only if no other worker has one."""
        ...


class TokenKeeper:
    """Holds an account's token in memory; the first task that needs one fetches it for all."""

    def __init__(self, shared: SharesToken | None = None) -> None:
        """`shared`: the tokens that workers share; None: this process shares its tokens with no other."""
        self.shared = shared
        self._lock = anyio.Lock()
        self._token: Secret | None = None
        self._expires_at = 0.0  # on the event loop's clock
        self._proven = False  # a request was answered with this token

    async def token(self, fetch: Fetch) -> Secret:
        """Return a token that is not known to be expired or refused; fetch one if there is none."""
        if self._token is not None and get_running_loop().time() < self._expires_at:
            return self._token
        return await self.renewed(self._token, fetch)

    @property
    def current(self) -> Secret | None:
        """The token that is held, good or not; None: none was fetched yet."""
        return self._token

    def proven(self, token: Secret) -> None:
        """Note that a request with this token was answered well."""
        if token is self._token:
            self._proven = True

    def refused(self, token: Secret) -> None:
        """Note that the API refused this token: requests that have not left yet wait for the next one."""
        if token is self._token:
            self._expires_at = 0.0

    def forget(self) -> None:
        """Drop the token, as it belongs to credentials that are not in use any more."""
        self._token, self._expires_at, self._proven = None, 0.0, False

    def is_good(self, token: Secret) -> bool:
        """Return whether a token is the current one, and not known to be expired or refused."""
        return token is self._token and get_running_loop().time() < self._expires_at

    def is_hopeless(self, token: Secret) -> bool:
        """Return whether a refused token is new and was never accepted: another new one would not help."""
        return token is self._token and not self._proven

    async def renewed(self, stale: Secret | None, fetch: Fetch) -> Secret:
        """Return a token other than `stale`: if another task has fetched one meanwhile, that; else a new one."""
        async with self._lock:
            if self._token is None or self._token is stale:
                new = held(await fetch()) if self.shared is None else await self.shared.other(fetch)
                self._proven = new.is_proven
                self._token, self._expires_at = new.token, get_running_loop().time() + new.usable_s
            return self._token
