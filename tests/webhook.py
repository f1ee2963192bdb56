"""A webhook's server on loopback, in a thread of its own: what it received, and what it answers."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from aiohttp import web

PATH = "/services/T0000SECRET/b1c2d3e4f5?sig=q7w8e9r0t1y2"


class Reply(NamedTuple):
    """What the server answers to one request."""

    status: int = 200
    body: str = "ok"
    location: str | None = None  # where it sends the client
    hangs: bool = False  # it never answers


class Webhook:
    """The server, as a test sees it. `replies` are given in turn; then, and at first, it takes everything."""

    def __init__(self, origin: str, over: asyncio.Event) -> None:
        self._over = over
        self.url = f"{origin}{PATH}"
        self.elsewhere = f"{origin}/elsewhere"
        self.received: list[Any] = []  # bodies, decoded
        self.types: list[str] = []
        self.paths: list[str] = []
        self.replies: list[Reply] = []

    async def answer(self, request: web.Request) -> web.Response:
        """Take a request, and answer it."""
        self.paths.append(request.path_qs)
        self.types.append(request.headers["Content-Type"])
        self.received.append(json.loads(await request.read()))
        reply = self.replies.pop(0) if self.replies else Reply()
        if reply.hangs:
            await self._over.wait()
        headers = {"Location": reply.location} if reply.location else {}
        return web.Response(status=reply.status, text=reply.body, headers=headers)


@contextmanager
def serving() -> Iterator[Webhook]:
    """Serve until the block is left."""
    loop, ready, hooks = asyncio.new_event_loop(), threading.Event(), list[Webhook]()
    over = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        return await hooks[0].answer(request)

    async def serve() -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        hooks.append(Webhook(f"http://{host}:{port}", over))
        ready.set()
        await over.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(10)
        yield hooks[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
        loop.close()
