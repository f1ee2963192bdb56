"""A plan says what the sync right after it takes: requests to the last one, time within 5 % where the rate rules."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random
from typing import cast

import aiohttp
import pytest

from engine import Allow, Api, Company, Engine, Limits, RunResult, Settings, Verify, VerifyMode
from engine.cli.show.cost import Cost, cost_of
from engine.ledger.sqlite.ledger import SqliteLedger
from engine.ledger.sqlite.lock import MemoryLocks
from engine.sandbox.access import Allowance
from engine.sandbox.service import Options, Service
from engine.sandbox.tenant import Tenant
from tests.empty_ledgers import empty_ledger
from tests.sandbox.conftest import World, account, company, dims, kinds
from tests.sandbox.fuzz import Desk, Fate, StageLoop
from tests.sandbox.line import BASE_URL, Line
from tests.sandbox.test_fuzz_runs import MORNING

CANARY = ("canary", 5)


async def planned(world: World, *companies: Company) -> tuple[Cost, RunResult]:
    """Return what a plan says, and its result."""
    async with world.engine() as engine:
        result = await engine.plan(companies, allow=[Allow(*CANARY)]).result()
    return cost_of(result, companies, world.settings), result


async def synced(world: World, *companies: Company) -> dict[str, int]:
    """Return what a sync of those that may be written takes."""
    return kinds((await world.sync(*(each for each in companies if each.write), allow=[CANARY])).requests)


def said(cost: Cost) -> dict[str, int]:
    """Return a cost as `kinds` has it."""
    return {kind: count for kind in ("list", "probe", "bulk") if (count := getattr(cost, kind))}


def fleet() -> list[Company]:
    """Return companies of every fortune; 5 has rows that another program made, and 8 is not ours."""
    rows = dims(40)
    edited = [row._replace(name=f"New {row.name}") for row in rows]
    return [
        company(1, rows),
        company(2, edited[:8] + rows[8:]),
        company(3, [*rows, *dims(6, first=500)]),
        company(4, edited),  # a guard holds it
        company(5, edited),  # of which canaries go first
        company(6, edited[:8] + rows[8:], write=False),
        company(7, dims(95)),
        company(8, rows),
        company(9, edited[:1] + rows[1:]),  # a row that was refused and rests
        company(10, [*edited[:3], *rows[3:], *dims(2, first=500)]),
    ]


@pytest.mark.parametrize("mode", list(VerifyMode))
async def test_the_sync_after_a_plan_takes_what_the_plan_said(world: World, mode: VerifyMode) -> None:
    world.limit(chunk_rows=10, page_size=20)
    wanted, ours = fleet(), (1, 2, 3, 4, 6, 9, 10)
    for n in (*ours, 7):
        world.place(n)
    world.place(5, dims(40))
    world.script({"effect": "reject-rows", "erp_id": "^00000$", "message": "no", "match": {"company": 9}})
    await world.sync(*(company(n, dims(40)) for n in ours if n != 9), company(9, dims(40)))
    await world.sync(company(9, [dims(1)[0]._replace(name="New Name 00000"), *dims(39, first=1)]))
    world.clock.forward(hours=2)
    world.verify = Verify(mode=mode)
    cost, result = await planned(world, *wanted)
    assert (cost.unread, len(result.companies)) == (0, 10)
    assert said(cost) == await synced(world, *wanted)


async def test_what_was_not_looked_at_is_said_to_be_apart(world: World) -> None:
    """Room for the directory and two of five listings: the others are counted, as nobody knows what they take."""
    wanted = [company(n, dims(3)) for n in range(1, 6)]
    for each in wanted:
        world.place(each.id)
    async with world.engine() as engine:
        result = await engine.plan(wanted, budget=3).result()
    cost = cost_of(result, wanted, world.settings)
    assert (said(cost), cost.unread) == ({"probe": 2, "bulk": 2}, 3)


@pytest.mark.parametrize("rate", [10.0, 50.0])
def test_the_time_is_that_of_the_requests_where_the_rate_rules(rate: float) -> None:
    """On a clock that no work of ours moves: 15 companies, first loaded, then a row new in each."""
    service = Service(Options(allowance=Allowance(rate=1e6)), tenant=Tenant(), clock=lambda: MORNING, second=float)
    first, second = ([company(n, dims(rows)) for n in range(1, 16)] for rows in (250, 251))
    for each in first:
        service.place(each.id)
    with empty_ledger() as connection:
        ledger = SqliteLedger(Desk(connection, Fate()), MemoryLocks().hold)
        for companies in (first, second):
            plan, sync = (timed(service, ledger, verb, companies, rate) for verb in ("plan", "sync"))
            cost = cost_of(plan, companies, settings(rate))
            assert cost.requests == sync.requests.total - sync.requests.apart
            assert cost.seconds == pytest.approx(sync.elapsed_s, rel=0.05)


def settings(rate: float) -> Settings:
    return Settings(accounts=(account(limits=Limits(requests_per_second=rate)),), api=Api(base_url=BASE_URL))


def timed(service: Service, ledger: SqliteLedger, verb: str, companies: Sequence[Company], rate: float) -> RunResult:
    """Run on an event loop whose time passes only when all wait."""

    async def run() -> RunResult:
        line = Line(service=service, fate=Fate(), rng=Random(7), watch=lambda _: None)
        session = cast("aiohttp.ClientSession", line)
        async with Engine(settings(rate), session=session, ledger=ledger, now=lambda: MORNING) as engine:
            return await (engine.plan if verb == "plan" else engine.sync)(companies).result()

    with asyncio.Runner(loop_factory=StageLoop) as stage:
        return stage.run(run())
