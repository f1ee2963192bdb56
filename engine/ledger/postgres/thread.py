"""The thread that owns the connection of a Postgres ledger: where it differs from that of a SQLite file.

Writes that wait together are committed in two transactions. The writes for companies run beside those of other workers:
the companies' locks keep them apart. All other writes are to what workers share (journal, quotas, directories), and are
carried out under one lock of the ledger, as all writes to a file are.

When the connection is lost, so are its locks, and another worker may take the companies. So it is not opened again
before all runs of this process that held a company have let go; until then, all that they ask for fails.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from engine.errors import LedgerError
from engine.ledger.connection import Connection
from engine.ledger.postgres.session import Collision, LostConnection, Session
from engine.ledger.thread import DatabaseThread, Job, NotBegun
from engine.model.settings import CompanyKey

P = ParamSpec("P")
T = TypeVar("T")

SHARED_KEY = 0x44494D53_0002
READ = "begin isolation level repeatable read read only"
WRITE = "begin"
WRITE_SHARED = f"begin; select pg_advisory_xact_lock({SHARED_KEY})"

TRIES = 5
"""How often a transaction is tried that collides with others."""


class PostgresThread(DatabaseThread):
    """Carries out jobs on a session; opens a lost one again once no run holds a company by it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.held: set[int] = set()  # keys of the companies' locks that the session has
        self.under_way: set[int] = set()  # keys of the locks by which runs are known to be under way

    async def read(self, work: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Carry out a job that only reads: it sees one state of the database."""
        return await self._carry_out(lambda session: work(session, *args, **kwargs), READ)

    async def write(self, work: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Carry out a job that writes. If its first argument is a company, it writes for that company alone."""
        begin = WRITE if args and isinstance(args[0], CompanyKey) else WRITE_SHARED
        return await self._carry_out(lambda session: work(session, *args, **kwargs), begin)

    def _work_off(self, connection: Connection, batch: list[Job]) -> None:
        for begin in (WRITE, WRITE_SHARED):
            if writing := [job for job in batch if job.begin == begin]:
                self._commit(connection, writing)
        for job in batch:
            if job.begin not in (WRITE, WRITE_SHARED):
                self._commit(connection, [job])

    def _transact(self, connection: Connection, batch: list[Job]) -> list[Any]:
        """Return the results of jobs of one kind once they are committed; try again where that is safe."""
        for tries in range(1, TRIES):
            try:
                return super()._transact(connection, batch)
            except Collision:
                time.sleep(0.01 * 2**tries)  # the other one is at work meanwhile
            except (NotBegun, LostConnection) as refused:
                if not self._is_renewed(connection, batch, refused):
                    raise NotBegun(_cause(refused)) from refused  # whether it was committed is not known
        return super()._transact(connection, batch)

    def _is_renewed(self, session: Connection, batch: list[Job], refused: NotBegun | LostConnection) -> bool:
        """Return whether a lost connection was made anew: where nothing was done by it, and no company is held."""
        error = _cause(refused)
        has_begun = bool(batch[0].begin) and not isinstance(refused, NotBegun)
        if has_begun or self.held or not isinstance(error, LostConnection) or not isinstance(session, Session):
            return False
        try:
            session.renew()
        except LedgerError as still:
            raise NotBegun(still) from still
        return True


def _cause(refused: NotBegun | LostConnection) -> Exception:
    return refused.error if isinstance(refused, NotBegun) else refused
