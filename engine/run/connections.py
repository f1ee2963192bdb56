"""An engine's ways to the API: one session for all, one key for each account, shared by all runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING

from anyio import to_thread

from engine.errors import AccountParked, EngineError, LedgerError
from engine.ledger.protocols import Ledger
from engine.model.events import Event
from engine.model.origin import origin_of
from engine.model.settings import Account, Settings
from engine.net.channel import Channel
from engine.net.http.exchange import LateTransport, Transport
from engine.net.key import Key
from engine.net.limits.quota import Quota
from engine.net.trouble.parking import no_credentials
from engine.observe.telemetry import Telemetry, Telling
from engine.run.known_accounts import given_credentials_fault

if TYPE_CHECKING:
    import aiohttp


def _load() -> None:
    """Import aiohttp and read certificates: 0.2 s, in which the event loop goes on."""
    from engine.net.http.transport import trust  # noqa: PLC0415  see `LateTransport`

    trust()


class Connections:
    """Makes keys, transports and channels inside of its `opened` block."""

    def __init__(
        self,
        settings: Settings,
        accounts: Iterable[Account],
        *,
        session: aiohttp.ClientSession | None,
        now: Callable[[], datetime],
        rng: Random,
        telemetry: Telemetry | None = None,
    ) -> None:
        """Take the engine's accounts, which may grow, and a session to be used and left open.

        `session` None: one is made for the first request, and closed at the end.
        """
        self._settings = settings
        self._accounts = accounts
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
                self._own.push_async_callback(self._settle)
                yield
        finally:
            self._ledger, self._session = None, self._session_handed_in
            self._keys.clear()

    async def _settle(self) -> None:
        """Give back what was counted and leased, and not used."""
        for key in self._keys.values():
            with suppress(LedgerError):  # too many requests are counted then, which is safe
                await key.settle()
            with suppress(LedgerError):
                await key.leave()

    def key(self, account: Account) -> Key:
        """Return the account's key, which all runs share: two runs together may use no more than one."""
        if account.name not in self._keys:
            origin = origin_of(self._settings.api.base_url)
            ledger = self._opened()
            quota = Quota(account, ledger, origin, self._now)
            self._keys[account.name] = Key(account, quota, self._fault_of, shared=ledger.shared_limits)
        return self._keys[account.name]

    def _fault_of(self, account: Account) -> str:
        """Return why credentials that a provider gave cannot be used; empty: they can."""
        known = {each.name: each for each in self._accounts} | {name: key.account for name, key in self._keys.items()}
        return given_credentials_fault(account, known.values())

    def transport(self, account: Account) -> Transport:
        """Return the account's way out on the one session, which is opened for the first request of all."""

        async def make() -> Transport:
            if self._session is None:
                await to_thread.run_sync(_load)
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

    async def known_key(self, account: Account) -> Key:
        """Return the account's key, whose credentials are known. Raises `AccountParked` where they cannot be had."""
        key = self.key(account)
        await key.credentials.known()
        if (reason := no_credentials(key.account)) is not None:
            raise AccountParked(reason)
        return key

    async def channel(self, account: Account) -> Channel:
        """Return a way to the API outside of any run: the log and the telemetry alone are told.

        Ask for the credentials if need be.
        """
        key, transport = self.key(account), self.transport(account)
        await key.credentials.known()
        return Channel(
            key,
            self._settings.api,
            transport,
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
