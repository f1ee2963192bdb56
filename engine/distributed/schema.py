"""The queue's own tables, in a schema of their own beside the ledger's: made and upgraded by the first who opens it.

They are procrastinate's, which ships the whole schema for new databases, and a file for each step from one version to
the next; the table `steps` records which were taken. Workers of the version before can go on after a `pre` step, and
not after a `post` step, which removes what only they need. So the `post` steps of the newest version wait for the
upgrade after it, when no such worker is left.
"""

from __future__ import annotations

from collections.abc import Collection
from importlib.resources import files
from typing import Any

import psycopg

SCHEMA = "dimsync_jobs"

POST = "_post_"
"""Part of the name of a step after which workers of the version before cannot go on."""

MAKING = "select pg_advisory_lock(hashtextextended('dimsync_jobs: making the schema', 0))"
IS_THERE = f"select to_regclass('{SCHEMA}.steps') is not null"
MAKE = f"""
    create schema if not exists {SCHEMA};
    set search_path to {SCHEMA};
    create table steps (name text primary key, taken_at timestamptz not null default now());
"""
NOTES = """
    create table worker_notes (
        worker_id bigint primary key references procrastinate_workers (id) on delete cascade,
        host text not null,
        pid bigint not null,
        runs jsonb not null
    )
"""
"""What workers tell of themselves, for `dimsync workers`: see `work_notes`."""

TAKEN = f"select name from {SCHEMA}.steps"  # noqa: S608  ours
NOTE = f"insert into {SCHEMA}.steps (name) values (%s)"  # noqa: S608  ours
USE = f"set search_path to {SCHEMA}"

Connection = psycopg.AsyncConnection[Any]


async def make_schema(connection: Connection) -> None:
    """Bring the queue's tables to the version of the installed procrastinate. `connection`: commits each statement."""
    shipped = shipped_steps()
    if not await _left(connection, shipped):
        return
    await connection.execute(MAKING)  # freed when the connection is closed
    if not await _is_there(connection):
        async with connection.transaction():
            await connection.execute(MAKE)
            await connection.execute(_text("sql", "schema.sql").encode())
            await connection.execute(NOTES)
            await _note(connection, shipped)
        return
    for name in await _left(connection, shipped):
        async with connection.transaction():
            await connection.execute(USE)
            await connection.execute(_text("sql", "migrations", name).encode())
            await _note(connection, [name])


def shipped_steps() -> list[str]:
    """Return the file names of the steps that the installed procrastinate knows, in their order."""
    folder = files("procrastinate") / "sql" / "migrations"
    return sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))


def due_steps(shipped: Collection[str], taken: Collection[str]) -> list[str]:
    """Return the steps that are to be taken now, in their order. `taken`: those that were taken before."""
    left = sorted(set(shipped) - set(taken))
    while left and POST in left[-1]:
        left.pop()
    return left


async def _left(connection: Connection, shipped: list[str]) -> list[str]:
    if not await _is_there(connection):
        return shipped
    taken = [name for (name,) in await (await connection.execute(TAKEN)).fetchall()]
    return due_steps(shipped, taken)


async def _is_there(connection: Connection) -> bool:
    found = await (await connection.execute(IS_THERE)).fetchone()
    return bool(found and found[0])


async def _note(connection: Connection, names: list[str]) -> None:
    async with connection.cursor() as cursor:
        await cursor.executemany(NOTE, [(name,) for name in names])


def _text(*path: str) -> str:
    return files("procrastinate").joinpath(*path).read_text(encoding="utf-8")
