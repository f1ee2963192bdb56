"""Rows that a program has: any synchronous iterable as a source that can be read again and again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, cast

from engine.errors import SourceError
from engine.model.dimension import Dimension
from engine.model.settings import RawRow
from engine.sources.batch import Batch
from engine.sources.mapping import ColumnMap
from engine.sources.protocol import Rows
from engine.sources.reading import Batches, Reading
from engine.sources.table import BATCH_ROWS


class GivenRows:
    """A source made by `from_iterable`, `from_frame` or `from_cursor`. Each reading begins at the first row."""

    def __init__(self, name: str, begin: Callable[[], AsyncIterator[Rows]]) -> None:
        self.name = name  # the source's name in messages
        self._begin = begin

    def __repr__(self) -> str:
        return f"GivenRows({self.name!r})"

    def __aiter__(self) -> AsyncIterator[Rows]:
        """Begin a reading."""
        return self._begin()


def from_iterable(
    rows: Iterable[Dimension | RawRow] | Callable[[], Iterable[Dimension | RawRow]],
    mapping: ColumnMap | None = None,
    *,
    name: str = "rows of the program",
    in_thread: bool = True,
) -> GivenRows:
    """Make a source of a list, a generator function, or whatever else gives rows one after the other.

    `rows`: an iterable, or a function that returns a new one for each reading; an iterator or generator itself can be
    read once. `mapping`: how its columns become the six fields, if they are named otherwise; rows are mappings then.

    It is read in threads, so that a slow iterator holds up nobody: 2,000 rows at a time, and the next ones when these
    are taken, so it is never more than that ahead. Successive rows may come from different threads: `in_thread=False`
    reads in the event loop, for what keeps to one thread, such as connections of `sqlite3`. A run that is cancelled
    does not wait for the thread; the iterator is closed (`close`, if it has that) when it has given the row that it is
    at. What it raises fails the company.
    """
    once = _Once(rows, name)
    make = rows if callable(rows) else once.begin

    def begin() -> AsyncIterator[Rows]:
        batches = _batches(make, mapping, name)
        return cast("AsyncIterator[Rows]", Reading(cast("Batches", batches))) if in_thread else _in_loop(batches)

    return GivenRows(name, begin)


class _Once:
    """Refuses a second reading of an iterator, which would give no rows."""

    def __init__(self, rows: object, name: str) -> None:
        self._rows = rows
        self._name = name
        self._was_begun = False

    def begin(self) -> Iterator[Any]:
        """Return an iterator from the first row on."""
        rows = iter(cast("Iterable[Any]", self._rows))
        if rows is self._rows and self._was_begun:
            text = "can be read once: give a list, or a function that makes a new iterator each time"
            raise SourceError(f"{self._name} has been read, and {text}", file=self._name)
        self._was_begun = True
        return rows


def _batches(
    make: Callable[[], Iterable[Any]], mapping: ColumnMap | None, name: str
) -> Generator[Sequence[Dimension | RawRow], None, None]:
    """Yield rows, some thousand together. The iterator is closed in any case."""
    rows = iter(make())
    try:
        while chunk := list(islice(rows, BATCH_ROWS)):
            yield chunk if mapping is None else mapped(chunk, mapping, name)
    finally:
        if (close := getattr(rows, "close", None)) is not None:
            close()


def mapped(rows: Sequence[object], mapping: ColumnMap, name: str) -> Batch:
    """Return mappings as a batch. Raises `SourceError` for a row that is none."""
    if (other := next((row for row in rows if not isinstance(row, Mapping)), None)) is not None:
        text = f"a row is {type(other).__name__}; with a mapping, each row is a mapping of column names to values"
        raise SourceError(f"{name}: {text}", file=name)
    cells = [dict(cast("RawRow", row)) for row in rows]
    return Batch(cells, columns=None, lines=None, mapping=mapping)


async def _in_loop(batches: Generator[Sequence[Dimension | RawRow], None, None]) -> AsyncIterator[Rows]:
    """Yield batches that are made where they are read; the reader lets other tasks run between two of them."""
    try:
        for batch in batches:
            yield batch
    finally:
        batches.close()
