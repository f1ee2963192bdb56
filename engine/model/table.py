"""Rows held as plain tuples, which become named ones when they are looked at.

A plain tuple of texts costs half of a named one to make, and the garbage collector forgets it at its first visit: a
named tuple it visits again and again, a third of the time of a run over a million rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import eq
from typing import Any, Generic, TypeAlias, TypeVar, cast, overload

Cells: TypeAlias = tuple[Any, ...]
"""The fields of one row, in the order of its named tuple."""

Row = TypeVar("Row")
Other = TypeVar("Other")


class Rows(Sequence[Row]):
    """A sequence of rows over plain tuples. `cells` are those, for what works on all of them."""

    __slots__ = ("_make", "cells")

    def __init__(self, make: Callable[[Cells], Row], cells: list[Cells]) -> None:
        """Take the plain tuples and what makes a row of one."""
        self._make = make
        self.cells = cells

    def __len__(self) -> int:
        return len(self.cells)

    def __iter__(self) -> Iterator[Row]:
        return map(self._make, self.cells)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Rows[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Rows[Row]:
        if isinstance(index, slice):
            return Rows(self._make, self.cells[index])
        return self._make(self.cells[index])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(eq, self, other))

    def __hash__(self) -> int:
        raise TypeError("rows in a list cannot be hashed")

    def __repr__(self) -> str:
        return repr(list(self))


def bare(rows: Iterable[Row]) -> list[Cells]:
    """Return rows as plain tuples, or as they are where they are no `Rows`: named tuples are tuples, too."""
    return rows.cells if isinstance(rows, Rows) else cast("list[Cells]", list(rows))


class Entries(Mapping[str, Row], Generic[Row]):
    """A mapping of rows over plain tuples, in their order."""

    __slots__ = ("_make", "cells")

    def __init__(self, make: Callable[[Cells], Row], cells: dict[str, Cells]) -> None:
        """Take the plain tuples and what makes a row of one."""
        self._make = make
        self.cells = cells

    def __len__(self) -> int:
        return len(self.cells)

    def __iter__(self) -> Iterator[str]:
        return iter(self.cells)

    def __contains__(self, key: object) -> bool:
        return key in self.cells

    def __getitem__(self, key: str) -> Row:
        return self._make(self.cells[key])

    @overload
    def get(self, key: str, /) -> Row | None: ...
    @overload
    def get(self, key: str, /, default: Row | Other) -> Row | Other: ...
    def get(self, key: str, /, default: object = None) -> object:
        """Return the row of a key, or the default: without the exception of a key that is not there."""
        cells = self.cells.get(key)
        return default if cells is None else self._make(cells)

    def __repr__(self) -> str:
        return repr(dict(self))
