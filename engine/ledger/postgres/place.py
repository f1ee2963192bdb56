"""A ledger's Postgres database as one end of a copy (`engine.ledger.copies`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg

from engine.errors import LedgerError
from engine.ledger.postgres.ledger import open_session
from engine.ledger.postgres.session import SCHEMA
from engine.ledger.postgres.texts import storable

COLUMNS = """
    select table_name, column_name, is_identity = 'YES' from information_schema.columns join information_schema.tables
        using (table_catalog, table_schema, table_name)
    where table_schema = ? and table_type = 'BASE TABLE' order by table_name, column_name
"""
BLOCK = 1_000


class PostgresPlace:
    """The ledger in a database, which is made if there is none."""

    def __init__(self, url: str) -> None:
        self.name = url
        self._session = open_session(url)
        self._found = self._session.execute(COLUMNS, (SCHEMA,)).fetchall()

    def columns(self) -> dict[str, tuple[str, ...]]:
        """Return the columns of each table."""
        tables: dict[str, tuple[str, ...]] = {}
        for table, column, _ in self._found:
            tables[table] = (*tables.get(table, ()), column)
        return {table: tuple(sorted(columns)) for table, columns in tables.items()}

    def begin(self) -> None:
        """Begin a transaction, in which nobody else writes."""
        self._session.execute("set idle_in_transaction_session_timeout to 0")  # it waits while the other end works
        tables = ", ".join(self.columns())
        self._session.execute(f"begin isolation level repeatable read; lock table {tables} in exclusive mode")

    def read(self, statement: str) -> Iterator[Sequence[Any]]:
        """Yield the rows of a statement, a block at a time."""
        try:
            with self._session.connection.cursor(name="copied") as cursor:
                cursor.itersize = BLOCK
                yield from cursor.execute(statement)
        except psycopg.Error as error:
            raise LedgerError(f"{self.name} could not be read: {error}") from error

    def write(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Write rows."""
        try:
            with self._session.connection.cursor().copy(f"copy {table} ({', '.join(columns)}) from stdin") as stream:
                for row in rows:
                    stream.write_row(list(map(storable, row)))
        except (psycopg.Error, UnicodeEncodeError) as error:
            raise LedgerError(f"{self.name} cannot hold a row of {table}: {error}") from error

    def commit(self) -> None:
        """Commit what was written; new ids come after those that were written."""
        for table, column, counts in self._found:
            if counts:
                self._session.execute(
                    f"select setval(pg_get_serial_sequence('{table}', '{column}'),"  # noqa: S608  our own tables
                    f" coalesce(max({column}), 0) + 1, false) from {table}"
                )
        self._session.execute("commit")

    def close(self) -> None:
        """Close the connection; what was not committed is undone."""
        self._session.close()
