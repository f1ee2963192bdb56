"""Read one of a company's sources: which rows count, which are left out, and faults of the source as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from typing import NamedTuple

from engine.errors import SourceError
from engine.model.table import taken
from engine.model.wanted import LeftOut, Place, SourceMarks
from engine.sources.batch import Batch, Broken, Grid
from engine.sources.cells import Cells, Objects, Table, flat
from engine.sources.expressions import Expression, FirstOf, columns_of, lacking
from engine.sources.fields import Reader
from engine.sources.filters import IfThere
from engine.sources.furniture import blanks, headers, is_header, is_total, totals
from engine.sources.known_types import KnownTypes, codes_of, one_list
from engine.sources.layout import Layout, is_own, layout, repeated
from engine.sources.left_out_rows import LeftOutSearch
from engine.sources.mapping import ColumnMap
from engine.sources.rows import OPTIONAL, Fault, Refused
from engine.sources.selection import Tally, selected

_SHOWN = 5  # cells that a message shows


class Sifted(NamedTuple):
    """A batch after filters: rows to be read, and rows that are invalid already."""

    cells: Cells
    lines: Sequence[int]  # or numbers of rows, where the source has no lines
    found: Layout
    refused: Sequence[tuple[int, Refused]]  # with their lines


class Part:
    """Counts one source's rows, and raises `SourceError` for faults that concern all of them."""

    def __init__(self, name: str | None, search: LeftOutSearch | None = None) -> None:
        """Take its name in messages. `search`: is shown each row that is left out."""
        self.name = name
        self._search = search
        self.is_lined = False
        self.read_rows = 0  # all but blank ones, and those of other companies where the map has a company column
        self.tally = Tally()  # of rows that are left out
        self._number = 0  # rows seen
        self._columns: tuple[str, ...] | None = None  # those whose layout is known
        self._has_paths = False  # whether a layout of objects depends on what is in them
        self._found = Layout((), (), (), None)
        self._lacked: dict[str, None] | None = None  # columns that no object had so far; None: there was no object
        self._had: dict[str, None] = {}  # columns that objects had
        self._made: Mapping[str, Expression] = {}  # how the columns of objects are made
        self._absent: dict[str, tuple[str, ...] | None] = {}  # see `absent_columns`; None: one of them was there
        self._joined: str | None = None  # the preset of joined lists that is to read the types of rows
        self._is_below_total = False
        self._one_shape: Sequence[str] | None = None  # the columns of the first rows
        self.has_one_shape = True  # all rows have the same columns
        self._filters: dict[str, bool] = {}  # columns of the filter that rows need not have -> whether one has it
        self._types = KnownTypes()

    def sifted(self, batch: Batch, reader: Reader) -> Sifted:
        """Return what is to be read of a file's batch."""
        self.is_lined = batch.lines is not None
        cells, lines, broken = self._split(batch)
        refused = [(line, Refused((Fault(row.code, row.message),))) for line, row in broken]
        found = (
            self._table_layout(cells, batch.mapping) if isinstance(cells, Table) else self._objects_layout(cells, batch)
        )
        self._note_shape(cells)
        if batch.mapping.columns:
            self._note_absent(cells, batch.mapping)
        if isinstance(cells, Table):
            cells, lines = self._without_furniture(cells, lines, batch, reader)
        if (company_column := batch.mapping.company_column) is not None:
            own = [at for at, value in enumerate(cells.column(company_column)) if is_own(value, reader.company_id)]
            cells, lines = cells.only(own), taken(lines, own)
        return self.filtered(cells, lines, found, reader, refused)

    def filtered(
        self,
        cells: Cells,
        lines: Sequence[int],
        found: Layout,
        reader: Reader,
        refused: Sequence[tuple[int, Refused]] = (),
    ) -> Sifted:
        """Count rows, and return those that the filter takes."""
        self.read_rows += len(cells) + len(refused)
        self._types.look_at(cells, found, reader)
        if reader.mapping.where:
            self._note_filters(cells, reader.mapping)
        chosen = selected(cells, reader.mapping.where)
        if chosen.taken is None:
            return Sifted(cells, lines, found, refused)
        if chosen.out:
            codes = codes_of(cells.only(list(chosen.out)), found, reader)
            for (column, value), code in zip(chosen.out.values(), codes, strict=True):
                self.tally.add("filter", column, value, code)
            if self._search is not None:
                pairs = zip(chosen.out.items(), codes, strict=True)
                reasons = {at: LeftOut("filter", *why, code, 1) for (at, why), code in pairs}
                self._show(cells, lines, reasons, reader)
        unclear = [(lines[at], Refused((fault,))) for at, fault in chosen.refused.items()]
        return Sifted(cells.only(chosen.taken), taken(lines, chosen.taken), found, [*refused, *unclear])

    @property
    def marks(self) -> SourceMarks:
        """What the source is like, except how it ended."""
        has, lacks = (tuple(name for name, has in self._filters.items() if has is there) for there in (True, False))
        return SourceMarks(str(self.name or ""), None, has, lacks)

    def _note_shape(self, cells: Table | Objects) -> None:
        """Note whether each row has the columns of the first one, in whatever order."""
        if not len(cells):
            return
        columns = self._one_shape = self._one_shape or tuple(sorted(cells.columns))
        is_alike = tuple(sorted(cells.columns)) == columns
        if isinstance(cells, Objects):
            is_alike = is_alike and set(map(len, cells.rows)) == {len(columns)}
        self.has_one_shape = self.has_one_shape and is_alike

    def _note_filters(self, cells: Cells, mapping: ColumnMap) -> None:
        if not len(cells) and isinstance(cells, Objects):
            return  # without an object, nothing shows which columns there are
        for column, test in mapping.where.items():
            if isinstance(test, IfThere) and not self._filters.get(column):
                self._filters[column] = cells.has(column)

    @property
    def absent_columns(self) -> Mapping[str, tuple[str, ...]]:
        """The columns that an optional field is made of, if rows need not have them and no row has one of them."""
        return {field: columns for field, columns in self._absent.items() if columns}

    def _note_absent(self, cells: Cells, mapping: ColumnMap) -> None:
        for column, field in OPTIONAL.items():
            made, was_there = mapping.columns.get(column), self._absent.get(field, ()) is None
            if isinstance(made, FirstOf) and not was_there and not lacking(made, lambda _: False):
                names = tuple(columns_of(made))
                self._absent[field] = None if any(map(cells.has, names)) else names

    def numbers(self, count: int) -> range:
        """Return the numbers of the next rows."""
        self._number += count
        return range(self._number - count + 1, self._number + 1)

    def end(self) -> None:
        """Raise `SourceError` for faults that only the end shows: a column or a known type that no row had."""
        if self._lacked:
            raise self._missing(list(self._lacked), list(self._had))
        self._types.require_one(self.name)

    def _split(self, batch: Batch) -> tuple[Table | Objects, Sequence[int], Sequence[tuple[int, Broken]]]:
        """Return a batch's cells with their lines, and the rows that could not be split, with theirs."""
        lines: Sequence[int] = batch.lines or batch.numbers or self.numbers(len(batch))
        if isinstance(batch.cells, Grid):
            return Table(batch.cells.flat, batch.columns or ()), lines, ()
        rows: Sequence[object] = batch.cells
        broken: list[tuple[int, Broken]] = []
        if Broken in set(map(type, rows)):
            is_whole = [type(row) is not Broken for row in rows]
            broken = [(line, row) for line, row in zip(lines, rows, strict=True) if isinstance(row, Broken)]
            rows, lines = list(compress(rows, is_whole)), list(compress(lines, is_whole))
        cells = Objects(rows) if batch.columns is None else Table(flat(rows), batch.columns)  # type: ignore[arg-type]  # no row is broken
        return cells, lines, self._whole(broken, batch)

    def _whole(self, broken: Sequence[tuple[int, Broken]], batch: Batch) -> Sequence[tuple[int, Broken]]:
        """Return the broken rows that are no totals. Raises `SourceError` for a second header of another width."""
        left: list[tuple[int, Broken]] = []
        for line, row in broken:
            if batch.columns is not None and is_header(row.cells, batch.columns):
                raise self._second_header(line, row.cells)
            if is_total(row.cells):
                self._leave_out("total")
            else:
                left.append((line, row))
        return left

    def _leave_out(self, reason: str) -> None:
        """Count a row that is left out because it belongs to a report's frame, such as its total."""
        self._is_below_total = True
        self.read_rows += 1
        self.tally.add(reason, "", "", None)

    def _table_layout(self, cells: Table, mapping: ColumnMap) -> Layout:
        """Return how a table's rows are read; all rows share its columns, so a fault in them is the file's."""
        columns = tuple(cells.columns)
        if columns != self._columns:
            self._columns, self._found = columns, layout(cells, mapping)
            self._joined = _joined(mapping)
            if twice := repeated(columns, mapping, self._found):
                text = f"{self.name}: the same column is there twice: {'; '.join(twice)}; keep one of them"
                raise SourceError(text, file=self.name)
            if self._found.missing:
                raise (
                    self._misplaced(mapping.header, columns)
                    if mapping.header
                    else self._missing(self._found.missing, columns)
                )
        return self._found

    def _misplaced(self, line: int, there: Sequence[str]) -> SourceError:
        place = f"{self.name}, line {line}, where the mapping says that the column names are (header = {line})"
        named = ", ".join(name for name in there if name) or "none"
        text = f"{place}: missing columns: {', '.join(self._found.missing)}; there are: {named}"
        return SourceError(text, file=self.name, line=line)

    def _objects_layout(self, cells: Objects, batch: Batch) -> Layout:
        """Return how objects are read, and note which columns none of them had so far."""
        columns = tuple(cells.columns)
        if columns != self._columns or self._has_paths or self._lacked is None:
            self._columns, self._found = columns, layout(cells, batch.mapping)
            self._made, self._joined = batch.mapping.columns, _joined(batch.mapping)
            self._has_paths = any("." in name for name in batch.mapping.names())
            if len(cells):
                self._had |= dict.fromkeys(cells.columns)
                lacked = dict.fromkeys(self._found.missing)
                still = lacked if self._lacked is None else self._lacked
                self._lacked = {name: None for name in still if name in lacked}
        return self._found

    def _missing(self, columns: Sequence[str], there: Sequence[str]) -> SourceError:
        named = [name for name in there if name]
        text = f"{self.name}: missing columns: {', '.join(columns)}; there are: {', '.join(named) or 'none'}"
        if len(named) == 1 and self.is_lined:
            text += "; no line of the first 20 holds them all: if they stand further down, say where: header = N"
        for column in OPTIONAL.keys() & self._made.keys():
            if " or ".join(columns_of(self._made[column])) in columns:
                text += f'; if no row is to have a {column}, say so: columns = {{ {column} = {{ constant = "" }} }}'
        if self._joined is not None:
            text += f"; {one_list(self._joined, there)}"
        return SourceError(text, file=self.name)

    def _show(self, cells: Cells, lines: Sequence[int], reasons: Mapping[int, LeftOut], reader: Reader) -> None:
        """Show rows that are left out, by position, to whoever looks for one."""
        if self._search is not None:
            order = sorted(reasons)
            places = [Place(self.name, lines[at] if self.is_lined else None) for at in order]
            self._search.look_at(cells.only(order), self._found, reader, [reasons[at] for at in order], places)

    def _without_furniture(
        self, cells: Table, lines: Sequence[int], batch: Batch, reader: Reader
    ) -> tuple[Table, Sequence[int]]:
        """Return a table without blank rows, and without totals, which are counted as left out."""
        if not len(cells):
            return cells, lines
        read = [name for name in dict.fromkeys(_read(self._found)) if cells.has(name)]
        for at in headers(cells, read):
            raise self._second_header(lines[at], cells.row(at))
        gone = set(blanks(cells, read))
        if batch.lines is not None:
            beside = totals(cells, read, is_below=self._is_below_total)
            for reason in beside.values():
                self._leave_out(reason)
            reasons = {at: LeftOut(reason, "", "", None, 1) for at, reason in beside.items()}
            self._show(cells, lines, reasons, reader)
            gone |= beside.keys()
        if not gone:
            return cells, lines
        kept = [at for at in range(len(cells)) if at not in gone]
        return cells.only(kept), taken(lines, kept)

    def _second_header(self, line: int, row: Sequence[object]) -> SourceError:
        place = f"line {line}" if self.is_lined else f"row {line}"
        cells = ", ".join(str(cell) for cell in row[:_SHOWN])
        text = (
            f"{self.name}, {place}: column names stand here again ({cells}): the file is of two lists; give each list "
            "a file of its own, and the company both: sources = [...]"
        )
        return SourceError(text, file=self.name, line=line if self.is_lined else None)


def _joined(mapping: ColumnMap) -> str | None:
    return mapping.preset if mapping.preset and "." not in mapping.preset and mapping.type_code is None else None


def _read(found: Layout) -> Iterable[str]:
    """Yield the columns that the fields are made of."""
    return (name for made in found.fields if made is not None for name in columns_of(made))
