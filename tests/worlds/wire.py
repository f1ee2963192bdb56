"""What carries requests to a server in memory: a `Transport`, and what passes for aiohttp's session around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
from multidict import CIMultiDict
from yarl import URL

from engine.net.http.exchange import Answer, Request, Transport
from tests.sandbox.fuzz import Fate
from tests.sandbox.line import Reply as Response
from tests.worlds.server import Server, encoded

AWAY_S = 0.02
"""How long a request is under way, in virtual time."""

MOST_A_RUN = 2_000
"""Requests after which a run is taken to go on for ever."""


@dataclass(slots=True, kw_only=True)
class Memory:
    """A transport to a server in memory."""

    server: Server
    fate: Fate = field(default_factory=Fate)
    sent: int = 0  # requests of this run

    async def send(self, request: Request) -> Answer:
        """Carry one request there, and its answer back."""
        self.sent += 1
        assert self.sent <= MOST_A_RUN, "the run goes on for ever"
        self.fate.moment()
        await anyio.sleep(AWAY_S)
        reply = self.server.answer(request.method, request.url, request.headers, request.body or b"")
        self.fate.moment()
        headers = {"Content-Type": "application/json", **reply.headers}
        return Answer(status=reply.status, headers=CIMultiDict(headers), body=encoded(reply))


@dataclass(slots=True, kw_only=True)
class Session:
    """Passes for an aiohttp session: the lowest edge that a program can hand to the engine."""

    transport: Transport
    _middlewares: tuple[()] = field(default=())

    async def request(
        self, method: str, url: URL, *, headers: Mapping[str, str], data: bytes | None, **_options: Any
    ) -> Response:
        """Exchange one request."""
        asked = Request(method=method, url=str(url), headers=headers, body=data)
        answer = await self.transport.send(asked)
        return Response(status=answer.status, headers=answer.headers, body=answer.body)
