"""Parquet in batches, with pyarrow (the extra `parquet`)."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, BinaryIO

from engine.errors import SourceError
from engine.sources.batch import Batch
from engine.sources.mapping import ColumnMap
from engine.sources.table import BATCH_ROWS, cell, table


class Unreadable:
    """A value that Python cannot represent: it is no text, and no filter matches it."""


def parquet_batches(file: BinaryIO, name: str, mapping: ColumnMap) -> Generator[Batch, None, None]:
    """Yield the rows of an open file, at least one batch. Raises `SourceError`, `OSError`.

    In memory are the pages of one row group, not the whole file.
    """
    import pyarrow as pa  # noqa: PLC0415  an optional dependency, which takes a third of a second to load
    from pyarrow import parquet  # noqa: PLC0415  an optional dependency

    try:
        with parquet.ParquetFile(file) as reader:
            columns = tuple(column.strip() for column in reader.schema_arrow.names)
            yield table(columns, (), lines=None, mapping=mapping)
            for batch in reader.iter_batches(
                BATCH_ROWS, use_threads=False
            ):  # this code already runs in a thread of its own
                rows = zip(*map(_cells, batch.columns), strict=True)
                yield table(columns, rows, lines=None, mapping=mapping)
    except pa.ArrowException as error:
        raise SourceError(f"{name} cannot be read as Parquet: {error}", file=name) from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{name}: a text column holds what is not UTF-8: {error}", file=name) from error


def _cells(column: Any) -> Sequence[object]:
    """Return an Arrow array's values."""
    try:
        return list(map(cell, column.to_pylist()))
    except UnicodeDecodeError:
        raise
    except (ValueError, OverflowError):  # nanoseconds, a distant year, an unknown zone: no field of text is concerned
        unread = Unreadable()
        return [unread if valid else "" for valid in column.is_valid().to_pylist()]
