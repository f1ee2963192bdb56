"""Parquet in batches, with pyarrow (the extra `parquet`)."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import Any, BinaryIO

from engine.errors import SourceError
from engine.sources.batch import Batch
from engine.sources.mapping import ColumnMap
from engine.sources.table import cell, rows_at_once, table

ARROW_BYTES = 4_000_000
"""Bytes of Arrow's that make a batch full; as Python's objects they are several times as many."""


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
            rows_each = min(rows_at_once(len(columns)), _rows_of_bytes(reader.metadata))
            for read in reader.iter_batches(rows_each, use_threads=False):  # this code already runs in a thread
                for batch in _in_parts(read):
                    rows = zip(*map(_cells, batch.columns), strict=True)
                    yield table(columns, rows, lines=None, mapping=mapping)
    except pa.ArrowException as error:
        raise SourceError(f"{name} cannot be read as Parquet: {error}", file=name) from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{name}: a text column holds what is not UTF-8: {error}", file=name) from error


def _rows_of_bytes(metadata: Any) -> int:
    """Return how many rows, at least one, are to be read together, by the row group with the largest rows."""
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    return max(1, min((ARROW_BYTES * one.num_rows // max(1, one.total_byte_size) for one in groups), default=1))


def _in_parts(batch: Any) -> Iterator[Any]:
    """Yield a record batch in parts: a dictionary in the file may have made many large cells of one."""
    rows = max(1, ARROW_BYTES * batch.num_rows // max(1, batch.nbytes))
    return (batch.slice(start, rows) for start in range(0, batch.num_rows, rows))


def _cells(column: Any) -> Sequence[object]:
    """Return an Arrow array's values."""
    try:
        return list(map(cell, column.to_pylist()))
    except UnicodeDecodeError:
        raise
    except (ValueError, OverflowError):  # nanoseconds, a distant year, an unknown zone: no field of text is concerned
        unread = Unreadable()
        return [unread if valid else "" for valid in column.is_valid().to_pylist()]
