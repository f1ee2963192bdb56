"""Work on rows that is done on the event loop takes turns, so that companies that come together do not hold it up."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
from anyio.lowlevel import RunVar, cancel_shielded_checkpoint

T = TypeVar("T")

SHORT = 200
"""Rows that are worked on at once, without a turn: less than 1 ms."""

_TURN: RunVar[anyio.Lock] = RunVar("whose turn it is to work on rows")


async def in_turn(rows: int, work: Callable[[], T]) -> T:
    """Return the result of work on `rows` rows, which takes some 5 ms at most.

    One task of an event loop works at a time; between two of them, all that is ready has its turn.
    """
    if rows <= SHORT:
        return work()
    try:
        turn = _TURN.get()
    except LookupError:
        turn = anyio.Lock(fast_acquire=True)
        _TURN.set(turn)
    async with turn:
        await cancel_shielded_checkpoint()  # what was done before may have held the event loop as long as this will
        return work()
