"""What the targets of `[[notify]]` were told of syncs as a whole and is not over yet: each is told once."""

from __future__ import annotations

from datetime import datetime

from engine.ledger.connection import Connection
from engine.ledger.jobs.texts import from_text, to_text

READ = "select told_at from told where origin = ? and what = ?"
WORDS = "select words from told where origin = ? and what = ?"
ADD = "insert or ignore into told (origin, what, told_at, words) values (?, ?, ?, ?)"
FORGET = "delete from told where origin = ? and what = ?"


def read(connection: Connection, origin: str, what: str) -> datetime | None:
    """Return when something was told that is not over yet; None: it was not."""
    found = connection.execute(READ, (origin, what)).fetchone()
    return None if found is None else from_text(found[0])


def words(connection: Connection, origin: str, what: str) -> str | None:
    """Return the words that were noted with it; None: it was not told, or is over."""
    found = connection.execute(WORDS, (origin, what)).fetchone()
    return None if found is None else str(found[0])


def replace(connection: Connection, origin: str, what: str, at: datetime, words: str) -> None:
    """Note that something was told just now, in place of what was told of it before."""
    forget(connection, origin, what)
    add(connection, origin, what, at, words)


def add(connection: Connection, origin: str, what: str, at: datetime, words: str) -> None:
    """Note that something was told. What was told before keeps its time."""
    connection.execute(ADD, (origin, what, to_text(at), words))


def forget(connection: Connection, origin: str, what: str) -> None:
    """Note that it is over, and that this was told."""
    connection.execute(FORGET, (origin, what))
