"""A stage for thousands of runs: the real engine, its SQL ledger and the sandbox's service, on a clock of their own.

Nothing waits: time passes only when all wait, so that a backoff of 30 s costs nothing and the published limits apply.
Two edges are replaced, at their lowest: no sockets between engine and sandbox, and no thread around the database.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import format_datetime
from errno import ECONNREFUSED
from random import Random
from selectors import DefaultSelector, SelectorKey
from typing import Any, Concatenate, ParamSpec, TypeVar

import aiohttp
from aiohttp.client_reqrep import ConnectionKey
from multidict import CIMultiDict
from yarl import URL

from engine.errors import LedgerError
from engine.ledger.sqlite.thread import DatabaseThread
from engine.sandbox.exchange import request_id
from engine.sandbox.faults.scheduled_fault import Delivery, ScheduledFault
from engine.sandbox.service import Service

P = ParamSpec("P")
T = TypeVar("T")

GATEWAY_S = 29.0
"""The sandbox's gateway waits so long for its server (API-FACTS 2.2)."""

NEAR_S = 0.01
"""The longest way of a request or an answer: enough to shuffle those that are out together."""


TICK_S = 1e-6
"""The least step of time, and what each turn of the loop takes: who waits for less would wait for ever."""


MOST_TURNS = 200_000
"""Of a loop: a hundred times what a case takes."""


NOWHERE = ConnectionKey(
    "sandbox.test", 80, is_ssl=False, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None
)


class StageLoop(asyncio.SelectorEventLoop):
    """An event loop whose time all but stands still while anything can be done, and then jumps to the next timer."""

    def __init__(self) -> None:
        self._elapsed_s = 0.0
        super().__init__(_Leaping(self))

    def time(self) -> float:
        return self._elapsed_s

    def leap(self, seconds: float) -> None:
        self._elapsed_s += max(seconds, TICK_S)


class _Leaping(DefaultSelector):
    def __init__(self, loop: StageLoop) -> None:
        super().__init__()
        self._loop = loop
        self._turns = 0

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        self._turns += 1
        if self._turns > MOST_TURNS:
            raise AssertionError("it goes on for ever")
        ready = super().select(0)
        if not ready and timeout is None:
            raise AssertionError("everybody waits for somebody else")
        self._loop.leap(TICK_S if ready else timeout or TICK_S)
        return ready


class Died(BaseException):
    """The process is gone: nothing that it still does has an effect."""


class Fate:
    """What befalls a run at its n-th moment: each request and each ledger call is one, before and after."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.moments = 0
        self.is_dead = False
        self.strike: Callable[[], object] = self.die

    def die(self) -> None:
        self.is_dead = True

    def moment(self) -> None:
        """Let it happen if this is when; raises `Died` from death on."""
        self.moments += 1
        if self.moments == self.at and not self.is_dead:
            self.strike()
        if self.is_dead:
            raise Died


class Desk(DatabaseThread):
    """Carries out a ledger's jobs on the spot; what a dead process asks for is not done."""

    def __init__(self, connection: sqlite3.Connection, fate: Fate) -> None:
        super().__init__("in memory")
        self._connection = connection
        self._fate = fate

    async def read(self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._do(lambda: work(self._connection, *args, **kwargs))

    async def write(
        self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return await self._do(lambda: work(self._connection, *args, **kwargs))

    async def alone(self, work: Callable[[sqlite3.Connection], T]) -> T:
        await asyncio.sleep(0)
        return work(self._connection)

    async def _do(self, work: Callable[[], T]) -> T:
        await asyncio.sleep(0)
        self._fate.moment()
        self._connection.execute("begin")
        try:
            result = work()
        except BaseException as error:
            self._connection.execute("rollback")
            if isinstance(error, sqlite3.Error):
                raise LedgerError(str(error)) from error
            raise
        self._connection.execute("commit")
        self._fate.moment()
        await asyncio.sleep(0)
        return result


def copy_of(template: sqlite3.Connection) -> sqlite3.Connection:
    """Return a copy of an empty ledger, which costs a tenth of making one."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    template.backup(connection)
    connection.execute("pragma foreign_keys = on")
    return connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """As much of aiohttp's response as the engine's transport reads."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_length(self) -> int:
        return len(self.body)

    async def read(self) -> bytes:
        return self.body


@dataclass(slots=True, kw_only=True)
class Line:
    """Stands in for aiohttp's session and for the sandbox's HTTP server: carries requests, and cuts what is to be cut.

    What the server has taken in it finishes, whoever is dead or gone by then.
    """

    service: Service
    fate: Fate
    rng: Random
    watch: Callable[[ScheduledFault], None]  # sees each request when its work is done
    down_until: float = 0.0  # the loop's second up to which nobody is let in
    _middlewares: tuple[()] = field(default=())

    @asynccontextmanager
    async def request(
        self,
        method: str,
        url: URL,
        *,
        headers: Mapping[str, str],
        data: bytes | None,
        timeout: aiohttp.ClientTimeout,
        **_options: Any,
    ) -> AsyncIterator[Reply]:
        yield await self._within(timeout.total, self._exchange(method, url, headers, data or b""))

    async def _within(self, seconds: float | None, exchange: Awaitable[Reply]) -> Reply:
        async with asyncio.timeout(seconds):
            return await exchange

    async def _exchange(self, method: str, url: URL, headers: Mapping[str, str], body: bytes) -> Reply:
        self.fate.moment()
        if asyncio.get_running_loop().time() < self.down_until:
            raise aiohttp.ClientConnectorError(NOWHERE, ConnectionRefusedError(ECONNREFUSED, "refused"))
        turn = self.service.open(method, url.path, url.query, headers, body)
        try:
            await self._serve(turn)
            reply = await self._deliver(turn)
            await asyncio.sleep(self.rng.random() * NEAR_S)
        except asyncio.CancelledError:
            turn.entry.status = turn.entry.status or "left"
            raise
        self.fate.moment()
        return reply

    async def _serve(self, turn: ScheduledFault) -> None:
        """Do the work when its time has come, and go on without it when the gateway gives up."""
        done = asyncio.Event()

        def work() -> None:
            self.service.work(turn)
            self.watch(turn)
            done.set()

        asyncio.get_running_loop().call_later(turn.delay_s + self.rng.random() * NEAR_S, work)
        try:
            async with asyncio.timeout(GATEWAY_S):
                await done.wait()
        except TimeoutError:
            self.service.time_out(turn)

    async def _deliver(self, turn: ScheduledFault) -> Reply:
        answer = self.service.finish(turn)
        if turn.delivery is Delivery.HANG:
            await asyncio.get_running_loop().create_future()
        if turn.down_s:
            self.down_until = asyncio.get_running_loop().time() + turn.down_s
        if turn.delivery is Delivery.RESET:
            raise aiohttp.ServerDisconnectedError
        if turn.drip is not None:
            await asyncio.sleep(turn.drip.pieces * turn.drip.pause_s)
        if turn.delivery is Delivery.TRUNCATED:
            raise aiohttp.ClientPayloadError("the response was cut")
        date = format_datetime(turn.date, usegmt=True)
        named = {"Content-Type": answer.content_type, "X-Request-Id": request_id(turn.call), "Date": date}
        return Reply(status=answer.status, headers=CIMultiDict({**named, **answer.headers}), body=answer.body)
