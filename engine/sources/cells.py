"""Cells by the names of their columns: rows of a table, or objects, each of which has columns of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, Protocol

from engine.model.table import taken


class Absent:
    """The value of a column that an object does not have."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent()


class Cells(Protocol):
    """Rows, of which columns can be taken by name."""

    def __len__(self) -> int:
        """Return the number of rows."""

    @property
    def columns(self) -> Collection[str]:
        """The names of all columns that a row has."""

    def has(self, name: str) -> bool:
        """Return whether at least one row has a column."""

    def column(self, name: str, absent: object = None) -> Sequence[Any]:
        """Return a column's values, `absent` where a row does not have it."""

    def only(self, positions: Sequence[int]) -> Cells:
        """Return some of the rows."""


class Table:
    """Rows that all have the same columns: all cells in one list, row after row."""

    def __init__(self, flat: Sequence[Any], columns: Sequence[str]) -> None:
        self.flat = flat
        self.columns = columns

    def __len__(self) -> int:
        return len(self.flat) // len(self.columns) if self.columns else 0

    def has(self, name: str) -> bool:
        """Return whether there is such a column."""
        return name in self.columns

    def column(self, name: str, absent: object = None) -> Sequence[Any]:
        """Return a column's values, `absent` in each row where there is no such column."""
        if name not in self.columns:
            return [absent] * len(self)
        return self.flat[self.columns.index(name) :: len(self.columns)]

    def row(self, position: int) -> Sequence[Any]:
        """Return the cells of one row."""
        width = len(self.columns)
        return self.flat[position * width : (position + 1) * width]

    def only(self, positions: Sequence[int]) -> Table:
        """Return some of the rows."""
        rows = list(zip(*[iter(self.flat)] * len(self.columns), strict=True))  # a third of what a slice for each takes
        return Table(list(chain.from_iterable(taken(rows, positions))), self.columns)


class Objects:
    """Objects of JSON. A name without a column of exactly that name is a path, if it has dots: `AccountCD.value`."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.rows = rows
        first = rows[0] if rows else {}
        self.columns = [*first, *sorted(set[str]().union(*rows).difference(first), key=str)]

    def __len__(self) -> int:
        return len(self.rows)

    def has(self, name: str) -> bool:
        """Return whether at least one object has a column, or what a path leads to."""
        return name in self.columns or ("." in name and any(value is not ABSENT for value in self.column(name, ABSENT)))

    def column(self, name: str, absent: object = None) -> Sequence[Any]:
        """Return a column's values, `absent` where an object does not have it."""
        try:
            return list(map(itemgetter(name), self.rows))
        except KeyError:
            return [_at(row, name, absent) for row in self.rows]

    def only(self, positions: Sequence[int]) -> Objects:
        """Return some of the objects."""
        return Objects(taken(self.rows, positions))


def _at(row: Mapping[str, Any], name: str, absent: object) -> Any:
    """Return the value of a column or, where there is none of exactly that name, what the path leads to."""
    if name in row:
        return row[name]
    value: Any = row
    for part in name.split("."):
        if not isinstance(value, dict) or part not in value:
            return absent
        value = value[part]
    return value


def flat(rows: Iterable[Sequence[object]]) -> list[object]:
    """Return the cells of rows in one list."""
    return list(chain.from_iterable(rows))
