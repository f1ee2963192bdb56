"""Write rows as Ottimate shows them to CSV, NDJSON or Parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from engine.cli.show.csv_cells import guarded
from engine.model.dimension import DIMENSIONS, RemoteRow

FIELDS = ("type_label", "type_code", "name", "code", "erp_id", "key")
HEADER = ("ottimate_company_id", "id", *(DIMENSIONS.columns[name] for name in FIELDS))
"""Columns of each format. Those behind `id` are the ones that a source has; what was not shown is empty."""

Put = Callable[[int, Sequence[RemoteRow]], None]
"""Writes rows of a company, by its id."""

ENDINGS = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".parquet": "parquet"}


def format_of(file: Path, form: str | None) -> str:
    """Return the format that is asked for, or that the file's ending says. Raises `UsageError`."""
    found = form or ENDINGS.get(file.suffix.lower())
    if found is None:
        raise click.UsageError(f"{file}: the ending tells no format; add --format csv, ndjson or parquet")
    if found == "parquet":
        try:
            import pyarrow as pa  # noqa: F401, PLC0415  an optional dependency, asked for before any request
        except ImportError as error:
            raise click.UsageError("Parquet needs pyarrow: pip install 'dimsync[parquet]'") from error
    return found


@contextmanager
def rows_writer(part: Path, form: str) -> Iterator[Put]:
    """Open a file for rows of many companies. Raises `OSError`."""
    with _WRITERS[form](part) as put:
        yield put


def _cells(company_id: int, row: RemoteRow) -> tuple[int, Any, *tuple[Any, ...]]:
    """Return a row's values in the order of `HEADER`; half of a surrogate pair, which UTF-8 cannot hold, is escaped."""
    texts = (getattr(row, name) for name in ("id", *FIELDS))
    return (company_id, *(text and text.encode("utf-8", "backslashreplace").decode() for text in texts))


@contextmanager
def _csv(part: Path) -> Iterator[Put]:
    with part.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(HEADER)

        def put(company_id: int, rows: Sequence[RemoteRow]) -> None:
            for row in rows:
                first, *texts = _cells(company_id, row)
                writer.writerow((first, *(guarded(text or "") for text in texts)))

        yield put


@contextmanager
def _ndjson(part: Path) -> Iterator[Put]:
    with part.open("w", encoding="utf-8", newline="") as stream:

        def put(company_id: int, rows: Sequence[RemoteRow]) -> None:
            for row in rows:
                shown = zip(HEADER, _cells(company_id, row), strict=True)
                line = {name: value for name, value in shown if value not in (None, "")}
                stream.write(f"{json.dumps(line, ensure_ascii=False)}\n")

        yield put


@contextmanager
def _parquet(part: Path) -> Iterator[Put]:
    import pyarrow as pa  # noqa: PLC0415  an optional dependency, which takes a third of a second to load
    from pyarrow import parquet  # noqa: PLC0415  an optional dependency

    schema = pa.schema([(HEADER[0], pa.int64()), *((name, pa.string()) for name in HEADER[1:])])
    with parquet.ParquetWriter(part, schema) as writer:

        def put(company_id: int, rows: Sequence[RemoteRow]) -> None:
            columns = list(zip(*(_cells(company_id, row) for row in rows), strict=True)) or [()] * len(HEADER)
            arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))

        yield put


_WRITERS = {"csv": _csv, "ndjson": _ndjson, "parquet": _parquet}
