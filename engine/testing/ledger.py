"""A ledger in memory without a thread of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from threading import Lock
from types import TracebackType
from typing import Self, TypeVar

from anyio.lowlevel import checkpoint

from engine.ledger.sqlite.database import open_memory
from engine.ledger.sqlite.ledger import SqliteLedger
from engine.ledger.sqlite.lock import MemoryLocks
from engine.ledger.thread import DatabaseThread, NotBegun, explained, transact

T = TypeVar("T")


class MemoryLedger(SqliteLedger):
    """A ledger that lasts as long as this object: `Engine(settings, ledger=MemoryLedger())`.

    It does what a ledger file does, with the same SQL, in the caller's thread; any event loop may use it. Several
    engines may use it one after the other, as processes that share a file do. The engine leaves it open: `close` it or
    leave its block, since Python warns of a database that nobody closed.
    """

    def __init__(self) -> None:
        self._database = _OnTheSpot()
        super().__init__(self._database, MemoryLocks().hold)

    def close(self) -> None:
        """End the ledger. Idempotent."""
        self._database.close_soon()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _OnTheSpot(DatabaseThread):
    """Carries out each job where it is asked for, in a transaction of its own."""

    def __init__(self) -> None:
        super().__init__("in memory")
        self._connection = open_memory(any_thread=True)
        self._turn = Lock()  # held by the thread that uses the connection

    async def _carry_out(self, work: Callable[[sqlite3.Connection], T], begin: str) -> T:
        self.ensure_open()
        await checkpoint()
        with self._turn:
            try:
                (result,) = transact(self._connection, begin, [work])
            except Exception as error:  # whatever it is, its caller gets it
                raise explained(self._name, error.error if isinstance(error, NotBegun) else error) from error
        return result

    def close_soon(self) -> None:
        """Close at once: nothing waits."""
        if not self._closed:
            self._closed = True
            self._connection.close()

    async def aclose(self) -> None:
        """Close. Idempotent."""
        self.close_soon()
