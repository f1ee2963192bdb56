"""Large work and large tables are kept off the event loop."""

from __future__ import annotations

from sys import getrefcount
from threading import get_ident

import pytest

from engine.model.table import Keyed, Table
from engine.run.thinking import LONG, free, seal, think
from engine.sources.turn import SHORT


@pytest.mark.parametrize(("rows", "on_loop"), [(0, True), (SHORT + 1, True), (LONG, True), (LONG + 1, False)])
async def test_long_work_is_done_by_a_thread(rows: int, on_loop: bool) -> None:
    assert (await think(rows, get_ident) == get_ident()) is on_loop


@pytest.mark.parametrize(("rows", "is_freed"), [(0, False), (LONG, False), (LONG + 1, True)])
async def test_large_tables_are_freed(rows: int, is_freed: bool) -> None:
    column = ["k"] * rows
    tables = [Table(("key",), [column], tuple), Table(("key",), [column], tuple)]
    held = getrefcount(column)
    changes, keyed = [object()] * rows, Keyed(Table(("key",), [[str(at) for at in range(rows)]], tuple), "key")
    await free(*tables, (), changes, keyed)
    assert held - getrefcount(column) == (2 if is_freed else 0)
    assert (len(changes), len(keyed)) == ((0, 0) if is_freed else (rows, rows))


@pytest.mark.parametrize(("rows", "kind"), [(LONG, list), (LONG + 1, tuple)])
async def test_large_tables_are_sealed(rows: int, kind: type) -> None:
    table = Table(("key",), [["k"] * rows], tuple)
    await seal(table)
    assert isinstance(table.column("key"), kind)
