"""A ledger in Postgres for the clients that die at their steps (`tests.crash.every_step`)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import blake2b
from itertools import count
from pathlib import Path

import psycopg

from engine.ledger.connection import Values
from engine.ledger.copies import TABLES
from engine.ledger.postgres.ledger import PostgresLedger
from engine.ledger.postgres.migrate import MIGRATIONS, migrate
from engine.ledger.postgres.session import Session
from engine.ledger.postgres.thread import READ, PostgresThread
from engine.ledger.sql_ledger import SqlLedger
from tests.crash.every_step import Desk, Shelf, Steps

NUMBERS = count()


class PostgresDesk(Desk, PostgresThread):
    """Carries out a ledger's jobs in the loop's own thread, as the ledger's thread would."""


class SteppedSession(Session):
    """A session that counts what it is told to write."""

    steps = Steps()

    def execute(self, statement: str, values: Values = ()) -> psycopg.Cursor[tuple[object, ...]]:
        if statement == READ:
            return super().execute(statement, values)
        self.steps.statement(statement)
        done = super().execute(statement, values)
        self.steps.carried_out(statement)
        return done


class PostgresShelf(Shelf):
    """A ledger in a database of a server."""

    def __init__(self, server: str, database: str) -> None:
        self.server = server
        self.database = database
        self.session: Session | None = None  # while the ledger is open

    @contextmanager
    def opened(self, steps: Steps) -> Iterator[SqlLedger]:
        self._wait_until_left()
        url = self.server.format(self.database)
        with closing(SteppedSession(url, "in Postgres", lambda session: migrate(session, MIGRATIONS, ""))) as session:
            session.steps, self.session = steps, session
            yield PostgresLedger(PostgresDesk(session), is_new=False)

    def copied(self, folder: Path) -> Shelf:  # noqa: ARG002  databases lie with the server
        self._wait_until_left()
        return new_shelf(self.server, self.database)

    def discard(self) -> None:
        """Drop the database."""
        with psycopg.connect(self.server.format("postgres"), autocommit=True) as connection:
            connection.execute(f"drop database {self.database} with (force)")

    def open_intents(self) -> int:
        with psycopg.connect(self.server.format(self.database)) as connection:
            ((found,),) = connection.execute("select count(*) from dimsync.intents").fetchall()
        return int(found)

    def remains(self) -> tuple[tuple[str, ...], bytes]:
        """Return a digest of all tables; locks die with their session."""
        self._wait_until_left()
        held = blake2b()
        with psycopg.connect(self.server.format(self.database)) as connection:
            for table, key in TABLES.items():
                for row in connection.execute(f"select * from dimsync.{table} order by {key}"):  # noqa: S608  ours
                    held.update(repr(row).encode())
        return (), held.digest()

    def _wait_until_left(self) -> None:
        """Wait until the server has noticed that a client is dead: its locks are free then.

        Each look is a transaction of its own: within one, the server tells what it told first.
        """
        left = "select count(*) from pg_stat_activity where datname = %s"
        with psycopg.connect(self.server.format("postgres"), autocommit=True) as connection:
            while connection.execute(left, (self.database,)).fetchall() != [(0,)]:
                time.sleep(0.002)


def new_shelf(server: str, template: str = "template1") -> PostgresShelf:
    """Return a new database, empty or a copy of another one."""
    name = f"steps_{os.getpid()}_{next(NUMBERS)}"
    with psycopg.connect(server.format("postgres"), autocommit=True) as connection:
        connection.execute(f"create database {name} template {template}")
    return PostgresShelf(server, name)
