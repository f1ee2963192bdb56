"""Optional: a validating proxy that somebody else wrote (Prism, from npm) sees no violation in a whole client run.

Runs where a `prism` is on the PATH, or where DIMSYNC_PRISM names one: `npm install @stoplight/prism-cli` brings it.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import anyio
import pytest
from aiohttp.client_middlewares import ClientHandlerType

from engine import Api, Engine, Settings
from engine.sandbox.server import Options, Sandbox
from tests.sandbox.conftest import DEMO, Clock, World, account, company, dims

pytestmark = pytest.mark.sockets

PRISM = os.environ.get("DIMSYNC_PRISM") or shutil.which("prism")
COMPANY = 7
FILE = Path(__file__).parents[1] / "data" / "reference.openapi.json"

pytestmark = pytest.mark.skipif(PRISM is None, reason="there is no Prism here: see the module's first lines")


@pytest.fixture
async def upstream(tmp_path: Path, clock: Clock) -> AsyncIterator[World]:
    async with Sandbox(Options(accounts=(DEMO,), contract="reference"), clock=clock) as sandbox:
        yield World(sandbox=sandbox, ledger_url=f"sqlite:///{tmp_path}/ledger.db", clock=clock)


@pytest.fixture
def proxy(upstream: World) -> Iterator[str]:
    """Start the proxy before the sandbox; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(PRISM), "proxy", str(FILE), upstream.sandbox.base_url, "-p", str(port), "--errors"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


async def listening(address: str) -> None:
    """Wait until something accepts connections there."""
    host, _, port = address.removeprefix("http://").partition(":")
    while True:
        try:
            await (await anyio.connect_tcp(host, int(port))).aclose()
        except OSError:
            await anyio.sleep(0.05)  # between two looks
        else:
            return


async def test_a_client_run_breaks_nothing(upstream: World, proxy: str) -> None:
    await listening(proxy)
    seen: list[tuple[str, str]] = []

    async def check(request: aiohttp.ClientRequest, handler: ClientHandlerType) -> aiohttp.ClientResponse:
        response = await handler(request)
        if str(request.url).startswith(proxy):
            seen.append((request.method, request.url.path))
            problem = response.content_type == "application/problem+json" or "sl-violations" in response.headers
            assert not problem, (request.method, str(request.url), dict(response.headers), await response.text())
        return response

    upstream.place(COMPANY)
    # The file declares JSON for the token request, and it is form-encoded on purpose: it goes past the proxy.
    api = Api(base_url=proxy, contract="reference", token_url=f"{upstream.sandbox.base_url}/oauth/token")
    settings = Settings(accounts=(account(),), api=api, ledger_url=upstream.ledger_url)
    rows = [*dims(130), *dims(3, first=200, type_code="cost_type")]
    async with (
        aiohttp.ClientSession(middlewares=(check,)) as session,
        Engine(settings, session=session, now=upstream.clock) as engine,
    ):
        first = await engine.sync([company(COMPANY, rows)]).result()
        rows[0] = rows[0]._replace(name="Another name", code=None)
        second = await engine.sync([company(COMPANY, rows)]).result()
        client = await engine.client(COMPANY)._opened()
        one = await client.one(upstream.sandbox.tenant.companies[COMPANY].rows[0].id)
        made = await client.create(dims(1, first=900)[0], "key-1")
        directory = await engine.directory(refresh=True)
    assert (first.exit_code, first.totals.created) == (0, 133)
    assert (second.exit_code, second.totals.updated) == (0, 1)
    assert one is not None
    assert (one.name, one.code, made.erp_id) == ("Another name", "C0", "00900")
    assert [each.id for each in directory.companies] == [COMPANY]
    assert {path for _, path in seen} >= {"/dimensions", "/dimensions/bulk", "/accounts", f"/dimensions/{one.id}"}
