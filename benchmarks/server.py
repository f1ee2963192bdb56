"""The benchmark server: the guide contract over prebuilt bytes, so that the client is what is measured.

`python -m benchmarks.server` serves until its standard input ends, and prints its address as one JSON line. It checks
no credentials and refuses nothing; the full sandbox is the place for that. `/_bench/reset` sets the stage, and
`/_bench/state` tells what was asked and what is stored.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections import Counter
from collections.abc import Coroutine
from importlib.util import find_spec
from typing import Any

import orjson

from benchmarks.data import ACCOUNT, Shape
from benchmarks.store import Store

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
HEAD = b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
TOKEN = orjson.dumps({"access_token": "bench-token", "token_type": "Bearer", "expires_in": 86_400, "scope": "all"})
COMPANIES = f"/v1/accounts/{ACCOUNT}/companies"


class Api:
    """Answers requests, and counts them by kind."""

    def __init__(self) -> None:
        self.latency_s = 0.0
        self._requests: Counter[str] = Counter()
        self._first_at: float | None = None  # of the first request of a program, on the system's monotonic clock
        self._store = Store(Shape(0, 0), 100)
        self._staged: tuple[Shape, int] | None = None

    def answer(self, method: bytes, target: bytes, body: bytes) -> bytes:
        """Return a whole response; what belongs to no program is not counted."""
        path, _, query = target.decode().partition("?")
        if path.startswith("/_bench/"):
            return _response(200, self._control(path, body))
        if self._first_at is None:
            self._first_at = time.monotonic()
        if path == "/v1/dimensions" and method == b"GET":
            self._requests["list"] += 1
            asked = _parameters(query)
            stored = self._store.companies[int(asked["ottimate_company_id"])]
            return _response(200, stored.page(int(asked.get("page", 1)), int(asked.get("limit", 20))))
        if path == "/v1/dimensions/bulk-create/":
            self._requests["bulk"] += 1
            document = orjson.loads(body)
            return _response(201, self._store.companies[document["ottimate_company_id"]].upsert(document["dimensions"]))
        if path == "/v1/oauth/token":
            self._requests["token"] += 1
            return _response(200, TOKEN)
        if path == COMPANIES:
            self._requests["directory"] += 1
            asked = _parameters(query)
            return _response(200, self._store.directory(int(asked.get("page", 1)), int(asked.get("limit", 20))))
        return _response(404, b'{"code":"Not found","message":"no such path"}')

    def _control(self, path: str, body: bytes) -> bytes:
        if path == "/_bench/reset":
            self._reset(orjson.loads(body))
        elif path == "/_bench/state":
            first = {"requests": self._requests, "first_request_at": self._first_at}
            return orjson.dumps({**first, **self._store.state()})
        elif path == "/_bench/requests":
            return orjson.dumps(self._requests)
        return b"{}"

    def _reset(self, stage: dict[str, Any]) -> None:
        """Build the fleet, unless it is the one that is there, and go back to its start."""
        shape, page_size = Shape(*stage["shape"]), int(stage["page_size"])
        if self._staged != (shape, page_size):
            self._store, self._staged = Store(shape, page_size), (shape, page_size)
        self._store.restore(filled=stage["filled"])
        self.latency_s = stage["latency_s"]
        self._requests, self._first_at = Counter(), None


def _parameters(query: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in query.split("&") if pair)


def _response(status: int, body: bytes) -> bytes:
    return HEAD % (status, len(body)) + body


class Connection(asyncio.Protocol):
    """One keep-alive connection: a request, its answer after the latency, the next request."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.WriteTransport
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport  # type: ignore[assignment]  # TCP transports can be written to

    def data_received(self, data: bytes) -> None:
        """Answer as soon as a request is whole."""
        received = self._received
        received += data
        while (end := received.find(b"\r\n\r\n")) >= 0:
            found = LENGTH.search(received, 0, end)
            whole = end + 4 + (int(found[1]) if found else 0)
            if len(received) < whole:
                return
            method, target, _ = bytes(received[: received.find(b"\r\n")]).split(b" ", 2)
            response = self._api.answer(method, target, bytes(received[end + 4 : whole]))
            del received[:whole]
            if self._api.latency_s and not target.startswith(b"/_bench/"):
                self._loop.call_later(self._api.latency_s, self._transport.write, response)
            else:
                self._transport.write(response)


async def serve() -> None:
    """Listen on a free port until standard input ends."""
    loop, api = asyncio.get_running_loop(), Api()
    server = await loop.create_server(lambda: Connection(api), "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(orjson.dumps({"port": server.sockets[0].getsockname()[1]}).decode() + "\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def run_fast(main: Coroutine[Any, Any, None]) -> None:
    """Run an event loop, uvloop where it is installed."""
    if find_spec("uvloop") is None:
        asyncio.run(main)
    else:
        import uvloop  # noqa: PLC0415  an extra

        uvloop.run(main)


if __name__ == "__main__":
    run_fast(serve())
