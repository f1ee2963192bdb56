"""How much a ledger grows with each run, and that what was forgotten leaves the disk."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import orjson

from engine.ledger.protocols import Ledger
from engine.ledger.sqlite.database import give_back
from engine.ledger.sqlite.ledger import SqliteLedger, open_ledger
from engine.model.balance import Balance, State, add
from engine.model.listing import Certificate
from engine.model.outcome import Problem
from engine.model.result import CompanyResult, Requests, RunResult, totals_json
from tests.ledger.values import NOON, ORIGIN, certificate

HOUR = timedelta(hours=1)
ROWS = Balance(source_rows=400, unchanged=400, created=0, updated=0, rejected=0, held=0, deferred=0, uncertain=0)
REFUSED = Problem(code="rejected", message="no such type", key="a")


def company(company_id: int, state: State = State.UNCHANGED, *problems: Problem) -> CompanyResult:
    proof: Certificate | None = certificate(400) if company_id % 7 == 0 else None
    return CompanyResult(
        company_id=company_id,
        name=f"Company {company_id} of the fleet",
        account="main",
        state=state,
        exit_code=3 if problems else 0,
        evidence="ledger",
        verified_at=NOON,
        balance=replace(ROWS, invalid=0, adopted=0, rejected=len(problems)),
        requests=Requests(probe=1),
        certificate=proof,
        problems=problems,
    )


def a_run(run_id: str, at: datetime, companies: tuple[CompanyResult, ...]) -> RunResult:
    return RunResult(
        run_id=run_id,
        verb="sync",
        started_at=at,
        finished_at=at,
        elapsed_s=1.0,
        exit_code=0,
        totals=add(each.balance for each in companies),
        requests=Requests.sum(each.requests for each in companies),
        companies=companies,
    )


async def journal(ledger: Ledger, number: int, companies: tuple[CompanyResult, ...]) -> RunResult:
    at = NOON + number * HOUR
    result = a_run(f"{at:%Y%m%dT%H%M%SZ}-{number:08x}", at, companies)
    await ledger.start_run(result.run_id, "sync", at, origin=ORIGIN)
    await ledger.finish_run(result)
    return result


def pages(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        size, count = (connection.execute(f"pragma {name}").fetchone()[0] for name in ("page_size", "page_count"))
        return int(size * count)


async def test_l26_a_run_of_300_unchanged_companies_takes_less_than_10_kb(
    on_disk: SqliteLedger, tmp_path: Path
) -> None:
    fleet = tuple(company(company_id) for company_id in range(1, 301))
    await journal(on_disk, 0, fleet)
    before, runs = pages(tmp_path / "ledger.db"), 50
    for number in range(1, runs + 1):
        await journal(on_disk, number, fleet)
    assert (pages(tmp_path / "ledger.db") - before) / runs < 10_000 / 4


async def test_l26_a_company_with_nothing_to_tell_leaves_its_last_state_alone(
    on_disk: SqliteLedger, tmp_path: Path
) -> None:
    first = await journal(on_disk, 0, (company(1), company(2), company(3, State.PARTIAL, REFUSED)))
    second = await journal(on_disk, 1, (company(1), company(2, State.PARTIAL, REFUSED)))
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        lines = connection.execute("select run_id, company_id from run_companies order by run_id").fetchall()
        (text,) = connection.execute("select result from runs where id = ?", (first.run_id,)).fetchone()
    assert lines == [(first.run_id, 3), (second.run_id, 2)]
    document = orjson.loads(text)
    assert [each["company_id"] for each in document["companies"]] == [3]
    assert document["totals"] == totals_json(first)

    newest, oldest = await on_disk.history(ORIGIN, 5)
    assert (oldest.companies, oldest.trouble, oldest.requests) == (3, 1, 3)
    assert (newest.companies, newest.trouble, newest.requests) == (2, 1, 2)
    states = {company_id: state for (_, company_id), state in (await on_disk.last_states(ORIGIN)).items()}
    assert states == {1: State.UNCHANGED, 2: State.PARTIAL, 3: State.PARTIAL}
    told = {line.company_id: (line.run_id, line.at, line.well_at) for line in await on_disk.last_syncs(ORIGIN)}
    assert told == {
        1: (second.run_id, NOON + HOUR, NOON + HOUR),
        2: (second.run_id, NOON + HOUR, NOON),
        3: (first.run_id, NOON, None),
    }


async def test_l26_what_is_forgotten_leaves_the_disk(on_disk: SqliteLedger, tmp_path: Path) -> None:
    """Large results, as an older dimsync kept them: they are forgotten, and all else is there."""
    path = tmp_path / "ledger.db"
    long = Problem(code="rejected", message="x" * 100_000, key="a")
    for number in range(30):
        await journal(on_disk, number, (company(1, State.PARTIAL, long),))
    last = await journal(on_disk, 30, (company(1, State.PARTIAL, REFUSED),))
    kept = (await on_disk.last_syncs(ORIGIN), await on_disk.in_trouble(ORIGIN, None))
    large = path.stat().st_size + path.with_name("ledger.db-wal").stat().st_size
    assert await on_disk.prune(last.started_at) == 30
    assert (path.stat().st_size, path.with_name("ledger.db-wal").stat().st_size) < (large / 10, 1)
    assert (await on_disk.last_syncs(ORIGIN), await on_disk.in_trouble(ORIGIN, None)) == kept


async def test_l26_little_that_is_free_is_left_for_use(on_disk: SqliteLedger, tmp_path: Path) -> None:
    for number in range(5):
        await journal(on_disk, number, (company(1, State.PARTIAL, replace(REFUSED, message="x" * 100_000)),))
    before = pages(tmp_path / "ledger.db")
    assert await on_disk.prune(NOON + 4 * HOUR) == 4
    assert pages(tmp_path / "ledger.db") == before


async def test_l26_while_another_process_is_at_the_ledger_it_is_left_as_it_is(tmp_path: Path) -> None:
    """Nothing waits for one that writes, and one that reads sees what it saw; a later run gives the space back."""
    path = tmp_path / "ledger.db"
    async with await open_ledger("sqlite:///ledger.db", base=tmp_path) as ledger:
        for number in range(30):
            await journal(ledger, number, (company(1, State.PARTIAL, replace(REFUSED, message="x" * 100_000)),))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            large = pages(path)
            other.execute("update runs set result = null")  # as much is free as a pruning leaves
            other.execute("begin immediate")
            await ledger._thread.alone(give_back)
            other.execute("rollback")
            assert pages(path) == large
            other.execute("begin")
            other.execute("select count(*) from runs").fetchone()
            await ledger._thread.alone(give_back)
            assert other.execute("select count(*) from runs").fetchone() == (30,)
            other.execute("rollback")
    assert path.stat().st_size < large / 10
