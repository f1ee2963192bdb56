"""Troubles of syncs as a whole that the targets of `[[notify]]` were told and that are not over: each is told once."""

from __future__ import annotations

from datetime import datetime

from engine.ledger.connection import Connection
from engine.ledger.jobs.texts import from_text, to_text

READ = "select told_at from told where origin = ? and what = ?"
WORDS = "select words from told where origin = ? and what = ?"
ADD = "insert or ignore into told (origin, what, told_at, words) values (?, ?, ?, ?)"
FORGET = "delete from told where origin = ? and what = ?"


def read(connection: Connection, origin: str, what: str) -> datetime | None:
    """Return when a trouble was told; None: it was not, or it is over."""
    found = connection.execute(READ, (origin, what)).fetchone()
    return None if found is None else from_text(found[0])


def words(connection: Connection, origin: str, what: str) -> str | None:
    """Return the words in which a trouble was told; None: it was not, or it is over."""
    found = connection.execute(WORDS, (origin, what)).fetchone()
    return None if found is None else str(found[0])


def replace(connection: Connection, origin: str, what: str, at: datetime, words: str) -> None:
    """Note that a trouble was told just now, in place of the earlier note."""
    forget(connection, origin, what)
    add(connection, origin, what, at, words)


def add(connection: Connection, origin: str, what: str, at: datetime, words: str) -> None:
    """Note that a trouble was told. An earlier note stays, with its time."""
    connection.execute(ADD, (origin, what, to_text(at), words))


def forget(connection: Connection, origin: str, what: str) -> None:
    """Note that a trouble is over, and that the targets were told so."""
    connection.execute(FORGET, (origin, what))
