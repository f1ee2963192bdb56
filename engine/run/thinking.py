"""Keep long pure work off the event loop: a large comparison must not delay other companies' answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import anyio
from anyio import to_thread
from anyio.lowlevel import RunVar

from engine.model.table import Table

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
        return work()


async def free(*held: Sequence[Any]) -> None:
    """Free the columns of large tables, which are not looked at any more, one after the other; others are left."""
    large = [each for each in held if isinstance(each, Table) and len(each) > LONG]
    if large:
        await to_thread.run_sync(_drain, large)


def _drain(tables: Iterable[Table[Any]]) -> None:
    for table in tables:
        table.drain()
