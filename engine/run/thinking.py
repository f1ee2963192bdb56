"""Keep long pure work off the event loop: a large comparison must not delay other companies' answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import anyio
from anyio import to_thread
from anyio.lowlevel import RunVar, cancel_shielded_checkpoint

from engine.model.table import SLICE, Keyed, Table

T = TypeVar("T")

SHORT = 200
LONG = 3_000
"""Rows that take some 10 ms to compare: more are compared in a thread, and other companies' requests go on. Between the
two, one company at a time is compared, and requests have their turn before the next one."""

_TURN: RunVar[anyio.Lock] = RunVar("whose turn it is to compare")


async def think(rows: int, work: Callable[[], T]) -> T:
    """Return the result of pure work on `rows` rows: at once, in its turn, or from a thread, by their number."""
    if rows <= SHORT:
        return work()
    if rows > LONG:
        return await to_thread.run_sync(work)
    try:
        turn = _TURN.get()
    except LookupError:
        turn = anyio.Lock(fast_acquire=True)
        _TURN.set(turn)
    async with turn:
        await cancel_shielded_checkpoint()  # what was done before may have held the event loop as long as this will
        return work()


async def seal(rows: Sequence[Any]) -> None:
    """Seal a table that is long, from a thread; others are left."""
    if isinstance(rows, Table) and len(rows) > LONG:
        await to_thread.run_sync(rows.seal)


async def free(*held: Sequence[Any] | Keyed[Any]) -> None:
    """Empty large tables and lists, which are not looked at any more, piece by piece; others are left."""
    large = [each for each in held if isinstance(each, Table | Keyed | list) and len(each) > LONG]
    if large:
        await to_thread.run_sync(_empty, large)


def _empty(held: list[Table[Any] | Keyed[Any] | list[Any]]) -> None:
    while held:
        each = held.pop()
        if isinstance(each, Table):
            each.drain()
        elif isinstance(each, Keyed):
            each.clear()
        else:
            while each:
                del each[-SLICE:]
