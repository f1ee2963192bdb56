"""Tells the targets of the settings what is new; what cannot be delivered is one line on standard error each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import anyio
import click

from engine.cli.notices.message import Message
from engine.cli.notices.sending import ANSWER_BYTES, send_all
from engine.config.targets import Target
from engine.observe.terminal import safe


@contextmanager
def harmless() -> Iterator[None]:
    """Turn whatever goes wrong in a block into one line: the run is done, and how it ended stays."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  nothing may hide how the run ended
        click.echo(f"Warning: nobody was notified: {type(error).__name__}", err=True)


def tell(targets: Sequence[Target], message: Message) -> dict[str, bool]:
    """Send a message to the targets that want it. Return whether each of these took it, by the targets' keys.

    Never raises, and takes a bounded time: the run is done, and its result stays.
    """
    try:
        return anyio.run(tell_here, targets, message)
    except KeyboardInterrupt:
        return _delivered(dict.fromkeys((each.key for each in _wanting(targets, message)), "stopped by a signal"))


async def tell_here(targets: Sequence[Target], message: Message) -> dict[str, bool]:
    """Do what `tell` does, in the event loop that runs here."""
    wanting = _wanting(targets, message)
    if not wanting:
        return {}
    try:
        return _delivered(await _sent(wanting, message))
    except Exception as error:  # noqa: BLE001  whatever it is, it must not hide how the run ended
        return _delivered(dict.fromkeys((target.key for target in wanting), type(error).__name__))


def _wanting(targets: Sequence[Target], message: Message) -> list[Target]:
    return [target for target in targets if not message.only(target.on).is_empty]


def _delivered(reasons: Mapping[str, str | None]) -> dict[str, bool]:
    """Say which targets did not take a message; return whether each did."""
    for key, reason in reasons.items():
        if reason is not None:
            click.echo(f"Warning: {safe(key)} was not delivered: {safe(reason)}", err=True)
    return {key: reason is None for key, reason in reasons.items()}


async def _sent(targets: Sequence[Target], message: Message) -> dict[str, str | None]:
    from engine.net.http.transport import (  # noqa: PLC0415  it brings aiohttp, which most runs do without
        AiohttpTransport,
        new_session,
        proxies_of_environment,
    )

    async with new_session() as session:
        transport = AiohttpTransport(session, body_bytes=ANSWER_BYTES, proxies=proxies_of_environment())
        return await send_all(targets, message, transport)
