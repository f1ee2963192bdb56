from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from engine.ledger.protocols import Ledger
from engine.ledger.sqlite.ledger import SqliteLedger, open_ledger
from engine.model.balance import State
from engine.model.outcome import Problem
from engine.model.settings import NamedCompany
from engine.model.standing import RunTimes, Standing
from tests.ledger.test_known_problems import LIKE, journal, told
from tests.ledger.test_runs import ended
from tests.ledger.values import LATER, NOON, ORIGIN

WHERE = NamedCompany("main", 101)


def marks(folder: Path) -> list[Path]:
    return list(folder.glob("*.locks/*.run"))


async def test_nothing_stands_in_a_new_ledger(ledger: Ledger) -> None:
    assert await ledger.standing(ORIGIN) == Standing()


async def test_the_last_sync_is_told_with_what_companies_told_in_it(ledger: Ledger) -> None:
    await journal(ledger, ended("run-1", State.SYNCED, State.FAILED))
    stray = Problem(code="unknown-company", message="3 rows", file="all.csv")
    second = told("run-2", LATER + timedelta(hours=1), replace(LIKE, since=NOON))
    await journal(ledger, replace(second, problems=(stray,), exit_code=4))
    await journal(ledger, ended("run-3", State.SYNCED, verb="plan"))
    standing = await ledger.standing(ORIGIN)
    assert standing.last == RunTimes("run-2", "sync", LATER, LATER + timedelta(hours=1), 4)
    assert standing.problems == (stray,)
    assert standing.companies[WHERE].problems == (replace(LIKE, since=NOON.replace(microsecond=123000)),)
    assert {where.company_id: one.state for where, one in standing.companies.items()} == {
        101: State.PARTIAL,
        102: State.FAILED,
    }


async def test_a_sync_that_found_a_company_locked_leaves_its_state(ledger: Ledger) -> None:
    await journal(ledger, told("run-1", NOON, LIKE))
    await journal(ledger, ended("run-2", State.LOCKED))
    standing = await ledger.standing(ORIGIN)
    assert (standing.last and standing.last.run_id) == "run-2"
    assert standing.companies[WHERE].state is State.PARTIAL
    assert [each.code for each in standing.companies[WHERE].problems] == ["look-alike"]


async def test_a_run_is_under_way_until_it_ends(ledger: Ledger) -> None:
    await ledger.start_run("run-1", "sync", NOON, origin=ORIGIN)
    await ledger.start_run("plan-1", "plan", NOON, origin=ORIGIN)
    standing = await ledger.standing(ORIGIN)
    assert ([each.run_id for each in standing.running], standing.died) == (["run-1"], ())
    await ledger.finish_run(ended("run-1", State.SYNCED))
    standing = await ledger.standing(ORIGIN)
    assert (standing.running, standing.died) == ((), ())


async def test_another_process_sees_who_is_alive_and_who_has_died(on_disk: SqliteLedger, tmp_path: Path) -> None:
    async with await open_ledger("sqlite:///ledger.db", base=tmp_path) as other:
        await other.start_run("run-1", "sync", NOON, origin=ORIGIN)
        standing = await on_disk.standing(ORIGIN)
        assert ([each.run_id for each in standing.running], standing.died) == (["run-1"], ())
    standing = await on_disk.standing(ORIGIN)  # the other one was closed in the middle of its run
    assert ([each.run_id for each in standing.died], standing.running) == (["run-1"], ())
    assert not marks(tmp_path)


async def test_what_died_before_the_last_sync_is_not_told(ledger: Ledger) -> None:
    await ledger.start_run("run-1", "sync", NOON - timedelta(hours=1), origin=ORIGIN)
    await journal(ledger, ended("run-2", State.SYNCED))
    standing = await ledger.standing(ORIGIN)
    assert (standing.running, standing.died) == ((), ())


async def test_a_result_that_cannot_be_read_tells_no_problem(on_disk: SqliteLedger, tmp_path: Path) -> None:
    await journal(on_disk, told("run-1", NOON, LIKE))
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection, connection:
        connection.execute("update runs set result = 'no'")
    standing = await on_disk.standing(ORIGIN)
    assert (standing.companies[WHERE].state, standing.companies[WHERE].problems) == (State.PARTIAL, ())
