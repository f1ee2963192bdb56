"""A ledger that cannot be written, and a clock that jumps: nothing is sent that could not be written down first."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator

import pytest

from engine import Allow, Engine, RunResult
from engine.errors import LedgerError
from engine.ledger.sqlite.ledger import SqliteLedger, open_ledger
from engine.model.events import ChunkSettled
from engine.model.ledger_writes import Settlement
from engine.model.settings import CompanyKey
from tests.sandbox.conftest import World, assert_exact, company, dims, heal

pytestmark = pytest.mark.sockets

ROWS = {n: [row._replace(name=f"{row.name} of {n}") for row in dims(400)] for n in (1, 2)}


@pytest.fixture
async def ledger(world: World) -> AsyncIterator[SqliteLedger]:
    async with await open_ledger(world.ledger_url) as opened:
        yield opened


async def pragma(ledger: SqliteLedger, statement: str) -> int:
    """Set or ask something of the ledger's own connection, between two transactions."""

    def ask(connection: sqlite3.Connection) -> int:
        found = connection.execute(f"pragma {statement}").fetchone()
        return int(found[0]) if found else 0

    return await ledger._thread.read(ask)


async def fill(ledger: SqliteLedger, pages: int) -> None:
    """Leave room for so many pages on the ledger's disk."""
    used = await pragma(ledger, "page_count") - await pragma(ledger, "freelist_count")
    await pragma(ledger, f"max_page_count = {used + pages}")


async def sync(world: World, ledger: SqliteLedger, *company_ids: int, allow: str = "") -> RunResult:
    world.sandbox.service.log.clear()
    async with world.engine(ledger) as engine:
        leave = [Allow(allow, n) for n in company_ids] if allow else []
        return await engine.sync([company(n, ROWS[n]) for n in company_ids], allow=leave).result()


async def test_a_ledger_that_cannot_be_written_stops_the_run_before_its_first_request(
    world: World, ledger: SqliteLedger
) -> None:
    world.place(1)
    await pragma(ledger, "query_only = on")
    with pytest.raises(LedgerError, match="Make the file and its folder writable for this user"):
        await sync(world, ledger, 1)
    assert world.sandbox.service.log == []
    await pragma(ledger, "query_only = off")
    await heal(world, 1, ROWS[1])


WRITTEN = "select (select count(*) from intents) + (select count(*) from attempts)"


async def outcome(world: World, ledger: SqliteLedger) -> str:
    """Return what is told of a run that cannot go well."""
    try:
        result = await sync(world, ledger, 1, 2)
    except LedgerError as error:
        return str(error)
    assert (result.exit_code, result.totals.adds_up) == (1, True)
    problems = [*result.problems, *(problem for each in result.companies for problem in each.problems)]
    return " ".join(problem.message for problem in problems)


@pytest.mark.parametrize("pages", [0, 1, 2, 4, 12, 24])
async def test_a_disk_that_fills_up_stops_before_what_cannot_be_written_down(
    world: World, ledger: SqliteLedger, pages: int
) -> None:
    """Whenever it is full: each request that came is in the ledger, and with room again all ends exact."""
    world.limit(chunk_rows=20)
    for n in (1, 2):
        world.place(n)
    await sync(world, ledger)
    await fill(ledger, pages)
    said = await outcome(world, ledger)
    assert "Make room on its disk" in said
    bulks = [entry for entry in world.sandbox.service.log if entry.operation == "bulk"]
    assert len(bulks) < 800 / 20
    assert len(bulks) <= await ledger._thread.read(lambda connection: connection.execute(WRITTEN).fetchone()[0])
    await pragma(ledger, "max_page_count = 1000000")
    made = sum(entry.created for entry in bulks)
    healed = await sync(world, ledger, 1, 2, allow="mass-update")  # test_what_passed_stays_passed_although_...
    assert healed.exit_code == 0
    made += sum(entry.created for entry in world.sandbox.service.log)
    assert made == 800
    for n in (1, 2):
        assert_exact(world, n, ROWS[n])


async def test_what_passed_stays_passed_although_outcomes_could_not_be_written(
    world: World, ledger: SqliteLedger
) -> None:
    """A first load is cut short by a full disk. What landed is sent again, which is no mass update of a person's."""

    class Full(SqliteLedger):
        async def settle(self, company_key: CompanyKey, settlement: Settlement) -> None:  # noqa: ARG002  the base's signature
            raise LedgerError("database or disk is full")

    world.place(1)
    failed = await sync(world, Full(ledger._thread, ledger._hold), 1)
    assert (failed.exit_code, failed.totals.adds_up) == (1, True)
    assert len(world.stored(1)) > 25
    healed = await sync(world, ledger, 1)
    assert healed.companies[0].problems == ()
    assert healed.exit_code == 0


# The clock


@pytest.mark.parametrize("days", [-400, -1, 1, 400])
@pytest.mark.parametrize("midway", [False, True], ids=["between runs", "in a run"])
async def test_a_clock_that_jumps_costs_no_row(world: World, days: int, midway: bool) -> None:
    """The API's clock stays right. Whatever ours says: rows are exact at once, and again when it is set right."""
    right = world.clock()
    world.sandbox.service._clock = lambda: right
    world.limit(chunk_rows=50)
    world.place(1)
    rows = list(ROWS[1])
    if not midway:
        await world.sync_one(1, rows)
    world.sandbox.service.log.clear()
    async with Engine(world.settings, now=world.clock, rng=world.rng) as engine:
        if not midway:
            world.clock.forward(days=days)
            rows[:10] = [row._replace(code=f"New {row.code}") for row in rows[:10]]
        async with engine.sync([company(1, rows)]) as run:
            async for event in run:
                if midway and isinstance(event, ChunkSettled) and world.clock() == right:
                    world.clock.forward(days=days)
    assert (run.result.exit_code, run.result.totals.adds_up) == (0, True)
    assert_exact(world, 1, rows)
    for jump in (0, -days):
        world.clock.forward(days=jump)
        rows[5] = rows[5]._replace(code=f"Once more {jump}")
        assert (await world.sync_one(1, rows)).exit_code == 0
        assert_exact(world, 1, rows)
    assert (await world.sync_one(1, rows)).exit_code == 0
