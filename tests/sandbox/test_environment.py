"""Proxies and certificates, as the environment names them; and how a run says what they have to do with it."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from threading import get_ident
from unittest.mock import Mock
from urllib.parse import urlsplit

import pytest

from engine import Api, Engine, RunResult
from engine.net.http.transport import new_session
from engine.testing import Sandbox
from tests.sandbox.conftest import World, company, dims, verdict

pytestmark = pytest.mark.sockets

CERTIFICATES = Path(__file__).parents[1] / "data" / "tls"
"""Each with its key, self-signed, for localhost and 127.0.0.1: one is good until 2120, the other was until 2021."""


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the machine's own environment says."""
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)


async def pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while piece := await source.read(65_536):
            sink.write(piece)
            await sink.drain()
    except (ConnectionError, ssl.SSLError):
        pass
    finally:
        sink.close()


class Relay:
    """Passes what it is sent on to another port, and counts connections."""

    def __init__(self, port: int) -> None:
        self.to = port
        self.connections = 0
        self.heads: list[bytes] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head.partition(b"\r\n")[0])
        there, here = await asyncio.open_connection("127.0.0.1", self.to)
        here.write(head)
        await asyncio.gather(pipe(reader, here), pipe(there, writer))


@asynccontextmanager
async def relay(world: World, certificate: str | None = None) -> AsyncIterator[Relay]:
    """Listen before the sandbox, with TLS where a certificate is named."""
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATES / f"{certificate}.pem")
    before = Relay(urlsplit(world.sandbox.base_url).port or 0)
    server = await asyncio.start_server(before.serve, "127.0.0.1", 0, ssl=context)
    before.port = server.sockets[0].getsockname()[1]
    try:
        yield before
    finally:
        server.close()


async def sync(world: World, base_url: str | None = None) -> RunResult:
    """Run company 1 on the engine's own session."""
    settings = world.settings
    if base_url is not None:
        api = Api(base_url=base_url, contract=world.contract)
        settings = type(settings)(accounts=settings.accounts, api=api, ledger_url=settings.ledger_url)
    async with Engine(settings, now=world.clock, rng=world.rng) as engine:
        return await engine.sync([company(1, dims(5))]).result()


async def test_l19_a_proxy_of_the_environment_is_used(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.place(1)
    async with relay(world) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://user:pa55word@127.0.0.1:{proxy.port}")
        result = await sync(world)
    assert (result.exit_code, proxy.connections > 0) == (0, True)
    assert all(head.split()[1].startswith(world.sandbox.base_url.encode()) for head in proxy.heads)


async def test_l19_no_proxy_goes_past_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.place(1)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert (await sync(world)).exit_code == 0
    await world.sandbox.__aexit__(None, None, None)
    world.limit(max_attempts=1)
    world.clock.forward(days=30)
    result = await sync(world)
    port = urlsplit(world.sandbox.base_url).port
    assert f"cannot connect to 127.0.0.1:{port} without a proxy, as NO_PROXY says: Connection refused" in str(result)


async def test_l19_a_proxy_that_is_not_there_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its password."""
    world.limit(max_attempts=1)
    monkeypatch.setenv("HTTP_PROXY", "http://user:pa55word@127.0.0.1:1")
    result = await sync(world)
    assert verdict(result.companies[0]) == ("deferred", 5, ["host-down"])
    assert "cannot connect to the proxy 127.0.0.1:1: Connection refused" in str(result.problems)
    assert "pa55word" not in repr(result)


async def test_l19_https_goes_through_a_tunnel(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.limit(max_attempts=1)
    asked: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")[0])
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        result = await sync(world, "https://api.example.invalid/v1")
    assert asked == [b"CONNECT api.example.invalid:443 HTTP/1.1"]
    assert "the proxy does not connect to api.example.invalid: HTTP 407" in str(result.problems)


@pytest.mark.parametrize(
    ("certificate", "words"),
    [("server", "self-signed certificate"), ("expired", "certificate has expired")],
)
async def test_l20_a_certificate_that_is_not_trusted(
    world: World, monkeypatch: pytest.MonkeyPatch, certificate: str, words: str
) -> None:
    """OpenSSL's reason, and what to do; one try, and nothing counted. It is the settings' trouble: exit 2."""
    world.limit(max_attempts=6)
    if certificate == "expired":  # trusted, but for its age
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATES / "expired.pem"))
    async with relay(world, certificate) as host:
        result = await sync(world, f"https://localhost:{host.port}/v1")
    (one,) = result.companies
    assert (verdict(one), result.exit_code, result.requests.total) == (("failed", 2, ["certificate"]), 2, 0)
    assert f"the TLS certificate of localhost is not trusted: {words}" in one.problems[0].message
    assert "name its file in SSL_CERT_FILE" in one.problems[0].message


async def test_l20_ssl_cert_file_is_honoured(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.place(1)
    async with relay(world, "server") as host:
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATES / "server.pem"))
        assert (await sync(world, f"https://localhost:{host.port}/v1")).exit_code == 0
        monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
        world.clock.forward(days=30)
        result = await sync(world, f"https://localhost:{host.port}/v1")
    assert "SSL_CERT_FILE names /nowhere/ca.pem, which is no file" in result.companies[0].problems[0].message


async def test_certificates_are_read_once_for_all_engines_until_they_change(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes((CERTIFICATES / "server.pem").read_bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    make = Mock(side_effect=ssl.create_default_context)
    monkeypatch.setattr(ssl, "create_default_context", make)
    for times, changed_at in ((1, 1), (1, 1), (2, 2)):
        os.utime(file, (changed_at, changed_at))
        async with new_session():
            assert make.call_count == times


async def test_certificates_are_read_in_a_thread(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "its own.pem"))
    threads: list[int] = []

    def make() -> ssl.SSLContext:
        threads.append(get_ident())
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    monkeypatch.setattr(ssl, "create_default_context", make)
    async with Sandbox() as api, Engine(api.settings()) as engine:
        await engine.directory()
    assert len(threads) == 1
    assert threads != [get_ident()]
