"""What a run of one company asks of the ledger, beside a fleet that it knows: no more than if there were no fleet."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import partial
from typing import Protocol, cast

import pytest

from engine.ledger.connection import Connection
from engine.ledger.jobs.texts import to_text
from engine.ledger.sql_ledger import SqlLedger
from engine.model.balance import State
from engine.sandbox.server import Options
from tests.postgres_server import PostgresServer
from tests.sandbox.conftest import DEMO, World, dims, memory_world
from tests.sandbox.fuzz import Desk
from tests.sandbox.memory import memory_ledger, perform
from tests.sandbox.postgres import postgres_ledger

ROWS = dims(5)
LONG_AGO = timedelta(days=5)

FILL = {
    "runs": "insert into runs (id, verb, origin, started_at, finished_at, exit_code) values (?, 'sync', ?, ?, ?, 0)",
    "scopes": "insert into scopes (id, origin, account, company_id) values (?, ?, ?, ?)",
    "attempts": "insert into attempts (scope, id, run_id, at, sends, rows) values (?, 'chunk', 'past', ?, 1, '[]')",
    "last_states": """
        insert into last_states (origin, account, company_id, state, run_id, at) values (?, ?, ?, 'partial', ?, ?)
    """,
    "known_problems": """
        insert into known_problems (origin, account, company_id, code, since, shown_at, marks)
        values (?, ?, ?, 'rejected', ?, ?, ?)
    """,
    "to_retry": "insert into to_retry (origin, account, company_id, run_id, keys) values (?, ?, ?, ?, '[]')",
    "quotas": "insert into quotas (origin, account, day, used) values (?, ?, ?, 1)",
}


class Count(Protocol):
    """Counts what a database is asked."""

    def begin(self, connection: Connection) -> None: ...
    def end(self, connection: Connection) -> int: ...


def fill(world: World, connection: Connection, companies: int) -> None:
    """Let the ledger know a fleet: each company of an account of its own, with trouble, and a run of its own."""
    ((origin,),) = connection.execute("select distinct origin from scopes").fetchall()
    others, at = range(1_000, 1_000 + companies), to_text(world.clock() - LONG_AGO)
    values: dict[str, list[tuple[object, ...]]] = {
        "runs": [(f"run-{n}", origin, at, at) for n in others],
        "scopes": [(n, origin, f"racc_{n}", n) for n in others],
        "attempts": [(n, at) for n in others],
        "last_states": [(origin, f"name-{n}", n, f"run-{n}", at) for n in others],
        "known_problems": [(origin, f"name-{n}", n, at, at, b"8 bytes.") for n in others],
        "to_retry": [(origin, f"name-{n}", n, f"run-{n}") for n in others],
        "quotas": [(origin, f"key-{n}", at[:10]) for n in others],
    }
    for table, statement in FILL.items():
        connection.executemany(statement, values[table])


def cost(companies: int, count: Count, ledger: Callable[[], AbstractContextManager[SqlLedger]]) -> int:
    """Return what a run of one company that finds nothing to do asks of a ledger that knows so many others."""

    async def run() -> int:
        with memory_world(Options(accounts=(DEMO,)), ledger=ledger) as world:
            world.place(1)
            for _ in range(2):
                await world.sync_one(1, ROWS)
            connection = cast("Desk", cast("SqlLedger", world.ledger)._thread)._connection
            fill(world, connection, companies)
            world.clock.forward(hours=1)
            await world.sync_one(1, ROWS)  # looks for what is old, once a day
            count.begin(connection)
            again = await world.sync_one(1, ROWS)
            found = count.end(connection)
            assert (again.state, again.requests.total) == (State.UNCHANGED, 0)
            return found

    return perform(run())


class Instructions(Count):
    """Counts instructions of SQLite's virtual machine."""

    def __init__(self) -> None:
        self._taken = 0

    def begin(self, connection: Connection) -> None:
        cast("sqlite3.Connection", connection).set_progress_handler(self._take, 1)

    def end(self, connection: Connection) -> int:
        cast("sqlite3.Connection", connection).set_progress_handler(None, 1)
        return self._taken

    def _take(self) -> int:
        self._taken += 1
        return 0


class RowsRead(Count):
    """Counts rows that Postgres reads, by an index or without."""

    READ = """
        select coalesce(sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)), 0)
        from pg_stat_user_tables where schemaname = 'dimsync'
    """

    def __init__(self) -> None:
        self._before = 0

    def begin(self, connection: Connection) -> None:
        connection.execute("analyze")
        self._before = self._read(connection)

    def end(self, connection: Connection) -> int:
        return self._read(connection) - self._before

    def _read(self, connection: Connection) -> int:
        connection.execute("select pg_stat_force_next_flush()")
        ((rows,),) = connection.execute(self.READ).fetchall()
        return int(rows)


def test_a_run_of_one_company_takes_as_many_instructions_of_sqlite_beside_any_fleet() -> None:
    few, many = (cost(companies, Instructions(), memory_ledger) for companies in (5, 200))
    assert many == pytest.approx(few, rel=0.02)


def test_a_run_of_one_company_reads_few_rows_of_postgres_beside_any_fleet(postgres: PostgresServer) -> None:
    assert cost(500, RowsRead(), partial(postgres_ledger, postgres)) < 100
