"""Errands: what one worker does for all that share an API key. The others wait, and use the result."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from secrets import token_hex

import anyio

from engine.errors import LedgerError
from engine.net.limits.shared import Turns

BOUND_S = 60.0
"""How long a worker may take for an errand; then another one does it."""

LOOK_S, LOOK_LONGEST_S = 0.05, 1.0
"""Seconds between two looks whether an errand is free: they double between these two."""


@asynccontextmanager
async def turn(turns: Turns | None, what: str) -> AsyncIterator[bool]:
    """Have an errand to oneself until the block is left; give whether another worker may have done it just before.

    If the database is away, several workers may do an errand at once, which costs only requests.
    """
    worker = token_hex(8)
    try:
        is_held = turns is not None and await _taken(turns, what, worker)
    except LedgerError:
        is_held = False
    try:
        yield is_held
    finally:
        if turns is not None and is_held:
            with anyio.CancelScope(shield=True), suppress(LedgerError):
                await turns.end_turn(what, worker)


async def _taken(turns: Turns, what: str, worker: str) -> bool:
    look_s = LOOK_S
    while (left_s := await turns.take_turn(what, worker, BOUND_S)) > 0:
        await anyio.sleep(min(left_s, look_s))
        look_s = min(LOOK_LONGEST_S, 2 * look_s)
    return True
