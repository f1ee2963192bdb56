"""The most that the benchmark server can do: a client of raw bytes asks, and throws the answers away."""

from __future__ import annotations

import asyncio
import re
import time

import orjson

from benchmarks.data import Shape, wanted_rows
from benchmarks.launch import Server

SHAPE = Shape(16, 1_000, changed=1_000)
CONNECTIONS = 16
LENGTH = re.compile(rb"\r\nContent-Length: (\d+)")


class Hammer(asyncio.Protocol):
    """One connection that sends the same request again as soon as it is answered."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._left = 0  # bytes of the answer that are to come
        self.answers = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        """Count an answer when its last byte is there."""
        if not self._left:
            end = data.index(b"\r\n\r\n") + 4
            found = LENGTH.search(data, 0, end)
            self._left = end + int(found[1] if found else 0)
        self._left -= len(data)
        if not self._left:
            self.answers += 1
            self._send()

    def _send(self) -> None:
        self._transport.write(self._request)  # type: ignore[attr-defined]  # TCP transports can be written to


def capacity(server: Server, seconds: float = 3.0) -> dict[str, float]:
    """Return requests a second that the server answers: pages of 100 rows, and chunks of 100 rows to store."""
    server.reset(SHAPE, filled=True, latency_s=0.0, page_size=100)
    company = SHAPE.ids[0]
    get = b"GET /v1/dimensions?ottimate_company_id=%d&page=3&limit=100 HTTP/1.1\r\nHost: bench\r\n\r\n" % company
    rows = [row._asdict() for row in wanted_rows(SHAPE, company)][:100]
    body = orjson.dumps({"ottimate_company_id": company, "dimensions": rows})
    post = b"POST /v1/dimensions/bulk-create/ HTTP/1.1\r\nHost: bench\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    return {
        "pages_per_s": asyncio.run(_hammer(server.port, get, seconds)),
        "chunks_per_s": asyncio.run(_hammer(server.port, post, seconds)),
    }


async def _hammer(port: int, request: bytes, seconds: float) -> float:
    loop = asyncio.get_running_loop()
    opened = [await loop.create_connection(lambda: Hammer(request), "127.0.0.1", port) for _ in range(CONNECTIONS)]
    before, began = sum(hammer.answers for _, hammer in opened), time.monotonic()
    await asyncio.sleep(seconds)
    answers, took_s = sum(hammer.answers for _, hammer in opened) - before, time.monotonic() - began
    for transport, _ in opened:
        transport.abort()
    return answers / took_s
