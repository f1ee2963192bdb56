"""Copy a ledger from one database into another, and prove that both hold the same.

All is read as it is at one moment, and written in one transaction, which is committed only when what was written has
been read back and compared: the destination holds the whole ledger, or nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import islice
from typing import Any, NamedTuple, Protocol

from engine.errors import LedgerError

BLOCK = 1_000
"""Rows that are written at a time."""

TABLES = {
    "scopes": "id",
    "runs": "id",
    "directories": "id",
    "rows": "scope, key",
    "entry_memos": "scope",
    "entry_parts": "scope, part",
    "changed_entries": "scope, key",
    "strays": "scope, position",
    "rejections": "scope, key",
    "resting": "scope, key",
    "reverts": "scope, key, at",
    "may_be_there": "scope, key",
    "wire_keys": "scope, source_key",
    "intents": "scope, id",
    "attempts": "number",
    "sketches": "scope",
    "sources": "scope",
    "applied_plans": "scope, plan_id",
    "run_totals": "run_id",
    "run_companies": "run_id, account, company_id",
    "last_states": "origin, account, company_id",
    "to_retry": "origin, account, company_id",
    "known_problems": "origin, account, company_id, code, since, shown_at",
    "directory_companies": "directory, position",
    "directory_locations": "directory, position",
    "directory_accounts": "directory, position",
    "page_sizes": "origin, account",
    "pauses": "origin, account",
    "key_notes": "origin, account, name",
    "rests": "origin, account, what",
    "quotas": "origin, account, day",
    "ledger_notes": "name",
    "told": "origin, what",
}
"""Every table of a ledger with the columns that sort it; tables that others refer to come first."""

NOT_COPIED = frozenset({"migrations", "key_rates", "key_seats", "key_tokens", "turns"})
"""Tables that are not copied: each database has its own steps, and what workers share of keys lasts for minutes."""


class Place(Protocol):
    """A ledger's database as one end of a copy; SQLite and Postgres have one each."""

    name: str

    def columns(self) -> dict[str, tuple[str, ...]]:
        """Return the columns of each table, by name, in alphabetical order."""
        ...

    def begin(self) -> None:
        """Begin a transaction that sees one state of the database, in which nobody else writes."""
        ...

    def read(self, statement: str) -> Iterator[Sequence[Any]]:
        """Yield the rows of a statement, without holding all of them."""
        ...

    def write(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Write rows."""
        ...

    def commit(self) -> None:
        """Commit what was written, with counters behind the ids that were written."""
        ...

    def close(self) -> None:
        """Close the database; what was not committed is undone."""
        ...


class CopiedTable(NamedTuple):
    """A table that is the same in both databases."""

    name: str
    rows: int
    digest: str


def copy(source: Place, target: Place) -> tuple[CopiedTable, ...]:
    """Copy all that one ledger holds into another, which is empty; return the tables that both then hold.

    Raises `LedgerError` if the target is not empty, or does not give back the same; then it stays as it was.
    """
    columns = _common_columns(source, target)
    target.begin()
    _ensure_empty(target)
    source.begin()
    copied = tuple(_copied(source, target, table, columns[table]) for table in TABLES)
    target.commit()
    return copied


def _common_columns(source: Place, target: Place) -> dict[str, tuple[str, ...]]:
    """Return the columns of each table. Raises `LedgerError` unless both have the same, and all are known here."""
    one, other = (_without_own(place.columns()) for place in (source, target))
    if one == other and set(one) == set(TABLES):
        return one
    odd = sorted(name for name in {*one, *other, *TABLES} if one.get(name) != other.get(name) or name not in TABLES)
    raise LedgerError(
        f"{source.name} and {target.name} have different tables ({', '.join(odd)}), so that one cannot hold the other."
    )


def _without_own(columns: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {name: of for name, of in columns.items() if name not in NOT_COPIED}


def _ensure_empty(target: Place) -> None:
    for table in TABLES:
        if next(target.read(f"select 1 from {table} limit 1"), None) is not None:  # noqa: S608  our own tables
            raise LedgerError(f"{target.name} holds a ledger already. Name a new file, or an empty database.")


def _copied(source: Place, target: Place, table: str, columns: Sequence[str]) -> CopiedTable:
    """Copy one table, and compare what was read with what the target gives back."""
    select = f"select {', '.join(columns)} from {table} order by {TABLES[table]}"  # noqa: S608  our own tables
    seen = _Digest()
    for block in _blocks(seen.taking(source.read(select))):
        target.write(table, columns, block)
    again = _Digest()
    for _ in again.taking(target.read(select)):
        pass
    if seen.told() != again.told():
        raise LedgerError(
            f"{target.name} does not give back what was copied to it (table {table}: {seen.count:,} rows were written,"
            f" {again.count:,} read, or some differ). Nothing was kept."
        )
    return CopiedTable(table, *seen.told())


class _Digest:
    """A digest of rows in any order, since databases sort some texts differently: the sum of all rows' digests."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0

    def taking(self, rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
        """Yield the rows, and add each to the digest."""
        for row in rows:
            self.count += 1
            digest = blake2b(repr(tuple(row)).encode("utf-8", "surrogatepass"), digest_size=16).digest()
            self._sum = (self._sum + int.from_bytes(digest)) % 2**128
            yield row

    def told(self) -> tuple[int, str]:
        """Return the number of rows, and the digest of all."""
        return self.count, f"{self._sum:032x}"


def _blocks(rows: Iterator[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    while block := list(islice(rows, BLOCK)):
        yield block
