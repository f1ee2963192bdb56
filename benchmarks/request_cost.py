"""What one request costs the client: microseconds of processor time, layer by layer, against the benchmark server.

`python -m benchmarks.request_cost [--loop asyncio] [LAYER ...]` prints a table. The layers, from the outside in:

    aiohttp     aiohttp alone, as the floor uses it
    transport   `AiohttpTransport`: our session, our headers, the body read up to a limit
    channel     `CompanyClient` over the transport: limits, quota, retries; answers are not decoded
    decoded     the same with answers decoded
    memory      `CompanyClient` over a transport that answers at once from memory: the channel's own part

Pages and chunks have one row, so that hardly anything but the request itself is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from random import Random

import aiohttp

from benchmarks.data import ACCOUNT, CREDENTIALS, Shape, wanted_rows
from benchmarks.launch import Server, serving
from benchmarks.limits import NoEnd
from benchmarks.server import TOKEN, run_fast
from benchmarks.store import Stored
from engine.model.dimension import DIMENSIONS, Dimension
from engine.model.events import Event
from engine.model.listing import Page
from engine.model.outcome import BulkAnswer
from engine.model.settings import Account, Api, Limits, Secret
from engine.net.channel import Channel
from engine.net.client import WIDTH, CompanyClient
from engine.net.http.exchange import Answer, Request, Transport
from engine.net.http.transport import AiohttpTransport, new_session
from engine.net.key import Key
from engine.net.limits.quota import Quota
from engine.net.retry import Policy
from engine.wire.dialect import Dialect
from engine.wire.guide import DIALECT, Guide

SHAPE = Shape(64, 1)
KINDS = ("page", "bulk")
IN_FLIGHT = (1, 8, 64)
"""Up to a company's own width they are of one company; more are one of each company."""

REQUESTS = 4_096
ROUNDS = 5
"""The least of these is shown: what else runs on the machine only adds to it."""

WARM_UP = 256
"""Requests that open the connections and fetch a token."""

LIMITS = Limits(requests_per_second=1e6, requests_per_day=10**9, reserve_per_day=0, page_size=1)

Send = Callable[[int], Awaitable[object]]
"""Sends one request of a company and reads its answer."""


class Memory:
    """A transport that answers each request at once."""

    def __init__(self) -> None:
        company = SHAPE.ids[0]
        stored = Stored(company, {row.unique_key: row for row in wanted_rows(SHAPE, company)}, 1)
        self._page = Answer(status=200, headers={}, body=stored.page(1, 1))
        self._token = Answer(status=200, headers={}, body=TOKEN)
        self._bulk = Answer(status=201, headers={}, body=stored.upsert([_row(company)]))

    async def send(self, request: Request) -> Answer:
        """Return the answer to a request of this kind."""
        if request.method == "GET":
            return self._page
        return self._token if request.url.endswith("/token") else self._bulk


class Unread(Guide):
    """The guide contract without the reading of answers: its cost depends on their rows, and is not the request's."""

    def page(self, body: bytes, company_id: int) -> Page:  # noqa: ARG002  it is not read
        """Return an empty page."""
        return EMPTY

    def bulk(self, body: bytes) -> BulkAnswer:  # noqa: ARG002  it is not read
        """Return an answer about no rows."""
        return NOTHING


EMPTY = Page(
    number=1, limit=1, declared=0, rows=DIMENSIONS.remote_rows([[]] * len(DIMENSIONS.remote_names)), foreign=None
)
NOTHING = DIALECT.bulk(Stored(SHAPE.ids[0], {}, 1).upsert([]))


@asynccontextmanager
async def _aiohttp(base_url: str, kind: str) -> AsyncIterator[Send]:
    headers = {"X-Api-Key": "bench-key", "X-API-Version": "1.0.0", "Authorization": "Bearer bench-token"}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def page(company: int) -> object:
            async with session.get(base_url + _path(company), headers=headers) as response:
                return await response.read()

        async def bulk(company: int) -> object:
            url, typed = base_url + DIALECT.bulk_path, {**headers, "Content-Type": "application/json"}
            async with session.post(url, headers=typed, data=_body(company)) as response:
                return await response.read()

        yield page if kind == "page" else bulk


@asynccontextmanager
async def _transport(base_url: str, kind: str) -> AsyncIterator[Send]:
    headers = {"X-Api-Key": "bench-key", "X-API-Version": "1.0.0", "Authorization": "Bearer bench-token"}
    async with new_session() as session:
        transport = AiohttpTransport(session, body_bytes=10**6, proxies={})

        async def page(company: int) -> object:
            url = base_url + _path(company)
            return await transport.send(Request(method="GET", url=url, headers=headers))

        async def bulk(company: int) -> object:
            url, typed = base_url + DIALECT.bulk_path, {**headers, "Content-Type": "application/json"}
            return await transport.send(Request(method="POST", url=url, headers=typed, body=_body(company)))

        yield page if kind == "page" else bulk


@asynccontextmanager
async def _channel(base_url: str, kind: str) -> AsyncIterator[Send]:
    async with new_session() as session:
        yield _through(AiohttpTransport(session, body_bytes=10**6, proxies={}), base_url, kind, Unread())


@asynccontextmanager
async def _decoded(base_url: str, kind: str) -> AsyncIterator[Send]:
    async with new_session() as session:
        yield _through(AiohttpTransport(session, body_bytes=10**6, proxies={}), base_url, kind, DIALECT)


@asynccontextmanager
async def _memory(base_url: str, kind: str) -> AsyncIterator[Send]:
    yield _through(Memory(), base_url, kind, Unread())


Layer = Callable[[str, str], AbstractAsyncContextManager[Send]]
"""Opened with the server's base URL and the kind of request."""

LAYERS: Mapping[str, Layer] = {
    "aiohttp": _aiohttp,
    "transport": _transport,
    "channel": _channel,
    "decoded": _decoded,
    "memory": _memory,
}


def clients(
    transport: Transport, base_url: str, dialect: Dialect, companies: Iterable[int] = SHAPE.ids
) -> dict[int, CompanyClient]:
    """Return a client for each company, all on one channel."""
    api_key, client_id, client_secret = (
        Secret(CREDENTIALS[name]) for name in ("api_key", "client_id", "client_secret")
    )
    account = Account(
        name="main",
        account_id=ACCOUNT,
        api_key=api_key,
        client_id=client_id,
        client_secret=client_secret,
        limits=LIMITS,
    )
    key = Key(account, Quota(account, NoEnd(), base_url, _now))
    rng = Random(7)  # noqa: S311  it is not drawn from
    channel = Channel(key, Api(base_url=base_url), transport, emit=_drop, now=_now, rng=rng)
    return {company: CompanyClient(channel, dialect, company) for company in companies}


def _through(transport: Transport, base_url: str, kind: str, dialect: Dialect) -> Send:
    """Return the function that sends requests of a kind through a channel of its own."""
    of = clients(transport, base_url, dialect)
    policy = Policy(max_attempts=LIMITS.max_attempts)

    async def page(company: int) -> object:
        return await of[company].page(1, 1)

    async def bulk(company: int) -> object:
        client = of[company]
        return await client.bulk(client.bulk_call(_body(company), "key", policy, _nothing))

    return page if kind == "page" else bulk


def _path(company: int) -> str:
    return DIALECT.list_path(company, 1, 1)


def _row(company: int) -> dict[str, str]:
    return next(wanted_rows(SHAPE, company))._asdict()


@cache
def _body(company: int) -> bytes:
    row = _row(company)
    key, label, code, name, erp_id, short = row.values()
    dimension = Dimension(key=key, type_code=code, type_label=label, name=name, erp_id=erp_id, code=short)
    return DIALECT.bulk_body(company, [DIALECT.row(dimension)])


async def _nothing() -> None:
    pass


async def _drop(_event: Event) -> None:
    pass


def _now() -> datetime:
    return datetime.now(UTC)


async def _cost_us(send: Send, in_flight: int, requests: int) -> float:
    """Return the processor time of one request, of many that are sent with this many in flight."""
    turns = iter(range(requests))
    companies = SHAPE.ids

    async def work(company: int) -> None:
        for _ in turns:
            await send(company)

    gc.collect()
    before = time.process_time()
    async with asyncio.TaskGroup() as tasks:
        for number in range(in_flight):
            tasks.create_task(work(companies[number if in_flight > WIDTH else 0]))
    return (time.process_time() - before) / requests * 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """How much is sent for one figure."""

    requests: int = REQUESTS
    rounds: int = ROUNDS
    plain_loop: bool = False  # asyncio's own, not uvloop

    def cost_us(self, server: Server, layer: str, kind: str, in_flight: int) -> float:
        """Return the least of some rounds, in microseconds a request."""
        server.reset(SHAPE, filled=True, latency_s=0.0, page_size=1)
        found: list[float] = []

        async def main() -> None:
            async with LAYERS[layer](server.base_url, kind) as send:
                await _cost_us(send, in_flight, WARM_UP)
                found.extend([await _cost_us(send, in_flight, self.requests) for _ in range(self.rounds)])

        (asyncio.run if self.plain_loop else run_fast)(main())
        return min(found)

    def table(self, layers: Iterable[str]) -> None:
        """Measure and print."""
        print(f"{'us a request':12} {'in flight':>9}" + "".join(f"{kind:>8}" for kind in KINDS))
        with serving() as server:
            for layer in layers:
                for in_flight in IN_FLIGHT:
                    figures = [self.cost_us(server, layer, kind, in_flight) for kind in KINDS]
                    print(f"{layer:12} {in_flight:9}" + "".join(f"{us:8.0f}" for us in figures), flush=True)


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.request_cost", description=__doc__)
    parser.add_argument("layers", nargs="*", metavar="LAYER", help=", ".join(LAYERS))
    parser.add_argument("--loop", choices=("fast", "asyncio"), default="fast", help="uvloop where it is installed")
    chosen = parser.parse_args()
    Measure(plain_loop=chosen.loop == "asyncio").table(chosen.layers or LAYERS)


if __name__ == "__main__":
    main()
