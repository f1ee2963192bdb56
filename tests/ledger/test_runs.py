from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from engine.errors import LedgerError
from engine.ledger.base import Ledger
from engine.ledger.sqlite import SqliteLedger
from engine.model.balance import Balance, State
from engine.model.result import CompanyResult, Requests, RunResult, run_json
from tests.ledger.values import LATER, NOON


def a_result(run_id: str = "run-1") -> RunResult:
    balance = Balance(source_rows=3, unchanged=1, created=2, updated=0, rejected=0, held=0, deferred=0, uncertain=0)
    synced = CompanyResult(
        company_id=101,
        name="Harbor Grill",
        account="main",
        state=State.SYNCED,
        exit_code=0,
        evidence="listing",
        verified_at=NOON,
        balance=balance,
        requests=Requests(list=2, bulk=1),
    )
    failed = CompanyResult(company_id=102, name="Anchor", account="main", state=State.FAILED, exit_code=1)
    return RunResult(
        run_id=run_id,
        verb="sync",
        started_at=NOON,
        finished_at=LATER,
        elapsed_s=3600.0,
        exit_code=1,
        totals=balance,
        requests=Requests(list=2, bulk=1, token=1),
        companies=(synced, failed),
    )


async def test_a_run_starts_and_finishes_once(ledger: Ledger) -> None:
    await ledger.start_run("run-1", "sync", NOON)
    with pytest.raises(LedgerError):
        await ledger.start_run("run-1", "sync", NOON)
    await ledger.finish_run(a_result())
    with pytest.raises(LedgerError, match="Run run-1"):
        await ledger.finish_run(a_result())


async def test_a_run_that_never_started_cannot_finish(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="never started"):
        await ledger.finish_run(a_result())


async def test_the_page_size_is_remembered_by_key(ledger: Ledger) -> None:
    assert await ledger.page_size("https://api.test/v1", "racc_1") is None
    await ledger.remember_page_size("https://api.test/v1", "racc_1", 100)
    await ledger.remember_page_size("https://api.test/v1", "racc_1", 50)
    assert await ledger.page_size("https://api.test/v1", "racc_1") == 50
    assert await ledger.page_size("https://api.test/v1", "racc_2") is None


async def test_people_can_ask_the_file(on_disk: SqliteLedger, tmp_path: Path) -> None:
    await on_disk.start_run("crashed", "sync", NOON)
    await on_disk.start_run("run-1", "sync", NOON)
    await on_disk.finish_run(a_result())
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        runs = connection.execute(
            "select id, verb, started_at, finished_at, exit_code from runs order by id"
        ).fetchall()
        assert runs == [
            ("crashed", "sync", "2026-11-21T12:00:00.123456Z", None, None),
            ("run-1", "sync", "2026-11-21T12:00:00.123456Z", "2026-11-21T13:00:00.123456Z", 1),
        ]
        companies = connection.execute(
            "select company_id, state, source_rows, created, invalid, requests from run_companies order by company_id"
        ).fetchall()
        assert companies == [(101, "synced", 3, 2, None, 3), (102, "failed", None, None, None, 0)]
        (document,) = connection.execute("select result from runs where id = 'run-1'").fetchone()
        assert orjson.loads(document) == orjson.loads(orjson.dumps(run_json(a_result())))
