"""The examples as real servers on loopback, with a real sandbox behind them, in a fresh event loop of either kind."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import pytest
import uvicorn
from aiohttp import web
from fastapi import FastAPI

from engine import Dimension, Settings
from engine.sandbox.server import Sandbox
from tests.sandbox.conftest import Clock, World
from tests.service import aiohttp_app, fastapi_app
from tests.threads import lasting_threads

PATIENCE_S = 20.0


async def until(condition: Callable[[], object]) -> None:
    """Wait for a condition that other tasks bring about."""
    with anyio.fail_after(PATIENCE_S):
        while not condition():  # noqa: ASYNC110  what it is about announces nothing
            await asyncio.sleep(0.002)


@asynccontextmanager
async def serve_aiohttp(settings: Settings, *, handler_cancellation: bool = True) -> AsyncIterator[str]:
    """Do what `web.run_app` does, and yield the address."""
    app = aiohttp_app.create_app(settings)
    runner = web.AppRunner(app, handler_cancellation=handler_cancellation, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def serve_fastapi(settings: Settings) -> AsyncIterator[str]:
    """Serve the example of FastAPI."""
    async with serve_asgi(fastapi_app.create_app(settings)) as url:
        yield url


@asynccontextmanager
async def serve_asgi(app: FastAPI) -> AsyncIterator[str]:
    """Do what `uvicorn.run` does, in this event loop, and yield the address."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none", timeout_graceful_shutdown=1))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.ensure_future(server.serve([listener]))
        try:
            await until(lambda: server.started)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


Serve = Callable[[Settings], AbstractAsyncContextManager[str]]
SERVERS: dict[str, Serve] = {"aiohttp": serve_aiohttp, "fastapi": serve_fastapi}


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Somebody who calls the service."""

    url: str
    session: aiohttp.ClientSession

    async def sync(self, company_id: int, rows: Sequence[Dimension]) -> tuple[int, dict[str, Any]]:
        """Ask for a sync; return the status and the result."""
        return await self.post(company_id, [spelled(row) for row in rows])

    async def post(self, company_id: int, body: object) -> tuple[int, Any]:
        """Ask with any body; return the status and what was answered."""
        async with self.session.post(f"{self.url}/companies/{company_id}/sync", json=body) as answer:
            is_json = answer.content_type == "application/json"
            return answer.status, await answer.json() if is_json else await answer.text()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A sandbox, and the example that is to be played."""

    world: World
    serve: Serve

    @asynccontextmanager
    async def service(self) -> AsyncIterator[Client]:
        """Run the service; the caller's connections are there longer than it is."""
        async with aiohttp.ClientSession() as session, self.serve(self.world.settings) as url:
            yield Client(url=url, session=session)

    def in_flight(self, company_id: int) -> int:
        """Return how many bulk requests of a company the sandbox holds back."""
        return sum(
            (entry.operation, entry.company, entry.status) == ("bulk", company_id, None)
            for entry in self.world.sandbox.service.log
        )


Scenario = Callable[[Stage], Awaitable[None]]
Play = Callable[[Scenario], None]


def spelled(row: Dimension) -> dict[str, str | None]:
    """Return a row as a client of the service writes it."""
    columns = ("unique_key", "dimension_type_code", "type", "name", "erp_dimension_id", "code")
    return dict(zip(columns, row, strict=True))


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(params=SERVERS)
def serve(request: pytest.FixtureRequest) -> Serve:
    return SERVERS[request.param]


@pytest.fixture
def play(loop: str, serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Play:
    """Play a scenario in an event loop of its own. It must end quietly: no task, thread or log record is left by us."""

    async def staged(scenario: Scenario) -> None:
        async with Sandbox() as sandbox:
            world = World(sandbox=sandbox, ledger_url=f"sqlite:///{tmp_path}/ledger.db", clock=Clock())
            await scenario(Stage(world=world, serve=serve))
        await until(lambda: asyncio.all_tasks() == {asyncio.current_task()} and lasting_threads() <= threads)

    threads = lasting_threads()

    def run(scenario: Scenario) -> None:
        anyio.run(staged, scenario, backend_options={"use_uvloop": loop == "uvloop"})
        assert [each for each in caplog.records if not each.name.startswith(("uvicorn", "dimsync"))] == []

    return run
