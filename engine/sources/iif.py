"""Read IIF of QuickBooks in batches: tab-separated lists, one below the other; the mapping is for one of them.

A list's column names stand on a line that begins with its word and an exclamation mark, `!ACCNT`, and its rows begin
with the word itself. Lists without the mapped columns are passed over, like other sheets of a workbook.
"""

from __future__ import annotations

import csv
from collections.abc import Generator, Iterator
from typing import BinaryIO

from engine.errors import SourceError
from engine.model.settings import RawRow
from engine.sources.batch import BATCH_BYTES, Batch, Broken
from engine.sources.cells import Table
from engine.sources.delimited import BATCH_ROWS
from engine.sources.encodings import encoding_of, opened
from engine.sources.header import Candidate, located
from engine.sources.layout import layout
from engine.sources.lines import Lines
from engine.sources.mapping import ColumnMap


def iif_batches(file: BinaryIO, name: str, mapping: ColumnMap) -> Generator[Batch, None, None]:
    """Yield the rows of an open file, at least one batch. Raises `SourceError`, `UnicodeError`, `OSError`."""
    with opened(file, encoding_of(file, name, mapping.encoding)) as text:
        yield from _batches(Lines(text, name), name, mapping)


def _batches(lines: Lines, name: str, mapping: ColumnMap) -> Generator[Batch, None, None]:
    word = ""  # of the list that is read
    columns: tuple[str, ...] = ()  # of that list
    others: list[Candidate] = []  # headers of lists without the mapped columns
    cells: list[list[str] | RawRow] = []
    starts: list[int] = []
    characters = 0  # of the cells
    for number, row in _rows(lines):
        if isinstance(row, Broken):
            if columns:
                cells.append(row)
                starts.append(number)
        elif row[0].startswith("!"):
            header = tuple(cell.strip() for cell in row[1:])
            if layout(Table((), header), mapping).missing:
                others.append(Candidate(number, header, number))
                continue
            _require_one(word, row[0][1:], name, number)
            word, columns = row[0][1:], header
        elif columns and row[0] == word:
            cells.append([*row[1:], *[""] * len(columns)][: len(columns)])
            starts.append(number)
            characters += sum(map(len, row))
        if len(cells) >= BATCH_ROWS or characters >= BATCH_BYTES:
            yield Batch(cells, columns=columns, lines=starts, mapping=mapping)
            cells, starts, characters = [], [], 0
    if not columns:
        best = located(others, mapping)
        if best is None:
            raise SourceError(f"{name} has no line that begins with !: it is no IIF file, or is empty", file=name)
        columns = best.columns  # so that a message says which of its columns are missing
    yield Batch(cells, columns=columns, lines=starts, mapping=mapping)


def _require_one(word: str, other: str, name: str, line: int) -> None:
    if word not in {"", other}:
        text = f"{name}, line {line}: the lists {word} and {other} both have all mapped columns: map one that only"
        raise SourceError(f"{text} the wanted list has", file=name, line=line)


def _rows(lines: Lines) -> Iterator[tuple[int, list[str] | Broken]]:
    """Yield the cells of each line that is not blank, with its number."""
    for number, line in enumerate(lines, 1):
        try:
            row = next(csv.reader([line], delimiter="\t", strict=True), [])
        except csv.Error as error:
            yield number, Broken("bad-quoting", f"the row's quotes do not fit: {error}")
        else:
            if any(map(str.strip, row)):
                yield number, [row[0].strip(), *row[1:]]
