"""Tells the targets of the settings what is new; what cannot be delivered is one line on standard error each."""

from __future__ import annotations

import anyio
import click

from engine.cli.notices.message import Message
from engine.cli.notices.sending import ANSWER_BYTES, send_all
from engine.config import Configured
from engine.config.targets import Target
from engine.observe.terminal import safe


def tell(configured: Configured, message: Message) -> bool:
    """Send a message to the targets that want it. Return whether it counts as told: some took it, or none wants it.

    Never raises, and takes a bounded time: the run is done, and its result stays.
    """
    if message.is_empty or not configured.notify:
        return True
    try:
        reasons = anyio.run(_sent, configured.notify, message)
    except KeyboardInterrupt:
        reasons = {"a notification": "stopped by a signal"}
    except Exception as error:  # noqa: BLE001  whatever it is, it must not hide how the run ended
        reasons = {"a notification": type(error).__name__}
    for key, reason in reasons.items():
        if reason is not None:
            click.echo(f"Warning: {safe(key)} was not delivered: {safe(reason)}", err=True)
    return not reasons or None in reasons.values()


async def _sent(targets: tuple[Target, ...], message: Message) -> dict[str, str | None]:
    from engine.net.http.transport import (  # noqa: PLC0415  it brings aiohttp, which most runs do without
        AiohttpTransport,
        new_session,
        proxies_of_environment,
    )

    async with new_session() as session:
        transport = AiohttpTransport(session, body_bytes=ANSWER_BYTES, proxies=proxies_of_environment())
        return await send_all(targets, message, transport)
