"""Read CSV in batches: quoted as in RFC 4180; the header, or the mapping, tells which delimiter it has."""

from __future__ import annotations

import csv
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import chain
from typing import BinaryIO, Protocol

from engine.errors import SourceError
from engine.model.settings import RawRow
from engine.sources.batch import Batch, Broken, Grid
from engine.sources.encodings import encoding_of, opened
from engine.sources.expressions import is_empty
from engine.sources.header import SEARCHED, Candidate, located
from engine.sources.lines import Lines
from engine.sources.mapping import ColumnMap

BATCH_ROWS = 2_000

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
        split = _split(lines, delimiter, len(columns))
        for cells, starts in (split,) if split else _parsed(lines, name, delimiter, len(columns)):
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
    """Yield each line that may be the header, split by each delimiter, the one that gives the most cells first.

    Lines that cannot be split are noted in `faults`.
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


def _parsed(
    lines: Lines, name: str, delimiter: str, width: int
) -> Iterator[tuple[list[list[str] | RawRow], list[int]]]:
    """Parse blocks with `csv` until a row ends with its block; yield each block's rows and their first lines."""
    before = lines.before
    reader = _reader(chain(lines.lines, lines), delimiter)
    cells: list[list[str] | RawRow] = []
    starts: list[int] = []
    end = lines.end
    while (line := before + reader.line_num + 1) <= lines.end:
        if lines.end > end:  # a row went over to this block
            yield cells, starts
            cells, starts, end = [], [], lines.end
        lines.row = line
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
    yield cells, starts


def _trimmed(row: list[str], width: int) -> list[str] | RawRow:
    """Return a row without surplus cells in which nothing stands; a broken row if it has another width then."""
    if len(row) > width and all(map(is_empty, row[width:])):
        return row[:width]
    return Broken("ragged-row", f"the row has {len(row)} cells, the header {width}", row)


def _broken(error: csv.Error) -> Broken:
    """Return a row whose quotes are faulty, and which ends with its line for certain."""
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
