"""Lines of a file that the ledger knows: they are told by their hashes, and only the other lines are read.

A line gives the row that it gave before if it is the same line, under the same header, read in the same way: the seed
of the hashes covers all of that. It has to be a row of its own, and all rows have to have the same columns. Where that
cannot be seen, or where anything but plain rows is found, the whole file is read: this only saves time.
"""

from __future__ import annotations

from array import array
from bisect import insort
from codecs import lookup
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from itertools import repeat
from operator import is_
from typing import Any

from xxhash import xxh3_64_intdigest

from engine.model.dimension import Dimension, dimension_table, dimensions
from engine.model.ledger_writes import NO_LINE
from engine.model.row_record import RowRecord
from engine.model.table import Keyed, gathered, positions_of, taken
from engine.model.wanted import Lines, Wanted
from engine.sources.mapping import ColumnMap

MOST_BYTES = 8_000_000
"""A larger file, of some 60,000 rows, is read row by row: its lines would take 150 bytes each meanwhile."""

_WITH_HEADER = frozenset({".csv", ".tsv", ".txt"})
_WITHOUT = frozenset({".ndjson", ".jsonl"})

_ENCODINGS = frozenset(
    {"ascii", "cp1250", "cp1251", "cp1252", "cp850", "iso8859-1", "iso8859-15", "mac-roman", "utf-8"}
)
"""Encodings in which a line feed is one byte, which is part of no other character, and each line stands for itself."""


def may_have_rows_in_lines(suffix: str, mapping: ColumnMap) -> bool:
    """Return whether a line of such a file may be a row, whatever the other lines hold."""
    if mapping.where or mapping.company_column is not None:
        return False  # which rows are taken is counted over the whole file
    if suffix in _WITHOUT:
        return True
    return suffix in _WITH_HEADER and mapping.header in {None, 1} and _is_plain(mapping.encoding)


def has_header(suffix: str) -> bool:
    """Return whether such a file's first line has the names of the columns."""
    return suffix in _WITH_HEADER


def _is_plain(encoding: str | None) -> bool:
    try:
        return encoding is None or lookup(encoding).name in _ENCODINGS
    except LookupError:  # reading the file tells of it
        return False


@dataclass(slots=True, kw_only=True)
class KnownLines:
    """What the ledger knows of a file's lines, and what one reading of the file finds."""

    seed: bytes  # of the hashes: changes with all that a row rests on beside its line
    known: Sequence[int] = ()  # by the position of the ledger's entry: the hash of its line, or `NO_LINE`
    has_header: bool
    hashes: array[int] = field(default_factory=lambda: array("Q"))  # of all lines but the header, in their order
    entries: list[int | None] = field(default_factory=list)
    """Line by line, the position of the entry that has its row; None: the line is read. Empty: all are read."""
    others: list[int] = field(default_factory=list)  # the positions in `entries` of the lines that are read
    witness: int = 0  # the position of the entry whose line is known, and read all the same

    def left(self, data: bytes) -> bytes:
        """Return the lines of a file that are to be read: those that are not known, the header, and one known line.

        That one shows whether known rows have the columns that the others have.
        """
        if data.count(b"\r") != data.count(b"\r\n") or b"\0" in data:
            return data  # some lines end otherwise
        lines = data.removesuffix(b"\n").split(b"\n")
        header = [lines.pop(0)] if self.has_header else []
        seed = xxh3_64_intdigest(b"\n".join([self.seed, *header]))
        hashes = gathered(map(xxh3_64_intdigest, lines, repeat(seed)))
        self.hashes = array("Q", hashes)
        index = dict(zip(self.known, range(len(self.known)), strict=True))
        index.pop(NO_LINE, None)
        found = gathered(map(index.get, hashes))
        others = positions_of(map(is_, found, repeat(None)), len(found))
        if len(others) == len(found) or len(set(found)) - bool(others) < len(found) - len(others):
            return data  # no line is known, or one is there twice
        at, self.witness = next((at, entry) for at, entry in enumerate(found) if entry is not None)
        found[at] = None
        insort(others, at)
        self.entries, self.others = found, others
        return b"\n".join([*header, *taken(lines, others)]) + b"\n" * data.endswith(b"\n")

    @property
    def first(self) -> int:
        """The number of the first line after the header."""
        return 1 + self.has_header


def with_known(wanted: Wanted, lines: KnownLines, entries: Keyed[RowRecord]) -> Wanted | None:
    """Return a file's rows: those that were read, and those of known lines, as the ledger's entries have them.

    None: the whole file has to be read.
    """
    rows = dimension_table(wanted.rows)
    if not is_plain(wanted) or len(rows) != len(lines.others) or entries.table[lines.witness].row not in rows:
        return None
    if _has_any(lines.entries, {entries.positions.get(key) for key in rows.column("key")}):
        return None  # the key of a row that was read is that of another line, too
    places: list[Any] = lines.entries.copy()
    for position, at in enumerate(lines.others, len(entries.table)):
        places[at] = position
    table = entries.table
    whole = dimensions(taken((*table.column(name), *rows.column(name)), places) for name in Dimension._fields)
    (source,) = wanted.sources
    return replace(
        wanted,
        rows=whole,
        lines=Lines(whole, range(lines.first, lines.first + len(whole))),
        source_rows=len(whole),
        sources=(source._replace(read_rows=len(whole)),),
        line_hashes=lines.hashes,
        known_lines=len(lines.entries) - len(lines.others) + 1,
    )


def _has_any(positions: Iterable[int | None], others: AbstractSet[int | None]) -> bool:
    """Return whether any of these positions is among some others."""
    return not (others - {None}).isdisjoint(positions)


def is_plain(wanted: Wanted) -> bool:
    """Return whether the rows of a source have the same columns, and their own keys, in one file.

    Where each line is a row besides, none is invalid or left out.
    """
    is_as_read = not wanted.absent_columns and not wanted.source_keys
    return is_as_read and wanted.has_one_shape and len(wanted.sources) == 1


def with_hashes(wanted: Wanted, lines: KnownLines) -> Wanted:
    """Return a file's rows, which were all read, with the hashes of their lines, if each line is a row."""
    if not is_plain(wanted) or len(wanted.rows) != len(lines.hashes):
        return wanted
    return replace(wanted, line_hashes=lines.hashes)
