"""What a comparison decides: changes to send, rows it refuses to decide, and the plan that holds them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from itertools import chain
from typing import Any, NamedTuple

from engine.model.dimension import DIMENSIONS, Dimension, fingerprint
from engine.model.resource import Resource
from engine.model.table import Column, Table, transposed


class Change(NamedTuple):
    """One row to send. `row` is what goes on the wire, its type label already settled (and see `code`)."""

    row: Dimension
    remote_id: str | None  # the row it updates; None: a create
    fields: tuple[
        str, ...
    ] = ()  # names of the fields that differ; empty: a create, or a row of unknown state sent again
    code: str | None = None  # sent where the source gives none and the contract demands one; None: nothing to fill in
    before: tuple[str | None, ...] = ()  # what is there in each of `fields`; None: not shown, and not known

    @property
    def moves_to(self) -> tuple[tuple[str, str | None, str | None], ...]:
        """What the update changes: (field, value before, value after). Empty: a create, or nothing known to differ."""
        return tuple((name, old, getattr(self.row, name)) for name, old in zip(self.fields, self.before, strict=True))

    @property
    def sent(self) -> Dimension:
        """The row as it is encoded. A code that was filled in is not the source's, so the ledger does not keep it."""
        return self.row if self.code is None else self.row._replace(code=self.code)

    @property
    def moves(self) -> bool:
        """Whether it is known to give a remote row another natural key: as if it became another row."""
        return self.row.resource.identifies(self.fields)


_NOTES = ("remote_id", "fields", "sent_code", "before")
"""What a table of changes has beside the fields of their rows: the fields of a change, of which `code` is `sent_code`.

A row of it is made when it is looked at: of 100,000 changes that were objects the garbage collector would walk through
all, again and again.
"""


class Changes(Table[Change]):
    """A table of changes: a column for each field of their rows, and for each of `_NOTES`."""

    __slots__ = ("_resource",)

    def __init__(self, columns: Iterable[Column], resource: Resource, *, is_whole: bool = False) -> None:
        """Take the columns. `resource`: what they are changes of. `is_whole`: the columns are tuples."""
        self._resource = resource
        kind = resource.wanted
        super().__init__((*resource.names, *_NOTES), columns, partial(_as_change, kind=kind), is_whole=is_whole)

    def _whole(self, columns: Iterable[Column]) -> Changes:
        return Changes(columns, self._resource, is_whole=True)

    def __iter__(self) -> Iterator[Change]:
        rows = self._resource.wanted_rows(map(self.column, self._resource.names))
        return map(_change, zip(rows, *map(self.column, _NOTES), strict=True))

    @property
    def sent(self) -> Table[Dimension]:
        """The rows as they are encoded: the `sent` of each change."""
        filled, names = self.column("sent_code"), self._resource.names
        if filled.count(None) == len(filled):
            return self._resource.wanted_rows(map(self.column, names))
        return self._resource.wanted_table([change.sent for change in self])

    @property
    def rows(self) -> Sequence[Column]:
        """The columns of their rows, in the order of the fields."""
        return [*map(self.column, self._resource.names)]

    @property
    def resource(self) -> Resource:
        """What they are changes of."""
        return self._resource


def change_table(changes: Iterable[Change], resource: Resource = DIMENSIONS) -> Changes:
    """Return changes as a table; returns the argument if it is one."""
    if isinstance(changes, Changes):
        return changes
    rows = ((*row, *rest) for row, *rest in changes)
    found = Changes(transposed(rows, len(resource.names) + len(_NOTES)), resource)
    found.seal()
    return found


def _as_change(values: tuple[Any, ...], *, kind: type[Any]) -> Change:
    """Return the change that is made of a table's values. `kind`: of its row."""
    *row, remote_id, fields, code, before = values
    return _change((tuple.__new__(kind, row), remote_id, fields, code, before))


_change = partial(tuple.__new__, Change)


def where(changes: Sequence[Change], is_meant: Callable[[str], bool]) -> Sequence[Change]:
    """Return those changes whose key is meant."""
    if not changes:
        return changes
    table = table_of(changes)
    return table.take([at for at, key in enumerate(table.column("key")) if is_meant(key)])


def keys_of(changes: Sequence[Change]) -> Column:
    """Return the keys of changes, in their order."""
    return values_of(changes, "key")


def values_of(changes: Sequence[Change], name: str) -> Column:
    """Return the values of a field of their rows, or their `remote_id`, in the order of the changes."""
    return table_of(changes).column(name) if changes else ()


def together(*parts: Sequence[Change]) -> Sequence[Change]:
    """Return the changes of all parts, in their order. One that alone has any is returned itself."""
    first, *others = [part for part in parts if len(part)] or [()]
    return table_of(first).joined(*map(table_of, others)) if others else first


def table_of(changes: Sequence[Change]) -> Changes:
    """Return changes, of which there is one at least, as a table."""
    return changes if isinstance(changes, Changes) else change_table(changes, changes[0].row.resource)


class Hold(NamedTuple):
    """A row that is not sent because sending it could do harm that cannot be undone."""

    key: str
    slug: str  # "ambiguous", "look-alike", "key-unconfirmed", "key-shift"
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The fewest creates and updates that bring the remote rows to the wanted ones, in the order of their keys."""

    creates: Sequence[Change] = ()  # in bulk, these three are tables: see `change_table`
    updates: Sequence[Change] = ()
    canaries: Sequence[Change] = ()  # updates of rows whose key nothing has confirmed: a few first, alone
    reverts: tuple[str, ...] = ()  # keys of updates that undo what somebody changed there
    again: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # by key: updates that are pushed once more
    not_applied: Mapping[str, str] = field(default_factory=dict)  # by key: updates that are not carried out, in words
    otherwise: Mapping[str, str] = field(default_factory=dict)  # by key: what the server spells its own way, in words
    holds: tuple[Hold, ...] = ()
    unchanged: int = 0
    adopted: int = 0  # part of `unchanged`: equal by natural key on first contact, the key not confirmed
    code_unseen: int = 0  # part of `unchanged`: a code is wanted, and neither listing nor ledger shows the remote one
    matched: int = 0  # remote rows that a wanted row claims
    contested: int = 0  # remote rows that a held or invalid source row may mean
    orphans: tuple[str, ...] = field(default=())  # ids of remote rows that belong to no source row

    @property
    def changes(self) -> Sequence[Change]:
        """All rows to send, creates first."""
        return together(self.creates, self.updates, self.canaries)

    @property
    def size(self) -> int:
        """How many rows there are to send."""
        return len(self.creates) + len(self.updates) + len(self.canaries)

    @property
    def keys(self) -> Iterator[str]:
        """The keys of all rows to send, those of creates first."""
        return chain(keys_of(self.creates), keys_of(self.updates), keys_of(self.canaries))

    @property
    def filled(self) -> int:
        """How many rows are sent with a code that their source does not give."""
        parts = filter(None, (self.creates, self.updates, self.canaries))
        return sum(code is not None for part in parts for code in table_of(part).column("sent_code"))

    @property
    def first_updates(self) -> Sequence[Change]:
        """Updates without those that are pushed once more: whether these change anything is not known yet."""
        return where(self.updates, lambda key: key not in self.again) if self.again else self.updates

    @property
    def updates_again(self) -> Sequence[Change]:
        """Updates that are pushed once more."""
        return where(self.updates, self.again.__contains__) if self.again else ()

    @property
    def digest(self) -> str:
        """Return 32 hex characters that are equal exactly when the plans would send the same rows to the same ids."""
        digest = blake2b(digest_size=16)
        for change in chain(self.creates, self.updates, self.canaries):
            digest.update(fingerprint(change.sent))
            digest.update((change.remote_id or "+").encode())
            digest.update(b"\n")
        return digest.hexdigest()
