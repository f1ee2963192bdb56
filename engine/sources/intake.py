"""Turn raw rows into `Wanted`: every row is counted once, as good, as left out or as invalid. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from itertools import chain, compress, groupby
from operator import add, attrgetter
from typing import Any, NamedTuple, cast

from engine.errors import SourceError
from engine.model.dimension import Dimension, dimensions, natural_key
from engine.model.outcome import Problem
from engine.model.settings import RawRow
from engine.model.table import SLICE, Table, show_early, taken
from engine.model.wanted import PART, Files, Lines, SourceCounts, Wanted
from engine.sources.batch import Batch
from engine.sources.borne_keys import BorneKeys
from engine.sources.cells import Cells, Objects
from engine.sources.cells import Table as TableOfCells
from engine.sources.fields import Reader, fields_of, rows_of
from engine.sources.layout import layout
from engine.sources.left_out_rows import LeftOutSearch
from engine.sources.mapping import PLAIN
from engine.sources.part import Part, Sifted
from engine.sources.rows import COLUMNS, Fault, Refused, shown
from engine.sources.selection import Tally

_NUMBER = (1 << PART) - 1


class _Invalid(NamedTuple):
    place: int  # see `Lines`; where the source has no lines, the number of the row stands for the line
    refused: Refused


class Intake:
    """Takes the rows of one company's source, or of several, and sorts the good from the invalid."""

    def __init__(
        self, *, company_id: int, type_codes: frozenset[str], file: str | None, search: LeftOutSearch | None = None
    ) -> None:
        self._company_id = company_id
        self._type_codes = type_codes
        self._file = file
        self._search = search
        self._good: Table[Dimension] = dimensions([] for _ in Dimension._fields)
        self._places = array("Q")  # of the good rows
        self._invalid: list[_Invalid] = []
        self._keys = BorneKeys()  # of rows, good or not
        self._first: dict[str, int] = {}  # key -> place of the first row that bears it; see `_first_place`
        self._placed = 0  # good rows that `_first` knows
        self._again: dict[str, int] = {}  # key that is not unique -> place of its second row
        self._parts: list[Part] = []  # those begun; the last one is being read

    def begin(self, name: str | None) -> None:
        """Begin the next part of the source. `name`: in messages. Raises `SourceError` for faults of the last one."""
        if self._parts:
            self._parts[-1].end()
        self._parts.append(Part(name, self._search))

    @property
    def _part(self) -> Part:
        if not self._parts:
            self.begin(self._file)
        return self._parts[-1]

    def take_batch(self, batch: Batch) -> None:
        """Take the rows of a file's batch. Raises `SourceError` for a fault of the whole file."""
        reader = Reader(batch.mapping, self._company_id, self._type_codes)
        self._take(self._part.sifted(batch, reader), reader)

    def take_rows(self, rows: Sequence[object]) -> None:
        """Take rows that a program gave. Raises `SourceError` for what is neither a dimension nor a mapping."""
        reader, part = Reader(PLAIN, self._company_id, self._type_codes), self._part
        for kind, group in groupby(rows, _kind):
            cells = _cells(kind, list(group), part)
            self._take(part.filtered(cells, part.numbers(len(cells)), layout(cells, PLAIN), reader), reader)

    def _take(self, sifted: Sifted, reader: Reader) -> None:
        """Take rows whose fields are in order; refuse the others."""
        offset = (len(self._parts) - 1) << PART
        for line, refused in sifted.refused:
            self._refuse(refused, offset + line)
        if not len(sifted.cells):
            return
        columns, bad = fields_of(sifted.cells, sifted.found, reader)
        places: Sequence[int] = list(map(offset.__add__, sifted.lines)) if offset else sifted.lines
        if bad:
            is_good = [at not in bad for at in range(len(places))]
            columns = tuple(list(compress(column, is_good)) for column in columns)
            for at in sorted(bad):
                self._refuse(bad[at], places[at])
            places = list(compress(places, is_good))
        self._accept(columns, places)

    def _accept(self, columns: Sequence[Sequence[Any]], places: Sequence[int]) -> None:
        """Take good rows. If a key stands twice, all of its rows are invalid, and each message names the other."""
        rows = rows_of(columns)
        keys = rows.column("key")
        own = dict.fromkeys(keys)
        if len(own) < len(rows) or self._keys.has_any(own):
            is_first = [self._bear(key, place) for key, place in zip(keys, places, strict=True)]
            self._first.update(compress(zip(keys, places, strict=True), is_first))
            for at in [at for at, is_new in enumerate(is_first) if not is_new]:
                self._invalid.append(
                    _Invalid(places[at], self._repeated(rows[at], places[at], self._first_place(keys[at])))
                )
            rows, places = rows.take(list(compress(range(len(rows)), is_first))), list(compress(places, is_first))
        self._keys.add(own)
        before = len(self._places)
        self._good.extend(rows)
        self._places.extend(places)
        if before <= SLICE < len(self._places):
            show_early()

    def _refuse(self, refused: Refused, place: int) -> None:
        if refused.key is not None and self._bear(refused.key, place):
            self._first[refused.key] = place
        self._invalid.append(_Invalid(place, refused))

    def _bear(self, key: str, place: int) -> bool:
        """Note that a row has this key; return whether it is the first that has it."""
        if key not in self._keys:
            self._keys.add({key: None})
            return True
        self._again.setdefault(key, place)
        return False

    def wanted(self, digest: bytes | None = None) -> Wanted:
        """Return everything taken; `digest`: the source's. Raises `SourceError` for faults that only the end shows."""
        self._part.end()
        rows, places = self._good, self._places
        if self._again:
            keys = rows.column("key")
            self._invalid += [self._first_of_several(rows[at]) for at, key in enumerate(keys) if key in self._again]
            alone = [at for at, key in enumerate(keys) if key not in self._again]
            rows, places = rows.take(alone), array("Q", taken(places, alone))
        self._invalid.sort(key=attrgetter("place"))
        refused = [refused for _, refused in self._invalid]
        are_lined = [part.is_lined for part in self._parts]
        counts = tuple(SourceCounts(str(part.name or ""), part.read_rows, part.tally.total()) for part in self._parts)
        return Wanted(
            rows=rows,
            lines=Lines(rows, places, are_lined) if any(are_lined) else {},
            files=Files(rows, places, [part.name for part in counts]) if len(counts) > 1 else {},
            file=self._file,
            source_rows=sum(part.read_rows - part.left_out for part in counts),
            invalid=len(refused),
            problems=tuple(map(self._problem, self._invalid)),
            invalid_keys=frozenset(bad.key for bad in refused if bad.key is not None),
            invalid_natural=frozenset(bad.natural for bad in refused if bad.natural is not None),
            digest=digest,
            left_out_by=reduce(add, [part.tally for part in self._parts], Tally()).reasons(),
            sources=counts,
            marks=tuple(part.marks for part in self._parts),
            has_one_shape=all(part.has_one_shape for part in self._parts),
            absent_columns=_together([part.absent_columns for part in self._parts]),
        )

    def _first_place(self, key: str) -> int:
        """Return where the first row that bears a key stands. Those of good rows are noted once one is asked for."""
        if key not in self._first:
            keys = self._good.column("key")[self._placed :]
            self._first.update(zip(keys, self._places[self._placed :], strict=True))
            self._placed = len(self._good)
        return self._first[key]

    def _first_of_several(self, row: Dimension) -> _Invalid:
        """Return the first row with a key as invalid: nobody can tell which of the rows with this key is meant."""
        first = self._first_place(row.key)
        return _Invalid(first, self._repeated(row, first, self._again[row.key]))

    def _repeated(self, row: Dimension, place: int, other: int) -> Refused:
        """Return the refusal of a row whose key another one bears."""
        key, where = row.key, self._spell(other, place)
        message = f"unique_key {shown(key)} is not unique: it also stands in {where}; none of its rows is sent"
        return Refused((Fault("duplicate-key", message),), key, natural_key(row))

    def _spell(self, place: int, seen_from: int) -> str:
        """Return a place in words, with its file if that is another one than where it is seen from."""
        part, number = self._parts[place >> PART], place & _NUMBER
        words = f"line {number}" if part.is_lined else f"row {number}"
        return words if place >> PART == seen_from >> PART else f"{words} of {part.name}"

    def _problem(self, invalid: _Invalid) -> Problem:
        place, (faults, key, _) = invalid
        part, number = self._parts[place >> PART], place & _NUMBER
        message = "; ".join(fault.message for fault in faults)
        return Problem(
            code=faults[0].code,
            message=message if part.is_lined else f"row {number}: {message}",
            key=key,
            file=part.name,
            line=number if part.is_lined else None,
        )


def _together(absent: Iterable[Mapping[str, Sequence[str]]]) -> dict[str, tuple[str, ...]]:
    """Return the columns that any of the parts lacks, by field."""
    found: dict[str, dict[str, None]] = {}
    for part in absent:
        for name, columns in part.items():
            found.setdefault(name, {}).update(dict.fromkeys(columns))
    return {name: tuple(columns) for name, columns in found.items()}


def _kind(row: object) -> type | None:
    """Return which kind of row a program gave; None: it is none."""
    if isinstance(row, Dimension):
        return Dimension
    return Mapping if isinstance(row, Mapping) else None


def _cells(kind: type | None, rows: Sequence[object], part: Part) -> Cells:
    """Return rows of one kind by their columns. Raises `SourceError`."""
    if kind is Dimension:
        return TableOfCells(list(chain.from_iterable(cast("Sequence[Dimension]", rows))), COLUMNS)
    if kind is Mapping:
        return Objects([dict(row) for row in cast("Sequence[RawRow]", rows)])
    number = part.numbers(1)[0]
    message = f"row {number} is of type {type(rows[0]).__name__}; a source gives dimensions or mappings"
    raise SourceError(message, file=part.name)
