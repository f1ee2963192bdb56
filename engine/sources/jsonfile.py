"""NDJSON (one object a line, read in blocks) and JSON (one array, read as a whole) in batches."""

from __future__ import annotations

import os
import secrets
from collections.abc import Generator, Sequence
from functools import partial
from io import BytesIO
from typing import Any, BinaryIO, cast

import orjson

from engine.errors import SourceError
from engine.model.settings import RawRow
from engine.sources.batch import NULS_OF_UTF_16, Batch, Broken
from engine.sources.mapping import ColumnMap

BATCH_ROWS = 2_000

LINE_BYTES = 4_000_000
"""A longer line means that this is no NDJSON file; it is not read to its end."""

BLOCK_BYTES = 64_000
"""Bytes of lines that are decoded together: about 350 rows. Larger blocks are slower: they leave the cache."""

JSON_BYTES = 256_000_000
"""Most bytes of a JSON file: while it is read, about five times its size is in memory. Larger ones should be NDJSON."""

_BOM = b"\xef\xbb\xbf"

_BETWEEN = 2**62 + secrets.randbits(62)
"""A number that is put between lines that are decoded together; drawn at random in each process."""


def ndjson_batches(file: BinaryIO, name: str, mapping: ColumnMap) -> Generator[Batch, None, None]:
    """Yield the objects of an open file, at least one batch. Raises `SourceError`, `UnicodeDecodeError`, `OSError`."""
    before, block = 0, _block(file).removeprefix(_BOM)  # the byte order mark is no part of the first line
    while True:
        count = block.count(b"\n") + (not block.endswith(b"\n"))
        rows: Sequence[RawRow] | None = _objects(block, count)
        lines: Sequence[int] = range(before + 1, before + count + 1)
        if rows is None:
            found = list(_each_object(block, name, before))
            lines, rows = [number for number, _ in found], [row for _, row in found]
        for start in range(0, len(rows) or 1, BATCH_ROWS):
            end = start + BATCH_ROWS
            yield Batch(rows[start:end], columns=None, lines=lines[start:end], mapping=mapping)
        before += count
        if not (block := _block(file)):
            return


def _block(file: BinaryIO) -> bytes:
    """Return the next lines. A line that is too long is cut, so that it is reported as such."""
    block = file.read(BLOCK_BYTES)
    if block and not block.endswith(b"\n"):
        block += file.readline(LINE_BYTES - (len(block) - block.rfind(b"\n") - 1))
    return block


def _objects(block: bytes, count: int) -> list[RawRow] | None:
    """Decode `count` lines together and return their objects; None unless each line is exactly one object.

    The lines are joined by a random number that no file can contain on purpose. If every second decoded value is this
    number, no value began on one line and ended on another: then each line was one value.
    """
    text = block.removesuffix(b"\n")
    try:
        values = orjson.loads(b"[%b]" % text.replace(b"\n", b",%d," % _BETWEEN))
    except orjson.JSONDecodeError:
        return None
    rows = values[::2]
    if len(values) != 2 * count - 1 or values[1::2].count(_BETWEEN) != count - 1 or set(map(type, rows)) != {dict}:
        return None
    return cast("list[RawRow]", rows)


def _each_object(block: bytes, name: str, before: int) -> Generator[tuple[int, RawRow], None, None]:
    """Yield the object of each line that is not blank, with the line's number. Raises as `_object`."""
    lines = iter(partial(BytesIO(block).readline, LINE_BYTES), b"")
    for number, line in enumerate(lines, before + 1):
        if not line.isspace():
            yield number, _object(line, name, number)


def json_batches(file: BinaryIO, name: str, mapping: ColumnMap) -> Generator[Batch, None, None]:
    """Yield the objects of an open file that holds one array, at least one batch. Raises as `ndjson_batches`."""
    if os.fstat(file.fileno()).st_size > JSON_BYTES:
        raise SourceError(f"{name} is larger than {JSON_BYTES:,} bytes: write it as NDJSON (.ndjson)", file=name)
    rows = [row if type(row) is dict else _stray(row) for row in _array(file.read().removeprefix(_BOM), name)]
    for start in range(0, len(rows) or 1, BATCH_ROWS):
        yield Batch(rows[start : start + BATCH_ROWS], columns=None, lines=None, mapping=mapping)


def _object(line: bytes, name: str, number: int) -> RawRow:
    """Return the object on a line, or a broken row. Raises when the line is no text."""
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
    """Return a document's array: the document itself, or the value of its key `dimensions`."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        text.decode()
        raise SourceError(f"{name}, line {error.lineno}: not JSON: {error}", file=name, line=error.lineno) from error
    rows = document.get("dimensions") if isinstance(document, dict) else document
    if not isinstance(rows, list):
        raise SourceError(f"{name}: an array of objects is wanted, alone or under `dimensions`", file=name)
    return rows
