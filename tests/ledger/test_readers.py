"""Whoever reads the file blocks no run, and no run blocks a reader."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from engine.ledger.sqlite.ledger import SqliteLedger, open_ledger
from engine.model.ledger_writes import Settlement
from engine.model.outcome import Column, Outcome
from engine.model.row_history import Generation
from tests.ledger.conftest import Play
from tests.ledger.values import HARBOR, LATER, NOON, ORIGIN, intent, known_rows


async def push(ledger: SqliteLedger, chunk: str, rows: int) -> None:
    keys = [f"{chunk}-{number}" for number in range(rows)]
    outcomes = tuple(Outcome(key, Column.CREATED) for key in keys)
    await ledger.begin(HARBOR, intent(chunk, *keys))
    await ledger.settle(HARBOR, Settlement(intent_id=chunk, at=LATER, rows=known_rows(*keys), outcomes=outcomes))


def select(connection: sqlite3.Connection) -> object:
    connection.execute("begin")
    return connection.execute("select count(*) from rows").fetchone()


def select_in_part(connection: sqlite3.Connection) -> object:
    cursor = connection.execute("select key, outcome from outcomes")
    cursor.fetchone()
    return cursor  # kept: with it the reading would end


@pytest.mark.parametrize("read", [select, select_in_part])
async def test_an_open_reading_stops_no_run(read: Callable[[sqlite3.Connection], object], tmp_path: Path) -> None:
    async with await open_ledger("sqlite:///ledger.db", base=tmp_path) as ledger:
        await push(ledger, "first", 100)
    with closing(sqlite3.connect(tmp_path / "ledger.db", timeout=0, isolation_level=None)) as connection:
        reading = read(connection)
        async with await open_ledger("sqlite:///ledger.db", base=tmp_path) as ledger:
            await ledger.start_run("run-1", "sync", NOON, origin=ORIGIN)
            for number in range(20):  # which is more than the write-ahead log takes before it is worked in
                await push(ledger, f"chunk-{number}", 300)
            await ledger.distrust(HARBOR)
            await ledger.prune(LATER)
        assert connection.execute("select count(*) from rows").fetchone() == (100,)  # still what it began with
        del reading
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        assert connection.execute("select count(*) from outcomes").fetchone() == (6_100,)


async def test_a_writer_stops_nobody_who_opens_to_read(play: Play, tmp_path: Path) -> None:
    async with await open_ledger("sqlite:///ledger.db", base=tmp_path) as ledger:
        await push(ledger, "first", 3)
    with play("write") as child:
        assert child.heard() == "writing"
        async with await open_ledger("sqlite:///ledger.db", base=tmp_path) as ledger:
            assert await ledger.history(ORIGIN, 10) == []
            assert len((await ledger.read(HARBOR)).rows) == 3
            assert await ledger.generation(HARBOR) == Generation(1, "run-1")
            assert len((await ledger.life(HARBOR, "first-0")).attempts) == 1
            child.go_on()
            await push(ledger, "second", 3)  # which waits for the other one's commit
            assert await ledger.generation(HARBOR) == Generation(8, "run-1")
        assert child.process.wait() == 0


async def test_the_evidence_of_a_killed_run_is_whole(play: Play, tmp_path: Path) -> None:
    with play("settle_and_crash") as child:
        assert child.heard() == "begun"
        child.kill()
    async with await open_ledger("sqlite:///ledger.db", base=tmp_path) as ledger:
        before = await ledger.life(HARBOR, "a")
        assert (before.in_flight, [line.column for line in before.attempts]) == (NOON, ["created"])
        await ledger.recover(HARBOR)
        after = await ledger.life(HARBOR, "a")
        assert after.in_flight is None
        assert [(line.attempt, line.column, line.sends) for line in after.attempts] == [
            ("cut", "uncertain", 1),
            ("done", "created", 2),
        ]
