"""A query's rows stay in the database until they are read, a batch at a time, where its driver can do that."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Engine, event

from engine.sources.reading import ROWS_AT_ONCE
from engine.sources.sql import SqlSource
from engine.sources.table import BATCH_ROWS

MANY = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 100000) select seen(i) as a from n"


@pytest.fixture
def computed() -> Iterator[list[int]]:
    """Give SQLite a function `seen`, and the values that it was called with."""
    calls: list[int] = []

    def seen(value: int) -> int:
        calls.append(value)
        return value

    def add(connection: Any, _record: object) -> None:
        connection.create_function("seen", 1, seen)

    event.listen(Engine, "connect", add)
    yield calls
    event.remove(Engine, "connect", add)


async def test_sqlite_computes_rows_when_they_are_read(tmp_path: Path, computed: list[int]) -> None:
    reading = aiter(SqlSource(f"sqlite:///{tmp_path}/rows.db", MANY))
    rows = 0
    while not rows:
        rows = len(await anext(reading))
    assert rows == BATCH_ROWS
    assert BATCH_ROWS <= len(computed) <= BATCH_ROWS + ROWS_AT_ONCE
    await reading.aclose()
    assert len(computed) <= BATCH_ROWS + ROWS_AT_ONCE


class Cursor:
    """A cursor of PostgreSQL's driver. One with a name is the server's, and keeps its rows there."""

    def __init__(self, connection: Connection, name: str | None = None) -> None:
        self.connection = connection
        self.name = name
        self.description: list[tuple[object, ...]] | None = None
        self.rowcount = -1
        self.arraysize = 1
        self._rows: list[tuple[str, ...]] = []

    def execute(self, statement: str, _values: object = None) -> None:
        is_ours = "chart" in statement
        self.description = [("number", 25, None, None, None, None, None)]
        self._rows = [(f"{n}",) for n in range(5_000)] if is_ours else [("PostgreSQL 16.1",)]
        if is_ours:
            self.connection.asked = self.name

    def fetchone(self) -> tuple[str, ...] | None:
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int) -> list[tuple[str, ...]]:
        assert size <= BATCH_ROWS
        given, self._rows = self._rows[:size], self._rows[size:]
        return given

    def fetchall(self) -> list[tuple[str, ...]]:
        raise AssertionError("all rows at once")

    def close(self) -> None:
        pass


class Connection:
    """A connection of PostgreSQL's driver, without a server."""

    asked: str | None = None  # the name of the cursor of the query
    encoding = "UTF8"
    status = 1
    autocommit = False
    notices = ()

    def cursor(self, name: str | None = None) -> Cursor:
        return Cursor(self, name)

    def rollback(self) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture
def postgres(monkeypatch: pytest.MonkeyPatch) -> Connection:
    """Put a driver in the place of `psycopg2`, whose every connection is this one."""
    connection = Connection()
    driver, extensions, extras = (ModuleType(f"psycopg2{name}") for name in ("", ".extensions", ".extras"))
    errors = ("Error", "InterfaceError", "DatabaseError", "OperationalError", "ProgrammingError", "IntegrityError")
    levels = ("AUTOCOMMIT", "READ_COMMITTED", "READ_UNCOMMITTED", "REPEATABLE_READ", "SERIALIZABLE")
    driver.__dict__.update(
        {name: type(name, (Exception,), {}) for name in errors},
        __version__="2.9.9",
        paramstyle="pyformat",
        connect=lambda *_, **__: connection,
        extensions=extensions,
        extras=extras,
    )
    extensions.__dict__.update({f"ISOLATION_LEVEL_{level}": level for level in levels})
    hstore = SimpleNamespace(get_oids=lambda _: None)
    registering = ("register_uuid", "register_default_json", "register_default_jsonb")
    extras.__dict__.update(dict.fromkeys(registering, lambda *_, **__: None), HstoreAdapter=hstore)
    for module in (driver, extensions, extras):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return connection


async def test_postgresql_keeps_the_rows_in_a_cursor_of_the_server(postgres: Connection) -> None:
    source = SqlSource("postgresql+psycopg2://me:hush@db/erp", "select number from chart")
    sizes = [len(batch) async for batch in source]
    assert sizes == [0, BATCH_ROWS, BATCH_ROWS, 1_000]
    assert postgres.asked, "the cursor has no name: it is the driver's, which fetches all rows when the query is run"
