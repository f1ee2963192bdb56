"""Rows in bulk: columns by name, rows by position. A row is made when it is looked at.

A column for each field costs a fraction of a tuple for each row: to make, to compare, and to the garbage collector,
which visits each tuple again and again. What is done to all rows is done column by column, in C.

A table that is whole has tuples for columns: the collector looks once at a tuple of texts, and then never again. A list
of 100,000 texts it walks through in each of its passes, for 2 ms, and nothing else of the program runs meanwhile. So
long tuples are shown to it one by one, as they are made: its next pass would walk through all of them together.
"""

from __future__ import annotations

import gc
from array import array
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Callable, Collection, Container, Iterable, Iterator, KeysView, Mapping, Sequence, Sized
from collections.abc import Set as AbstractSet
from itertools import chain, compress, count, islice, repeat, starmap
from operator import contains, eq, itemgetter, ne
from typing import Any, Generic, TypeVar, overload

from engine.model.breath import breathe, sliced

Row = TypeVar("Row")
Value = TypeVar("Value")
Other = TypeVar("Other")

SLICE = 8_000
"""Rows that are taken at a time where one call in C for all of them would keep other threads waiting: 1 to 4 ms."""

FEW = 2_000
"""As many where each is looked up in a dict of all, or read from a database: neither it nor its text is in the
processor's cache by then."""

EACH = 1_000
"""As many where Python code is run for each: 1 to 3 ms."""

Column = Sequence[Any]
"""The values of one field, by position."""


class Table(Sequence[Row]):
    """Rows of one kind over their columns."""

    __slots__ = ("_columns", "_is_whole", "_make")

    def __init__(
        self,
        names: Iterable[str],
        columns: Iterable[Column],
        make: Callable[[tuple[Any, ...]], Row],
        *,
        is_whole: bool = False,
    ) -> None:
        """Take a column for each name, all of one length, and what makes a row of the values at one position.

        `is_whole`: the columns are tuples.
        """
        self._columns = dict(zip(names, columns, strict=True))
        self._make = make
        self._is_whole = is_whole

    def column(self, name: str) -> Column:
        """Return the values of a field, by position."""
        return self._columns[name]

    def columns(self, *names: str) -> Iterator[tuple[Any, ...]]:
        """Return the values of some fields, row by row: what `zip` makes of their columns."""
        return zip(*map(self._columns.__getitem__, names), strict=True)

    def take(self, positions: Sequence[int]) -> Table[Row]:
        """Return the rows at these positions, in this order. All rows of a whole table share its columns."""
        columns: Iterable[Column] = self._columns.values()
        if _are_all(positions, len(self)):
            if self._is_whole:
                return self._whole(columns)
            positions = range(len(self))
        columns = (tuple(taken(column, positions)) for column in columns)
        return self._whole(columns if len(positions) <= SLICE else map(_shown, columns))

    def joined(self, *others: Table[Row]) -> Table[Row]:
        """Return the rows of this table and of others with the same fields, in this order."""
        parts = (self, *others)
        columns = (chain.from_iterable([each.column(name) for each in parts]) for name in self._columns)
        return self._whole(_shown(tuple(gathered(column))) for column in columns)

    def _whole(self, columns: Iterable[Column]) -> Table[Row]:
        """Return a table of other rows of this kind. The columns are tuples; the collector has seen long ones."""
        return Table(self._columns, columns, self._make, is_whole=True)

    def listed(self) -> list[Row]:
        """Return all rows, made."""
        return gathered(iter(self))

    def extend(self, rows: Table[Row]) -> None:
        """Take in further rows of the same fields, in the same order. An empty, whole table shares a whole one's."""
        if self._is_whole:
            if not len(rows):
                return
            self._is_whole = rows._is_whole and not len(self)
            if self._is_whole:
                self._columns.update(rows._columns)
                return
            self._columns = {name: list(column) for name, column in self._columns.items()}
        for column, more in zip(self._columns.values(), rows._columns.values(), strict=True):
            column.extend(more)  # type: ignore[attr-defined]

    def seal(self) -> None:
        """Make tuples of the columns, as the table is whole."""
        self._is_whole = True
        for name in self._columns:
            if not isinstance(self._columns[name], tuple):
                self._columns[name] = tuple(self._columns[name])  # the list is let go before the collector looks
                _shown(self._columns[name])

    def share(self, other: Table[Any], by: str, *names: str) -> None:
        """Let equal values of these fields be one object in both tables: two lists of texts become one.

        `by`: the field that tells which row of `other` a row is looked for in. Each row's is another one there.
        """
        if not len(other):
            return
        places = places_of(self._columns[by], other.column(by))  # of one that is not there: the last row, equal or not
        for name in (by, *names):
            self._columns[name] = _shown(tuple(_shared(self._columns[name], other.column(name), places)))

    def drain(self) -> None:
        """Free the columns piece by piece, for a table that is not looked at any more."""
        while self._columns:
            _, whole = self._columns.popitem()
            column = gathered(iter(whole))  # a tuple can only be freed as a whole
            del whole
            while column:
                del column[-FEW:]
                breathe()

    def in_order_of(self, name: str) -> list[int]:
        """Return the positions in the order of a field's values."""
        return ordered(self._columns[name])

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())))

    def __iter__(self) -> Iterator[Row]:
        return map(self._make, zip(*self._columns.values(), strict=True))

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Table[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Table[Row]:
        if isinstance(index, slice):
            parts = (column[index] for column in self._columns.values())
            return self._whole(parts) if self._is_whole else Table(self._columns, parts, self._make)
        return self._make(tuple([column[index] for column in self._columns.values()]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(eq, self, other))

    def __hash__(self) -> int:
        raise TypeError("a table cannot be hashed")

    def __repr__(self) -> str:
        return repr(list(self))


class Keyed(Mapping[str, Row], Generic[Row]):
    """A table whose rows are found by a field that is unique in it."""

    __slots__ = ("positions", "table")

    def __init__(self, table: Table[Row], by: str) -> None:
        """Take a table, and the name of the field. Of rows that share its value, the last one is found."""
        self.table = table
        self.positions: dict[str, int] = {}
        _place(self.positions, table.column(by), 0)

    def clear(self) -> None:
        """Free keys and table piece by piece, for rows that are not looked at any more."""
        while left := len(self.positions):
            deque(starmap(self.positions.popitem, repeat((), min(left, FEW))), maxlen=0)
            breathe()
        self.table.drain()

    def append(self, rows: Table[Row], by: str) -> bool:
        """Take in further rows; return whether each row has a key of its own. Else the last row of a key is found."""
        keys, first = rows.column(by), len(self.table)
        length = first + len(keys)
        self.table.extend(rows)
        _place(self.positions, keys, first)
        if first <= SLICE < length:
            show_early()
        return len(self.positions) == length

    def __len__(self) -> int:
        return len(self.positions)

    def __iter__(self) -> Iterator[str]:
        return iter(self.positions)

    def __contains__(self, key: object) -> bool:
        return key in self.positions

    def keys(self) -> KeysView[str]:
        """Return the keys, as the view of a dict: it is asked in C, and as fast as a set."""
        return self.positions.keys()

    def __getitem__(self, key: str) -> Row:
        return self.table[self.positions[key]]

    @overload
    def get(self, key: str, /) -> Row | None: ...
    @overload
    def get(self, key: str, /, default: Row | Other) -> Row | Other: ...
    def get(self, key: str, /, default: object = None) -> object:
        """Return the row of a key, else the default. No exception is raised on the way, which saves time."""
        position = self.positions.get(key)
        return default if position is None else self.table[position]

    def __repr__(self) -> str:
        return repr(dict(self))


def _place(positions: dict[str, int], keys: Column, first: int) -> None:
    """Note the positions of keys, of which the first one is given."""
    found = zip(keys, count(first), strict=False)
    positions.update(islice(found, FEW))
    if len(keys) > FEW:
        for _ in range(FEW, len(keys), FEW):
            breathe()
            positions.update(islice(found, FEW))


def _shared(own: Column, column: Column, places: Sequence[int]) -> list[Any]:
    """Return the values of one column, those at `places` of another one where they are equal."""
    found: list[Any] = []
    for start in range(0, len(own), FEW):
        if start:
            breathe()
        ours, theirs = own[start : start + FEW], taken(column, places[start : start + FEW])
        if tuple(ours) != tuple(theirs):
            for at in compress(count(), map(ne, ours, theirs)):
                theirs[at] = ours[at]
        found += theirs
    return found


NOWHERE = -1
"""The position of what is not there."""


def places_of(values: Column, column: Column, index: Callable[[], Mapping[Any, int]] | None = None) -> Sequence[int]:
    """Return where values stand in a column that has none twice. `index`: tells it, where the order is another one."""
    if tuple(column[: len(values)]) == tuple(values):
        return range(len(values))
    return packed(map((index() if index else _positions(column)).get, values, repeat(NOWHERE)))


def _positions(column: Column) -> Mapping[Any, int]:
    found: dict[Any, int] = {}
    _place(found, column, 0)
    return found


def _shown(column: Column) -> Column:
    """Return a new column; if it is long, once the collector has looked at it."""
    if len(column) > SLICE:
        breathe()
        if gc.isenabled():
            gc.collect(0)
            breathe()
    return column


def show_early() -> None:
    """Show what there is to the collector, for columns that grow and are short yet.

    It counts them among old things then. Else, where it is set to look seldom, it would walk through all columns of a
    table that is sealed: while the first one is a tuple, the others are lists.
    """
    if gc.isenabled():
        gc.collect(0)


def _are_all(positions: Sequence[int], length: int) -> bool:
    """Return whether these are the positions of all rows of a table, in their order."""
    if len(positions) != length:
        return False
    if isinstance(positions, range):
        return positions == range(length)
    are_there = map(eq, positions, count())
    return all(all(part) for part in _slices(are_there, length, SLICE))


def _slices(values: Iterator[Value], length: int, at_once: int) -> Iterator[Iterator[Value]]:
    """Yield `length` values slice by slice, each an iterator that is read to its end or not at all any more."""
    for start in range(0, length, at_once):
        if start:
            breathe()
        yield islice(values, at_once)


def ordered(column: Column) -> list[int]:
    """Return the positions of a column in the order of its values; a long one is sorted part by part."""
    if len(column) <= 2 * SLICE:
        return sorted(range(len(column)), key=column.__getitem__)
    found: list[int] = []
    for part in _in_parts(column):
        found += sorted(part, key=column.__getitem__)
        breathe()
    return found


def _in_parts(column: Column) -> list[list[int]]:
    """Return the positions of a long column in parts of about a quarter of `SLICE`, to be sorted one by one.

    All values of a part come before those of the next one; equal values are in one part.
    """
    parts = len(column) * 4 // SLICE + 1
    some = sorted(column[:: len(column) // (parts * 16)])
    bounds = some[16::16]
    found: list[list[int]] = [[] for _ in range(len(bounds) + 1)]
    for part in sliced(enumerate(column), SLICE):
        for position, value in part:
            found[bisect_right(bounds, value)].append(position)
    return found


def distinct(values: Iterable[Value]) -> KeysView[Value]:
    """Return the different ones of many values, in their order; they are told slice by slice.

    The keys of a dict take 20 to 40 bytes a text, where a set takes 27 to 104, by their number. `operator.contains`
    asks for one of them in two thirds of the time of `__contains__`.
    """
    found: dict[Value, None] = {}
    mark(found, values, None)
    return found.keys()


def mark(found: dict[Value, Other], keys: Iterable[Value], value: Other) -> None:
    """Give many keys of a dict one value, slice by slice."""
    left = iter(keys)
    while part := dict.fromkeys(islice(left, SLICE), value):
        found |= part
        _between(part)


def uses_of(values: Iterable[Value]) -> Counter[Value]:
    """Return how often there is each of many values; they are counted slice by slice."""
    left = iter(values)
    found = Counter(islice(left, SLICE))
    while part := list(islice(left, SLICE)):
        found.update(part)
        _between(part)
    return found


def has_any(values: AbstractSet[Value], others: Iterator[Value], count: int) -> bool:
    """Return whether any of many values, of which there are `count`, is in a set; slice by slice."""
    return bool(values) and any(not values.isdisjoint(part) for part in _slices(others, count, SLICE))


def has_all(values: Container[Value], others: Collection[Value]) -> bool:
    """Return whether all of many other values are among some; slice by slice."""
    are_there = map(contains, repeat(values), others)
    return all(all(part) for part in _slices(are_there, len(others), FEW))


def transposed(rows: Iterable[Sequence[Any]], width: int) -> list[list[Any]]:
    """Return the columns of rows that have this number of values each."""
    columns: list[list[Any]] = [[] for _ in range(width)]
    for part in sliced(rows, FEW):
        if set(map(len, part)) != {width}:
            raise ValueError(f"a row is shorter or longer than {width} values")
        for place, column in enumerate(columns):  # `zip(*part)` would make an iterator for each row
            column.extend(map(itemgetter(place), part))
        if len(columns[0]) == 2 * SLICE:
            show_early()
    return columns


def taken(column: Sequence[Value], positions: Sequence[int]) -> list[Value]:
    """Return the values at these positions; those at a range of them are copied together.

    One `itemgetter` for many positions takes a quarter of the time of a call for each.
    """
    if isinstance(positions, range) and positions.step == 1:
        return [*column[positions.start : positions.stop]]
    if 1 < len(positions) <= SLICE:
        return [*itemgetter(*positions)(column)]
    if len(positions) < 2:
        return [column[at] for at in positions]
    found: list[Value] = []
    for start in range(0, len(positions), SLICE):
        found += taken(column, positions[start : start + SLICE])
        breathe()
    return found


def gathered(values: Iterator[Value], at_once: int = SLICE) -> list[Value]:
    """Return values as a list that is made slice by slice."""
    found = list(islice(values, at_once))
    while part := list(islice(values, at_once)):
        breathe()
        found += part
    return found


def packed(positions: Iterator[int]) -> array[int]:
    """Return positions at 8 bytes each, where a list takes 8 and 32 for the number; made slice by slice."""
    found = array("q")
    while part := list(islice(positions, SLICE)):
        found.fromlist(part)
        _between(part)
    return found


def unequal(one: Column, other: Column) -> list[int]:
    """Return the positions at which two columns differ."""
    found: list[int] = []
    for start in range(0, len(one), 4 * SLICE):  # most are equal, which takes a quarter of what other calls take
        ours, theirs = one[start : start + 4 * SLICE], other[start : start + 4 * SLICE]
        if start:
            breathe()
        if tuple(ours) != tuple(theirs):
            found += compress(count(start), map(ne, ours, theirs))
    return found


def positions_of(flags: Iterator[object], length: int) -> list[int]:
    """Return the positions of the flags that are true. There are `length` flags; they are read slice by slice."""
    found: list[int] = []
    for start in range(0, length, SLICE):
        found += compress(range(start, start + SLICE), islice(flags, SLICE))
        if start + SLICE < length:
            breathe()
    return found


def _between(part: Sized) -> None:
    """Let other threads go on after a slice that is full: another one may follow."""
    if len(part) >= SLICE:
        breathe()


def constant(value: Value, count: int) -> tuple[Value, ...]:
    """Return a column of one value."""
    return tuple(repeat(value, count))
