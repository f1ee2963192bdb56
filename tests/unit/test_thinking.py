"""Large work and large tables are kept off the event loop."""

from __future__ import annotations

from sys import getrefcount
from threading import get_ident

import pytest

from engine.model.table import Table
from engine.run.thinking import LONG, SHORT, free, think


@pytest.mark.parametrize(("rows", "on_loop"), [(0, True), (SHORT + 1, True), (LONG, True), (LONG + 1, False)])
async def test_long_work_is_done_by_a_thread(rows: int, on_loop: bool) -> None:
    assert (await think(rows, get_ident) == get_ident()) is on_loop


@pytest.mark.parametrize(("rows", "is_freed"), [(0, False), (LONG, False), (LONG + 1, True)])
async def test_large_tables_are_freed(rows: int, is_freed: bool) -> None:
    column = ["k"] * rows
    tables = [Table(("key",), [column], tuple), Table(("key",), [column], tuple)]
    held = getrefcount(column)
    await free(*tables, (), [])
    assert held - getrefcount(column) == (2 if is_freed else 0)
