"""Keep long pure work off the event loop: a large comparison must not delay other companies' answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from anyio import to_thread

from engine.model.table import SLICE, Keyed, Table
from engine.sources.turn import in_turn

T = TypeVar("T")

LONG = 3_000
"""Rows that take some 10 ms to compare: more are compared in a thread, and other companies' requests go on."""


async def think(rows: int, work: Callable[[], T]) -> T:
    """Return the result of pure work on `rows` rows: on the event loop, in its turn, or from a thread if it is long."""
    if rows > LONG:
        return await to_thread.run_sync(work)
    return await in_turn(rows, work)


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
