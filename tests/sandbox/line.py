"""HTTP without sockets: carries requests from the engine's transport to the sandbox's service, and answers back.

It stands in for aiohttp on both sides, and fails as aiohttp does: `engine/sandbox/server.py` is its model for what a
server does, and `tests/sandbox/test_fault_table.py` runs each kind of trouble over real sockets, too.
"""

from __future__ import annotations

import asyncio
import math
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import format_datetime
from errno import ECONNREFUSED
from functools import partial
from random import Random
from typing import Any

import aiohttp
from aiohttp.client_reqrep import ConnectionKey
from multidict import CIMultiDict
from yarl import URL

from engine.sandbox.exchange import Answer, request_id
from engine.sandbox.faults.scheduled_fault import Delivery, Drip, ScheduledFault
from engine.sandbox.service import Options, Service
from tests.sandbox.fuzz import Fate

HOST = "sandbox.test"
BASE_URL = f"http://{HOST}/v1"

GATEWAY_S = Options().timeout_s
"""The sandbox's gateway waits so long for its server, unless it is told otherwise."""

NEAR_S = 0.01
"""The longest way of a request or an answer, in seconds: enough to shuffle those that are out together."""

PIECE_BYTES = 65_536
"""Bytes of a body that are inflated at a time."""

GZIP = 16 + zlib.MAX_WBITS

NOWHERE = ConnectionKey(HOST, 80, is_ssl=False, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """As much of aiohttp's request as a client middleware reads."""

    method: str
    url: URL
    headers: Mapping[str, str]
    body: aiohttp.BytesPayload


async def _at_once() -> None:
    """Let the whole body be there."""


@dataclass(slots=True, kw_only=True)
class Reply:
    """As much of aiohttp's response as the engine's transport and a client middleware read."""

    status: int
    headers: Mapping[str, str]
    body: bytes  # as it is sent, so perhaps compressed
    arrive: Callable[[], Awaitable[None]] = _at_once  # returns when the whole body is there; raises when it is cut
    _whole: bytes | None = None

    @property
    def content_length(self) -> int:
        return len(self.body)

    @property
    def content_type(self) -> str:
        return self.headers.get("Content-Type", "").partition(";")[0]

    @property
    def content(self) -> Reply:
        """What aiohttp has its stream for."""
        return self

    async def read(self) -> bytes:
        """Return the whole body; a second time without waiting."""
        if self._whole is None:
            self._whole = b"".join([piece async for piece in self.iter_any()])
        return self._whole

    def iter_any(self) -> _Pieces:
        """Give the body in pieces; raises ClientPayloadError for one that is cut, or not what its encoding says."""
        return _Pieces(self)

    def close(self) -> None:
        """Stop reading."""


class _Pieces:
    """The pieces of a body: no generator, which whoever stops reading would leave unfinished."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._left: Iterator[bytes] | None = None  # None: nothing was asked for yet

    def __aiter__(self) -> _Pieces:
        return self

    async def __anext__(self) -> bytes:
        if self._left is None:
            await self._reply.arrive()
            is_packed = self._reply.headers.get("Content-Encoding") == "gzip"
            self._left = _inflated(self._reply.body) if is_packed else iter([self._reply.body])
        for piece in self._left:
            return piece
        raise StopAsyncIteration


def _inflated(packed: bytes) -> Iterator[bytes]:
    """Inflate piece by piece; of a body that was cut, what is there, as aiohttp does."""
    unpack = zlib.decompressobj(GZIP)
    while packed:
        try:
            yield unpack.decompress(packed, PIECE_BYTES)
        except zlib.error as error:
            raise aiohttp.ClientPayloadError("400, message: Can not decode content-encoding: gzip") from error
        packed = unpack.unconsumed_tail


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
    _connections: set[asyncio.Timeout] = field(default_factory=set)  # those with a request under way
    _middlewares: tuple[()] = field(default=())

    async def request(
        self,
        method: str,
        url: URL,
        *,
        headers: Mapping[str, str],
        data: bytes | None,
        middlewares: Iterable[Callable[..., Awaitable[Any]]] = (),
        allow_redirects: bool,
        raise_for_status: bool,
        **_options: Any,
    ) -> Reply:
        """Exchange one request."""
        assert not allow_redirects, "aiohttp would go where the answer points"
        assert not raise_for_status, "aiohttp would raise for an answer that the engine has to read"
        assert url.host == HOST, "another host is asked"
        send: Callable[[Asked], Awaitable[Reply]] = self._exchange
        for middleware in reversed(tuple(middlewares)):
            send = partial(_through, middleware, send)
        asked = Asked(method=method, url=url, headers=headers, body=aiohttp.BytesPayload(data or b""))
        return await send(asked)

    async def _exchange(self, asked: Asked) -> Reply:
        self.fate.moment()
        if asyncio.get_running_loop().time() < self.down_until:
            raise aiohttp.ClientConnectorError(NOWHERE, ConnectionRefusedError(ECONNREFUSED, "refused"))
        body: bytes = asked.body._value
        turn = self.service.open(asked.method, asked.url.path, asked.url.query, asked.headers, body)
        async with self._connected():
            try:
                await self._serve(turn)
                reply = await self._deliver(turn)
                await asyncio.sleep(self.rng.random() * NEAR_S)
            except asyncio.CancelledError:
                turn.entry.status = turn.entry.status or "left"
                raise
        self.fate.moment()
        return reply

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[None]:
        """Hold a connection, which the host cuts when it goes down."""
        connection = asyncio.timeout(None)
        try:
            async with connection:
                self._connections.add(connection)
                try:
                    yield
                finally:
                    self._connections.discard(connection)
        except TimeoutError as error:
            if not connection.expired():
                raise
            raise aiohttp.ServerDisconnectedError from error

    async def _serve(self, turn: ScheduledFault) -> None:
        """Do the work when its time has come, and go on without it when the gateway gives up."""
        done = asyncio.Event()

        def work() -> None:
            self.service.work(turn)
            self.watch(turn)
            done.set()

        asyncio.get_running_loop().call_later(turn.delay_s + self.rng.random() * NEAR_S, work)
        try:
            async with asyncio.timeout(self.service.options.timeout_s):
                await done.wait()
        except TimeoutError:
            self.service.time_out(turn)

    async def _deliver(self, turn: ScheduledFault) -> Reply:
        answer = self.service.finish(turn)
        if turn.down_s:
            self._go_down(turn.down_s)
        if turn.delivery is Delivery.HANG:
            await asyncio.get_running_loop().create_future()
        if turn.delivery is Delivery.RESET:
            raise aiohttp.ServerDisconnectedError
        date = format_datetime(turn.date, usegmt=True)
        named = {"Content-Type": answer.content_type, "X-Request-Id": request_id(turn.call), "Date": date}
        headers = CIMultiDict({**named, **answer.headers})
        arrive = partial(self._arrive, turn, answer)
        return Reply(status=answer.status, headers=headers, body=answer.body, arrive=arrive)

    def _go_down(self, seconds: float) -> None:
        """Take no connection for a while, and cut those that are open; an outage that has begun is not made longer."""
        now = asyncio.get_running_loop().time()
        if now >= self.down_until:
            self.down_until = now + seconds
            for connection in self._connections:
                connection.reschedule(now)

    async def _arrive(self, turn: ScheduledFault, answer: Answer) -> None:
        """Let the body arrive as slowly as the turn says; raises when the connection is cut in its midst."""
        truncated = turn.delivery is Delivery.TRUNCATED
        length = len(answer.body) // 2 if truncated else len(answer.body)
        drip = turn.drip or Drip(1, 0.0)
        size = max(1, math.ceil(length / drip.pieces))
        try:
            async with self._connected():
                await asyncio.sleep(math.ceil(length / size) * drip.pause_s)
        except (asyncio.CancelledError, aiohttp.ServerDisconnectedError) as error:
            turn.entry.status = "left"
            if isinstance(error, asyncio.CancelledError):
                raise
            raise aiohttp.ClientPayloadError("the connection was cut") from error
        if truncated and answer.body:
            raise aiohttp.ClientPayloadError("the answer was cut")


class Tapped:
    """A line whose requests and answers a client middleware sees."""

    def __init__(self, line: Line, middleware: Callable[..., Awaitable[Any]]) -> None:
        self.request = line.request
        self._middlewares = (middleware,)  # where the engine's transport looks for a session's


async def _through(
    middleware: Callable[..., Awaitable[Reply]], send: Callable[[Asked], Awaitable[Reply]], asked: Asked
) -> Reply:
    """Send a request by a client middleware."""
    return await middleware(asked, send)
