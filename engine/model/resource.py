"""What a row of a resource consists of, declared once: its fields, how each is compared, and what identifies a row.

Tables, equality, the ledger's columns, the columns of a source and what people are shown are derived from the
declaration. Every resource has the fields `key` and `name`: an upsert finds a row by its key, and a bulk answer gives
names. A row is a named tuple that knows its resource. There is one resource so far. Annotations name its rows
(`dimension`) where rows of any resource are meant; code that is about one other resource names its own rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property, partial
from operator import attrgetter
from typing import Any, NamedTuple

from engine.model.table import Column, Table, transposed


class When(IntEnum):
    """When a field is compared. Differences are told in this order."""

    ALWAYS = 1  # every listing shows it
    IF_SHOWN = 2  # empty is "not shown"
    IF_RELABEL = 3  # as IF_SHOWN, and only for companies that send their own labels: at most one field of a resource
    NEVER = 4  # the key


class Field(NamedTuple):
    """One field of a row. An optional one is compared where both sides give it, and told after the others."""

    name: str
    column: str  # what a source calls it
    compared: When
    optional: bool = False  # None in the source: it gives none; None in a listing: it is not shown
    stand_in: str | None = None  # the field that is sent in its place where a contract demands it and there is none

    def is_compared(self, wanted: str | None, there: str | None, *, relabel: bool) -> bool:
        """Return whether a field is shown, and is to be compared. One that is not shown has not moved."""
        if self.optional:
            return wanted is not None and there is not None
        return self.compared is When.ALWAYS or (bool(there) and (relabel or self.compared is not When.IF_RELABEL))


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Resource:
    """One kind of thing that is kept in step, such as dimensions."""

    name: str
    fields: tuple[Field, ...]  # of a wanted row, in its order; the key first
    natural_key: tuple[str, ...]  # names of the fields that identify a row where no key is shown
    natural_words: str  # the natural key in messages: "type and ERP id"
    wanted: type[Any]  # the named tuple of wanted rows: the fields
    remote: type[Any]  # the named tuple of remote rows: the id, the fields without the key, and the key
    prefix: str  # of the ledger's tables of this resource, `rows`, `strays` and `may_be_there`

    def __repr__(self) -> str:
        return self.name

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of a wanted row's fields."""
        return tuple(field.name for field in self.fields)

    @cached_property
    def remote_names(self) -> tuple[str, ...]:
        """The names of a remote row's fields."""
        return ("id", *(field.name for field in self.fields_but_key), "key")

    @cached_property
    def columns(self) -> dict[str, str]:
        """What a source calls each field."""
        return {field.name: field.column for field in self.fields}

    @cached_property
    def fields_but_key(self) -> tuple[Field, ...]:
        """The fields beside the key, as they are declared."""
        return tuple(field for field in self.fields if field.compared is not When.NEVER)

    @cached_property
    def compared(self) -> tuple[Field, ...]:
        """The fields beside the key, in the order in which differences are told."""
        return tuple(sorted(self.fields_but_key, key=lambda field: (field.optional, field.compared)))

    @cached_property
    def compared_names(self) -> tuple[str, ...]:
        """The names of these fields."""
        return tuple(field.name for field in self.compared)

    @cached_property
    def required(self) -> tuple[Field, ...]:
        """The compared fields that every wanted row has."""
        return tuple(field for field in self.compared if not field.optional)

    @cached_property
    def optional(self) -> tuple[str, ...]:
        """The names of the fields that a source may leave out, and that only some listings show."""
        return tuple(field.name for field in self.compared if field.optional)

    @cached_property
    def label(self) -> str | None:
        """The name of the field that is the client's own word for a row's kind; None: there is none."""
        return next((field.name for field in self.fields if field.compared is When.IF_RELABEL), None)

    @cached_property
    def without_label(self) -> Callable[[Any], tuple[Any, ...]]:
        """The function that returns a wanted row's values but its label, in the order of the fields."""
        return _values_of(self.unlabelled)

    @cached_property
    def unlabelled(self) -> tuple[str, ...]:
        """The names of a wanted row's fields but its label, in the order of the fields."""
        return tuple(name for name in self.names if name != self.label)

    @cached_property
    def own(self) -> tuple[str, ...]:
        """The names of the required fields whose value is the source's to give: all but the label."""
        return tuple(field.name for field in self.required if field.name != self.label)

    @cached_property
    def kind(self) -> tuple[str, ...]:
        """The names of the natural key's fields that tell which kind of row it is: all but the identifier."""
        return tuple(name for name in self.natural_key if name != self.identifier)

    @cached_property
    def identifier(self) -> str:
        """The name of the natural key's last field."""
        return self.natural_key[-1]

    def identifies(self, names: Iterable[str]) -> bool:
        """Return whether the natural key has any of these fields."""
        return not set(names).isdisjoint(self.natural_key)

    @cached_property
    def traits(self) -> tuple[str, ...]:
        """The names of the fields by which a person would know a row: natural key and name."""
        return (*(name for name in self.natural_key if name != "name"), "name")

    @cached_property
    def spelled(self) -> frozenset[str]:
        """Fields that servers are known to spell their own way. With another natural key, it is another row."""
        return frozenset(field.name for field in self.compared) - {*self.natural_key, self.label}

    @cached_property
    def natural(self) -> Callable[[Any], tuple[str, ...]]:
        """The function that returns a row's natural key."""
        return _values_of(self.natural_key)

    @cached_property
    def kind_of(self) -> Callable[[Any], tuple[str, ...]]:
        """The function that returns the parts of a row's natural key before its identifier."""
        return _values_of(self.kind)

    @cached_property
    def listed(self) -> Callable[[Any], tuple[Any, ...]]:
        """The function that returns the fields of a row that each listing shows."""
        return _values_of(tuple(field.name for field in self.required))

    @cached_property
    def _as_wanted(self) -> Callable[[tuple[Any, ...]], Any]:
        """The function that makes a row of a tuple of its fields: as `_make`, without a Python call for each row."""
        return partial(tuple.__new__, self.wanted)

    @cached_property
    def _as_remote(self) -> Callable[[tuple[Any, ...]], Any]:
        return partial(tuple.__new__, self.remote)

    def wanted_rows(self, columns: Iterable[Column]) -> Table[Any]:
        """Return a table of wanted rows: a column for each field."""
        return Table(self.names, columns, self._as_wanted)

    def remote_rows(self, columns: Iterable[Column]) -> Table[Any]:
        """Return a table of remote rows: a column for each field."""
        return Table(self.remote_names, columns, self._as_remote)

    def wanted_table(self, rows: Iterable[Any]) -> Table[Any]:
        """Return wanted rows as a table; returns the argument if it is one."""
        return rows if isinstance(rows, Table) else self.wanted_rows(transposed(rows, len(self.names)))

    def remote_table(self, rows: Iterable[Any]) -> Table[Any]:
        """Return remote rows as a table; returns the argument if it is one."""
        return rows if isinstance(rows, Table) else self.remote_rows(transposed(rows, len(self.remote_names)))


def _values_of(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """Return what takes the values of these fields from a row: `attrgetter` makes no tuple of less than two."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda row: tuple([getattr(row, name) for name in names])
