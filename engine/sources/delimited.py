"""CSV in batches: quoted as in RFC 4180, with comma, semicolon or tab as the header shows, or what the mapping says."""

from __future__ import annotations

import csv
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from functools import partial
from io import StringIO, TextIOWrapper
from itertools import chain
from typing import BinaryIO, Protocol

from engine.errors import SourceError
from engine.model.settings import RawRow
from engine.sources.batch import NULS_OF_UTF_16, Batch, Broken, Grid
from engine.sources.encodings import encoding_of, opened
from engine.sources.expressions import is_empty
from engine.sources.header import SEARCHED, Candidate, located
from engine.sources.mapping import ColumnMap

BATCH_ROWS = 2_000

LINE_CHARACTERS = 1_000_000
"""A longer line means that this is no CSV file, as six fields of 64 KiB have 400,000; it is not read to its end."""

BLOCK_CHARACTERS = 64_000
"""Characters of lines that are taken together: about 800 rows, and less than the longest cell that `csv` accepts."""

_DELIMITERS = ",;\t"

_HEADER_LINES = 20
"""Lines that one header may go over, as column names in quotes may hold line breaks."""

_SEPARATOR = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
"""A first line that tells Excel what separates cells; it is no header."""


class _Reader(Iterator[list[str]], Protocol):
    """What `csv.reader` returns."""

    @property
    def line_num(self) -> int: ...


def csv_batches(file: BinaryIO, name: str, mapping: ColumnMap) -> Generator[Batch, None, None]:
    """Yield the rows of an open file, at least one batch. Raises `SourceError`, `UnicodeError`, `OSError`."""
    with opened(file, encoding_of(file, name, mapping.encoding)) as text:
        yield from _batches(Lines(text, name), name, mapping)


def _batches(lines: Lines, name: str, mapping: ColumnMap) -> Generator[Batch, None, None]:
    header = _header(lines, name, mapping)
    lines.drop(header.ends)
    columns, delimiter = header.columns, header.how
    rows = 0
    while lines.block or lines.advance():
        cells, starts = _split(lines, delimiter, len(columns)) or _parsed(lines, name, delimiter, len(columns))
        for start in range(0, len(cells), BATCH_ROWS):
            end = start + BATCH_ROWS
            yield Batch(cells[start:end], columns=columns, lines=starts[start:end], mapping=mapping)
        rows += len(cells)
        lines.drop(lines.end)
    if not rows:
        yield Batch((), columns=columns, lines=(), mapping=mapping)


def _header(lines: Lines, name: str, mapping: ColumnMap) -> Candidate:
    """Return the line of column names and the delimiter. Raises `SourceError`."""
    head = lines.head(max(SEARCHED, mapping.header or 0) + _HEADER_LINES)
    if not any(map(str.strip, head)):
        raise SourceError(f"{name} is empty: not even a line of column names", file=name)
    first = next(at for at, line in enumerate(head) if line.strip())
    said = _SEPARATOR.fullmatch(head[first].strip())
    delimiters = mapping.delimiter or (said[1] if said else _DELIMITERS)
    if mapping.header is not None:
        tried = range(mapping.header - 1, min(mapping.header, len(head)))
    else:
        tried = range(first + bool(said), min(first + bool(said) + SEARCHED, len(head)))
    faults: list[SourceError] = []
    found = located(_candidates(head, tried, delimiters, name, faults), mapping)
    if found is None:
        raise faults[0] if faults else SourceError(f"{name} has no line {mapping.header} with column names", file=name)
    return found


def _candidates(
    head: Sequence[str], tried: Iterable[int], delimiters: str, name: str, faults: list[SourceError]
) -> Iterator[Candidate]:
    """Yield each line that may be the header, parted by each delimiter, the one that gives the most cells first.

    Lines that cannot be parted are noted in `faults`.
    """
    for at in tried:
        if not head[at].strip():
            continue
        found: list[Candidate] = []
        for mark in delimiters:
            reader = _reader(head[at:], mark)
            try:
                cells = tuple(cell.strip() for cell in next(reader))
            except csv.Error as error:
                faults.append(_unreadable(name, at + 1, error))
            else:
                found.append(Candidate(at + 1, cells, at + reader.line_num, mark))
        yield from sorted(found, key=lambda one: -len(one.columns))


class Lines:
    """A file's physical lines in blocks. Refuses lines that no text file has."""

    def __init__(self, text: TextIOWrapper, name: str) -> None:
        self._text = text
        self._name = name
        self._lines: list[str] | None = []  # lines of the block; None: it is not split yet
        self.block = ""
        self.before = 0  # lines before the block

    def __iter__(self) -> Iterator[str]:
        """Yield the lines of the following blocks."""
        while self.advance():
            yield from self.lines

    @property
    def lines(self) -> list[str]:
        """The block's lines."""
        if self._lines is None:
            self._lines = _split_lines(self.block)
        return self._lines

    @property
    def end(self) -> int:
        """The number of the block's last line."""
        if self._lines is None:  # not split yet: count the line feeds
            return self.before + self.block.count("\n") + (not self.block.endswith("\n"))
        return self.before + len(self._lines)

    def at(self, number: int) -> str:
        """Return a line of the block by its number in the file."""
        return self.lines[number - self.before - 1]

    def head(self, count: int) -> list[str]:
        """Return the file's first lines, which stay in the block; nothing may have been dropped yet."""
        while len(self.lines) < count and (more := self._read()):
            self.block, self._lines = self.block + more, None
        return self.lines[:count]

    def drop(self, end: int) -> None:
        """Take the lines up to this number from the block."""
        if end == self.end:
            self.before, self.block, self._lines = end, "", []
        else:
            rest = self.lines[end - self.before :]
            self.before, self.block, self._lines = end, "".join(rest), rest

    def advance(self) -> bool:
        """Read the next block; False: there is none, and the last block stays the current one."""
        block = self._read()
        if block:
            self.before = self.end
            self.block, self._lines = block, None
        return bool(block)

    def _read(self) -> str:
        block = self._text.read(BLOCK_CHARACTERS)
        if block and not block.endswith("\n"):
            block += self._text.readline(LINE_CHARACTERS)
        if "\0" in block or len(block) >= LINE_CHARACTERS:
            self._refuse_binary(block)
        return block

    def _refuse_binary(self, block: str) -> None:
        """Raise `SourceError` for a line that is no text. A single NUL in a line of text is a fault of its row only."""
        for number, line in enumerate(_split_lines(block), self.end + 1):
            if len(line) >= LINE_CHARACTERS or line.count("\0") * NULS_OF_UTF_16 >= len(line):
                raise self._binary(number, line)

    def _binary(self, number: int, line: str) -> SourceError:
        fault = f"the line is longer than {LINE_CHARACTERS:,} characters: this is not a CSV file"
        if "\0" in line:
            byte = len(line[: line.index("\0")].encode()) + 1
            fault = f"byte {byte} is NUL: this is not UTF-8 text; save it as UTF-8"
            if line.count("\0") * NULS_OF_UTF_16 >= len(line):
                likely = "utf-16-be" if line.startswith("\0") else "utf-16-le"
                fault += f', or say in the mapping what it probably is, UTF-16: encoding = "{likely}"'
        return SourceError(f"{self._name}, line {number}: {fault}", file=self._name, line=number)


def _split_lines(block: str) -> list[str]:
    return list(iter(partial(StringIO(block, newline="").readline, LINE_CHARACTERS), ""))


def _reader(lines: Iterable[str], delimiter: str) -> _Reader:
    return csv.reader(
        lines,
        delimiter=delimiter,
        quotechar='"',
        doublequote=True,
        skipinitialspace=True,  # so that `a, "b"` has a quoted cell; text is trimmed anyway
        strict=True,
    )


def _split(lines: Lines, delimiter: str, width: int) -> tuple[Sequence[list[str] | RawRow], Sequence[int]] | None:
    """Return the rows of a block and the lines that they start on; None unless each line is one row without quotes.

    Without quotes, each delimiter and each line end ends a cell; to split there takes half the time of `csv`. Each line
    end becomes a cell of its own: if these cells are `width` cells apart, all rows have that width.
    """
    if width == 1 or '"' in lines.block or "\0" in lines.block or len(lines.block) > csv.field_size_limit():
        return None
    end = "\r\n" if "\r" in lines.block else "\n"
    text = lines.block.removesuffix(end)
    cells = text.replace(end, f"{delimiter}\n{delimiter}").split(delimiter)
    count = text.count("\n") + 1
    if len(cells) != count * (width + 1) - 1 or cells[width :: width + 1].count("\n") != count - 1:
        return None
    if end == "\r\n" and text.count("\r") != count - 1:
        return None
    del cells[width :: width + 1]
    return Grid(cells, width), range(lines.before + 1, lines.before + count + 1)


def _parsed(lines: Lines, name: str, delimiter: str, width: int) -> tuple[list[list[str] | RawRow], list[int]]:
    """Parse one block with `csv`, reading further blocks until its last row ends; return rows and first lines."""
    before = lines.before
    reader = _reader(chain(lines.lines, lines), delimiter)
    cells: list[list[str] | RawRow] = []
    starts: list[int] = []
    while (line := before + reader.line_num + 1) <= lines.end:
        try:
            found = next(reader)
        except csv.Error as error:
            if before + reader.line_num > line or lines.at(line).count('"') % 2:
                raise _unreadable(name, line, error) from error
            cells.append(_broken(error))
        else:
            if len(found) != width and all(map(is_empty, found)):
                continue
            cells.append(found if len(found) == width else _trimmed(found, width))
        starts.append(line)
    return cells, starts


def _trimmed(row: list[str], width: int) -> list[str] | RawRow:
    """Return a row without surplus cells in which nothing stands; a broken row if it has another width then."""
    if len(row) > width and all(map(is_empty, row[width:])):
        return row[:width]
    return Broken("ragged-row", f"the row has {len(row)} cells, the header {width}", row)


def _broken(error: csv.Error) -> Broken:
    """Return a row with a fault in its quotes, of which it is certain that it ends with its line."""
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
