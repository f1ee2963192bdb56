"""Raw rows in, `Wanted` out: every row is counted once, as good or as invalid. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import attrgetter
from typing import NamedTuple, cast

from engine.errors import SourceError
from engine.model.dimension import Dimension, NaturalKey, dimension_table, dimensions, natural_key
from engine.model.outcome import Problem
from engine.model.settings import RawRow
from engine.model.table import Column, Table, taken
from engine.model.wanted import PART, Files, LeftOut, Lines, SourceCounts, Wanted
from engine.sources.batch import Batch, Broken
from engine.sources.columns import kept, plain_columns
from engine.sources.mapping import PLAIN, ColumnMap, Fields, Layout, is_own, layout
from engine.sources.rows import COLUMNS, Fault, Refused, examine, shown

_LAYOUTS = 64  # column sets of JSON objects that are remembered at a time

_FEW = 32  # at most this many rows are looked at one by one, once something is wrong among them


class _Invalid(NamedTuple):
    place: int  # number of the part, and the line in it or, where it has no lines, the number of the row; see `Lines`
    refused: Refused


@dataclass(slots=True, kw_only=True)
class _Part:
    """One of the sources that are read in turn."""

    name: str | None
    is_lined: bool = False
    read_rows: int = 0
    left_out: int = 0


class Intake:
    """Takes the rows of one company's source and sorts the good from the invalid."""

    def __init__(self, *, company_id: int, type_codes: frozenset[str], file: str | None) -> None:
        self._company_id = company_id
        self._type_codes = type_codes
        self._file = file
        self._good: Table[Dimension] = dimensions([] for _ in Dimension._fields)
        self._places = array("Q")  # of the good rows
        self._invalid: list[_Invalid] = []
        self._keys: set[str] = set()  # that rows bear, good or not
        self._first: dict[str, int] = {}  # key -> place of the first row that bears it; see `_first_place`
        self._placed = 0  # good rows that `_first` knows
        self._again: dict[str, int] = {}  # key that is not unique -> place of its second row
        self._mapping = PLAIN
        self._layouts: dict[tuple[bool, tuple[str, ...]], Layout] = {}  # how columns are read under `_mapping`
        self._parts: list[_Part] = []  # those begun; the last one is being read

    def begin(self, name: str | None) -> None:
        """Begin the next part of the source. `name`: in messages."""
        self._parts.append(_Part(name=name))

    @property
    def _part(self) -> _Part:
        if not self._parts:
            self.begin(self._file)
        return self._parts[-1]

    def take_batch(self, batch: Batch) -> None:
        """Take the rows of a file's batch. Raises `SourceError` when a column is missing or doubled."""
        part = self._part
        part.is_lined = batch.lines is not None
        lines = self._places_of(batch.lines, len(batch))
        found = None if batch.columns is None else self._table_layout(batch.columns, batch.mapping)
        if self._take_table(batch, lines):
            return
        if found is None:
            picked = [self._pick(row, batch.mapping) for row in batch]
        else:
            picked = [_broken(row) if type(row) is Broken else found.pick(row) for row in batch.cells]
        self._keep(picked, lines)

    def take_rows(self, rows: Sequence[object]) -> None:
        """Take rows that a program gave. Raises `SourceError` for what is neither a dimension nor a mapping."""
        kinds = set(map(type, rows))
        if kinds == {dict}:
            self.take_batch(Batch(cast("Sequence[RawRow]", rows), columns=None, lines=None, mapping=PLAIN))
        elif kinds == {Dimension}:
            self._take(cast("Sequence[Dimension]", rows), self._places_of(None, len(rows)))
        else:
            self._take_mixed(rows)

    def _take_mixed(self, rows: Sequence[object]) -> None:
        picked: list[Fields | Refused | None] = []
        for number, row in enumerate(rows, self._part.read_rows + 1):
            if isinstance(row, Dimension):
                picked.append(row)
            elif isinstance(row, Mapping):
                picked.append(self._pick(row, PLAIN))
            else:
                kind = type(row).__name__
                message = f"row {number} is of type {kind}; a source gives dimensions or mappings"
                raise SourceError(message, file=self._part.name)
        self._keep(picked, self._places_of(None, len(picked)))

    def _places_of(self, lines: Sequence[int] | None, count: int) -> Sequence[int]:
        """Count that many rows, and return their places: by lines, or without lines by their numbers."""
        part = self._part
        part.read_rows += count
        numbers = range(part.read_rows - count + 1, part.read_rows + 1) if lines is None else lines
        offset = (len(self._parts) - 1) << PART
        return list(map(offset.__add__, numbers)) if offset else numbers

    def wanted(self, digest: bytes | None = None) -> Wanted:
        """Return everything taken; `digest` is the source's."""
        rows, places = self._good, self._places
        if self._again:
            keys = rows.column("key")
            self._invalid += [self._repeated(rows[at]) for at, key in enumerate(keys) if key in self._again]
            alone = [at for at, key in enumerate(keys) if key not in self._again]
            rows, places = rows.take(alone), array("Q", taken(places, alone))
        self._invalid.sort(key=attrgetter("place"))
        refused = [refused for _, refused in self._invalid]
        keys, are_lined = rows.column("key"), [part.is_lined for part in self._parts]
        counts = tuple(SourceCounts(str(part.name or ""), part.read_rows, part.left_out) for part in self._parts)
        return Wanted(
            rows=rows,
            lines=Lines(keys, places, are_lined) if any(are_lined) else {},
            files=Files(keys, places, [part.name for part in counts]) if len(counts) > 1 else {},
            file=self._file,
            source_rows=sum(part.read_rows - part.left_out for part in counts),
            invalid=len(refused),
            problems=tuple(map(self._problem, self._invalid)),
            invalid_keys=frozenset(bad.key for bad in refused if bad.key is not None),
            invalid_natural=frozenset(bad.natural for bad in refused if bad.natural is not None),
            digest=digest,
            left_out_by=_left_out(counts),
            sources=counts,
        )

    def _table_layout(self, columns: tuple[str, ...], mapping: ColumnMap) -> Layout:
        """Return how a table's rows are read; all rows share its columns, so a fault in them is the file's."""
        found = self._layout(columns, mapping, by_name=False)
        if found.doubled:
            raise SourceError(f"{self._part.name}: {_twice(found)}; keep one of them", file=self._part.name)
        if missing := found.missing + found.unfiltered:
            there = ", ".join(name for name in columns if name) or "none"
            raise SourceError(
                f"{self._part.name}: missing columns: {', '.join(missing)}; there are: {there}", file=self._part.name
            )
        return found

    def _pick(self, row: RawRow, mapping: ColumnMap) -> Fields | Refused | None:
        """Return the six fields of an object, whose columns are its own."""
        if type(row) is Broken:
            return _broken(row)
        found = self._layout(tuple(row), mapping, by_name=True)
        if found.doubled:
            return Refused((Fault("doubled-column", _twice(found)),))
        if found.unfiltered:
            return Refused((Fault("missing-field", f"{', '.join(found.unfiltered)}: needed by `where`, not there"),))
        return found.pick(row)

    def _layout(self, columns: tuple[str, ...], mapping: ColumnMap, *, by_name: bool) -> Layout:
        """Return how a row with these columns is read; those of one file tend to have the same ones."""
        if mapping is not self._mapping or len(self._layouts) >= _LAYOUTS:
            self._mapping = mapping
            self._layouts.clear()
        if (by_name, columns) not in self._layouts:
            self._layouts[by_name, columns] = layout(columns, mapping, self._company_id, by_name=by_name)
        return self._layouts[by_name, columns]

    def _take_table(self, batch: Batch, places: Sequence[int]) -> bool:
        """Take a batch if its rows have the same columns and are plainly good; else take nothing and return False."""
        if (table := batch.table()) is None:
            return False
        names, cells = table
        found = self._layout(names, batch.mapping, by_name=False)
        if found.doubled or found.unfiltered or not self._are_own(cells, len(names), found):
            return False
        count, width = len(batch), len(names)
        columns = [[""] * count if at is None else cells[at::width] for at in found.places]
        if found.tests:
            if (verdicts := kept(cells, width, found.tests)) is None:
                return False
            places = list(compress(places, verdicts))
            columns = [list(compress(column, verdicts)) for column in columns]
        if not self._add(plain_columns(columns, batch.mapping, self._company_id, self._type_codes), places):
            return False
        self._part.left_out += count - len(places)
        return True

    def _are_own(self, cells: Sequence[object], width: int, found: Layout) -> bool:
        """Return whether it is plain that no row of a table names another company."""
        if not found.owners:
            return True
        columns = [cells[place::width] for place in found.owners]
        kinds = {kind for column in columns for kind in map(type, column)}
        if not kinds <= {str, int, type(None)}:
            return False
        return all(is_own(value, self._company_id) for column in columns for value in set(column))

    def _keep(self, picked: Sequence[Fields | Refused | None], places: Sequence[int]) -> None:
        """Take the rows that a filter has not left out."""
        left = [(fields, place) for fields, place in zip(picked, places, strict=True) if fields is not None]
        self._part.left_out += len(picked) - len(left)
        self._take([fields for fields, _ in left], [place for _, place in left])

    def _take(self, picked: Sequence[Fields | Refused], places: Sequence[int]) -> None:
        """Take rows: together where none needs a second look, else by halves, the last few one by one."""
        if self._take_whole(picked, places):
            return
        if len(picked) > _FEW:
            half = len(picked) // 2
            self._take(picked[:half], places[:half])
            self._take(picked[half:], places[half:])
            return
        for fields, place in zip(picked, places, strict=True):
            if isinstance(fields, Refused):
                self._refuse(fields, place)
            else:
                self._examine(fields, place)

    def _take_whole(self, picked: Sequence[Fields | Refused], places: Sequence[int]) -> bool:
        """Take rows if all of them are plainly good; else take nothing and return False."""
        try:
            columns = list(zip(*picked, strict=True))
        except ValueError:  # one of them is refused already
            return False
        if len(columns) != len(COLUMNS):  # none of them is a row
            return False
        return self._add(plain_columns(columns, PLAIN, self._company_id, self._type_codes), places)

    def _add(self, columns: Sequence[Column] | None, places: Sequence[int]) -> bool:
        """Take plainly good rows; take nothing and return False if a key is not unique, or if there are no columns."""
        if columns is None:
            return False
        rows = dimensions(columns)
        keys = set(rows.column("key"))
        if len(keys) < len(rows) or not self._keys.isdisjoint(keys):
            return False
        self._keys |= keys
        self._good.extend(rows)
        self._places.extend(places)
        return True

    def _examine(self, fields: Fields, place: int) -> None:
        verdict = examine(fields, self._type_codes)
        if isinstance(verdict, Dimension):
            self._accept(verdict, place)
        else:
            self._refuse(verdict, place)

    def _accept(self, row: Dimension, place: int) -> None:
        """Take a sound row, unless another row bears its key: then neither is sent."""
        if self._bear(row.key, place):
            self._good.extend(dimension_table([row]))
            self._places.append(place)
        else:
            self._invalid.append(
                _Invalid(place, _duplicate(row.key, natural_key(row), self._spell(self._first_place(row.key), place)))
            )

    def _refuse(self, refused: Refused, place: int) -> None:
        if refused.key is not None and self._bear(refused.key, place):
            self._first[refused.key] = place
        self._invalid.append(_Invalid(place, refused))

    def _bear(self, key: str, place: int) -> bool:
        """Note that a row bears a key; return whether it is the first."""
        if key not in self._keys:
            self._keys.add(key)
            return True
        self._again.setdefault(key, place)
        return False

    def _first_place(self, key: str) -> int:
        """Return where the first row that bears a key stands. Those of good rows are noted once one is asked for."""
        if key not in self._first:
            keys = self._good.column("key")[self._placed :]
            self._first.update(zip(keys, self._places[self._placed :], strict=True))
            self._placed = len(self._good)
        return self._first[key]

    def _repeated(self, row: Dimension) -> _Invalid:
        """Return the first row of a key as invalid: which of the rows is meant, nobody can tell."""
        first = self._first_place(row.key)
        refused = _duplicate(row.key, natural_key(row), self._spell(self._again[row.key], first))
        return _Invalid(first, refused)

    def _located(self, place: int) -> tuple[_Part, int]:
        """Return the part in which a place is, and its line or number there."""
        return self._parts[place >> PART], place & ((1 << PART) - 1)

    def _spell(self, place: int, seen_from: int) -> str:
        """Return a place in words, with its file if that is another one than where it is seen from."""
        part, number = self._located(place)
        words = f"line {number}" if part.is_lined else f"row {number}"
        return words if place >> PART == seen_from >> PART else f"{words} of {part.name}"

    def _problem(self, invalid: _Invalid) -> Problem:
        place, (faults, key, _) = invalid
        part, number = self._located(place)
        message = "; ".join(fault.message for fault in faults)
        return Problem(
            code=faults[0].code,
            message=message if part.is_lined else f"row {number}: {message}",
            key=key,
            file=part.name,
            line=number if part.is_lined else None,
        )


def _left_out(counts: Sequence[SourceCounts]) -> tuple[LeftOut, ...]:
    rows = sum(part.left_out for part in counts)
    return (LeftOut("filter", "", "", None, rows),) if rows else ()


def _duplicate(key: str, natural: NaturalKey, other: str) -> Refused:
    message = f"unique_key {shown(key)} is not unique: it also stands in {other}; none of its rows is sent"
    return Refused((Fault("duplicate-key", message),), key, natural)


def _broken(row: Broken) -> Refused:
    return Refused((Fault(row.code, row.message),))


def _twice(found: Layout) -> str:
    return f"the same column is there twice: {'; '.join(found.doubled)}"
