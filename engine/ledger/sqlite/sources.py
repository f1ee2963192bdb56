"""What is remembered of companies' sources: what the last good one was like, and which fleet found its file."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import orjson

from engine.ledger.sqlite import scopes
from engine.ledger.sqlite.texts import to_json
from engine.model.settings import AccountCompany, CompanyKey
from engine.model.wanted import FileEnd, GoodCounts, SourceCounts

GOOD_ROWS = "update scopes set last_good_rows = ?2 where id = ?1"
GOOD_END = """
    insert into sources (scope, bytes, last_line, ended) values (?, ?, ?, ?)
    on conflict (scope) do update set bytes = excluded.bytes, last_line = excluded.last_line, ended = excluded.ended
"""
END = """
    select bytes, last_line, ended from sources join scopes on id = scope
    where origin = ? and account = ? and company_id = ? and bytes is not null
"""
COUNTS = """
    insert into sources (scope, counts) values (?, ?) on conflict (scope) do update set counts = excluded.counts
"""
GOOD_COUNTS = """
    select counts from sources join scopes on id = scope
    where origin = ? and account = ? and company_id = ? and counts is not null
"""
FLEET = """
    insert into sources (scope, fleet) select id, ? from scopes where origin = ? and account = ? and company_id = ?
    on conflict (scope) do update set fleet = excluded.fleet where fleet is not excluded.fleet
"""
MEMBERS = """
    select account, company_id from sources join scopes on id = scope
    where origin = ? and fleet = ? order by account, company_id
"""


def keep_good(
    connection: sqlite3.Connection,
    company_key: CompanyKey,
    rows: int | None,
    end: FileEnd | None,
    counts: GoodCounts | None,
) -> None:
    """Note what a good run's source was like; an end or counts of None leave the old ones."""
    scope_id = scopes.number(connection, company_key)
    connection.execute(GOOD_ROWS, (scope_id, rows))
    if end is not None:
        connection.execute(GOOD_END, (scope_id, *end))
    if counts is not None:
        connection.execute(COUNTS, (scope_id, _counts_json(counts)))


def _counts_json(counts: GoodCounts) -> str:
    return to_json({"sources": list(map(tuple, counts.sources)), "kept": counts.kept})


def good_end(connection: sqlite3.Connection, company_key: CompanyKey) -> FileEnd | None:
    """Return how the last good run's file ended; None: it is not known."""
    found = connection.execute(END, scopes.identity(company_key)).fetchone()
    return None if found is None else FileEnd(found[0], found[1], bool(found[2]))


def good_counts(connection: sqlite3.Connection, company_key: CompanyKey) -> GoodCounts | None:
    """Return how many rows the last good run's sources had; None: it is not known."""
    place = (company_key.origin, company_key.account, company_key.company_id)
    if (found := connection.execute(GOOD_COUNTS, place).fetchone()) is None:
        return None
    counts = orjson.loads(found[0])
    return GoodCounts(tuple(SourceCounts._make(source) for source in counts["sources"]), counts["kept"])


def keep_fleet(connection: sqlite3.Connection, origin: str, fleet: str, companies: Sequence[AccountCompany]) -> None:
    """Note the fleet of those of the companies that have a line in `scopes`."""
    connection.executemany(FLEET, [(fleet, origin, account, company_id) for account, company_id in companies])


def fleet(connection: sqlite3.Connection, origin: str, name: str) -> list[AccountCompany]:
    """Return the companies that a fleet's files have brought, by account id and company id."""
    return [AccountCompany._make(found) for found in connection.execute(MEMBERS, (origin, name))]
