"""What a source gave for one company: good rows, and the bad ones with their place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from engine.model.dimension import Dimension, NaturalKey, dimension_table
from engine.model.outcome import Problem
from engine.model.table import Table, uses_of

PART = 32
"""Bits of a place's number within its part: the part, counted from 0, is in the bits above."""

_NUMBER = (1 << PART) - 1


class Lines(Mapping[str, int]):
    """The line of each row by its key: 8 bytes a row, and a dict only once a line is asked for, for a message."""

    __slots__ = ("_are_lined", "_places", "_rows", "_table")

    def __init__(self, rows: Table[Dimension], places: Sequence[int], are_lined: Sequence[bool] = (True,)) -> None:
        """Take rows, their places, and for each part of the source whether it has lines.

        A place is `part << PART | line`. Rows of parts without lines are not in the mapping.
        """
        self._rows = rows
        self._places = places
        self._are_lined = are_lined
        self._table: dict[str, int] | None = None

    def _by_key(self) -> dict[str, int]:
        if self._table is None:
            pairs = zip(self._rows.column("key"), self._places, strict=True)
            self._table = {key: place & _NUMBER for key, place in pairs if self._are_lined[place >> PART]}
        return self._table

    def __getitem__(self, key: str) -> int:
        return self._by_key()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_key())

    def __len__(self) -> int:
        return len(self._by_key())


class Files(Mapping[str, str]):
    """The file of each row by its key, where rows come from several; a dict only once a file is asked for."""

    __slots__ = ("_names", "_places", "_rows", "_table")

    def __init__(self, rows: Table[Dimension], places: Sequence[int], names: Sequence[str]) -> None:
        """Take rows, their places (see `Lines`), and the name of each part of the source."""
        self._rows = rows
        self._places = places
        self._names = names
        self._table: dict[str, str] | None = None

    def _by_key(self) -> dict[str, str]:
        if self._table is None:
            pairs = zip(self._rows.column("key"), self._places, strict=True)
            self._table = {key: self._names[place >> PART] for key, place in pairs}
        return self._table

    def __getitem__(self, key: str) -> str:
        return self._by_key()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_key())

    def __len__(self) -> int:
        return len(self._by_key())


class Place(NamedTuple):
    """Where a row stands, for messages."""

    file: str | None
    line: int | None


class FileEnd(NamedTuple):
    """How a file of lines ended when it was read whole."""

    size_bytes: int
    last_line: int  # its number; 0: not counted, because the line is whole
    is_ended: bool  # by a line end; else the last line may have been cut off


LONGEST_VALUE = 40
"""Characters of a value that are shown as the reason why a row is left out."""


class LeftOut(NamedTuple):
    """Rows that a mapping leaves out for one reason. They are in `read_rows` and not in `source_rows`."""

    reason: str  # a stable code: "filter", "heading", "total" ...
    column: str  # as the file names it; empty: no single column decides
    value: str  # what stands in that column; empty: it is empty, or no column decides
    type_code: str | None  # of the rows, where it is known
    rows: int

    @property
    def words(self) -> str:
        """The reason in words: "Inactive is 'Yes'", "Number is empty", "heading", "total: Name is 'TOTAL'"."""
        value = self.value if len(self.value) <= LONGEST_VALUE else f"{self.value[:LONGEST_VALUE]}..."
        what = f"'{value}'" if value else "empty"
        place = self.column and f"{self.column} is {what}"
        if self.reason == "filter" and place:
            return place
        return f"{self.reason}: {place}" if place else self.reason


OTHER = "other"
"""The reason under which rows are counted together that are left out for reasons beyond those that are kept."""

MOST_REASONS = 20
"""Reasons that are kept and shown of one company; what is beyond them is summed in the last one."""


def few_reasons(reasons: Sequence[LeftOut]) -> tuple[LeftOut, ...]:
    """Return at most `MOST_REASONS` reasons: the first ones, and the sum of all others under `OTHER`."""
    if len(reasons) <= MOST_REASONS:
        return tuple(reasons)
    shown, others = reasons[: MOST_REASONS - 1], reasons[MOST_REASONS - 1 :]
    return (*shown, LeftOut(OTHER, "", "", None, sum(reason.rows for reason in others)))


def tell_left_out(reasons: Iterable[LeftOut], most: int = 5) -> str:
    """Return the reasons in words, each with its rows: "Inactive is 'Yes' 9, heading 3". Texts come from the file."""
    listed = list(reasons)
    told = [f"{reason.words} {reason.rows:,}" for reason in listed[:most]]
    if len(listed) > most:
        told.append(f"other reasons {sum(reason.rows for reason in listed[most:]):,}")
    return ", ".join(told)


class SourceCounts(NamedTuple):
    """How many rows one of a company's sources had."""

    name: str  # as in messages
    read_rows: int
    left_out: int


class SourceMarks(NamedTuple):
    """What else one of a company's sources was like."""

    name: str  # as in messages
    end: FileEnd | None = None  # None: it is no file of lines
    filters: tuple[str, ...] = ()  # columns of its filter that it need not have, and has
    lacks: tuple[str, ...] = ()  # columns of its filter that it need not have, and has not


class GoodCounts(NamedTuple):
    """What a company's sources were like at the last good run. Later sources are measured by it."""

    sources: tuple[SourceCounts, ...]
    kept: Mapping[str, int]  # good rows by type code
    marks: tuple[SourceMarks, ...] = ()  # empty: not told


_Named = TypeVar("_Named", SourceCounts, SourceMarks)


def paired(now: Sequence[_Named], before: Sequence[_Named]) -> Iterator[tuple[_Named, _Named]]:
    """Yield each source with what it was; one under a new name, such as with a date in it, is told by its place.

    One name may stand for two sources: a file that two mappings read.
    """
    by_name = {source.name: source for source in before}
    for place, source in enumerate(now):
        if place < len(before) and before[place].name == source.name:
            yield source, before[place]
        elif source.name in by_name:
            yield source, by_name[source.name]
        elif len(now) == len(before):
            yield source, before[place]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """All rows of a company's sources. `source_rows` counts each that is not left out: `len(rows) + invalid`.

    Its `repr` shows no rows: Python 3.11 makes one of whatever `asyncio.run` returns, which took seconds.
    """

    rows: Sequence[Dimension] = field(repr=False)  # valid rows with keys that are unique in the source, in source order
    lines: Mapping[str, int] = field(default_factory=dict, repr=False)  # key -> line in its file, where it has lines
    files: Mapping[str, str] = field(
        default_factory=dict, repr=False
    )  # key -> file, if several; else all are in `file`
    file: str | None = None  # for messages: the file, or the name of several together
    source_rows: int
    invalid: int = 0
    problems: tuple[Problem, ...] = ()  # one for each invalid row
    invalid_keys: frozenset[str] = frozenset()  # keys that invalid rows bear: their remote rows are no orphans
    invalid_natural: frozenset[NaturalKey] = frozenset()
    source_keys: dict[str, str] = field(default_factory=dict)  # key in `rows` -> the source's own, if another
    digest: bytes | None = None  # of all that was read, and of how; None: not known, so that nothing equals it
    left_out_by: tuple[LeftOut, ...] = ()  # each reason once, the most rows first
    sources: tuple[SourceCounts, ...] = ()  # in the order in which they are read
    marks: tuple[SourceMarks, ...] = ()  # of the same sources, where they are known
    absent_columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Optional field -> the columns that it is made of, where a source need not have them and no row has one."""

    has_one_shape: bool = False  # all rows are known to have the same columns
    line_hashes: Sequence[int] = field(default=(), repr=False)
    """Row by row, a hash of its line that tells the row (`sources.known_lines`); empty: not known."""
    known_lines: int = 0  # rows that the ledger knew by their lines

    def place(self, key: str) -> Place:
        """Return where a valid row stands."""
        return Place(self.files.get(key, self.file), self.lines.get(key))

    @property
    def left_out(self) -> int:
        """Rows that the mapping leaves out."""
        return sum(reason.rows for reason in self.left_out_by)

    @property
    def counts(self) -> GoodCounts:
        """What each source was like, and how many rows each type had.

        A source that does not count its rows has the company's.
        """
        sources = self.sources or (SourceCounts(self.file or "", self.read_rows, self.left_out),)
        kept = uses_of(dimension_table(self.rows).column("type_code"))
        return GoodCounts(sources, dict(sorted(kept.items())), self.marks)

    @property
    def read_rows(self) -> int:
        """Rows that were read, as the sources count them for themselves. It must be `source_rows + left_out`."""
        if not self.sources:
            return self.source_rows + self.left_out
        return sum(source.read_rows for source in self.sources)
