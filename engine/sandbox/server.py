"""The sandbox as an HTTP server on loopback. Only waiting and cutting connections are done here."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from types import TracebackType
from typing import Self

from aiohttp import web

from engine.sandbox.control import control
from engine.sandbox.exchange import Answer, Call, request_id
from engine.sandbox.faults.rules import Rule
from engine.sandbox.faults.scheduled_fault import Delivery, Drip, ScheduledFault
from engine.sandbox.service import Options, Service
from engine.sandbox.tenant import Tenant

__all__ = ["Options", "Sandbox"]

GRACE_S = 0.2  # seconds that requests in progress have to finish at shutdown


def utc_now() -> datetime:
    """Return the time of day."""
    return datetime.now(UTC)


class Sandbox:
    """A running sandbox: `async with Sandbox() as sandbox: sandbox.base_url`. Tests may change its state."""

    def __init__(
        self,
        options: Options | None = None,
        *,
        tenant: Tenant | None = None,
        rules: Iterable[Rule] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.options = options or Options()
        self.tenant = tenant or Tenant()
        self.service = Service(self.options, tenant=self.tenant, rules=rules, clock=clock, second=time.monotonic)
        self.host, self.port = host, port
        self._late: set[asyncio.TimerHandle] = set()
        self._runner: web.ServerRunner | None = None
        self._site: web.TCPSite | None = None
        self._outage: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """The URL of the server's root, without `/v1` or `/_sandbox`."""
        return f"http://{self.host}:{self.port}"

    @property
    def base_url(self) -> str:
        """The URL for `base_url` in a client's settings."""
        return f"{self.url}/v1"

    async def __aenter__(self) -> Self:
        """Start to listen; port 0 means any free port."""
        server = web.Server(self._serve, handler_cancellation=True, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=GRACE_S)
        await self._runner.setup()
        await self._listen(self._runner)
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop at once: requests that hang are cut, and work that was to be done later is not done."""
        for timer in self._late:
            timer.cancel()
        if self._outage is not None:
            self._outage.cancel()
        await asyncio.sleep(
            0
        )  # let a connection that was just accepted reach its server; otherwise nothing would close it
        if self._runner is not None:
            await self._runner.cleanup()

    async def _listen(self, runner: web.ServerRunner) -> None:
        self._site = web.TCPSite(runner, self.host, self.port)
        await self._site.start()

    async def _be_down(self, seconds: float) -> None:
        """Cut all connections, and accept none for `seconds`."""
        if self._runner is None or self._runner.server is None or self._site is None:
            return
        await self._site.stop()
        for connection in self._runner.server.connections:
            connection.force_close()
        await asyncio.sleep(seconds)
        await self._listen(self._runner)

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        path, query = request.rel_url.path, request.rel_url.query
        if path.startswith("/_sandbox/"):
            return _response(control(self.service, request.method, path, query, await request.content.read()))
        body = await request.content.read() if request.can_read_body else b""
        turn = self.service.open(request.method, path, query, request.headers, body)
        if turn.delay_s:
            await self._wait_for_work(turn)
        else:
            self.service.work(turn)
        return await self._deliver(request, turn, self.service.finish(turn))

    async def _wait_for_work(self, turn: ScheduledFault) -> None:
        """Wait until the work is done or the gateway's limit is over. Longer work is still done, unawaited."""
        done = asyncio.Event()

        def work() -> None:
            self._late.discard(timer)
            self.service.work(turn)
            done.set()

        timer = asyncio.get_running_loop().call_later(turn.delay_s, work)
        self._late.add(timer)
        try:
            async with asyncio.timeout(self.options.timeout_s):
                await done.wait()
        except TimeoutError:
            self.service.time_out(turn)
        except asyncio.CancelledError:
            turn.entry.status = "left"
            raise

    async def _deliver(self, request: web.BaseRequest, turn: ScheduledFault, answer: Answer) -> web.StreamResponse:
        """Send the answer as `turn.delivery` says. For a cut connection the returned response is never sent."""
        response = _response(answer, turn.call, turn.date)
        if turn.down_s and (self._outage is None or self._outage.done()):
            self._outage = asyncio.ensure_future(self._be_down(turn.down_s))
        if turn.delivery is Delivery.HANG:
            await asyncio.get_running_loop().create_future()  # until the client leaves or the server stops
        if turn.delivery is Delivery.RESET:
            if request.transport is not None:
                request.transport.abort()
            return response
        if turn.delivery is Delivery.TRUNCATED or turn.drip is not None:
            return await _stream(request, turn, answer, response.headers)
        return response


async def _stream(
    request: web.BaseRequest, turn: ScheduledFault, answer: Answer, headers: Mapping[str, str]
) -> web.StreamResponse:
    """Send an answer's head, then its body, in pieces if there is a drip; of a truncated answer only the first half."""
    response = web.StreamResponse(status=answer.status, headers=headers)
    response.content_length = len(answer.body)
    await response.prepare(request)
    truncated = turn.delivery is Delivery.TRUNCATED
    body = answer.body[: len(answer.body) // 2] if truncated else answer.body
    drip = turn.drip or Drip(1, 0.0)
    size = max(1, math.ceil(len(body) / drip.pieces))
    try:
        for start in range(0, len(body), size):
            await asyncio.sleep(drip.pause_s)
            await response.write(body[start : start + size])
    except (asyncio.CancelledError, ConnectionError):
        turn.entry.status = "left"
        raise
    if truncated and request.transport is not None:
        request.transport.close()  # closes once all that was written is sent
    return response


def _response(answer: Answer, call: Call | None = None, date: datetime | None = None) -> web.StreamResponse:
    headers = {"Content-Type": answer.content_type, **answer.headers}
    if call is not None and date is not None:
        headers |= {"X-Request-Id": request_id(call), "Date": format_datetime(date, usegmt=True)}
    return web.Response(status=answer.status, body=answer.body, headers=headers)
