"""A SQLite ledger's file as one end of a copy (`engine.ledger.copies`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from engine.ledger.sqlite.database import open_file
from engine.ledger.sqlite.lock import FileLocks

TABLES = "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"


class SqlitePlace:
    """The ledger in a file, which is made if there is none."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._connection = open_file(path, FileLocks(path.with_name(f"{path.name}.locks")))

    def columns(self) -> dict[str, tuple[str, ...]]:
        """Return the columns of each table."""
        tables = [name for (name,) in self._connection.execute(TABLES)]
        described = {table: self._connection.execute(f"pragma table_info ({table})") for table in tables}
        return {table: tuple(sorted(name for _, name, *_ in columns)) for table, columns in described.items()}

    def begin(self) -> None:
        """Begin a transaction, in which nobody else writes."""
        self._connection.execute("begin immediate")

    def read(self, statement: str) -> Iterator[Sequence[Any]]:
        """Yield the rows of a statement."""
        yield from self._connection.execute(statement)

    def write(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Write rows."""
        marks = ", ".join("?" for _ in columns)
        self._connection.executemany(f"insert into {table} ({', '.join(columns)}) values ({marks})", rows)  # noqa: S608

    def commit(self) -> None:
        """Commit what was written."""
        self._connection.execute("commit")

    def close(self) -> None:
        """Close the file; what was not committed is undone."""
        self._connection.close()
