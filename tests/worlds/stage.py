"""The real engine before a server in memory: its SQL ledger and its clock are in memory, too, and nothing waits."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Coroutine, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeVar, cast

import aiohttp

from engine import Account, Allow, Company, Engine, Limits, RunResult, Secret, Settings
from engine.ledger.sqlite.ledger import SqliteLedger
from engine.ledger.sqlite.lock import MemoryLocks
from tests.empty_ledgers import empty_ledger
from tests.sandbox.fuzz import Desk, Fate
from tests.unit import virtual_time
from tests.worlds.server import ACCOUNT, Server
from tests.worlds.wire import Memory, Session

T = TypeVar("T")

BASE_URL = "http://world.test/v1"
MORNING = datetime(2026, 11, 20, 7, 0, tzinfo=UTC)


class Clock:
    """The wall clock: stands still, or goes with the event loop's."""

    def __init__(self) -> None:
        self._at = MORNING
        self._since: float | None = None

    def __call__(self) -> datetime:
        if self._since is None:
            return self._at
        return self._at + timedelta(seconds=asyncio.get_running_loop().time() - self._since)

    def go(self) -> None:
        """Go on from here with the loop's time."""
        self._at, self._since = self(), asyncio.get_running_loop().time()

    def forward_to(self, moment: datetime) -> None:
        """Leap ahead; never back."""
        self._at, self._since = max(self(), moment), asyncio.get_running_loop().time()


@dataclass(slots=True, kw_only=True)
class Stage:
    """A server, a ledger and settings; the engine is made anew for each run, as a scheduler does."""

    server: Server
    clock: Clock
    database: sqlite3.Connection
    settings: Settings

    async def run(
        self,
        companies: Iterable[Company],
        *,
        seed: object = 7,
        verb: str = "sync",
        fresh: bool = False,
        allow: Iterable[Allow] = (),
        fate: Fate | None = None,
    ) -> RunResult:
        """Run once. `fate`: what befalls it at one of its requests, or calls of the ledger."""
        fate = fate or Fate()
        session = cast("aiohttp.ClientSession", Session(transport=Memory(server=self.server, fate=fate)))
        ledger = SqliteLedger(Desk(self.database, fate), MemoryLocks().hold)
        rng = Random(str(seed))
        async with Engine(self.settings, session=session, ledger=ledger, now=self.clock, rng=rng) as engine:
            match verb:
                case "check":
                    return await engine.check(companies).result()
                case "plan":
                    return await engine.plan(companies, fresh=fresh).result()
            return await engine.sync(companies, fresh=fresh, allow=allow).result()


def account(limits: Limits, *, name: str = "main", account_id: str = ACCOUNT) -> Account:
    """Return a client account; its API key is called as it is."""
    secrets = [Secret(f"{what} of {name}") for what in ("key", "id", "secret")]
    api_key, client_id, client_secret = secrets
    return Account(
        name=name,
        account_id=account_id,
        api_key=api_key,
        client_id=client_id,
        client_secret=client_secret,
        limits=limits,
    )


def new_ledger() -> AbstractContextManager[sqlite3.Connection]:
    """Give an empty ledger's database, for a block."""
    return empty_ledger()


def perform(acts: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in virtual time."""
    return virtual_time.run(acts)
