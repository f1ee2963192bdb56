"""A real Chromium without a window, spoken to through its debugging door: to open pages, measure and picture them."""

from __future__ import annotations

import asyncio
import base64
import itertools
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE_S = 40.0

DESKTOP, PHONE = (1280, 900), (360, 740)
"""Sizes of a window, in CSS pixels."""


def found() -> str | None:
    """Return the program's path; None: there is no Chromium on the PATH."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@dataclass(slots=True, kw_only=True)
class Browser:
    """One page of a running Chromium."""

    socket: aiohttp.ClientWebSocketResponse
    numbers: itertools.count[int] = field(default_factory=itertools.count)
    requested: list[str] = field(default_factory=list)  # addresses that the page asked for
    complaints: list[str] = field(default_factory=list)  # what the browser logged about the page

    async def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command of the debugging protocol, and return its result."""
        number = next(self.numbers)
        await self.socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            message = await self._message()
            if message.get("id") == number:
                assert "error" not in message, message
                return dict(message["result"])

    async def open(self, file: Path, size: tuple[int, int] = DESKTOP, scheme: str = "light") -> float:
        """Open a file and wait until it is drawn; return how many seconds that took, by the browser's clock."""
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        await self.ask("Emulation.setDeviceMetricsOverride", **metrics)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await self.ask("Emulation.setEmulatedMedia", features=features)
        await self.ask("Page.navigate", url=file.as_uri())
        while (await self._message()).get("method") != "Page.loadEventFired":
            pass
        drawn = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"
        return float(await self.value(drawn)) / 1_000

    async def value(self, expression: str) -> Any:
        """Return what JavaScript from outside makes of the page."""
        asked = await self.ask("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        return asked["result"].get("value")

    async def picture(self, file: Path, *, whole: bool = False) -> None:
        """Write what is in the window, or the whole page, as PNG."""
        shot = await self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        await asyncio.to_thread(file.write_bytes, base64.b64decode(shot["data"]))

    async def printed(self, file: Path) -> None:
        """Write the page as PDF, as it is printed."""
        sheet = await self.ask("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)
        await asyncio.to_thread(file.write_bytes, base64.b64decode(sheet["data"]))

    async def _message(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_S):
            message: dict[str, Any] = await self.socket.receive_json()
        if message.get("method") == "Network.requestWillBeSent":
            self.requested.append(message["params"]["request"]["url"])
        if message.get("method") == "Log.entryAdded":
            self.complaints.append(message["params"]["entry"]["text"])
        return message


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Start a Chromium, and end it."""
    program = found()
    assert program is not None, "there is no Chromium on the PATH"
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        words = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-port=0")
        process = await asyncio.create_subprocess_exec(
            *(program, *words, "--no-first-run", f"--user-data-dir={profile}", "about:blank"),
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with aiohttp.ClientSession() as session:
                door = await _door(process)
                async with session.get(f"{door}/json") as response:
                    pages = [one for one in await response.json() if one["type"] == "page"]
                async with session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                    opened = Browser(socket=socket)
                    for domain in ("Page", "Network", "Log", "Runtime"):
                        await opened.ask(f"{domain}.enable")
                    yield opened
        finally:
            process.terminate()
            await process.communicate()


async def _door(process: asyncio.subprocess.Process) -> str:
    """Return where the debugging door is, as the program says on its standard error."""
    assert process.stderr is not None
    async with asyncio.timeout(PATIENCE_S):
        while line := await process.stderr.readline():
            if match := re.search(rb"ws://([\d.:]+)/", line):
                return f"http://{match[1].decode()}"
    raise AssertionError("Chromium ended before it said where it listens")
