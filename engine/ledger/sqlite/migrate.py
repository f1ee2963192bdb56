"""The schema of a SQLite ledger, as numbered steps; those that a file lacks commit together, with their records.

A step is a file in `migrations/`. One that has shipped is never edited: what comes later is a new step. Texts are plain
columns, so that people can ask the file with any SQLite client. Booleans are 0 or 1, instants ISO 8601 texts in UTC.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from textwrap import indent
from typing import NamedTuple

from engine.errors import LedgerError
from engine.ledger.jobs.texts import to_text

APPLICATION_ID = 0x44494D53
"""Marks a database file as ours in its header ("DIMS"), where `PRAGMA application_id` and file(1) see it."""

MARGIN = " " * 12
"""Put before each line of a statement. SQLite stores statements with their spaces, and the first releases indented them
by 12: with the same margin, old and new ledgers hold one schema, byte for byte. For the same reason the semicolon after
`without rowid` stands on a line of its own in the steps that shipped."""


class Migration(NamedTuple):
    """One step of the schema; its number is its place in `MIGRATIONS`, from 1."""

    name: str
    statements: tuple[str, ...]


def read_migrations() -> tuple[Migration, ...]:
    """Return the steps that this package ships, in the order of their file names."""
    folder = files("engine.ledger.sqlite") / "migrations"
    scripts = sorted((file.name, file.read_text(encoding="utf-8")) for file in folder.iterdir())
    return tuple(parse(script) for name, script in scripts if name.endswith(".sql"))


def parse(script: str) -> Migration:
    """Return the step that a file spells: a comment with its name, then statements, each ended by a semicolon."""
    title, _, body = script.partition("\n")
    return Migration(title.removeprefix("-- "), tuple(indent(each, MARGIN) for each in _statements(body)))


def _statements(body: str) -> Iterator[str]:
    """Yield each statement with the comments before it and on its last line."""
    statement = ""
    for line in body.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


MIGRATIONS = read_migrations()

APPLIED = "insert into migrations (number, name, applied_at) values (?, ?, ?)"
IS_EMPTY = "select not exists (select 1 from sqlite_master)"


def migrate(connection: sqlite3.Connection, migrations: Sequence[Migration], version: int) -> None:
    """Bring the schema from `version` to the newest step, in one transaction: a file is never left between two steps.

    The caller keeps other openers out meanwhile.
    """
    if version == len(migrations):
        return
    with connection:
        connection.execute("begin immediate")
        for number, migration in enumerate(migrations[version:], start=version + 1):
            _apply(connection, number, migration)
        connection.execute(f"pragma application_id = {APPLICATION_ID}")
        connection.execute(f"pragma user_version = {len(migrations)}")


def schema_version(connection: sqlite3.Connection, newest: int, name: str) -> int:
    """Return the number of the last applied step, 0 for an empty database.

    Raises LedgerError for a database of another program, or of a newer dimsync. Changes nothing.
    """
    (application_id,) = connection.execute("pragma application_id").fetchone()
    (version,) = connection.execute("pragma user_version").fetchone()
    if application_id != APPLICATION_ID:
        (empty,) = connection.execute(IS_EMPTY).fetchone()
        if application_id or version or not empty:
            raise LedgerError(
                f"{name} is a database of another program. Name another file in `[ledger] url`, or move this one away."
            )
    if version > newest:
        raise LedgerError(
            f"The ledger {name} has schema version {version}, and this dimsync knows versions up to {newest}. "
            "Use the newer dimsync that wrote it."
        )
    return int(version)


def _apply(connection: sqlite3.Connection, number: int, migration: Migration) -> None:
    """Take one step and record it."""
    for statement in migration.statements:
        connection.execute(statement)
    connection.execute(APPLIED, (number, migration.name, to_text(datetime.now(UTC))))
