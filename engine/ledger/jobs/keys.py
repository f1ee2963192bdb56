"""What is remembered per account and API key beside the quota: what was granted, and what is not tried for a while."""

from __future__ import annotations

from datetime import datetime

from engine.ledger.connection import Connection
from engine.ledger.jobs.texts import from_text, to_text
from engine.model.resting import Pause, Rest

NOTES = "select name, value from key_notes where origin = ? and account = ?"
NOTE = "insert or replace into key_notes (origin, account, name, value) values (?, ?, ?, ?)"

RESTS = "select what, failures, retry_at, message, settings, code from rests where origin = ? and account = ?"
REST = """
    insert or replace into rests (origin, account, what, failures, retry_at, message, settings, code)
    values (?, ?, ?, ?, ?, ?, ?, ?)
"""
END_REST = "delete from rests where origin = ? and account = ? and what = ?"

PAGE_SIZE = "select rows from page_sizes where origin = ? and account = ?"
REMEMBER_PAGE_SIZE = """
    insert into page_sizes (origin, account, rows) values (?, ?, ?)
    on conflict (origin, account) do update set rows = excluded.rows
"""

PAUSE = "select at, until, reason from pauses where origin = ? and account = ?"
REMEMBER_PAUSE = "insert or replace into pauses (origin, account, at, until, reason) values (?, ?, ?, ?, ?)"
END_PAUSE = "delete from pauses where origin = ? and account = ? and at = ?"


def notes(connection: Connection, origin: str, account: str) -> dict[str, str]:
    """Return the notes on an account's key, by name."""
    return dict(connection.execute(NOTES, (origin, account)).fetchall())


def note(connection: Connection, origin: str, account: str, name: str, value: str) -> None:
    """Write a note on an account's key, in place of the one of that name."""
    connection.execute(NOTE, (origin, account, name, value))


def rests(connection: Connection, origin: str, account: str) -> dict[str, Rest]:
    """Return what failed for a whole account, by its name."""
    return {
        what: Rest(failures=failures, retry_at=from_text(retry_at), message=message, settings=settings, code=code)
        for what, failures, retry_at, message, settings, code in connection.execute(RESTS, (origin, account))
    }


def remember_rest(connection: Connection, origin: str, account: str, what: str, rest: Rest | None) -> None:
    """Note when something that failed for a whole account is tried again; None: it works again."""
    if rest is None:
        connection.execute(END_REST, (origin, account, what))
    else:
        said = (rest.failures, to_text(rest.retry_at), rest.message, rest.settings, rest.code)
        connection.execute(REST, (origin, account, what, *said))


def page_size(connection: Connection, origin: str, key_id: str) -> int | None:
    """Return the granted page size; None: it is not known."""
    found = connection.execute(PAGE_SIZE, (origin, key_id)).fetchone()
    return None if found is None else int(found[0])


def remember_page_size(connection: Connection, origin: str, key_id: str, rows: int) -> None:
    """Write down the granted page size."""
    connection.execute(REMEMBER_PAGE_SIZE, (origin, key_id, rows))


def pause(connection: Connection, origin: str, key_id: str) -> Pause | None:
    """Return the wait that the API last asked of a key, over or not; None: it asked for none."""
    found = connection.execute(PAUSE, (origin, key_id)).fetchone()
    if found is None:
        return None
    at, until, reason = found
    return Pause(at=from_text(at), until=from_text(until), reason=reason)


def remember_pause(connection: Connection, origin: str, key_id: str, asked: Pause) -> None:
    """Write down the wait that the API asked of a key."""
    connection.execute(REMEMBER_PAUSE, (origin, key_id, to_text(asked.at), to_text(asked.until), asked.reason))


def end_pause(connection: Connection, origin: str, key_id: str, at: datetime) -> None:
    """Forget the wait that the API asked of a key at that moment, as it has answered well since."""
    connection.execute(END_PAUSE, (origin, key_id, to_text(at)))
