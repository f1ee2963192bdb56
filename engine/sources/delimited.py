"""CSV in batches: UTF-8, quoted as in RFC 4180, with comma, semicolon or tab as the header line shows."""

from __future__ import annotations

import csv
from collections.abc import Generator, Iterable, Iterator, Sequence
from functools import partial
from io import StringIO, TextIOWrapper
from itertools import chain, repeat
from typing import BinaryIO, Protocol

from engine.errors import SourceError
from engine.model.settings import RawRow
from engine.sources.batch import NULS_OF_UTF_16, Batch, Broken, Grid
from engine.sources.mapping import ColumnMap

BATCH_ROWS = 2_000

LINE_CHARACTERS = 1_000_000
"""A longer line means that this is no CSV file, as six fields of 64 KiB have 400,000; it is not read to its end."""

BLOCK_CHARACTERS = 64_000
"""Characters of lines that are taken together: about 800 rows, and less than the longest cell that `csv` accepts."""

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
    delimiter = _delimiter(header)
    reader = _reader(
        chain(repeat("", blank), (header,), feed), delimiter
    )  # `line_num` also has to count the blank lines before the header
    try:
        columns = tuple(cell.strip() for cell in next(filter(None, reader)))
    except csv.Error as error:
        raise _unreadable(name, blank + 1, error) from error
    lines.size = BLOCK_CHARACTERS
    rows = 0
    while lines.advance():
        cells, starts = _split(lines, delimiter, len(columns)) or _parsed(lines, name, delimiter, len(columns))
        for start in range(0, len(cells), BATCH_ROWS):
            end = start + BATCH_ROWS
            yield Batch(cells[start:end], columns=columns, lines=starts[start:end], mapping=mapping)
        rows += len(cells)
    if not rows:
        yield Batch((), columns=columns, lines=(), mapping=mapping)


class _Lines:
    """A file's physical lines in blocks. Refuses lines that no text file has."""

    def __init__(self, text: TextIOWrapper, name: str) -> None:
        self._text = text
        self._name = name
        self._lines: list[str] | None = []  # lines of the block; None: it is not split yet
        self.size = 1  # characters of a block, up to the end of its last line: one line at a time
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
            self._lines = list(iter(partial(StringIO(self.block, newline="").readline, LINE_CHARACTERS), ""))
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

    def advance(self) -> bool:
        """Read the next block; False: there is none, and the last block stays the current one."""
        block = self._text.read(self.size)
        if block and not block.endswith("\n"):
            block += self._text.readline(LINE_CHARACTERS)
        if block:
            self.before = self.end
            self.block, self._lines = block, None
            if "\0" in block or len(block) >= LINE_CHARACTERS:
                self._refuse_binary()
        return bool(block)

    def _refuse_binary(self) -> None:
        """Raise `SourceError` for a line that is no text. A single NUL in a line of text is a fault of its row only."""
        for number, line in enumerate(self.lines, self.before + 1):
            if len(line) >= LINE_CHARACTERS or line.count("\0") * NULS_OF_UTF_16 >= len(line):
                raise self._binary(number, line)

    def _binary(self, number: int, line: str) -> SourceError:
        fault = f"the line is longer than {LINE_CHARACTERS:,} characters: this is not a CSV file"
        if "\0" in line:
            byte = len(line[: line.index("\0")].encode()) + 1
            fault = f"byte {byte} is NUL: this is not UTF-8 text; save it as UTF-8"
        return SourceError(f"{self._name}, line {number}: {fault}", file=self._name, line=number)


def _delimiter(header: str) -> str:
    """Return comma, semicolon or tab: the one that splits the header into most columns."""
    return max(_DELIMITERS, key=lambda mark: len(next(csv.reader([header], delimiter=mark))))


def _reader(lines: Iterable[str], delimiter: str) -> _Reader:
    return csv.reader(
        lines,
        delimiter=delimiter,
        quotechar='"',
        doublequote=True,
        skipinitialspace=True,  # so that `a, "b"` has a quoted cell; text is trimmed anyway
        strict=True,
    )


def _split(lines: _Lines, delimiter: str, width: int) -> tuple[Sequence[list[str] | RawRow], Sequence[int]] | None:
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


def _parsed(lines: _Lines, name: str, delimiter: str, width: int) -> tuple[list[list[str] | RawRow], list[int]]:
    """Parse one block with `csv`, reading further blocks until its last row ends; return rows and first lines."""
    before = lines.before
    reader = _reader(chain(lines.lines, lines), delimiter)
    cells: list[list[str] | RawRow] = []
    starts: list[int] = []
    while (line := before + reader.line_num + 1) <= lines.end:
        try:
            row: list[str] | RawRow = next(reader)
        except csv.Error as error:
            if before + reader.line_num > line or lines.at(line).count('"') % 2:
                raise _unreadable(name, line, error) from error
            row = _broken(error)
        else:
            if len(row) != width:
                if len(row) < 2 and not "".join(row).strip():
                    continue
                row = Broken("ragged-row", f"the row has {len(row)} cells, the header {width}")
        cells.append(row)
        starts.append(line)
    return cells, starts


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
