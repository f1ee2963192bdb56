"""Read NDJSON, one object a line, in blocks of lines."""

from __future__ import annotations

import secrets
from collections.abc import Generator
from functools import partial
from io import BytesIO
from typing import BinaryIO, cast

import orjson

from engine.errors import SourceError
from engine.model.settings import RawRow
from engine.sources.batch import BATCH_BYTES, NULS_OF_UTF_16, Batch, Broken
from engine.sources.mapping import ColumnMap

BATCH_ROWS = 2_000

LINE_BYTES = 4_000_000
"""A longer line means that this is no NDJSON file; it is not read to its end."""

BLOCK_BYTES = 64_000
"""Bytes of lines that are decoded together: about 350 rows. Larger blocks are slower: they leave the cache."""

_BOM = b"\xef\xbb\xbf"

_BETWEEN = 2**62 + secrets.randbits(62)
"""A number that is put between lines that are decoded together; drawn at random in each process."""


def ndjson_batches(file: BinaryIO, name: str, mapping: ColumnMap) -> Generator[Batch, None, None]:
    """Yield the objects of an open file, at least one batch. Raises `SourceError`, `UnicodeDecodeError`, `OSError`."""
    rows: list[RawRow] = []
    lines: list[int] = []
    before, block = 0, _block(file).removeprefix(_BOM)  # the byte order mark is no part of the first line
    size_bytes = 0  # of the lines that the rows stand on
    is_empty = True
    while block:
        count = block.count(b"\n") + (not block.endswith(b"\n"))
        if (objects := _objects(block, count)) is not None:
            rows += objects
            lines += range(before + 1, before + count + 1)
        else:
            for number, row in _each_object(block, name, before):
                rows.append(row)
                lines.append(number)
        before += count
        size_bytes += len(block)
        block = _block(file)
        if len(rows) >= BATCH_ROWS // 2 or size_bytes >= BATCH_BYTES or not block:
            for start in range(0, len(rows), BATCH_ROWS):
                end = start + BATCH_ROWS
                yield Batch(rows[start:end], columns=None, lines=lines[start:end], mapping=mapping)
                is_empty = False
            rows, lines, size_bytes = [], [], 0
    if is_empty:
        yield Batch((), columns=None, lines=(), mapping=mapping)


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
    try:
        values = orjson.loads(b"[%b]" % block.removesuffix(b"\n").replace(b"\n", b",%d," % _BETWEEN))
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
    return row if type(row) is dict else stray(row)


def stray(value: object) -> Broken:
    """Return a broken row in place of a value that is no object."""
    return Broken("bad-json", f"an object is wanted, this is of type {type(value).__name__}")
