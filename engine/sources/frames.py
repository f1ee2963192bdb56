"""Data frames as sources: those of pandas and polars, and others that look like them. Neither is imported."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Protocol, cast

from engine.errors import ConfigError
from engine.sources.batch import Batch
from engine.sources.given import GivenRows
from engine.sources.mapping import PLAIN, ColumnMap
from engine.sources.protocol import Rows
from engine.sources.reading import Reading
from engine.sources.table import cell, own, rows_at_once, table


class Frame(Protocol):
    """What every data frame has: the names of its columns. Its rows are had from `itertuples` or `iter_rows`."""

    @property
    def columns(self) -> Iterable[Any]:
        """The names of its columns, in order."""
        ...


def from_frame(frame: Frame, mapping: ColumnMap | None = None, *, name: str = "the data frame") -> GivenRows:
    """Make a source of a data frame of pandas (`itertuples`) or polars (`iter_rows`); its index is not read.

    Cells are taken as those of Excel and Parquet are: None, NaN, NaT and NA are empty; 6000.0 is the whole number 6000,
    since pandas makes floats of whole numbers as soon as one is missing. A number, a date or a boolean in one of the
    six fields makes its row `invalid`, unless `mapping` has `numbers_as_ids=True`, by which whole numbers in ids are
    taken for text. Leading zeros that were lost when the frame was made stay lost: read ids as text.

    It is read in threads, 2,000 rows at a time, and no more than that is ever copied. Do not change it meanwhile. A run
    that is cancelled does not wait for the thread. Raises `ConfigError` for what is no data frame.
    """
    if not hasattr(frame, "columns") or not (hasattr(frame, "itertuples") or hasattr(frame, "iter_rows")):
        lazy = " Collect it first." if hasattr(frame, "collect") else ""
        raise ConfigError(f"{type(frame).__name__} is no data frame with `itertuples` or `iter_rows`.{lazy}")

    def begin() -> AsyncIterator[Rows]:
        return cast("AsyncIterator[Rows]", Reading(_batches(frame, mapping or PLAIN)))

    return GivenRows(name, begin)


def _batches(frame: Frame, mapping: ColumnMap) -> Generator[Batch, None, None]:
    columns = tuple(str(column).strip() for column in frame.columns)
    yield table(columns, (), lines=None, mapping=mapping)
    rows, most = _rows(frame), rows_at_once(len(columns))
    while chunk := [tuple(cell(own(value)) for value in row) for row in islice(rows, most)]:
        yield table(columns, chunk, lines=None, mapping=mapping)


def _rows(frame: Any) -> Iterator[Sequence[object]]:
    if hasattr(frame, "itertuples"):
        return iter(frame.itertuples(index=False, name=None))
    return iter(frame.iter_rows())
