"""Wanted rows that are plainly new: nothing in Ottimate could be theirs, told column by column for all rows at once.

`join` works on the other rows alone; it would find no remote row for any of these.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from itertools import filterfalse, repeat
from operator import contains

from engine.compare.identity import folded
from engine.model.company_record import CompanyRecord
from engine.model.dimension import Dimension, RemoteRow
from engine.model.table import Column, Keyed, Table, distinct, gathered, packed, positions_of


def parted(
    rows: Table[Dimension], remotes: Keyed[RemoteRow], record: CompanyRecord
) -> tuple[Table[Dimension], Table[Dimension]]:
    """Return the rows that are plainly new, and all others, each in the order of `rows`. O(rows).

    `remotes`: the remote rows that these may be. A row is plainly new if the ledger does not know its key, no other row
    has its natural key, and no remote row is listed under its key, has its name or, case and leading zeros apart, its
    identifier.
    """
    doubtful = _doubtful(rows, remotes.table, record) if len(rows) else set()
    if not doubtful:
        return rows, rows.take(())
    new = packed(filterfalse(doubtful.__contains__, range(len(rows))))
    return rows.take(new), rows.take(sorted(doubtful))


def _doubtful(rows: Table[Dimension], remotes: Table[RemoteRow], record: CompanyRecord) -> set[int]:
    """Return the positions of rows that may be known, be there, or be one thing with another wanted row."""
    resource, keys = record.resource, rows.column("key")
    found = set(_among(record.entries.positions, keys))
    found.update(_repeated(gathered(map("\0".join, rows.columns(*resource.natural_key)))))  # no field holds a NUL
    if len(remotes):
        identifiers = (gathered(map(folded, each.column(resource.identifier))) for each in (rows, remotes))
        for own, theirs in (
            (keys, remotes.column("key")),
            (rows.column("name"), remotes.column("name")),
            tuple(identifiers),
        ):
            found.update(_among(distinct(theirs), own))
    return found


def _among(values: Container[str], column: Column) -> list[int]:
    """Return the positions of what is among some values."""
    return positions_of(map(contains, repeat(values), column), len(column))


def _repeated(texts: Sequence[str]) -> list[int]:
    """Return the positions of texts that stand more than once."""
    if len(distinct(texts)) == len(texts):
        return []
    met: set[str] = set()
    again: set[str] = set()
    for text in texts:
        (again if text in met else met).add(text)
    return _among(again, texts)
