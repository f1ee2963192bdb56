"""What is remembered of companies' sources: what the last good one was like, and which fleet found its file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from engine.ledger.connection import Connection
from engine.ledger.jobs import scopes
from engine.ledger.jobs.texts import to_json
from engine.model.settings import AccountCompany, CompanyKey
from engine.model.wanted import FileEnd, GoodCounts, SourceCounts, SourceMarks

GOOD_ROWS = "update scopes set last_good_rows = ?2, clean_listing = null where id = ?1"
COUNTS = """
    insert into sources (scope, counts) values (?, ?) on conflict (scope) do update set counts = excluded.counts
"""
GOOD_COUNTS = """
    select counts, bytes, last_line, ended from sources join scopes on id = scope
    where origin = ? and account = ? and company_id = ? and (counts is not null or bytes is not null)
"""
"""Older ledgers have how a file ended in columns of its own, which nothing writes any more."""

FLEET = """
    insert into sources (scope, fleet) select id, ? from scopes where origin = ? and account = ? and company_id = ?
    on conflict (scope) do update set fleet = excluded.fleet where fleet is not excluded.fleet
"""
MEMBERS = """
    select account, company_id from sources join scopes on id = scope
    where origin = ? and fleet = ? order by account, company_id
"""


def keep_good(connection: Connection, company_key: CompanyKey, rows: int | None, counts: GoodCounts | None) -> None:
    """Note what a good run's sources were like. Counts of None leave the old ones; no marks leave the old marks."""
    scope_id = scopes.number(connection, company_key)
    connection.execute(GOOD_ROWS, (scope_id, rows))
    if counts is not None:
        before = None if counts.marks else good_counts(connection, company_key)
        kept = counts if before is None else counts._replace(marks=before.marks)
        connection.execute(COUNTS, (scope_id, _counts_json(kept)))


def _counts_json(counts: GoodCounts) -> str:
    marks = [(mark.name, mark.end and tuple(mark.end), mark.filters, mark.lacks) for mark in counts.marks]
    return to_json({"sources": list(map(tuple, counts.sources)), "kept": counts.kept, "marks": marks})


def good_counts(connection: Connection, company_key: CompanyKey) -> GoodCounts | None:
    """Return what the last good run's sources were like; None: it is not known."""
    if (found := connection.execute(GOOD_COUNTS, scopes.identity(company_key)).fetchone()) is None:
        return None
    text, *end = found
    counts = orjson.loads(text or '{"sources": [], "kept": {}}')
    marks = counts.get("marks", [["", end, [], []]] if None not in end else [])
    return GoodCounts(
        tuple(SourceCounts._make(source) for source in counts["sources"]), counts["kept"], tuple(map(_marks, marks))
    )


def _marks(written: Sequence[Any]) -> SourceMarks:
    name, end, filters, lacks = written
    return SourceMarks(name, None if end is None else _end(*end), tuple(filters), tuple(lacks))


def _end(size_bytes: int, last_line: int, is_ended: int) -> FileEnd:
    return FileEnd(size_bytes, last_line, is_ended=bool(is_ended))


def keep_fleet(connection: Connection, origin: str, fleet: str, companies: Sequence[AccountCompany]) -> None:
    """Note the fleet of those of the companies that have a line in `scopes`."""
    connection.executemany(FLEET, [(fleet, origin, account, company_id) for account, company_id in companies])


def fleet(connection: Connection, origin: str, name: str) -> list[AccountCompany]:
    """Return the companies that a fleet's files have brought, by account id and company id."""
    return [AccountCompany._make(found) for found in connection.execute(MEMBERS, (origin, name))]
