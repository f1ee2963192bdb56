"""CSV in batches: comma, semicolon or tab (the header line tells which), quoted as RFC 4180 says, UTF-8."""

from __future__ import annotations

import csv
from collections.abc import Generator, Iterator
from functools import partial
from io import TextIOWrapper
from itertools import chain, islice, repeat
from typing import BinaryIO, Protocol

from engine.errors import SourceError
from engine.model.settings import RawRow
from engine.sources.batch import NULS_OF_UTF_16, Batch, Broken
from engine.sources.mapping import ColumnMap

BATCH_ROWS = 2_000
"""Rows of one batch: some 3 ms of reading and 4 ms of checking."""

LINE_CHARACTERS = 1_000_000
"""A longer line means that this is no CSV file (six fields of 64 KiB are 400,000); it is not read to its end."""

_BLOCK_LINES = 256

_DELIMITERS = ",;\t"


class _Reader(Iterator[list[str]], Protocol):
    """What `csv.reader` returns."""

    @property
    def line_num(self) -> int: ...


def csv_batches(file: BinaryIO, name: str, mapping: ColumnMap) -> Generator[Batch, None, None]:
    """Yield the rows of an open file, at least one batch. Raises `SourceError`, `UnicodeDecodeError`, `OSError`."""
    with TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        yield from _batches(_Lines(text, name), name, mapping)


def _batches(lines: _Lines, name: str, mapping: ColumnMap) -> Generator[Batch, None, None]:
    feed = iter(lines)
    blank, header = next(((n, line) for n, line in enumerate(feed) if line.strip()), (0, None))
    if header is None:
        raise SourceError(f"{name} is empty: not even a line of column names", file=name)
    reader = csv.reader(
        chain(repeat("", blank), (header,), feed),  # blank lines are handed on, so that `line_num` is the file's
        delimiter=_delimiter(header),
        quotechar='"',
        doublequote=True,
        skipinitialspace=True,  # `a, "b"` is meant as it looks; text is trimmed anyway
        strict=True,
    )
    try:
        columns = tuple(cell.strip() for cell in next(filter(None, reader)))
    except csv.Error as error:
        raise _unreadable(name, blank + 1, error) from error
    cells: list[list[str] | RawRow] = []
    starts: list[int] = []
    for line, row in _rows(reader, lines, name, len(columns)):
        starts.append(line)
        cells.append(row)
        if len(cells) >= BATCH_ROWS:
            yield Batch(cells, columns=columns, lines=starts, mapping=mapping)
            cells, starts = [], []
    yield Batch(cells, columns=columns, lines=starts, mapping=mapping)


class _Lines:
    """A file's physical lines; refuses what no text file holds. Checked in blocks: a line costs nothing more."""

    def __init__(self, text: TextIOWrapper, name: str) -> None:
        self._name = name
        self._lines = iter(partial(text.readline, LINE_CHARACTERS), "")
        self._block: list[str] = []
        self._before = 0  # lines before the block

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(iter(self._next_block, []))

    def at(self, number: int) -> str:
        """Return a line of the block that is being read."""
        return self._block[number - self._before - 1]

    def _next_block(self) -> list[str]:
        block = list(islice(self._lines, _BLOCK_LINES))
        if block:  # the last block stays to be looked at
            self._before += len(self._block)
            self._block = block
        if "\0" in "".join(block) or max(map(len, block), default=0) >= LINE_CHARACTERS:
            self._refuse_binary()
        return block

    def _refuse_binary(self) -> None:
        """Raise for what is no text. One NUL among text is a row's fault, and is told as that."""
        for number, line in enumerate(self._block, self._before + 1):
            if len(line) >= LINE_CHARACTERS or line.count("\0") * NULS_OF_UTF_16 >= len(line):
                raise self._binary(number, line)

    def _binary(self, number: int, line: str) -> SourceError:
        fault = f"the line is longer than {LINE_CHARACTERS:,} characters: this is not a CSV file"
        if "\0" in line:
            byte = len(line[: line.index("\0")].encode()) + 1
            fault = f"byte {byte} is NUL: this is not UTF-8 text; save it as UTF-8"
        return SourceError(f"{self._name}, line {number}: {fault}", file=self._name, line=number)


def _delimiter(header: str) -> str:
    """Return which of comma, semicolon and tab cuts the header into most columns."""
    return max(_DELIMITERS, key=lambda mark: len(next(csv.reader([header], delimiter=mark))))


def _rows(
    reader: _Reader, lines: _Lines, name: str, width: int
) -> Generator[tuple[int, list[str] | RawRow], None, None]:
    """Yield each row with the line it starts on; blank lines are no rows."""
    start = reader.line_num + 1
    while True:
        try:
            for row in reader:
                line, start = start, reader.line_num + 1
                if len(row) == width:
                    yield line, row
                elif len(row) > 1 or (row and row[0].strip()):
                    yield line, Broken("ragged-row", f"the row has {len(row)} cells, the header {width}")
        except csv.Error as error:
            if reader.line_num > start or lines.at(start).count('"') % 2:
                raise _unreadable(name, start, error) from error
            yield start, _broken(error)
            start = reader.line_num + 1
        else:
            return


def _broken(error: csv.Error) -> Broken:
    """Return a row that csv could not read and that surely ends with its line."""
    if "field limit" in str(error):
        return Broken("too-long", f"a field of the row is too long: {error}")
    return Broken("bad-quoting", f"the row's quotes do not fit ({error}): double a quote inside a quoted field")


def _unreadable(name: str, line: int, error: csv.Error) -> SourceError:
    return SourceError(
        f"{name}, line {line}: a quote is opened in this row and not closed properly ({error}): "
        "close it, and double quotes inside quoted fields",
        file=name,
        line=line,
    )
