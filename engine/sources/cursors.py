"""Cursors of a program's own database connections as sources: DB-API, SQLAlchemy, asyncpg, and others like them."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from itertools import islice
from typing import Any, cast

from engine.errors import SourceError
from engine.sources.batch import Batch
from engine.sources.given import GivenRows
from engine.sources.mapping import PLAIN, ColumnMap
from engine.sources.protocol import Rows
from engine.sources.reading import Reading
from engine.sources.table import cell, own, rows_at_once, table

Opened = AbstractAsyncContextManager[AsyncIterable[Any]] | AbstractContextManager[Iterable[Any]]
"""A block in which a cursor is open."""


def from_cursor(
    opened: Callable[[], Opened], mapping: ColumnMap | None = None, *, name: str = "the query"
) -> GivenRows:
    """Make a source of a query on a connection of the program's own. `opened`: opens a cursor for each reading.

        @asynccontextmanager
        async def accounts():
            async with pool.acquire() as connection, connection.transaction(readonly=True):  # asyncpg
                yield connection.cursor("select * from accounts")

        @asynccontextmanager
        async def accounts():
            async with engine.connect() as connection:  # SQLAlchemy
                yield await connection.stream(text("select * from accounts"))

        source = from_cursor(accounts, ColumnMap(...))

    Rows are mappings (asyncpg's records), or tuples of a cursor that tells its columns (`keys()` or `description`).
    Cells are taken as those of `SqlSource` are: NULL is empty, Decimal("6000") a whole number.

    An `async with` block is entered, read and left in the run's own task: 2,000 rows at a time, and the cursor is asked
    for no more until these are taken, so memory is bounded where the driver streams. A run that is cancelled leaves the
    block at once. A `with` block is read in threads, as `from_iterable` says, and its driver has to bear that.
    """

    def begin() -> AsyncIterator[Rows]:
        block = opened()
        if isinstance(block, AbstractAsyncContextManager):
            return _asynchronous(block, mapping or PLAIN, name)
        return cast("AsyncIterator[Rows]", Reading(_synchronous(block, mapping or PLAIN, name)))

    return GivenRows(name, begin)


async def _asynchronous(
    block: AbstractAsyncContextManager[AsyncIterable[Any]], mapping: ColumnMap, name: str
) -> AsyncIterator[Rows]:
    async with block as cursor:
        columns = _columns(cursor)
        rows: list[Any] = []
        most = rows_at_once(len(columns or ()))
        if columns is not None:
            yield table(columns, (), lines=None, mapping=mapping)
        async for row in cursor:
            rows.append(row)
            if len(rows) >= most:
                yield _batch(rows, columns, mapping, name)
                rows = []
        if rows:
            yield _batch(rows, columns, mapping, name)


def _synchronous(
    block: AbstractContextManager[Iterable[Any]], mapping: ColumnMap, name: str
) -> Generator[Batch, None, None]:
    with block as cursor:
        columns = _columns(cursor)
        if columns is not None:
            yield table(columns, (), lines=None, mapping=mapping)
        rows, most = iter(cursor), rows_at_once(len(columns or ()))
        while chunk := list(islice(rows, most)):
            yield _batch(chunk, columns, mapping, name)


def _columns(cursor: Any) -> tuple[str, ...] | None:
    """Return the names of a cursor's columns; None: it does not tell them, so that its rows have to."""
    keys: Any = getattr(cursor, "keys", None)
    description: Any = getattr(cursor, "description", None)
    if callable(keys):
        return tuple(str(name).strip() for name in keys())
    if description:
        return tuple(str(column[0]).strip() for column in description)
    return None


def _batch(rows: Sequence[Any], columns: tuple[str, ...] | None, mapping: ColumnMap, name: str) -> Batch:
    if columns is not None and not isinstance(rows[0], Mapping):
        return table(columns, [tuple(cell(own(value)) for value in row) for row in rows], lines=None, mapping=mapping)
    if not hasattr(rows[0], "items"):
        text = "its rows are no mappings, and the cursor tells no columns (`keys()` or `description`)"
        raise SourceError(f"{name}: {text}", file=name)
    cells = [{str(key): cell(own(value)) for key, value in row.items()} for row in rows]
    return Batch(cells, columns=None, lines=None, mapping=mapping)
