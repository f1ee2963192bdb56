"""An engine's ways to the API: one session for all, one key for each account, shared by all runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING

from engine.errors import ConfigError, EngineError, LedgerError
from engine.ledger.protocols import Ledger
from engine.model.events import Event
from engine.model.origin import origin_of
from engine.model.settings import Account, Settings
from engine.net.channel import Channel
from engine.net.http.exchange import LateTransport, Transport
from engine.net.key import Key
from engine.net.limits.quota import Quota
from engine.observe.telemetry import Telemetry, Telling

if TYPE_CHECKING:
    import aiohttp


class Connections:
    """Makes keys, transports and channels inside of its `opened` block."""

    def __init__(
        self,
        settings: Settings,
        *,
        session: aiohttp.ClientSession | None,
        now: Callable[[], datetime],
        rng: Random,
        telemetry: Telemetry | None = None,
    ) -> None:
        """Take a session to be used and left open; None: one is made for the first request, and closed at the end."""
        self._settings = settings
        self._session_handed_in = session
        self._session = session  # the one in use
        self._proxies: Mapping[str, str] | None = None  # of a session of our own
        self._now = now
        self._rng = rng
        self._telling = Telling(telemetry, None)
        self._keys: dict[str, Key] = {}  # by account's name
        self._ledger: Ledger | None = None  # None: not opened
        self._own = AsyncExitStack()

    @asynccontextmanager
    async def opened(self, ledger: Ledger) -> AsyncIterator[None]:
        """Open them over a ledger, which counts each key's requests. At the end, settle the counts and close."""
        self._ledger = ledger
        try:
            async with AsyncExitStack() as self._own:
                self._own.push_async_callback(self._settle_quotas)
                yield
        finally:
            self._ledger, self._session = None, self._session_handed_in
            self._keys.clear()

    async def _settle_quotas(self) -> None:
        for key in self._keys.values():
            with suppress(LedgerError):  # too many requests are counted then, which is safe
                await key.quota.settle()

    def key(self, account: Account) -> Key:
        """Return the account's key, which all runs share: two of them have no more than one has."""
        if account.name not in self._keys:
            origin = origin_of(self._settings.api.base_url)
            self._keys[account.name] = Key(account, Quota(account, self._opened(), origin, self._now))
        return self._keys[account.name]

    def transport(self, account: Account) -> Transport:
        """Return the account's way out on the one session, which is opened for the first request of all."""

        def make() -> Transport:
            from engine.net.http.transport import (  # noqa: PLC0415  see `LateTransport`
                AiohttpTransport,
                new_session,
                proxies_of_environment,
            )

            self._opened()
            if self._session is None:
                self._session, self._proxies = new_session(), proxies_of_environment()
                self._own.push_async_callback(self._session.close)
            return AiohttpTransport(self._session, body_bytes=account.limits.body_bytes, proxies=self._proxies)

        return LateTransport(make)

    def channel(self, account: Account) -> Channel:
        """Return a way to the API outside of any run: the log and the telemetry alone are told."""
        return Channel(
            self.key(account),
            self._settings.api,
            self.transport(account),
            emit=self._emit,
            now=self._now,
            rng=self._rng,
            listens=self._telling.listens,
        )

    async def _emit(self, event: Event) -> None:
        self._telling.take(event)

    def _opened(self) -> Ledger:
        if self._ledger is None:
            raise EngineError("the engine was left: nothing can be sent any more")
        return self._ledger


def account_of(accounts: Mapping[str, Account], name: str | None, who: str) -> Account:
    """Return an account by its name, or the only one for None. Raises `ConfigError`, with `who` asks for it."""
    if name is None and len(accounts) == 1:
        return next(iter(accounts.values()))
    if name is None or name not in accounts:
        raise ConfigError(f"{who} names the account {name!r}; there are: {', '.join(sorted(accounts))}")
    return accounts[name]
