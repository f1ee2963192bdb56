"""Raw rows in, `Wanted` out: every row is counted once, as good or as invalid. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from engine.errors import SourceError
from engine.model.dimension import TYPE_ALIASES, Dimension, NaturalKey, natural_key
from engine.model.outcome import Problem
from engine.model.settings import RawRow
from engine.model.wanted import Wanted
from engine.sources.batch import Batch, Broken
from engine.sources.mapping import ColumnMap, Fields, Layout, layout
from engine.sources.rows import Fault, Refused, examine, plain, shown

_PLAIN = ColumnMap()
_LAYOUTS = 64  # column sets of JSON objects that are remembered at a time


_FEW = 32  # rows that are looked at one by one when there is something wrong among them


class _Invalid(NamedTuple):
    place: int  # line, or number of the row where the source has no lines
    refused: Refused


class Intake:
    """Takes the rows of one company's source and sorts the good from the invalid."""

    def __init__(self, *, company_id: int, type_codes: frozenset[str], file: str | None) -> None:
        self._company_id = company_id
        self._type_codes = type_codes
        self._file = file
        self._codes = {code: code for code in type_codes}
        self._codes.update((alias, code) for alias, code in TYPE_ALIASES.items() if code in type_codes)
        self._rows: list[Dimension] = []
        self._invalid: list[_Invalid] = []
        self._first: dict[str, int] = {}  # key -> place of the first row that bears it, good or not
        self._again: dict[str, int] = {}  # key that is not unique -> place of its second row
        self._mapping = _PLAIN
        self._layouts: dict[tuple[str, ...], Layout] = {}  # columns of objects -> how they are read under `_mapping`
        self._lined = False
        self._number = 0  # rows seen, the filtered ones included
        self._filtered = 0

    def take_batch(self, batch: Batch) -> None:
        """Take the rows of a file's batch. Raises `SourceError` when a column is missing or doubled."""
        self._lined = batch.lines is not None
        lines = batch.lines or range(self._number + 1, self._number + len(batch) + 1)
        self._number += len(batch)
        if batch.columns is None:
            picked = [self._pick(row, batch.mapping) for row in batch]
        else:
            pick = self._table_layout(batch.columns, batch.mapping).pick
            picked = [_broken(row) if type(row) is Broken else pick(row) for row in batch.cells]
        self._keep(picked, lines)

    def take_rows(self, rows: Sequence[object]) -> None:
        """Take rows that a program gave. Raises `SourceError` for what is neither a dimension nor a mapping."""
        picked: list[Fields | Refused | None] = []
        for row in rows:
            self._number += 1
            if isinstance(row, Dimension):
                picked.append(row)
            elif isinstance(row, Mapping):
                picked.append(self._pick(row, _PLAIN))
            else:
                kind = type(row).__name__
                message = f"row {self._number} is of type {kind}; a source gives dimensions or mappings"
                raise SourceError(message, file=self._file)
        self._keep(picked, range(self._number - len(picked) + 1, self._number + 1))

    def wanted(self) -> Wanted:
        """Return everything taken. Raises `SourceError` when a filter left no row at all."""
        if self._filtered and self._filtered == self._number:
            raise SourceError(
                f"{self._file}: `where` leaves out all of its {self._number:,} rows: "
                "compare its values with those in the file",
                file=self._file,
            )
        rows = self._rows
        if self._again:
            rows = [row for row in rows if row.key not in self._again]
            self._invalid += [self._repeated(row) for row in self._rows if row.key in self._again]
        self._invalid.sort(key=itemgetter(0))
        lines = {}
        if self._lined:
            lines = {row.key: self._first[row.key] for row in rows} if self._invalid else self._first
        refused = [refused for _, refused in self._invalid]
        return Wanted(
            rows=rows,
            lines=lines,
            file=self._file,
            source_rows=self._number - self._filtered,
            invalid=len(refused),
            problems=tuple(map(self._problem, self._invalid)),
            invalid_keys=frozenset(bad.key for bad in refused if bad.key is not None),
            invalid_natural=frozenset(bad.natural for bad in refused if bad.natural is not None),
        )

    def _table_layout(self, columns: tuple[str, ...], mapping: ColumnMap) -> Layout:
        """Return how a table's rows are read; all rows share its columns, so a fault in them is the file's."""
        found = layout(columns, mapping, self._company_id, by_name=False)
        if found.doubled:
            raise SourceError(f"{self._file}: {_twice(found)}; keep one of them", file=self._file)
        if missing := found.missing + found.unfiltered:
            there = ", ".join(name for name in columns if name) or "none"
            raise SourceError(
                f"{self._file}: missing columns: {', '.join(missing)}; there are: {there}", file=self._file
            )
        return found

    def _pick(self, row: RawRow, mapping: ColumnMap) -> Fields | Refused | None:
        """Return the six fields of an object, whose columns are its own."""
        if type(row) is Broken:
            return _broken(row)
        found = self._object_layout(tuple(row), mapping)
        if found.doubled:
            return Refused((Fault("doubled-column", _twice(found)),))
        if found.unfiltered:
            return Refused((Fault("missing-field", f"{', '.join(found.unfiltered)}: needed by `where`, not there"),))
        return found.pick(row)

    def _object_layout(self, columns: tuple[str, ...], mapping: ColumnMap) -> Layout:
        """Return how an object with these columns is read; objects of one file tend to have the same ones."""
        if mapping is not self._mapping or len(self._layouts) >= _LAYOUTS:
            self._mapping = mapping
            self._layouts.clear()
        if columns not in self._layouts:
            self._layouts[columns] = layout(columns, mapping, self._company_id, by_name=True)
        return self._layouts[columns]

    def _keep(self, picked: Sequence[Fields | Refused | None], places: Sequence[int]) -> None:
        """Take the rows that a filter has not left out."""
        kept = [(fields, place) for fields, place in zip(picked, places, strict=True) if fields is not None]
        self._filtered += sum(fields is None for fields in picked)
        self._take([fields for fields, _ in kept], [place for _, place in kept])

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
        """Take rows that are plainly good, column by column in C; return False, nothing taken, unless all of them are.

        A fraction of the time of examining each row. `examine` is what decides; this may only be stricter.
        """
        try:
            *needed, given = zip(*picked, strict=True)
            everything = (*needed, ["" if code is None else code for code in given])
            keys, words, labels, names, erp_ids, codes = (tuple(map(str.strip, column)) for column in everything)
        except (TypeError, ValueError):  # something is not text, or not a row
            return False
        columns = (keys, labels, names, erp_ids)
        if not all(map(all, columns)) or not self._codes.keys() >= set(words):
            return False
        if len(set(keys)) < len(keys) or not self._first.keys().isdisjoint(keys):
            return False
        if not plain((*columns, codes)):
            return False
        type_codes = map(self._codes.__getitem__, words)
        rows = zip(keys, type_codes, labels, names, erp_ids, (code or None for code in codes), strict=True)
        self._rows.extend(map(Dimension._make, rows))
        self._first.update(zip(keys, places, strict=True))
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
            self._rows.append(row)
        else:
            self._invalid.append(
                _Invalid(place, _duplicate(row.key, natural_key(row), self._spell(self._first[row.key])))
            )

    def _refuse(self, refused: Refused, place: int) -> None:
        if refused.key is not None:
            self._bear(refused.key, place)
        self._invalid.append(_Invalid(place, refused))

    def _bear(self, key: str, place: int) -> bool:
        """Note that a row bears a key; return whether it is the first."""
        if key not in self._first:
            self._first[key] = place
            return True
        self._again.setdefault(key, place)
        return False

    def _repeated(self, row: Dimension) -> _Invalid:
        """Return the first row of a key as invalid: which of the rows is meant, nobody can tell."""
        refused = _duplicate(row.key, natural_key(row), self._spell(self._again[row.key]))
        return _Invalid(self._first[row.key], refused)

    def _spell(self, place: int) -> str:
        return f"line {place}" if self._lined else f"row {place}"

    def _problem(self, invalid: _Invalid) -> Problem:
        place, (faults, key, _) = invalid
        message = "; ".join(fault.message for fault in faults)
        return Problem(
            code=faults[0].code,
            message=message if self._lined else f"row {place}: {message}",
            key=key,
            file=self._file,
            line=place if self._lined else None,
        )


def _duplicate(key: str, natural: NaturalKey, other: str) -> Refused:
    message = f"unique_key {shown(key)} is not unique: it also stands in {other}; none of its rows is sent"
    return Refused((Fault("duplicate-key", message),), key, natural)


def _broken(row: Broken) -> Refused:
    return Refused((Fault(row.code, row.message),))


def _twice(found: Layout) -> str:
    return f"the same column is there twice: {'; '.join(found.doubled)}"
