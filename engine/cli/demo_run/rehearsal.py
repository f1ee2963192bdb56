"""What the demo needs: a sandbox in a process of its own, and a folder with settings and source files."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio
import orjson
from anyio import IncompleteRead
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from engine.errors import EngineError
from engine.sandbox.access import Credentials
from engine.sandbox.fleet import MadeCompany, write_sources

STARTS_WITHIN_S = 60.0
ENDS_WITHIN_S = 5.0

SETTINGS = """\
# Made by `dimsync demo`. The API is the sandbox; its credentials are references, as they have to be.
[api]
base_url = {base_url}

[accounts.demo]
account_id = {account_id}
api_key = "file:secrets/api_key"
client_id = "file:secrets/client_id"
client_secret = "file:secrets/client_secret"
"""

COMPANY = """
[[companies]]
id = {id}
name = {name}
source = {source}
"""


@asynccontextmanager
async def sandbox_process(companies: int, seed: int) -> AsyncIterator[str]:
    """Run `dimsync sandbox` in a process and give its base URL; it ends with the block, or with this process.

    It has a session of its own, so that Ctrl-C does not reach it and requests in flight still get their answers.
    Raises `EngineError` when it does not start.
    """
    words = ["sandbox", "--port", "0", "--companies", str(companies), "--seed", str(seed), "--until-stdin-ends"]
    process = await anyio.open_process([sys.executable, "-m", "engine", *words], stderr=None, start_new_session=True)
    try:
        yield str(orjson.loads(await _first_line(process))["base_url"])
    finally:
        with anyio.CancelScope(shield=True):
            with suppress(ProcessLookupError):  # the process has ended already
                process.terminate()
            with anyio.move_on_after(ENDS_WITHIN_S):
                await process.wait()
            await process.aclose()  # kills the process if it is still running


async def _first_line(process: Process) -> bytes:
    """Return the line that the sandbox prints when it is ready."""
    if process.stdout is None:
        raise EngineError("the sandbox has no standard output")
    try:
        with anyio.fail_after(STARTS_WITHIN_S):
            return await BufferedByteReceiveStream(process.stdout).receive_until(b"\n", 65_536)
    except (TimeoutError, IncompleteRead) as error:
        raise EngineError("the sandbox did not start; what it says stands above") from error


def write_folder(folder: Path, base_url: str, fleet: Sequence[MadeCompany]) -> Path:
    """Write source files, secrets and `dimsync.toml`, and return the path of the settings file."""
    paths = write_sources(fleet, folder / "sources")
    account = Credentials()
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700)
    for name in ("api_key", "client_id", "client_secret"):
        path = secrets / name
        path.touch(mode=0o600)
        path.write_text(getattr(account, name), encoding="utf-8")
    settings = folder / "dimsync.toml"
    text = SETTINGS.format(base_url=_toml(base_url), account_id=_toml(account.account_id))
    for one in fleet:
        source = paths[one.id].relative_to(folder).as_posix()
        text += COMPANY.format(id=one.id, name=_toml(one.name), source=_toml(source))
    settings.write_text(text, encoding="utf-8")
    return settings


def _toml(text: str) -> str:
    """Return a TOML string; the escapes of JSON are also those of TOML."""
    return json.dumps(text)
