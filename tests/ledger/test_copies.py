"""A ledger that is copied from one database into another is the same there."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from engine.errors import ConfigError, LedgerError
from engine.ledger.copies import TABLES
from engine.ledger.opening import copy_ledger, open_ledger
from engine.ledger.postgres.place import PostgresPlace
from engine.ledger.sql_ledger import SqlLedger
from engine.ledger.sqlite.place import SqlitePlace
from engine.model.directory import Directory, VisibleAccount, VisibleCompany, VisibleLocation
from engine.model.ledger_writes import Settlement
from engine.model.outcome import Column, Outcome
from engine.model.quota import UsedUp
from engine.model.resting import Pause, Rest, RestingRow
from engine.model.row_record import Agreement
from engine.model.wanted import GoodCounts
from tests.ledger.test_made_before import restored
from tests.ledger.values import ANCHOR, HARBOR, LATER, NOON, ORIGIN, a_result, intent, known_rows, rejection
from tests.postgres_server import PostgresServer

ACCOUNT, KEY = HARBOR.account, "key_1"
NUL = "Küche \0 \N{COOKING}"

DIRECTORY = Directory(
    at=NOON,
    rest_at=NOON,
    companies=(VisibleCompany(101, NUL, 2, None),),
    locations=(VisibleLocation(1, "Pier", "Harbor", None),),
    accounts=(VisibleAccount("racc_1", "Main", 1, None),),
)

REST = Rest(failures=2, retry_at=LATER, message="refused", settings="digest", code="401")
USED_UP = UsedUp(at=LATER, per_day=10_000, reserve=0, reason=NUL)


async def fill(ledger: SqlLedger) -> None:
    """Write what a ledger of an earlier dimsync does not hold, so that no table is empty."""
    await ledger.start_run("run-1", "sync", NOON, origin=ORIGIN, allowed=("look-alike:7",))
    await ledger.begin(HARBOR, intent("chunk", "a", "b", "c"))
    outcomes = (Outcome("a", Column.CREATED), Outcome("b", Column.REJECTED, None, NUL))
    await ledger.settle(
        HARBOR,
        Settlement(
            intent_id="chunk",
            at=NOON,
            rows=known_rows("a"),
            rejected={"b": rejection(NUL)},
            unknown=("c",),
            may_be_there={"c": ("account", "0c")},
            outcomes=outcomes,
            created=1,
            sends=1,
        ),
    )
    await ledger.begin(ANCHOR, intent("left-over", "z"))
    await ledger.rest(HARBOR, {"c": RestingRow("uncertain", b"\0\xff", NUL, NOON, 1, LATER, ("d",))})
    await ledger.reverted(HARBOR, ["a"], NOON)
    await ledger.rekey(HARBOR, {"new": "a"}, NOON)
    await ledger.sketch(HARBOR, 3, bytes(range(16)))
    await ledger.keep_good_source(HARBOR, 3, GoodCounts((), {"account": 3}, ()))
    await ledger.begin_plan(HARBOR, "plan-1", "run-1", NOON)
    await ledger.remember_directory(ORIGIN, ACCOUNT, DIRECTORY)
    await ledger.remember_page_size(ORIGIN, KEY, 100)
    await ledger.remember_pause(ORIGIN, KEY, Pause(at=NOON, until=LATER, reason=NUL))
    await ledger.note_key(ORIGIN, ACCOUNT, "asked", "once")
    await ledger.remember_rest(ORIGIN, ACCOUNT, "token", REST)
    await ledger.charge_requests(ORIGIN, KEY, NOON.date(), 7)
    await ledger.remember_used_up(ORIGIN, KEY, NOON.date(), USED_UP)
    await ledger.note_told(ORIGIN, "broken", NOON, "the last run broke off")
    await ledger.finish_run(a_result())
    await ledger.gather(HARBOR)
    await ledger.agree(HARBOR, {"a": Agreement(is_open=True)})


@pytest.fixture
async def filled(tmp_path: Path) -> str:
    """A ledger that an earlier dimsync began, and that a newer one went on with."""
    path = tmp_path / "ledger.db"
    restored(path).close()
    async with await open_ledger(f"sqlite:///{path}") as ledger:
        await fill(ledger)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("insert into ledger_notes values ('backed_up_at', '2026-11-21T12:00:00.000000Z')")
        connection.execute(
            "insert into known_problems values (?, 'main', 101, 'held', 'then', 'now', x'00ff')", (ORIGIN,)
        )
        connection.execute("insert into to_retry values (?, 'main', 101, 'run-1', '[\"b\"]')", (ORIGIN,))
    return f"sqlite:///{path}"


def held(url: str) -> dict[str, list[Sequence[Any]]]:
    """Return all rows of a ledger in a file, by table."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        return {
            table: connection.execute(f"select * from {table} order by {key}").fetchall()  # noqa: S608  our own tables
            for table, key in TABLES.items()
        }


async def test_a_ledger_is_the_same_in_postgres_and_back_in_a_file(
    filled: str, postgres_url: str, tmp_path: Path
) -> None:
    there = await copy_ledger(filled, postgres_url)
    back_url = f"sqlite:///{tmp_path}/back.db"
    back = await copy_ledger(postgres_url, back_url)
    assert there == back
    assert held(back_url) == held(filled)
    assert {table.name for table in there if not table.rows} == set()


async def test_a_copy_goes_on_where_the_ledger_was(filled: str, postgres_url: str) -> None:
    """New ids come after those that were copied, and what was in flight is seen to."""
    await copy_ledger(filled, postgres_url)
    async with await open_ledger(filled) as one, await open_ledger(postgres_url) as other:
        for ledger in (one, other):
            assert await ledger.recover(ANCHOR) == 1
            await ledger.begin(HARBOR, intent("next", "x"))
            await ledger.settle(HARBOR, Settlement(intent_id="next", at=LATER, rows=known_rows("x")))
            await ledger.remember_directory(ORIGIN, "another", DIRECTORY)
        assert await one.read(HARBOR) == await other.read(HARBOR)
        assert await one.life(HARBOR, "new") == await other.life(HARBOR, "new")
        assert await one.history(ORIGIN, 9) == await other.history(ORIGIN, 9)
        assert await one.standing(ORIGIN) == await other.standing(ORIGIN)
        assert await one.directory(ORIGIN, ACCOUNT) == await other.directory(ORIGIN, ACCOUNT) == DIRECTORY


@pytest.mark.parametrize("place", [PostgresPlace, SqlitePlace], ids=["to-postgres", "to-a-file"])
async def test_a_copy_that_does_not_give_back_what_it_was_given_is_undone(
    place: type[PostgresPlace | SqlitePlace],
    filled: str,
    postgres_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = place.write

    def careless(self: Any, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        write(self, table, columns, rows if table != "attempts" else rows[1:])

    monkeypatch.setattr(place, "write", careless)
    target = postgres_url if place is PostgresPlace else f"sqlite:///{tmp_path}/copy.db"
    with pytest.raises(LedgerError, match="does not give back what was copied to it"):
        await copy_ledger(filled, target)
    monkeypatch.undo()
    await copy_ledger(filled, target)  # it was left empty


async def test_what_cannot_be_copied_is_said(filled: str, postgres_url: str, tmp_path: Path) -> None:
    other = f"sqlite:///{tmp_path}/other.db"
    with pytest.raises(ConfigError, match="knows of no run"):
        await copy_ledger(postgres_url, other)
    with pytest.raises(ConfigError, match="knows of no run"):
        await copy_ledger(other, postgres_url)
    assert not (tmp_path / "other.db").exists()
    with pytest.raises(ConfigError, match="in memory"):
        await copy_ledger(filled, "sqlite://")
    with pytest.raises(LedgerError, match="holds a ledger already"):
        await copy_ledger(filled, filled)
    async with await open_ledger(filled) as ledger:
        await ledger.start_run("run-2", "sync", LATER + timedelta(hours=1), origin=ORIGIN)
        with pytest.raises(ConfigError, match="Run run-2 is under way"):
            await copy_ledger(filled, postgres_url)


async def test_tables_that_differ_are_not_copied(filled: str, postgres: PostgresServer) -> None:
    """As when one of them is of another dimsync."""
    with postgres.empty_database() as url:
        async with await open_ledger(url):
            pass
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("alter table dimsync.rows add column mood text")
        with pytest.raises(LedgerError, match="have different tables"):
            await copy_ledger(filled, url)
