"""Sends notifications: to webhooks, and to commands on their standard input. No failure is raised: it is a reason."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from tempfile import TemporaryFile
from typing import IO, NamedTuple
from urllib.parse import urlsplit

import anyio
from anyio.abc import Process

from engine.cli.notices import slack, teams
from engine.cli.notices.message import Message, document, fitted
from engine.config.targets import Target
from engine.errors import OutcomeUnknown, Untrusted
from engine.model.settings import Secret
from engine.net.http.exchange import Answer, Request, Transport
from engine.net.redaction import redacted
from engine.observe.terminal import brief
from engine.version import __version__

LIMIT_S = 10.0
"""Seconds that all notifications of a run may take together, whatever their targets do."""

MOST_TRIES = 3
FIRST_PAUSE_S = 0.5
ANSWER_BYTES = 100_000
LONGEST_REASON = 200
ENDING_BYTES = 2_000
"""Of a command's standard error, its end is read."""

SHORTEST_SECRET = 8
"""Characters from which on a part of an address is taken for a secret."""

FORMS = {
    "json": (document, 64_000),
    "slack": (slack.slack, slack.MOST_BYTES),
    "teams": (teams.teams, teams.MOST_BYTES),
}
"""Each form, and the most bytes that a message has in it."""


async def send_all(
    targets: Sequence[Target],
    message: Message,
    transport: Transport,
    *,
    limit_s: float = LIMIT_S,
    pause_s: float = FIRST_PAUSE_S,
) -> dict[str, str | None]:
    """Send each target its part of a message, all at once. Return the reasons of failures by the targets' keys.

    None: it was delivered. A target that has nothing to be told is not in it. `pause_s`: before a second try.
    """
    reasons: dict[str, str | None] = {}

    async def send(target: Target, part: Message) -> None:
        late = "did not end" if target.webhook is None else "no answer"
        reasons[target.key] = f"{late} within {limit_s:g} s"
        with anyio.move_on_after(limit_s):
            reasons[target.key] = await _send(target, part, Sending(transport, pause_s))

    async with anyio.create_task_group() as tasks:
        for target in targets:
            if not (part := message.only(target.on)).is_empty:
                tasks.start_soon(send, target, part)
    return reasons


class Sending(NamedTuple):
    """How webhooks are reached."""

    transport: Transport
    pause_s: float  # before the second try; doubled before the third


async def _send(target: Target, message: Message, sending: Sending) -> str | None:
    if target.webhook is None:
        return await _run(target, fitted(message, *FORMS["json"]))
    if target.webhook.fault:
        return target.webhook.fault
    return await _post(target.webhook, fitted(message, *FORMS[target.format]), sending)


async def _post(webhook: Secret, body: bytes, sending: Sending) -> str | None:
    """Post a body, and once more where nothing was taken; what may have been taken is not sent again."""
    request = Request(
        method="POST",
        url=webhook.reveal(),
        headers={"Content-Type": "application/json; charset=utf-8", "User-Agent": f"dimsync/{__version__}"},
        body=body,
    )
    reason, pause_s = "", sending.pause_s
    for left in reversed(range(MOST_TRIES)):
        try:
            answer = await sending.transport.send(request)
            reason = _refusal(answer)
            is_over = not (answer.status == 429 or answer.status >= 500)
        except Untrusted as error:
            reason, is_over = str(error), True
        except OutcomeUnknown as error:
            reason, is_over = str(error), not error.unsent
        except ValueError:  # whose words would show the address
            reason, is_over = "its address cannot be read", True
        if not reason:
            return None
        if is_over or not left:
            break
        await anyio.sleep(pause_s)
        pause_s *= 2
    return brief(redacted(reason, _secrets(webhook)), LONGEST_REASON)


def _refusal(answer: Answer) -> str:
    """Return why an answer is a refusal; empty: it is none."""
    if 200 <= answer.status < 300:
        return ""
    if 300 <= answer.status < 400:
        return f"HTTP {answer.status}: it answers with another address, which is not followed"
    words = " ".join(answer.body.decode("utf-8", "replace").split())
    return f"HTTP {answer.status}{f': {words}' if words else ''}"


def _secrets(webhook: Secret) -> list[Secret]:
    """Return the texts of an address that are secret: all of it, and the parts that an answer may repeat."""
    parts = urlsplit(webhook.reveal())
    texts = [webhook.reveal(), f"{parts.path}?{parts.query}", parts.path, parts.query, *parts.path.split("/")]
    texts += [value for pair in parts.query.split("&") for value in pair.partition("=")[::2]]
    texts += [parts.username or "", parts.password or ""]
    return [Secret(text) for text in sorted(set(texts), key=len, reverse=True) if len(text) >= SHORTEST_SECRET]


async def _run(target: Target, body: bytes) -> str | None:
    """Run a command with a body on its standard input. It and what it began are killed when it is cancelled."""
    with TemporaryFile() as given, TemporaryFile() as told:
        given.write(body)
        given.seek(0)
        try:
            process = await anyio.open_process(
                target.command,
                stdin=given,
                stdout=told,
                stderr=told,
                cwd=target.folder,
                start_new_session=True,
            )
        except OSError as error:
            return f"{brief(target.command[0], LONGEST_REASON)} cannot be started: {error.strerror}"
        try:
            code = await process.wait()
        except anyio.get_cancelled_exc_class():
            await _kill(process)
            raise
        return None if code == 0 else _ending(code, told)


async def _kill(process: Process) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with anyio.CancelScope(shield=True):
        await process.wait()


def _ending(code: int, told: IO[bytes]) -> str:
    """Return how a command ended, with the last line that it wrote."""
    size = told.seek(0, os.SEEK_END)
    told.seek(max(0, size - ENDING_BYTES))
    lines = told.read().decode("utf-8", "replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    how = f"it was ended by signal {-code}" if code < 0 else f"exit {code}"
    return brief(f"{how}{f': {last}' if last else ''}", LONGEST_REASON)
