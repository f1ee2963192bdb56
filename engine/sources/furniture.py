"""Recognise lines of a table that are no rows: blank lines, a report's total and lines after it, a second header."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from engine.sources.cells import Table
from engine.sources.expressions import is_empty

LEAST_NAMES = 2
"""A row with at least this many cells that are names of columns is the header of another list."""

_TOTALS = frozenset(
    spell(word) + colon
    for word in ("total", "totals", "grand total")
    for spell in (str.lower, str.upper, str.title, str.capitalize)
    for colon in ("", ":")
)

_AMOUNT = re.compile(r"[-+($€£\s]*(\d[\d.,'\s]*)?[.,]\d\d[)%€\s]*")
"""An amount of money or a share: it has two decimals, which no number of an account has."""


def blanks(cells: Table, columns: Iterable[str]) -> list[int]:
    """Return the positions of rows in which nothing stands. `columns`: those that are read."""
    found: Collection[int] = range(len(cells))
    for name in columns:
        column = cells.column(name)
        if is_filled(column):
            return []
        found = [at for at in found if is_empty(column[at])]
    return [at for at in found if all(map(is_empty, cells.row(at)))]


def is_filled(column: Sequence[object]) -> bool:
    """Return whether no cell of a column is empty."""
    try:
        return all(map(str.strip, column))  # type: ignore[arg-type]  # where this is not so, the cells are looked at
    except TypeError:
        return not any(map(is_empty, column))


def headers(cells: Table, columns: Iterable[str]) -> list[int]:
    """Return the positions of rows that repeat a header. `columns`: those that are read."""
    names = frozenset(name for name in cells.columns if name)
    found = {at for name in columns for at in _among(cells.column(name), names)}
    return [at for at in sorted(found) if is_header(cells.row(at), names)]


def is_header(row: Sequence[object], names: Collection[str]) -> bool:
    """Return whether a row is the header of a list: at least two of its cells are names of columns."""
    return len({cell.strip() for cell in row if isinstance(cell, str)} & {*names} - {""}) >= LEAST_NAMES


def totals(cells: Table, columns: Iterable[str], *, is_below: bool) -> dict[int, str]:
    """Return the positions of totals, each with "total", and of the lines below them, each with "footer".

    `columns`: those that are read. `is_below`: there was a total before these rows.
    """
    names = {*columns, cells.columns[0]}
    found = dict.fromkeys(
        sorted(
            at for at in {at for name in names for at in _among(cells.column(name), _TOTALS)} if is_total(cells.row(at))
        ),
        "total",
    )
    if not found and not is_below:
        return {}
    first = -1 if is_below else min(found)
    return found | {
        at: "footer" for at in range(first + 1, len(cells)) if _is_footer(cells.row(at)) and at not in found
    }


def _among(column: Sequence[object], words: frozenset[str]) -> list[int]:
    """Return the positions of cells that are one of some words."""
    try:
        if words.isdisjoint(column):
            return []
    except TypeError:  # lists and objects, which are no words
        pass
    return [at for at, cell in enumerate(column) if isinstance(cell, str) and cell.strip() in words]


def is_total(row: Sequence[object]) -> bool:
    """Return whether a row is the total of a report: its first filled cell says so, and all others are amounts."""
    filled = [cell for cell in row if not is_empty(cell)]
    return bool(filled) and str(filled[0]).strip() in _TOTALS and all(map(_is_amount, filled[1:]))


def _is_amount(cell: object) -> bool:
    return _AMOUNT.fullmatch(cell) is not None if isinstance(cell, str) else isinstance(cell, int | float)


def _is_footer(row: Sequence[object]) -> bool:
    """Return whether a row may be a line below a report: only its first cell is filled, of three or more."""
    return len(row) > LEAST_NAMES and not is_empty(row[0]) and all(map(is_empty, row[1:]))
