"""Whose row a row is, where one source has the rows of many companies: which company its column names. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from engine.errors import SourceError
from engine.model.dimension import clean
from engine.sources.batch import Batch, Broken
from engine.sources.cells import Objects, Table, flat
from engine.sources.expressions import is_empty
from engine.sources.furniture import is_header, totals

MOST_KNOWN = 100_000
"""Values of a company column whose meaning is remembered: a source may have another value in each row."""

MOST_IDS = 5
"""Ids of strays that are kept for the message."""


class Row(NamedTuple):
    """A row of a source, with its place in the whole source."""

    place: int  # its line, or its number where the source has no lines
    cells: Any  # by position, or an object


class Strays:
    """Rows that name no company which has the source."""

    def __init__(self) -> None:
        self.rows = 0
        self.ids: dict[str, None] = {}  # a few of those that they name, as they stand there
        self.first = 0  # place of the first one
        self.is_lined = False

    def add(self, place: int, named: object, *, is_lined: bool) -> None:
        """Count a row. `named`: what stands in its company column."""
        self.rows += 1
        if self.rows == 1:
            self.first, self.is_lined = place, is_lined
        if not is_empty(named) and len(self.ids) < MOST_IDS:
            self.ids[clean(str(named))[:40]] = None


class Dealer:
    """Deals the rows of a source to the companies that they name. Raises `SourceError` for a second header."""

    def __init__(self, name: str, column: str, companies: Collection[int]) -> None:
        """Take the source's name, the column that names companies, and the ids of those that have the source."""
        self._name = name
        self._column = column
        self._companies = companies
        self._known: dict[object, int | None] = {}  # value of the column -> company, for the values seen lately
        self._number = 0  # rows seen
        self._is_below_total = False
        self.strays = Strays()
        self.columns: tuple[str, ...] | None = None  # None: its rows are objects, or there was none yet
        self.keys: dict[str, None] = {}  # columns that any object has
        self.is_lined = False

    def deal(self, batch: Batch) -> dict[int, list[Row]]:
        """Return the batch's rows by company, in their order. Rows of nobody are counted as strays."""
        self.columns, self.is_lined = batch.columns, batch.lines is not None
        places = batch.lines or range(self._number + 1, self._number + len(batch) + 1)
        self._number += len(batch)
        whole = [Row(place, row) for place, row in zip(places, batch.cells, strict=True) if not _is_broken(row)]
        found: dict[int, list[Row]] = defaultdict(list)
        others: list[Row] = []
        for row, named in zip(whole, self._named(whole), strict=True):
            company_id = self._company(named)
            if company_id is None:
                others.append(row)
            else:
                found[company_id].append(row)
        self._count_strays(others)
        for place, cells in zip(places, batch.cells, strict=True):
            if _is_broken(cells):
                self.strays.add(place, None, is_lined=self.is_lined)
        return found

    def _named(self, rows: Sequence[Row]) -> Sequence[object]:
        cells = [row.cells for row in rows]
        if self.columns is not None:
            return Table(flat(cells), self.columns).column(self._column) if cells else ()
        objects = Objects(cells)
        self.keys |= dict.fromkeys(objects.columns)
        return objects.column(self._column)

    def _company(self, named: object) -> int | None:
        """Return the company that has the source and that a value names; None: there is none."""
        if isinstance(named, bool):  # which is equal to 0 or 1
            return None
        try:
            return self._known[named]
        except KeyError:
            pass
        except TypeError:  # a list or an object, which names nobody
            return None
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        number = company_of(named)
        self._known[named] = number if number in self._companies else None
        return self._known[named]

    def _count_strays(self, rows: Sequence[Row]) -> None:
        """Count rows of nobody, without those that are none: blank ones, totals, and what follows these."""
        if not rows or (self.columns is not None and self._column not in self.columns):
            return  # the column is missing, which fails each company
        beside: Collection[int] = ()
        if self.columns is not None:
            for row in rows:
                if is_header(row.cells, self.columns):
                    raise self._second_header(row)
            if self.is_lined:
                table = Table(flat(row.cells for row in rows), self.columns)
                beside = totals(table, self.columns, is_below=self._is_below_total)
                self._is_below_total |= bool(beside)
        for at, (row, named) in enumerate(zip(rows, self._named(rows), strict=True)):
            if at not in beside and not _is_blank(row.cells):
                self.strays.add(row.place, named, is_lined=self.is_lined)

    def _second_header(self, row: Row) -> SourceError:
        place = f"line {row.place}" if self.is_lined else f"row {row.place}"
        text = f"{self._name}, {place}: column names stand here again: the file is of two lists; give each a file"
        return SourceError(text, file=self._name, line=row.place if self.is_lined else None)


def company_of(named: object) -> int | None:
    """Return the id that a value of the company column is, by the rule of `layout.is_own`; None: it is none."""
    if isinstance(named, str):
        text = clean(named).removesuffix(".0")
        is_id = text.isascii() and text.isdigit() and not text.startswith("0") and len(text) < 20
        return int(text) if is_id else None
    if isinstance(named, bool) or not isinstance(named, int | float | Decimal):
        return None
    return int(named) if named == named // 1 else None


def _is_broken(row: object) -> bool:
    return isinstance(row, Broken)


def _is_blank(cells: Any) -> bool:
    return all(map(is_empty, _values(cells)))


def _values(cells: Any) -> Iterator[object]:
    return iter(cells.values() if isinstance(cells, dict) else cells)
