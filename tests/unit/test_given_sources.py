"""Rows that a program has: iterables, data frames and cursors, read as a run reads them."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from anyio import Event, create_task_group, from_thread, sleep_forever, to_thread
from sqlalchemy import NullPool, create_engine, text

from engine import ColumnMap, ConfigError, Dimension, GivenRows, SourceError, from_cursor, from_frame, from_iterable
from engine.model.dimension import DIMENSIONS
from engine.model.wanted import Wanted
from engine.sources.base import read
from engine.testing import check_source
from engine.wire import guide

COLUMNS = tuple(DIMENSIONS.columns.values())
ROWS = [Dimension(f"k{n}", "account", "Account", f"Name {n}", f"{n}", f"C{n}") for n in range(5)]
OBJECTS: list[dict[str, object]] = [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]
ODD = ColumnMap(
    columns={"erp_dimension_id": "No", "name": "Title", "code": "Short"},
    type_code="account",
    type_label="Account",
    key="{erp_dimension_id}",
    numbers_as_ids=True,
)
"""The mapping of the frames and cursors of these tests."""


async def rows_of(source: GivenRows) -> list[Dimension]:
    return list((await wanted(source)).rows)


async def wanted(source: GivenRows) -> Wanted:
    return await read(source, company_id=1, type_codes=guide.DIALECT.type_codes)


class PandasLike:
    """As much of a frame of pandas as is asked for."""

    def __init__(self, columns: Sequence[str], rows: Sequence[tuple[object, ...]]) -> None:
        self.columns, self._rows = columns, rows

    def itertuples(self, *, index: bool, name: None) -> Iterator[tuple[object, ...]]:
        assert (index, name) == (False, None)
        return iter(self._rows)


class PolarsLike:
    """As much of a frame of polars as is asked for."""

    def __init__(self, columns: Sequence[str], rows: Sequence[tuple[object, ...]]) -> None:
        self.columns, self._rows = columns, rows

    def iter_rows(self) -> Iterator[tuple[object, ...]]:
        return iter(self._rows)


class NAType:
    """pandas' NA: it is equal to nothing, and neither true nor false."""

    def __ne__(self, other: object) -> Any:
        return self

    def __eq__(self, other: object) -> Any:
        return self

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        raise TypeError("boolean value of NA is ambiguous")


class Record:
    """A row as asyncpg gives it: no mapping by its type, with the methods of one."""

    def __init__(self, row: dict[str, object]) -> None:
        self._row = row

    def items(self) -> Any:
        return self._row.items()


class AsyncCursor:
    """A cursor that notes how many rows were asked for."""

    def __init__(self, rows: Sequence[Any], columns: Sequence[str] | None = None) -> None:
        self._rows, self.given = rows, 0
        if columns is not None:
            self.keys = lambda: columns

    async def __aiter__(self) -> AsyncIterator[Any]:
        for row in self._rows:
            self.given += 1
            yield row


def opening(rows: Sequence[Any], columns: Sequence[str] | None = None) -> Callable[[], Any]:
    @asynccontextmanager
    async def opened() -> AsyncIterator[AsyncCursor]:
        yield AsyncCursor(rows, columns)

    return opened


@contextmanager
def sqlite_cursor() -> Iterator[sqlite3.Cursor]:
    with closing(sqlite3.connect(":memory:", check_same_thread=False)) as connection:
        yield filled(connection).execute("select * from rows_given")


def filled(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.execute(f"create table rows_given ({', '.join(COLUMNS)})")
    connection.executemany("insert into rows_given values (?, ?, ?, ?, ?, ?)", ROWS)
    return connection


def sqlalchemy_result(path: Path) -> Callable[[], Any]:
    with closing(sqlite3.connect(path)) as connection:
        filled(connection).commit()
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)

    @contextmanager
    def opened() -> Iterator[Any]:
        with engine.connect() as connection:
            yield connection.execute(text("select * from rows_given"))

    return opened


MAKERS: dict[str, Callable[[Path], GivenRows]] = {
    "a list of dimensions": lambda _: from_iterable(ROWS),
    "a list of mappings": lambda _: from_iterable(OBJECTS),
    "a generator function": lambda _: from_iterable(lambda: (row for row in ROWS)),
    "in the event loop": lambda _: from_iterable(OBJECTS, in_thread=False),
    "a frame of pandas": lambda _: from_frame(PandasLike(COLUMNS, ROWS)),
    "a frame of polars": lambda _: from_frame(PolarsLike(COLUMNS, ROWS)),
    "records of asyncpg": lambda _: from_cursor(opening([Record(row) for row in OBJECTS])),
    "rows of an async SQLAlchemy result": lambda _: from_cursor(opening(ROWS, COLUMNS)),
    "mappings of a result": lambda _: from_cursor(opening(OBJECTS, COLUMNS)),
    "a cursor of sqlite3": lambda _: from_cursor(sqlite_cursor),
    "a result of SQLAlchemy": lambda path: from_cursor(sqlalchemy_result(path / "rows.db")),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
async def test_each_is_a_source_that_can_be_relied_on(make: Callable[[Path], GivenRows], tmp_path: Path) -> None:
    source = make(tmp_path)
    assert await check_source(lambda: source) == tuple(ROWS)


CELLS: dict[str, tuple[object, str | None]] = {
    "text": ("0100", "0100"),
    "a whole number": (6000, "6000"),
    "a whole number that pandas made a float": (6000.0, "6000"),
    "a whole decimal": (Decimal("6000.00"), "6000"),
    "None": (None, "missing-field"),
    "NaN": (float("nan"), "missing-field"),
    "NA": (NAType(), "missing-field"),
    "a fraction": (0.5, "not-text"),
    "a date": (datetime(2026, 1, 2), "not-text"),  # noqa: DTZ001  as frames hold them
    "a boolean": (True, "not-text"),
    "a list": ([1, 2], "not-text"),
}


@pytest.mark.parametrize(("value", "told"), CELLS.values(), ids=CELLS)
@pytest.mark.parametrize("kind", ["pandas", "polars", "cursor", "records"])
async def test_a_cell_of_an_id_is_taken_as_in_other_tables(value: object, told: str | None, kind: str) -> None:
    columns, row = ("No", "Title", "Short"), (value, "Rent", None)
    source = {
        "pandas": lambda: from_frame(PandasLike(columns, [row]), ODD),
        "polars": lambda: from_frame(PolarsLike(columns, [row]), ODD),
        "cursor": lambda: from_cursor(opening([row], columns), ODD),
        "records": lambda: from_cursor(opening([Record(dict(zip(columns, row, strict=True)))]), ODD),
    }[kind]()
    found = await wanted(source)
    if found.rows:
        assert found.rows[0] == Dimension(str(told), "account", "Account", "Rent", str(told), None)
    else:
        assert {problem.code for problem in found.problems} == {told}


@pytest.mark.parametrize("library", ["pandas", "polars"])
async def test_frames_of_the_libraries_themselves(library: str) -> None:
    """Where they are installed: they are no dependencies of ours."""
    module = pytest.importorskip(library)
    data = {"No": [6000, 6100, None], "Title": ["Rent", "Wages", "Food"], "Short": [None, "W", "F"]}
    found = await wanted(from_frame(module.DataFrame(data), ODD))
    assert [(row.erp_id, row.name, row.code) for row in found.rows] == [("6000", "Rent", None), ("6100", "Wages", "W")]
    assert [problem.code for problem in found.problems] == ["missing-field"]


async def test_a_mapping_is_applied_to_an_iterable() -> None:
    source = from_iterable([{"No": 6000, "Title": "Rent", "Short": "R"}], ODD)
    assert await rows_of(source) == [Dimension("6000", "account", "Account", "Rent", "6000", "R")]
    with pytest.raises(SourceError, match="a row is Dimension; with a mapping"):
        await rows_of(from_iterable(ROWS, ODD, name="the list"))


async def test_an_iterator_can_be_read_once() -> None:
    source = from_iterable(iter(ROWS), name="the export")
    assert await rows_of(source) == ROWS
    with pytest.raises(SourceError, match="the export has been read, and can be read once: give a list, or a function"):
        await rows_of(source)


@pytest.mark.parametrize("in_thread", [True, False])
async def test_what_an_iterable_raises_fails_the_company_and_closes_it(in_thread: bool) -> None:
    closed = []

    def rows() -> Iterator[Dimension]:
        try:
            yield ROWS[0]
            raise OSError("the disk is gone")
        finally:
            closed.append(True)

    with pytest.raises(SourceError, match="the export failed: OSError: the disk is gone"):
        await rows_of(from_iterable(rows, name="the export", in_thread=in_thread))
    assert closed == [True]


async def test_in_thread_false_keeps_to_the_thread_of_the_event_loop() -> None:
    threads = set()

    def rows() -> Iterator[Dimension]:
        for row in ROWS:
            threads.add(threading.get_ident())
            yield row

    await rows_of(from_iterable(rows, in_thread=False))
    assert threads == {threading.get_ident()}


async def test_an_iterable_is_read_no_further_than_two_thousand_rows_ahead() -> None:
    given = 0

    def rows() -> Iterator[Dimension]:
        nonlocal given
        for given in range(1, 10_001):
            yield ROWS[0]._replace(key=f"k{given}")

    reading: Any = aiter(from_iterable(rows))
    taken = 0
    async for batch in reading:
        taken += len(batch)
        assert given <= taken + 2_000
    assert taken == given == 10_000


async def test_a_cursor_is_asked_for_no_more_than_is_taken() -> None:
    cursor = AsyncCursor([ROWS[0]._replace(key=f"k{n}") for n in range(10_000)], COLUMNS)

    @asynccontextmanager
    async def opened() -> AsyncIterator[AsyncCursor]:
        yield cursor

    taken = 0
    async for batch in from_cursor(opened):
        taken += len(batch)
        assert cursor.given == taken
    assert taken == 10_000


async def test_a_cancelled_reading_leaves_the_cursor_s_block() -> None:
    is_waiting, left = Event(), []

    class Stuck:
        async def __aiter__(self) -> AsyncIterator[Record]:
            yield Record(OBJECTS[0])
            is_waiting.set()
            await sleep_forever()

    @asynccontextmanager
    async def opened() -> AsyncIterator[Stuck]:
        try:
            yield Stuck()
        finally:
            left.append(True)

    async with create_task_group() as tasks:
        tasks.start_soon(rows_of, from_cursor(opened))
        await is_waiting.wait()
        tasks.cancel_scope.cancel()
    assert left == [True]


async def test_a_cancelled_reading_does_not_wait_for_a_slow_iterator_which_is_closed_afterwards() -> None:
    is_waiting, go_on, closed = Event(), threading.Event(), threading.Event()

    def rows() -> Iterator[Dimension]:
        try:
            yield ROWS[0]
            from_thread.run_sync(is_waiting.set)
            go_on.wait(10)
            yield ROWS[1]
        finally:
            closed.set()

    async with create_task_group() as tasks:
        tasks.start_soon(rows_of, from_iterable(rows))
        await is_waiting.wait()
        tasks.cancel_scope.cancel()
    assert not closed.is_set()
    go_on.set()
    assert await to_thread.run_sync(closed.wait, 10)


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        ([], "list is no data frame"),
        (type("LazyFrame", (), {"columns": (), "collect": None})(), "LazyFrame is no data frame .* Collect it first"),
    ],
)
def test_what_is_no_frame_is_refused_at_once(thing: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        from_frame(thing)


async def test_a_cursor_without_columns_whose_rows_are_tuples_is_refused() -> None:
    with pytest.raises(SourceError, match="the query: its rows are no mappings, and the cursor tells no columns"):
        await rows_of(from_cursor(opening(ROWS)))


def test_a_block_of_either_kind_is_taken() -> None:
    assert isinstance(opening([])(), AbstractAsyncContextManager)
    assert repr(from_iterable([], name="the list")) == "GivenRows('the list')"
