"""The ledger on Postgres: one database that workers on several machines share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from functools import partial

import anyio

from engine.errors import LedgerError, Locked
from engine.ledger.jobs import last_told, runs
from engine.ledger.postgres import locks
from engine.ledger.postgres.address import checked
from engine.ledger.postgres.limits import PostgresLimits
from engine.ledger.postgres.migrate import MIGRATIONS, Migration, migrate
from engine.ledger.postgres.schema import describe
from engine.ledger.postgres.session import Session
from engine.ledger.postgres.thread import PostgresThread
from engine.ledger.shared import SharedLimits
from engine.ledger.sql_ledger import SqlLedger
from engine.ledger.sqlite.lock import MemoryLocks, refusal
from engine.model.result import RunResult
from engine.model.settings import CompanyKey
from engine.model.standing import Standing


class PostgresLedger(SqlLedger):
    """A ledger in a Postgres database; made by `open_postgres`.

    Its locks belong to the session. A session gets a lock that it already holds, so runs of this process are kept
    apart here.
    """

    def __init__(self, thread: PostgresThread, *, is_new: bool, limits: PostgresLimits | None = None) -> None:
        super().__init__(thread, MemoryLocks().hold, is_new=is_new)
        self._session_thread = thread
        self._limits = limits

    @property
    def shared_limits(self) -> SharedLimits | None:
        """What all workers on the database share of API keys."""
        return self._limits

    async def aclose(self) -> None:
        """Finish what is queued and close. Idempotent."""
        if self._limits is not None:
            await self._limits.aclose()
        await super().aclose()

    @asynccontextmanager
    async def lock(self, company_key: CompanyKey) -> AsyncIterator[None]:
        """Hold a company; raises `Locked` at once when another run does."""
        self._thread.ensure_open()
        with self._hold(company_key):
            try:
                await self._thread.alone(partial(self._take, number=locks.company_number(company_key)))
                yield
            finally:
                with anyio.CancelScope(shield=True), suppress(LedgerError):  # a lost session holds nothing
                    await self._thread.alone(partial(self._free, number=locks.company_number(company_key)))

    def _take(self, session: Session, *, number: int) -> None:
        """Take a company's lock. Runs in the thread, and notes the lock there: its caller may have been cancelled."""
        if not locks.take(session, number):
            who = locks.holder(session, number)
            raise Locked(refusal(who or "another process"))
        self._session_thread.held.add(number)

    def _free(self, session: Session, *, number: int) -> None:
        if number in self._session_thread.held:
            self._session_thread.held.remove(number)
            locks.free(session, number)

    async def start_run(
        self, run_id: str, verb: str, at: datetime, *, origin: str, allowed: Sequence[str] = ()
    ) -> None:
        """Open a run's entry, and let others see that it is under way."""
        await self._thread.write(runs.start, run_id, verb, at, origin=origin, allowed=tuple(allowed))
        number = locks.run_number(run_id)
        self._session_thread.under_way.add(number)
        await self._thread.alone(lambda session: locks.take(session, number))

    async def finish_run(self, result: RunResult) -> None:
        """Close a run's entry with its result."""
        await self._thread.write(runs.finish, result)
        number = locks.run_number(result.run_id)
        self._session_thread.under_way.discard(number)
        await self._thread.alone(lambda session: locks.free(session, number))

    async def is_under_way(self, run_id: str) -> bool:
        """Return whether a run without an end is under way, whoever carries it out."""
        return await self._thread.read(_is_alive, run_id)

    async def standing(self, origin: str, *, now: datetime | None = None) -> Standing:
        """Return how things stand: the last sync, runs without an end, what each company last told."""
        return await self._thread.read(
            lambda session: last_told.standing(session, origin, partial(_is_alive, session), now),
        )

    async def schema(self) -> str:
        """Return the commented statements that make the tables and views."""
        return describe(MIGRATIONS)


def _is_alive(session: Session, run_id: str) -> bool:
    return locks.holder(session, locks.run_number(run_id)) is not None


def open_session(url: str) -> Session:
    """Return a session on the ledger in a Postgres database, of the newest schema; raises as `open_postgres`."""
    name = checked(url)
    return Session(name, name, lambda session: migrate(session, MIGRATIONS, name))


async def open_postgres(url: str, *, migrations: Sequence[Migration] = MIGRATIONS) -> PostgresLedger:
    """Open the ledger in a Postgres database; make its schema, or bring it to the newest step.

    Raises `ConfigError` for a URL that holds a password or names no database, and `LedgerError` if the database is not
    there.
    """
    thread = PostgresThread(checked(url))

    def prepare(session: Session) -> None:
        migrate(session, migrations, thread.name)
        for number in tuple(thread.under_way):
            locks.take(session, number)

    await thread.open(lambda: Session(url, thread.name, prepare))
    is_new = await thread.read(runs.is_empty)
    return PostgresLedger(thread, is_new=is_new, limits=PostgresLimits(url, thread.name))
