"""Rows that are not sent for now: why, and when they are sent or looked up again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import orjson

from engine.ledger.connection import Connection
from engine.ledger.jobs import scopes
from engine.ledger.jobs.texts import from_text, optional_instant, optional_text, to_json, to_text
from engine.model.resting import MADE_ANEW, UNCERTAIN, RestingRow
from engine.model.settings import CompanyKey

READ = "select key, code, fingerprint, message, since, tries, next_at, others from resting where scope = ? order by key"
PUT = """
    insert or replace into resting (scope, key, code, fingerprint, message, since, tries, next_at, others)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
END = "delete from resting where scope = ? and key = ?"
ACKNOWLEDGED = f"{END} and code <> '{MADE_ANEW}'"  # only a listing shows whether such a row was stored
REFUSED = f"{END} and code = '{UNCERTAIN}'"  # for other codes, a refusal does not show that the row is stored


def read(connection: Connection, scope_id: int) -> dict[str, RestingRow]:
    """Return the rows that rest, by key."""
    return {
        key: RestingRow(
            code,
            fingerprint,
            message,
            from_text(since),
            tries,
            optional_instant(next_at),
            tuple(orjson.loads(others)),
        )
        for key, code, fingerprint, message, since, tries, next_at, others in connection.execute(READ, (scope_id,))
    }


def rest(connection: Connection, company_key: CompanyKey, rows: Mapping[str, RestingRow]) -> None:
    """Note rows that are not sent for now."""
    put(connection, scopes.to_change(connection, company_key), rows)


def put(connection: Connection, scope_id: int, rows: Mapping[str, RestingRow]) -> None:
    """Write notes, each in place of the earlier one of its row."""
    for key, row in sorted(rows.items()):
        times = (to_text(row.since), row.tries, optional_text(row.next_at))
        connection.execute(PUT, (scope_id, key, row.code, row.fingerprint, row.message, *times, to_json(row.others)))


def end(connection: Connection, scope_id: int, keys: Iterable[str]) -> None:
    """Forget the notes on these keys."""
    connection.executemany(END, [(scope_id, key) for key in keys])


def acknowledged(connection: Connection, scope_id: int, keys: Iterable[str]) -> None:
    """Forget the notes on rows that an answer has acknowledged."""
    connection.executemany(ACKNOWLEDGED, [(scope_id, key) for key in keys])


def refused(connection: Connection, scope_id: int, keys: Iterable[str]) -> None:
    """Forget the notes of unknown outcome on rows that an answer has refused."""
    connection.executemany(REFUSED, [(scope_id, key) for key in keys])
