"""The benchmark server: the guide contract over prebuilt bytes, so that the client is what is measured.

`python -m benchmarks.server CERTIFICATE` serves until its standard input ends: on one port plainly, on another over
TLS, with a PEM file of a certificate and its key. It prints both ports as one JSON line. It refuses nothing but a
company under another account's API key; the full sandbox is the place for more. `/_bench/reset` sets the stage, and
`/_bench/state` tells what was asked and what is stored.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import sys
import time
from collections import Counter
from collections.abc import Coroutine
from importlib.util import find_spec
from typing import Any

import orjson

from benchmarks.data import Shape, credentials
from benchmarks.store import Store

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
KEY = re.compile(rb"\r\nx-api-key: *([^\r]*)", re.IGNORECASE)
HEAD = b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
TOKEN = orjson.dumps({"access_token": "bench-token", "token_type": "Bearer", "expires_in": 86_400, "scope": "all"})
DIRECTORY = re.compile(r"/v1/accounts/(\w+)/companies")
NO_KEY = b""
"""Stands for a request without an API key: from a client that measures the server alone."""


class Api:
    """Answers requests, and counts them by kind and by API key."""

    def __init__(self) -> None:
        self.latency_s = 0.0
        self._requests: Counter[str] = Counter()
        self._by_key: Counter[bytes] = Counter()
        self._keys: dict[int, bytes] = {}  # by company
        self._first_at: float | None = None  # of the first request of a program, on the system's monotonic clock
        self._store = Store(Shape(0, 0), 100)
        self._staged: tuple[Shape, int] | None = None

    def answer(self, method: bytes, target: bytes, key: bytes, body: bytes) -> bytes:
        """Return a whole response; what belongs to no program is not counted."""
        path, _, query = target.decode().partition("?")
        if path.startswith("/_bench/"):
            return _response(200, self._control(path, body))
        if self._first_at is None:
            self._first_at = time.monotonic()
        self._by_key[key] += 1
        if path == "/v1/dimensions" and method == b"GET":
            self._requests["list"] += 1
            asked = _parameters(query)
            company = int(asked["ottimate_company_id"])
            if self._is_foreign(company, key):
                return FOREIGN
            stored = self._store.companies[company]
            return _response(200, stored.page(int(asked.get("page", 1)), int(asked.get("limit", 20))))
        if path == "/v1/dimensions/bulk-create/":
            self._requests["bulk"] += 1
            document = orjson.loads(body)
            company = document["ottimate_company_id"]
            if self._is_foreign(company, key):
                return FOREIGN
            return _response(201, self._store.companies[company].upsert(document["dimensions"]))
        if path == "/v1/oauth/token":
            self._requests["token"] += 1
            return _response(200, TOKEN)
        if directory := DIRECTORY.fullmatch(path):
            self._requests["directory"] += 1
            asked = _parameters(query)
            page, limit = int(asked.get("page", 1)), int(asked.get("limit", 20))
            return _response(200, self._store.directory(directory[1], page, limit))
        return _response(404, b'{"code":"Not found","message":"no such path"}')

    def _is_foreign(self, company: int, key: bytes) -> bool:
        """Return whether the company is another account's."""
        return key not in (NO_KEY, self._keys[company])

    def _control(self, path: str, body: bytes) -> bytes:
        if path == "/_bench/reset":
            self._reset(orjson.loads(body))
        elif path == "/_bench/state":
            first = {"requests": self._requests, "by_key": self._told_by_key(), "first_request_at": self._first_at}
            return orjson.dumps({**first, **self._store.state()})
        elif path == "/_bench/requests":
            return orjson.dumps({"requests": self._requests, "by_key": self._told_by_key()})
        return b"{}"

    def _told_by_key(self) -> dict[str, int]:
        return {key.decode(): requests for key, requests in self._by_key.items()}

    def _reset(self, stage: dict[str, Any]) -> None:
        """Build the stage's fleet, unless it is there already, and set it back to its start."""
        shape, page_size = Shape(*stage["shape"]), int(stage["page_size"])
        if self._staged != (shape, page_size):
            self._store, self._staged = Store(shape, page_size), (shape, page_size)
            self._keys = {company: _key(shape.account_of(company)) for company in shape.ids}
        self._store.restore(filled=stage["filled"])
        self.latency_s = stage["latency_s"]
        self._requests, self._by_key, self._first_at = Counter(), Counter(), None


def _key(account: str) -> bytes:
    return credentials(account)["api_key"].encode()


def _parameters(query: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in query.split("&") if pair)


def _response(status: int, body: bytes) -> bytes:
    return HEAD % (status, len(body)) + body


FOREIGN = _response(403, b'{"code":"Forbidden","message":"the company belongs to another account"}')


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
            key = KEY.search(received, 0, end)
            response = self._api.answer(
                method, target, bytes(key[1]) if key else NO_KEY, bytes(received[end + 4 : whole])
            )
            del received[:whole]
            if self._api.latency_s and not target.startswith(b"/_bench/"):
                self._loop.call_later(self._api.latency_s, self._transport.write, response)
            else:
                self._transport.write(response)


async def serve(certificate: str) -> None:
    """Listen on two free ports, plainly and over TLS, until standard input ends."""
    loop, api = asyncio.get_running_loop(), Api()
    secured = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secured.load_cert_chain(certificate)
    servers = {
        name: await loop.create_server(lambda: Connection(api), "127.0.0.1", 0, backlog=1024, ssl=context)
        for name, context in (("port", None), ("tls_port", secured))
    }
    ports = {name: server.sockets[0].getsockname()[1] for name, server in servers.items()}
    sys.stdout.write(orjson.dumps(ports).decode() + "\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)
    for server in servers.values():
        server.close()


def run_fast(main: Coroutine[Any, Any, None]) -> None:
    """Run an event loop, uvloop where it is installed."""
    if find_spec("uvloop") is None:
        asyncio.run(main)
    else:
        import uvloop  # noqa: PLC0415  an extra

        uvloop.run(main)


if __name__ == "__main__":
    run_fast(serve(sys.argv[1]))
