"""One token per account, fetched once for all tasks that need it."""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import Awaitable, Callable

import anyio

from engine.model.settings import Secret
from engine.wire.oauth import Grant

MARGIN = 0.05
"""A token is renewed when this share of its lifetime is left, at most 60 s: no request shall carry an expired one."""
LONGEST_MARGIN_S = 60.0


Fetch = Callable[[], Awaitable[Grant]]
"""One call of the token endpoint, with its own retries. Its errors are raised in the task that made it."""


class TokenKeeper:
    """Holds an account's token in memory; the first task that needs one fetches it for all."""

    def __init__(self) -> None:
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
        """Return whether a token is the one that is held, and not known to be expired or refused."""
        return token is self._token and get_running_loop().time() < self._expires_at

    def is_hopeless(self, token: Secret) -> bool:
        """Return whether a refused token is new and was never accepted: another new one would not help."""
        return token is self._token and not self._proven

    async def renewed(self, stale: Secret | None, fetch: Fetch) -> Secret:
        """Return a token other than `stale`: the one that another task fetched meanwhile, else a new one."""
        async with self._lock:
            if self._token is None or self._token is stale:
                grant = await fetch()
                margin = min(LONGEST_MARGIN_S, grant.lifetime_s * MARGIN)
                self._proven = False
                self._token, self._expires_at = grant.token, get_running_loop().time() + grant.lifetime_s - margin
            return self._token
