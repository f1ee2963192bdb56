"""Notifications are sent to a real server and a real program; what goes wrong is a reason and never an error."""

from __future__ import annotations

import json
import socket
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from anyio import to_thread

from engine.cli.notices.message import Message, Told
from engine.cli.notices.sending import send_all
from engine.config.targets import Target
from engine.model.settings import Secret
from engine.net.http.transport import AiohttpTransport, new_session
from tests.cli.program import until
from tests.webhook import PATH, Reply, Webhook, serving

BOTH = frozenset({"trouble", "recovery"})
TOLD = Told(kind="held", code="mass-update", what="would update many rows", companies=((7, "Küche"),), count=1)
OVER = Told(kind="recovered", code="missing-source", what="no file", count=1)
MESSAGE = Message(
    event="run",
    title="dimsync sync: 1 company needs a person",
    at=datetime(2026, 11, 30, 5, tzinfo=UTC),
    settings="dimsync.toml",
    facts={"verb": "sync"},
    trouble=(TOLD,),
    recovered=(OVER,),
)


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with serving() as webhook:
        yield webhook


@pytest.fixture
async def transport() -> AsyncIterator[AiohttpTransport]:
    async with new_session() as session:
        yield AiohttpTransport(session, body_bytes=10_000)


def target(url: str = "", *, form: str = "json", on: frozenset[str] = BOTH, command: tuple[str, ...] = ()) -> Target:
    return Target(key="notify[0]", on=on, webhook=Secret(url) if url else None, format=form, command=command)


async def sent(to: Target, transport: AiohttpTransport, *, limit_s: float = 10.0) -> str | None:
    reasons = await send_all([to], MESSAGE, transport, limit_s=limit_s, pause_s=0.001)
    return reasons[to.key]


async def test_a_webhook_is_posted_json_once(hook: Webhook, transport: AiohttpTransport) -> None:
    assert await sent(target(hook.url), transport) is None
    (document,) = hook.received
    assert (document["schema"], document["title"]) == ("dimsync.notification/1", MESSAGE.title)
    assert document["trouble"][0]["companies"] == [{"company_id": 7, "name": "Küche"}]
    assert (hook.paths, hook.types) == ([PATH], ["application/json; charset=utf-8"])


@pytest.mark.parametrize(("form", "key"), [("json", "schema"), ("slack", "blocks"), ("teams", "attachments")])
async def test_each_form_arrives(hook: Webhook, transport: AiohttpTransport, form: str, key: str) -> None:
    assert await sent(target(hook.url, form=form), transport) is None
    assert key in hook.received[0]


@pytest.mark.parametrize(
    ("on", "counts"),
    [(BOTH, [(1, 1)]), (frozenset({"trouble"}), [(1, 0)]), (frozenset({"recovery"}), [(0, 1)])],
)
async def test_a_target_is_told_what_it_wants(
    hook: Webhook, transport: AiohttpTransport, on: frozenset[str], counts: list[tuple[int, int]]
) -> None:
    assert await sent(target(hook.url, on=on), transport) is None
    assert [(len(one["trouble"]), len(one["recovered"])) for one in hook.received] == counts


async def test_who_wants_nothing_of_it_is_sent_nothing(hook: Webhook, transport: AiohttpTransport) -> None:
    only = MESSAGE.only(frozenset({"trouble"}))
    assert await send_all([target(hook.url, on=frozenset({"recovery"}))], only, transport) == {}
    assert hook.received == []


BUSY = Reply(503, "busy")


@pytest.mark.parametrize(
    ("replies", "tries", "reason"),
    [
        pytest.param([BUSY, BUSY], 3, None, id="the third try is taken"),
        pytest.param([BUSY] * 5, 3, "HTTP 503: busy", id="three tries at most"),
        pytest.param([Reply(429, "slow down")], 2, None, id="too many requests"),
        pytest.param([Reply(202, "accepted")], 1, None, id="any success"),
        pytest.param([Reply(404, "no_service")], 1, "HTTP 404: no_service", id="refused is not tried again"),
        pytest.param([Reply(400, "")], 1, "HTTP 400", id="refused without a word"),
        pytest.param(
            [Reply(403, f"no access to {PATH}")], 1, "HTTP 403: no access to ***", id="an echo of the address"
        ),
        pytest.param([Reply(403, "bad q7w8e9r0t1y2")], 1, "HTTP 403: bad ***", id="an echo of the signature"),
        pytest.param(
            [Reply(403, "\x1b[2J" + "x" * 500)], 1, "HTTP 403: \\x1b[2J" + "x" * 182 + "…", id="hostile words"
        ),
        pytest.param(
            [Reply(302, "", "/elsewhere")],
            1,
            "HTTP 302: it answers with another address, which is not followed",
            id="a redirect",
        ),
    ],
)
async def test_answers(
    hook: Webhook, transport: AiohttpTransport, replies: list[Reply], tries: int, reason: str | None
) -> None:
    hook.replies = list(replies)
    assert await sent(target(hook.url), transport) == reason
    assert hook.paths == [PATH] * tries


async def test_a_webhook_that_hangs_is_asked_once_and_holds_up_nobody(
    hook: Webhook, transport: AiohttpTransport
) -> None:
    hook.replies = [Reply(hangs=True)]
    assert await sent(target(hook.url), transport, limit_s=0.3) == "no answer within 0.3 s"
    assert len(hook.received) == 1


async def test_a_host_that_is_down_is_a_reason_without_the_address(transport: AiohttpTransport) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
    reason = await sent(target(f"http://127.0.0.1:{port}{PATH}"), transport)
    assert reason == f"cannot connect to 127.0.0.1:{port}: Connection refused"


async def test_a_reference_that_leads_nowhere_is_the_reason(transport: AiohttpTransport) -> None:
    lacking = Target(key="notify[0]", on=BOTH, webhook=Secret("env:HOOK", fault="the variable HOOK is not set"))
    assert await sent(lacking, transport) == "the variable HOOK is not set"


async def test_one_that_fails_keeps_nothing_from_the_others(hook: Webhook, transport: AiohttpTransport) -> None:
    lost = Target(key="notify[1]", on=BOTH, command=("/no/such/program",))
    reasons = await send_all([lost, target(hook.url)], MESSAGE, transport)
    assert reasons == {
        "notify[1]": "/no/such/program cannot be started: No such file or directory",
        "notify[0]": None,
    }


# Commands


def script(folder: Path, text: str) -> Target:
    """Return a command: a program beside the settings file, with an argument that a shell would read."""
    path = folder / "page"
    path.write_text(f"#!{sys.executable}\n{text}", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return Target(key="notify[0]", on=BOTH, command=("./page", "$HOME; rm -rf *"), folder=folder)


async def test_a_command_is_given_json_and_its_arguments_as_they_are(
    tmp_path: Path, transport: AiohttpTransport
) -> None:
    text = """
import pathlib, sys
pathlib.Path("got").write_text(sys.stdin.read())
pathlib.Path("arg").write_text(sys.argv[1])
"""
    assert await sent(script(tmp_path, text), transport) is None
    assert json.loads((tmp_path / "got").read_text("utf-8"))["trouble"][0]["code"] == "mass-update"
    assert (tmp_path / "arg").read_text("utf-8") == "$HOME; rm -rf *"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import sys; print('no such team', file=sys.stderr); sys.exit(3)", "exit 3: no such team"),
        ("import sys; sys.exit(1)", "exit 1"),
        ("import os; os.kill(os.getpid(), 9)", "it was ended by signal 9"),
        ("import sys; sys.stdin.close(); print('x' * 1_000_000); sys.exit(4)", f"exit 4: {'x' * 191}…"),
    ],
)
async def test_how_a_command_ends(tmp_path: Path, transport: AiohttpTransport, text: str, reason: str) -> None:
    assert await sent(script(tmp_path, text), transport) == reason


async def test_a_command_that_hangs_is_killed_with_what_it_began(tmp_path: Path, transport: AiohttpTransport) -> None:
    text = """
import pathlib, subprocess, sys, time
child = subprocess.Popen(["sleep", "600"])
pathlib.Path("pid").write_text(str(child.pid))
time.sleep(600)
"""
    assert await sent(script(tmp_path, text), transport, limit_s=1.0) == "did not end within 1 s"
    child = int((tmp_path / "pid").read_text("utf-8"))
    await to_thread.run_sync(until, lambda: is_over(child))  # it is killed, and ends when the system comes to it


def is_over(pid: int) -> bool:
    """Return whether a process has ended, or is about to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
