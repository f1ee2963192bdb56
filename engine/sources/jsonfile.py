"""NDJSON (one object a line, streamed) and JSON (one array, read whole) in batches."""

from __future__ import annotations

import os
from collections.abc import Generator
from functools import partial
from typing import Any, BinaryIO

import orjson

from engine.errors import SourceError
from engine.model.settings import RawRow
from engine.sources.batch import NULS_OF_UTF_16, Batch, Broken
from engine.sources.mapping import ColumnMap

BATCH_ROWS = 2_000

LINE_BYTES = 4_000_000
"""A longer line means that this is no NDJSON file; it is not read to its end."""

JSON_BYTES = 256_000_000
"""A JSON file is held whole while it is read, some five times its size; a larger one belongs in NDJSON."""

_BOM = b"\xef\xbb\xbf"


def ndjson_batches(file: BinaryIO, name: str, mapping: ColumnMap) -> Generator[Batch, None, None]:
    """Yield the objects of an open file, at least one batch. Raises `SourceError`, `UnicodeDecodeError`, `OSError`."""
    rows: list[RawRow] = []
    lines: list[int] = []
    for number, line in enumerate(iter(partial(file.readline, LINE_BYTES), b""), 1):
        if number == 1:
            line = line.removeprefix(_BOM)  # noqa: PLW2901  the mark is no part of the line
        if line.isspace() or not line:
            continue
        rows.append(_object(line, name, number))
        lines.append(number)
        if len(rows) >= BATCH_ROWS:
            yield Batch(rows, columns=None, lines=lines, mapping=mapping)
            rows, lines = [], []
    yield Batch(rows, columns=None, lines=lines, mapping=mapping)


def json_batches(file: BinaryIO, name: str, mapping: ColumnMap) -> Generator[Batch, None, None]:
    """Yield the objects of an open file that holds one array, at least one batch. Raises as `ndjson_batches`."""
    if os.fstat(file.fileno()).st_size > JSON_BYTES:
        raise SourceError(f"{name} is larger than {JSON_BYTES:,} bytes: write it as NDJSON (.ndjson)", file=name)
    rows = [row if type(row) is dict else _stray(row) for row in _array(file.read().removeprefix(_BOM), name)]
    for start in range(0, len(rows) or 1, BATCH_ROWS):
        yield Batch(rows[start : start + BATCH_ROWS], columns=None, lines=None, mapping=mapping)


def _object(line: bytes, name: str, number: int) -> RawRow:
    """Return the object on a line, or the row as broken. Raises when the line is not text at all."""
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        line.decode()
        is_binary = line.count(b"\0") * NULS_OF_UTF_16 >= len(line)
        if is_binary or len(line) >= LINE_BYTES:
            fault = "NUL bytes" if is_binary else f"more than {LINE_BYTES:,} bytes"
            raise SourceError(f"{name}, line {number}: {fault}: not NDJSON", file=name, line=number) from None
        return Broken("bad-json", f"the line is not JSON: {error}")
    return row if type(row) is dict else _stray(row)


def _stray(value: object) -> Broken:
    return Broken("bad-json", f"an object is wanted, this is of type {type(value).__name__}")


def _array(text: bytes, name: str) -> list[Any]:
    """Return a document's one array: the document itself, or what stands under `dimensions`."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        text.decode()
        raise SourceError(f"{name}, line {error.lineno}: not JSON: {error}", file=name, line=error.lineno) from error
    rows = document.get("dimensions") if isinstance(document, dict) else document
    if not isinstance(rows, list):
        raise SourceError(f"{name}: an array of objects is wanted, alone or under `dimensions`", file=name)
    return rows
