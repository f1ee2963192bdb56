"""What the ledger's jobs ask of a connection: the part of `sqlite3.Connection` that other databases can offer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

Values = Sequence[Any] | Mapping[str, Any]


class Cursor(Protocol):
    """The result of a statement."""

    @property
    def rowcount(self) -> int:
        """How many rows a statement has written."""
        ...

    def fetchone(self) -> Any:
        """Return the next row, or None."""
        ...

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """Carries out statements as they are spelled for SQLite."""

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        ...

    def execute(self, statement: str, values: Values = ..., /) -> Cursor:
        """Carry out a statement."""
        ...

    def executemany(self, statement: str, values: Iterable[Values], /) -> object:
        """Carry out a statement for each group of values."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...
