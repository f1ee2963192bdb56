"""What the ledger knows of the remote row behind one key: a value, or a row of a table in bulk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache, partial
from operator import attrgetter
from typing import Any, NamedTuple

from engine.model.dimension import DIMENSIONS, Dimension, RemoteRow
from engine.model.remote_id import RemoteId, linked, unlinked
from engine.model.resource import Resource
from engine.model.table import Column, Keyed, Table, transposed


class Agreement(NamedTuple):
    """How the server spells a row, where that differs from what was sent. Fields have their names in `Dimension`."""

    shown: Mapping[str, str] = {}  # by field: the spelling in listings that counts as equal to what was sent
    answered: str | None = None  # the name in the answer that acknowledged the row, where it was another one
    is_open: bool = False  # a listing showed another value than was pushed, and it is not yet known why
    pushed_again: Mapping[str, str] | None = None  # by field: what was shown before it was pushed once more
    told_by: str | None = None  # the run that reported it; None: it needs no report any more
    is_allowed: bool = False  # a person has accepted the spelling of an ERP id or type
    is_doubted: bool = False  # what was sent and shown may be out of date (`dimsync ledger distrust`)


class RowRecord(NamedTuple):
    """What is known of the remote row behind one key."""

    row: Dimension  # values last acknowledged to us, or as a listing showed them when the row was adopted
    remote_id: str | None  # None: not known yet (bulk answers give names only)
    confirmed: bool  # an answer has shown that this key leads to this row
    outcome_known: (
        bool  # False: something was sent and its outcome is unknown, so `row` proves nothing and is sent again
    )
    code_known: bool  # False: optional fields are not observable (adopted from a listing that shows no codes)
    seen: RemoteRow | None = None  # the row in the last listing, if it is not as agreed: somebody has changed it there
    is_fresh: bool = False  # acknowledged since the last listing
    agreement: Agreement | None = None  # how the server spells the row, and what of that is open; None: as it was sent
    before: Mapping[str, str] | None = None  # what was shown before the last push, of the fields that it changed


CONFIRMED, SETTLED, CODE_KNOWN, FRESH = 1, 2, 4, 8
"""Bits of an entry's flags: `confirmed`, `outcome_known`, `code_known` and `is_fresh` of its record."""

SURE = CONFIRMED | SETTLED | CODE_KNOWN
"""Flags of an entry that is confirmed, of known outcome, and whose code is known."""


NOTES = ("remote_id", "flags", "seen", "agreement", "before")
"""What an entry has beside the fields of its row: what is known of the remote row, the record's bits among it."""


@cache
def entry_names(resource: Resource) -> tuple[str, ...]:
    """Return the names of an entry's fields, in their order. An entry is a record as one row of the ledger's table."""
    return (*resource.names, *NOTES)


_FLAGS = tuple((bool(bits & CONFIRMED), bool(bits & SETTLED), bool(bits & CODE_KNOWN)) for bits in range(16))
_record = partial(tuple.__new__, RowRecord)


def _as_record(values: tuple[Any, ...], *, kind: type[Any]) -> RowRecord:
    """Return the record that is made of an entry's values. `kind`: of wanted rows."""
    *row, remote_id, flags, seen, agreement, before = values
    return _record((tuple.__new__(kind, row), remote_id, *_FLAGS[flags], seen, flags >= FRESH, agreement, before))


def entries(columns: Iterable[Column], resource: Resource = DIMENSIONS) -> Keyed[RowRecord]:
    """Return row records by key over their table: a column for each of `entry_names`."""
    table = Table(entry_names(resource), columns, partial(_as_record, kind=resource.wanted))
    table.seal()
    return Keyed(table, "key")


def share_texts(entries: Table[RowRecord], wanted: Table[Any], resource: Resource) -> None:
    """Let entries have the texts of wanted rows, where these are equal: some 200 bytes a row less."""
    few = {*resource.kind, resource.label}  # one object for all equal ones already: the ledger interns them
    entries.share(wanted, "key", *(name for name in resource.names if name not in few and name != "key"))


def flags_of(known: RowRecord) -> int:
    """Return the flags of a record's entry."""
    return (
        CONFIRMED * known.confirmed
        + SETTLED * known.outcome_known
        + CODE_KNOWN * known.code_known
        + FRESH * known.is_fresh
    )


def as_entries(rows: Mapping[str, RowRecord], resource: Resource = DIMENSIONS) -> Keyed[RowRecord]:
    """Return row records as a keyed table; returns the argument if it is one. Keys are those of the mapping."""
    if isinstance(rows, Keyed):
        return rows
    records = rows.values()
    columns = dict(
        zip(resource.names, transposed([record.row for record in records], len(resource.names)), strict=True)
    )
    columns["key"] = list(rows)
    columns |= {name: list(map(attrgetter(name), records)) for name in NOTES if name != "flags"}
    columns["flags"] = list(map(flags_of, records))
    return entries(map(columns.__getitem__, entry_names(resource)), resource)


def remote_id_of(key: str, known: RowRecord) -> RemoteId:
    """Return the remote id behind a key, or a stand-in while it is not known."""
    return linked(known.remote_id) if known.remote_id else unlinked(key)
