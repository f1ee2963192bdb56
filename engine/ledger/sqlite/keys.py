"""What is remembered per account beside its quota: what its API key was shown, and what is not tried for a while."""

from __future__ import annotations

import sqlite3

from engine.ledger.sqlite.texts import from_text, to_text
from engine.model.company_record import Rest

NOTES = "select name, value from key_notes where origin = ? and account = ?"
NOTE = "insert or replace into key_notes (origin, account, name, value) values (?, ?, ?, ?)"

RESTS = "select what, failures, retry_at, message, settings, code from rests where origin = ? and account = ?"
REST = """
    insert or replace into rests (origin, account, what, failures, retry_at, message, settings, code)
    values (?, ?, ?, ?, ?, ?, ?, ?)
"""
END_REST = "delete from rests where origin = ? and account = ? and what = ?"


def notes(connection: sqlite3.Connection, origin: str, account: str) -> dict[str, str]:
    """Return what was noted of an account's key, by name."""
    return dict(connection.execute(NOTES, (origin, account)).fetchall())


def note(connection: sqlite3.Connection, origin: str, account: str, name: str, value: str) -> None:
    """Note something of an account's key, in place of what was noted under that name."""
    connection.execute(NOTE, (origin, account, name, value))


def rests(connection: sqlite3.Connection, origin: str, account: str) -> dict[str, Rest]:
    """Return what failed for an account as a whole, by what it is."""
    return {
        what: Rest(failures=failures, retry_at=from_text(retry_at), message=message, settings=settings, code=code)
        for what, failures, retry_at, message, settings, code in connection.execute(RESTS, (origin, account))
    }


def remember_rest(connection: sqlite3.Connection, origin: str, account: str, what: str, rest: Rest | None) -> None:
    """Note when something that failed for an account as a whole is tried again; None: it works again."""
    if rest is None:
        connection.execute(END_REST, (origin, account, what))
    else:
        said = (rest.failures, to_text(rest.retry_at), rest.message, rest.settings, rest.code)
        connection.execute(REST, (origin, account, what, *said))
