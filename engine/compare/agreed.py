"""Rows that are plainly agreed: source, ledger and remote side are alike, told column by column for all rows at once.

Rows that differ in nothing but a new name in the source are found here, too. A row counts as agreed only if no open row
could be matched to the same remote row. `join` and `plan` then work on the open rows alone; they would pair each agreed
row as the ledger does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import chain, filterfalse, repeat
from operator import contains, is_not, not_
from typing import TypeVar

from engine.model.dimension import DIMENSIONS, Dimension, RemoteRow
from engine.model.resource import Resource, When
from engine.model.row_record import CODE_KNOWN, CONFIRMED, FRESH, SETTLED, SURE, RowRecord
from engine.model.table import (
    NOWHERE,
    Column,
    Keyed,
    Table,
    distinct,
    has_any,
    packed,
    places_of,
    positions_of,
    taken,
    unequal,
)

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What is plainly agreed or renamed, and what is left open."""

    rows: Table[Dimension]  # open wanted rows, in the order of their keys
    remotes: Keyed[RemoteRow]  # open remote rows, by id
    keys: AbstractSet[str]  # of agreed and renamed rows
    ids: AbstractSet[str]  # of their remote rows
    renamed: Table[Dimension]  # rows for which the source alone has another name, in the order of their keys
    renamed_remotes: Table[RemoteRow]  # their remote rows, position by position
    adopted: int  # agreed rows whose key nothing has confirmed
    code_unseen: int  # agreed rows with a code that nobody can compare


@dataclass(frozen=True, slots=True, kw_only=True)
class _Joined:
    """Entries of wanted rows that lead to a row of the remote side, and these rows, position by position."""

    resource: Resource
    entries: Table[RowRecord]
    wanted: Table[Dimension]
    remotes: Table[RemoteRow]
    at_wanted: Sequence[int]  # positions of their wanted rows among all: a range where both are in one order
    at_remote: Sequence[int]  # positions of their remote rows among all: a range where both are in one order

    @property
    def has_unsure(self) -> bool:
        """Whether any entry is unconfirmed, of unknown outcome, or of unknown code."""
        return not set(self.entries.column("flags")) <= {SURE, SURE | FRESH}

    @property
    def shows_keys(self) -> bool:
        """Whether the remote side shows any key."""
        return any(self.remotes.column("key"))

    def wants(self, name: str) -> Column:
        """Return a field as the source wants it."""
        return taken(self.wanted.column(name), self.at_wanted)

    def wants_optional(self, at: int) -> bool:
        """Return whether the source gives any of the optional fields at a position."""
        place = self.at_wanted[at]
        return any(self.wanted.column(name)[place] is not None for name in self.resource.optional)

    def sent(self, name: str) -> Column:
        """Return a field as it was acknowledged."""
        return self.entries.column(name)

    def shown(self, name: str) -> Column:
        """Return a field as the remote side shows it."""
        return taken(self.remotes.column(name), self.at_remote)


def agreed(
    wanted: Table[Dimension],
    entries: Keyed[RowRecord],
    remotes: Keyed[RemoteRow],
    *,
    resource: Resource = DIMENSIONS,
    relabel: bool,
    adopts: bool,
    tells_renamed: bool = True,
) -> Agreed:
    """Return what is agreed and what is open. O(rows).

    `relabel`: type labels are compared, too. `adopts`: rows whose key nothing has confirmed may be left as they are.
    `tells_renamed`: rows that only have a new name in the source are returned as `renamed`; else they are open.
    """
    joined = _joined(wanted, entries.table, remotes, resource)
    moved, renamed = _moved(joined, relabel=relabel, adopts=adopts)
    if not tells_renamed:
        moved |= renamed
        renamed.clear()
    alike: Sequence[int] = range(len(joined.entries))
    if moved:
        alike = packed(filterfalse(moved.__contains__, alike))
    while True:
        keys, led = distinct(taken(joined.sent("key"), alike)), taken(joined.sent("remote_id"), alike)
        ids = distinct(led)
        left, others = _without(wanted, "key", keys), _without(remotes.table, "id", ids)
        touched = _touched(joined, alike, left, others, entries, keys, Counter(led) if len(ids) < len(led) else {})
        if not touched:
            break
        alike = packed(filterfalse(touched.__contains__, alike))
        renamed -= touched
    unsure = _as_they_are(joined, alike, renamed) if joined.has_unsure else []
    flags = taken(joined.sent("flags"), unsure)
    named_anew = sorted(renamed, key=joined.sent("key").__getitem__)
    return Agreed(
        rows=left.take(left.in_order_of("key")),
        remotes=Keyed(others, "id"),
        keys=keys,
        ids=ids,
        renamed=joined.wanted.take(taken(joined.at_wanted, named_anew)),
        renamed_remotes=joined.remotes.take(taken(joined.at_remote, named_anew)),
        adopted=sum(not each & CONFIRMED for each in flags),
        code_unseen=sum(not joined.sent("flags")[at] & CODE_KNOWN and joined.wants_optional(at) for at in unsure),
    )


def _joined(
    wanted: Table[Dimension], entries: Table[RowRecord], remotes: Keyed[RemoteRow], resource: Resource
) -> _Joined:
    keys, ids = entries.column("key"), entries.column("remote_id")
    at_wanted = places_of(keys, wanted.column("key"), lambda: Keyed(wanted, "key").positions)
    at_remote = places_of(ids, remotes.table.column("id"), lambda: remotes.positions)
    if NOWHERE in at_wanted or NOWHERE in at_remote:
        there = [at for at, each in enumerate(zip(at_wanted, at_remote, strict=True)) if NOWHERE not in each]
        entries = entries.take(there)
        at_wanted, at_remote = (packed(map(places.__getitem__, there)) for places in (at_wanted, at_remote))
    return _Joined(
        resource=resource,
        entries=entries,
        wanted=wanted,
        remotes=remotes.table,
        at_wanted=at_wanted,
        at_remote=at_remote,
    )


def _moved(joined: _Joined, *, relabel: bool, adopts: bool) -> tuple[set[int], set[int]]:
    """Return the positions at which a side has moved, or may have, since both were last seen in agreement.

    Positions at which nothing but the name in the source has moved are the second set, and not in the first.
    """
    moved: set[int] = set()
    for field in joined.resource.required:
        moved.update(unequal(joined.sent(field.name), joined.shown(field.name)))
        if field.name != "name" and (relabel or field.compared is not When.IF_RELABEL):
            moved.update(unequal(joined.wants(field.name), joined.sent(field.name)))
    for name in ("seen", "agreement"):
        column = joined.sent(name)
        if any(column):
            moved.update(positions_of(map(is_not, column, repeat(None)), len(column)))
    for name in joined.resource.optional:
        moved.update(_optional_moved(joined, name))
    moved.update(_in_doubt(joined, adopts=adopts))
    renamed = set(unequal(joined.wants("name"), joined.sent("name")))
    renamed -= moved
    unsure = _unsure(joined, renamed)
    moved |= unsure
    renamed -= unsure
    return moved, renamed


def _unsure(joined: _Joined, renamed: Iterable[int]) -> set[int]:
    """Return those of these positions at which a row cannot be sent before its identity is looked at."""
    if not joined.has_unsure and not joined.shows_keys:
        return set()
    flags, listed = joined.sent("flags"), joined.remotes.column("key")
    return {at for at in renamed if flags[at] | FRESH != SURE | FRESH or listed[joined.at_remote[at]] is not None}


def _as_they_are(joined: _Joined, alike: Iterable[int], renamed: AbstractSet[int]) -> list[int]:
    """Return the positions of agreed rows that are not sent, and whose entry leaves something to be known."""
    flags = joined.sent("flags")
    return [at for at in alike if flags[at] | FRESH != SURE | FRESH and at not in renamed]


def _optional_moved(joined: _Joined, name: str) -> Iterable[int]:
    """Return the positions at which an optional field is not plainly alike. One that is not shown has not moved."""
    flags, wants, sent = joined.sent("flags"), joined.wants(name), joined.sent(name)
    shows_any = any(joined.remotes.column(name))
    if all(map(CODE_KNOWN.__and__, set(flags))):
        yield from unequal(wants, sent)
        if shows_any:
            shown = joined.shown(name)
            yield from (at for at in unequal(sent, shown) if shown[at] is not None)
        return
    shown = joined.shown(name)
    for at, each in enumerate(flags):
        if each & CODE_KNOWN:
            has_moved = wants[at] != sent[at] or shown[at] not in {None, sent[at]}
        else:
            has_moved = sent[at] is not None or shown[at] is not None
        if has_moved:
            yield at


def _in_doubt(joined: _Joined, *, adopts: bool) -> Iterable[int]:
    """Return the positions of rows of unknown outcome, and of those whose key may lead elsewhere."""
    flags = joined.sent("flags")
    if not joined.has_unsure and not joined.shows_keys:
        return
    for at, (each, key, shown) in enumerate(zip(flags, joined.sent("key"), joined.shown("key"), strict=True)):
        is_proven = each & CONFIRMED or (adopts and shown is None)
        if not each & SETTLED or not is_proven or shown not in {None, key}:
            yield at


def _without(table: Table[Row], name: str, values: AbstractSet[str]) -> Table[Row]:
    """Return the rows in which a field has none of these values. Each value is of one row."""
    if not values or len(values) == len(table):
        return table.take(() if values else range(len(table)))
    is_one = map(contains, repeat(values), table.column(name))
    return table.take(positions_of(map(not_, is_one), len(table)))


def _touched(
    joined: _Joined,
    alike: Sequence[int],
    left: Table[Dimension],
    others: Table[RemoteRow],
    entries: Keyed[RowRecord],
    keys: AbstractSet[str],
    uses: Mapping[str, int],
) -> AbstractSet[int]:
    """Return the positions of equal rows that are open all the same: an open row could be the same remote row.

    An open row shares with them their remote id (two keys lead to one remote row), their key (an open remote row is
    listed under it), or their natural key (in the source, in Ottimate, or in another entry of the ledger).
    """
    if not alike:
        return frozenset()
    linked = [position for position in map(entries.positions.get, left.column("key")) if position is not None]
    claimed = set(taken(entries.table.column("remote_id"), linked))
    claimed.update(row_id for row_id, count in uses.items() if count > 1)
    listed = set(others.column("key")) - {None}
    names = joined.resource.natural_key
    theirs = chain(left.columns(*names), others.columns(*names))
    if len(keys) < len(entries):
        unled = [position for key, position in entries.positions.items() if key not in keys]
        theirs = chain(theirs, entries.table.take(unled).columns(*names))
    natural = distinct(theirs)
    own_keys, ids = joined.sent("key"), joined.sent("remote_id")
    is_free = not has_any(natural, joined.entries.columns(*names), len(joined.entries))
    if is_free and not has_any(claimed, iter(ids), len(ids)) and keys.isdisjoint(listed):
        return frozenset()
    own = zip(*(taken(joined.sent(name), alike) for name in names), strict=True)
    return {
        at
        for at, borne in zip(alike, own, strict=True)
        if borne in natural or ids[at] in claimed or own_keys[at] in listed
    }
