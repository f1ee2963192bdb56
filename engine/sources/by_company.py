"""Deal the rows of a source of many companies to the companies that its company column names. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from engine.errors import SourceError
from engine.model.dimension import clean
from engine.sources.batch import Batch, Broken, Grid
from engine.sources.cells import Objects, Table, flat
from engine.sources.expressions import is_empty
from engine.sources.furniture import is_header, is_total, totals

MOST_KNOWN = 100_000
"""Values of a company column whose meaning is remembered: a source may have another value in each row."""

MOST_IDS = 5
"""Different values of the company column of strays that are kept for the message."""


class Rows(NamedTuple):
    """Rows of a source, with their places in the whole source."""

    places: list[int]  # their lines, or their numbers where the source has no lines
    cells: list[Any]  # of each row: by position, or an object


class Strays:
    """Rows whose company column names no company of this source."""

    def __init__(self) -> None:
        self.rows = 0
        self.ids: dict[str, None] = {}  # a few of those that they name, as they stand there
        self.first = 0  # place of the first one
        self.is_lined = False

    def add(self, place: int, named: object, *, is_lined: bool) -> None:
        """Count a row. `named`: what stands in its company column."""
        self.rows += 1  # rows of one batch may come in any order
        self.first, self.is_lined = min(place, self.first or place), is_lined
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

    def deal(self, batch: Batch) -> dict[int, Rows]:
        """Return the batch's rows by company, in their order. All other rows are counted as strays."""
        self.columns, self.is_lined = batch.columns, batch.lines is not None
        places = batch.lines or range(self._number + 1, self._number + len(batch) + 1)
        self._number += len(batch)
        found: dict[int | None, Rows] = defaultdict(lambda: Rows([], []))
        whole = Rows([], [])
        for place, cells in zip(places, _each(batch.cells), strict=True):
            rows = found[self._of_broken(place, cells)] if isinstance(cells, Broken) else whole
            rows.places.append(place)
            rows.cells.append(cells)
        found.pop(None, None)  # broken rows that name no company: they are counted already
        companies = map(self._company, self._named(whole.cells))
        for place, cells, company_id in zip(*whole, companies, strict=True):
            rows = found[company_id]
            rows.places.append(place)
            rows.cells.append(cells)
        self._count_strays(found.pop(None, Rows([], [])))
        return {company_id: rows for company_id, rows in found.items() if company_id is not None}

    def _of_broken(self, place: int, row: Broken) -> int | None:
        """Return the company of a row that could not be split into fields; if it names none, count it as a stray."""
        at = self.columns.index(self._column) if self.columns and self._column in self.columns else len(row.cells)
        named = row.cells[at] if at < len(row.cells) else None
        if self.columns is not None and is_header(row.cells, self.columns):
            raise self._second_header(place)
        company_id = self._company(named)
        if company_id is None and not is_total(row.cells):
            self.strays.add(place, named, is_lined=self.is_lined)
        return company_id

    def _named(self, cells: Sequence[Any]) -> Sequence[object]:
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

    def _count_strays(self, rows: Rows) -> None:
        """Count rows as strays, except blank lines, totals, and lines after a total."""
        if not rows.cells or (self.columns is not None and self._column not in self.columns):
            return  # the column is missing, which fails each company
        beside: Collection[int] = ()
        if self.columns is not None:
            for place, cells in zip(*rows, strict=True):
                if is_header(cells, self.columns):
                    raise self._second_header(place)
            if self.is_lined:
                table = Table(flat(rows.cells), self.columns)
                beside = totals(table, self.columns, is_below=self._is_below_total)
                self._is_below_total |= bool(beside)
        for at, (place, cells, named) in enumerate(zip(*rows, self._named(rows.cells), strict=True)):
            if at not in beside and not _is_blank(cells):
                self.strays.add(place, named, is_lined=self.is_lined)

    def _second_header(self, place: int) -> SourceError:
        words = f"line {place}" if self.is_lined else f"row {place}"
        text = f"{self._name}, {words}: column names stand here again: the file is of two lists; give each a file"
        return SourceError(text, file=self._name, line=place if self.is_lined else None)


def company_of(named: object) -> int | None:
    """Return the company id that a value of the company column stands for (see `layout.is_own`); None: it is none."""
    if isinstance(named, str):
        text = clean(named).removesuffix(".0")
        is_id = text.isascii() and text.isdigit() and not text.startswith("0") and len(text) < 20
        return int(text) if is_id else None
    if isinstance(named, bool) or not isinstance(named, int | float | Decimal):
        return None
    return int(named) if named == named // 1 else None


def _each(rows: Sequence[Any]) -> Iterable[Any]:
    """Return rows one by one; to take those of a grid by number costs five times as much."""
    if not isinstance(rows, Grid):
        return rows
    cells, width = [cell.lstrip(" ") for cell in rows.flat], rows.width
    return (cells[start : start + width] for start in range(0, len(cells), width))


def _is_blank(cells: Any) -> bool:
    return all(map(is_empty, _values(cells)))


def _values(cells: Any) -> Iterator[object]:
    return iter(cells.values() if isinstance(cells, dict) else cells)
