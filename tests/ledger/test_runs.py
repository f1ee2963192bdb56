from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from engine.errors import LedgerError
from engine.ledger.protocols import Ledger
from engine.ledger.sqlite.ledger import SqliteLedger, open_ledger
from engine.model.balance import Balance, State
from engine.model.resting import Pause
from engine.model.result import CompanyResult, Requests, RunResult, run_json
from tests.ledger.values import LATER, NOON, ORIGIN, a_result

HOUR = timedelta(hours=1)


async def test_a_run_starts_and_finishes_once(ledger: Ledger) -> None:
    await ledger.start_run("run-1", "sync", NOON, origin=ORIGIN)
    with pytest.raises(LedgerError):
        await ledger.start_run("run-1", "sync", NOON, origin=ORIGIN)
    await ledger.finish_run(a_result())
    with pytest.raises(LedgerError, match="Run run-1"):
        await ledger.finish_run(a_result())


async def test_a_run_that_never_started_cannot_finish(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="never started"):
        await ledger.finish_run(a_result())


def ended(run_id: str, *states: State, verb: str = "sync", account: str = "main") -> RunResult:
    """A run over companies 101, 102 ..., which ended so."""
    companies = tuple(
        CompanyResult(company_id=company_id, name="", account=account, state=state, exit_code=0)
        for company_id, state in enumerate(states, start=101)
    )
    return RunResult(
        run_id=run_id,
        verb=verb,
        started_at=NOON,
        finished_at=LATER,
        elapsed_s=3600.0,
        exit_code=0,
        totals=Balance(),
        requests=Requests(),
        companies=companies,
    )


async def journal(ledger: Ledger, result: RunResult, *, origin: str = ORIGIN) -> None:
    await ledger.start_run(result.run_id, result.verb, result.started_at, origin=origin)
    await ledger.finish_run(result)


async def test_a_run_that_a_wrong_clock_has_dated_is_not_the_newest(ledger: Ledger) -> None:
    """A year ahead once, then right again: until that year is over, each later run would count as older."""
    now, year = NOON + timedelta(hours=1), timedelta(days=365)
    starts = {"ahead": now + year, "before": now - timedelta(days=1), "after": now, "a little": now + HOUR / 60}
    for run_id, at in starts.items():
        await journal(ledger, replace(ended(run_id, State.SYNCED), started_at=at, finished_at=at))
    await ledger.start_run("died ahead", "sync", now + year, origin=ORIGIN)
    found = [run.run_id for run in await ledger.history(ORIGIN, 9, now=now)]
    assert found == ["a little", "after", "before", "died ahead", "ahead"]
    assert [run.run_id for run in await ledger.history(ORIGIN, 4, now=now)] == found[:4]
    assert [run.run_id for run in await ledger.kept_runs(ORIGIN, now=now)] == ["a little"]
    assert [run.run_id for run in await ledger.kept_runs(ORIGIN, now=now - timedelta(days=9))] == ["ahead"]
    since = [run.run_id for run in await ledger.kept_runs(ORIGIN, since=now - HOUR, now=now)]
    assert since == ["after", "a little"]
    standing = await ledger.standing(ORIGIN, now=now)
    assert (standing.last and standing.last.run_id) == "a little"
    early = await ledger.standing(ORIGIN, now=now - timedelta(days=9))  # set back: there is no other run
    assert (early.last and early.last.run_id) == "ahead"
    assert [run.run_id for run in await ledger.history(ORIGIN, 1)] == ["died ahead"]


async def test_a_run_that_began_by_a_wrong_clock_has_not_died_since(on_disk: SqliteLedger, tmp_path: Path) -> None:
    await journal(on_disk, ended("run-1", State.SYNCED))
    async with await open_ledger("sqlite:///ledger.db", base=tmp_path) as other:
        await other.start_run("run-2", "sync", LATER, origin=ORIGIN)
        await other.start_run("ahead", "sync", LATER + 999 * HOUR, origin=ORIGIN)
    standing = await on_disk.standing(ORIGIN, now=LATER)
    assert [each.run_id for each in standing.died] == ["run-2"]


async def test_the_last_state_is_that_of_the_newest_run_with_the_company(ledger: Ledger) -> None:
    assert await ledger.last_states(ORIGIN) == {}
    await journal(ledger, ended("run-1", State.SYNCED, State.FAILED, State.HELD))
    await journal(ledger, ended("run-2", State.UNCHANGED, State.SYNCED))
    await journal(ledger, ended("run-3", State.DEFERRED, account="second"))
    states = await ledger.last_states(ORIGIN)
    assert states == {
        ("main", 101): State.UNCHANGED,
        ("main", 102): State.SYNCED,
        ("main", 103): State.HELD,
        ("second", 101): State.DEFERRED,
    }
    assert {type(state) for state in states.values()} == {State}


async def test_a_run_that_started_earlier_and_finished_later_has_the_last_word(ledger: Ledger) -> None:
    await ledger.start_run("z-long", "sync", NOON, origin=ORIGIN)
    await ledger.start_run("a-short", "sync", NOON + timedelta(minutes=1), origin=ORIGIN)
    await ledger.finish_run(ended("a-short", State.LOCKED))
    assert await ledger.last_states(ORIGIN) == {("main", 101): State.LOCKED}
    await ledger.finish_run(ended("z-long", State.SYNCED))
    assert await ledger.last_states(ORIGIN) == {("main", 101): State.SYNCED}


async def test_only_finished_syncs_at_the_same_origin_have_states(ledger: Ledger) -> None:
    await journal(ledger, ended("run-1", State.SYNCED))
    await journal(ledger, ended("run-2", State.FAILED, verb="plan"))
    await journal(ledger, ended("run-3", State.HELD), origin="http://127.0.0.1:8080/v1")
    await ledger.start_run("crashed", "sync", LATER, origin=ORIGIN)
    assert await ledger.last_states(ORIGIN) == {("main", 101): State.SYNCED}
    assert await ledger.last_states("http://127.0.0.1:8080/v1") == {("main", 101): State.HELD}


async def test_a_run_that_cannot_be_finished_leaves_the_states(ledger: Ledger) -> None:
    await journal(ledger, ended("run-1", State.SYNCED))
    with pytest.raises(LedgerError):
        await ledger.finish_run(ended("run-1", State.FAILED))
    assert await ledger.last_states(ORIGIN) == {("main", 101): State.SYNCED}


async def test_the_last_pause_is_remembered_by_key(ledger: Ledger) -> None:
    assert await ledger.pause(ORIGIN, "racc_1") is None
    first = Pause(at=NOON, until=LATER, reason="Too Many Requests \N{HOURGLASS}\0")
    await ledger.remember_pause(ORIGIN, "racc_1", first)
    assert await ledger.pause(ORIGIN, "racc_1") == first
    second = Pause(at=LATER, until=LATER + timedelta(minutes=1), reason="Limit Exceeded")
    await ledger.remember_pause(ORIGIN, "racc_1", second)
    assert await ledger.pause(ORIGIN, "racc_1") == second
    assert await ledger.pause(ORIGIN, "racc_2") is None
    assert await ledger.pause("http://127.0.0.1:8080/v1", "racc_1") is None


async def test_the_page_size_is_remembered_by_key(ledger: Ledger) -> None:
    assert await ledger.page_size("https://api.test/v1", "racc_1") is None
    await ledger.remember_page_size("https://api.test/v1", "racc_1", 100)
    await ledger.remember_page_size("https://api.test/v1", "racc_1", 50)
    assert await ledger.page_size("https://api.test/v1", "racc_1") == 50
    assert await ledger.page_size("https://api.test/v1", "racc_2") is None


async def test_people_can_ask_the_file(on_disk: SqliteLedger, tmp_path: Path) -> None:
    await on_disk.start_run("crashed", "sync", NOON, origin=ORIGIN)
    await on_disk.start_run("run-1", "sync", NOON, origin=ORIGIN)
    await on_disk.finish_run(a_result())
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        runs = connection.execute(
            "select id, verb, origin, started_at, finished_at, exit_code from runs order by id"
        ).fetchall()
        assert runs == [
            ("crashed", "sync", ORIGIN, "2026-11-21T12:00:00.123456Z", None, None),
            ("run-1", "sync", ORIGIN, "2026-11-21T12:00:00.123456Z", "2026-11-21T13:00:00.123456Z", 1),
        ]
        companies = connection.execute(
            "select company_id, state, source_rows, created, invalid, requests from run_companies order by company_id"
        ).fetchall()
        assert companies == [(101, "synced", 3, 2, None, 3), (102, "failed", None, None, None, 0)]
        (document,) = connection.execute("select result from runs where id = 'run-1'").fetchone()
        assert orjson.loads(document) == orjson.loads(orjson.dumps(run_json(a_result())))


async def test_the_journal_is_read_newest_first_and_by_origin(ledger: Ledger) -> None:
    assert (await ledger.history(ORIGIN, 5), await ledger.last_syncs(ORIGIN)) == ([], [])
    for number, run_id in enumerate(("one", "two", "three")):
        at = NOON + timedelta(hours=number)
        await ledger.start_run(run_id, "sync", at, origin=ORIGIN, allowed=("look-alike:7",) if number else ())
        if run_id != "three":
            await ledger.finish_run(replace(a_result(run_id), started_at=at, finished_at=at))
    await ledger.start_run("elsewhere", "sync", NOON, origin="http://127.0.0.1/v1")
    found = await ledger.history(ORIGIN, 2)
    assert [(run.run_id, run.finished_at is None, run.allowed) for run in found] == [
        ("three", True, "look-alike:7"),
        ("two", False, "look-alike:7"),
    ]
    whole = a_result("two")
    assert found[1].companies == len(whole.companies)
    assert found[1].requests == sum(company.requests.total for company in whole.companies)
    last = await ledger.last_syncs(ORIGIN)
    assert [(line.company_id, line.state, line.run_id) for line in last] == sorted(
        (company.company_id, str(company.state), "two") for company in whole.companies
    )
