"""Tokens under load, on a clock of its own: refreshed once for all, in time, and each account's for itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, cast

import aiohttp
import pytest

from engine import Account, Api, Company, Dimension, Engine, Limits, RunResult, Settings
from engine.ledger.sqlite.ledger import SqliteLedger
from engine.ledger.sqlite.lock import MemoryLocks
from engine.model.events import ChunkSettled, Parked
from engine.sandbox.access import Allowance
from engine.sandbox.faults.rules import parse_rules
from engine.sandbox.record import Entry
from engine.sandbox.service import Options, Service
from engine.sandbox.tenant import Tenant
from tests.empty_ledgers import empty_ledger
from tests.sandbox.conftest import DEMO, OTHER, account, company, dims
from tests.sandbox.fuzz import Desk, Fate, StageLoop
from tests.sandbox.line import BASE_URL, Line
from tests.sandbox.test_fuzz_runs import MORNING

MANY = 64
LIMITS = Limits(max_concurrency=MANY)


class Stage:
    """A server, and one engine that goes on over several runs."""

    def __init__(self, *, token_lifetime_s: int = 3600) -> None:
        self.second = asyncio.get_running_loop().time
        options = Options(accounts=(DEMO, OTHER), allowance=Allowance(token_lifetime_s=token_lifetime_s))
        self.service = Service(options, tenant=Tenant(), clock=self.now, second=self.second)

    def now(self) -> datetime:
        return MORNING + timedelta(seconds=self.second())

    def script(self, *rules: dict[str, Any]) -> None:
        self.service.script.replace(parse_rules(list(rules)))

    def place(self, company_ids: Iterable[int], *, owner: str = "") -> None:
        for company_id in company_ids:
            self.service.place(company_id, account=owner)

    def stored(self, company_id: int) -> int:
        return len({row.values.key for row in self.service.tenant.companies[company_id].rows})

    def answered(self, status: int) -> list[Entry]:
        return [entry for entry in self.service.log if entry.status == status]

    async def live(self, body: Callable[[Engine], Awaitable[None]], *accounts: Account) -> None:
        """Open an engine for what `body` does with it."""
        rng = Random(3)
        line = Line(service=self.service, fate=Fate(), rng=rng, watch=lambda _: None)
        settings = Settings(accounts=accounts, api=Api(base_url=BASE_URL), companies_at_once=4 * MANY)
        session = cast("aiohttp.ClientSession", line)
        with empty_ledger() as database:
            ledger = SqliteLedger(Desk(database, Fate()), MemoryLocks().hold)
            async with Engine(settings, session=session, ledger=ledger, now=self.now, rng=rng) as engine:
                await body(engine)

    async def sync(self, engine: Engine, companies: Iterable[Company]) -> RunResult:
        self.service.log.clear()
        return await engine.sync(companies).result()


def play(scene: Callable[[], Awaitable[None]]) -> None:
    async def played() -> None:
        await scene()

    with asyncio.Runner(loop_factory=StageLoop) as runner:
        runner.run(played())


def test_64_requests_at_once_that_meet_a_dead_token_refresh_it_once() -> None:
    """All leave with the token of the run before, and none of them is answered before the last has left."""

    async def scene() -> None:
        stage = Stage()
        stage.place(range(1, 4 * MANY + 1))

        async def body(engine: Engine) -> None:
            first = await stage.sync(engine, [company(n, dims(5)) for n in range(1, 4 * MANY + 1)])
            assert (first.exit_code, first.requests.token) == (0, 1)
            stage.service.access.expire(DEMO.account_id)
            stage.script({"effect": "latency", "seconds": 1.0, "match": {"operation": "bulk"}})
            wanted = [row._replace(name=f"New {row.name}") for row in dims(5)]
            result = await stage.sync(engine, [company(n, wanted) for n in range(1, MANY + 1)])
            assert (result.exit_code, result.totals.updated) == (0, 5 * MANY)
            refused = len(stage.answered(401))  # those that were out; who waited for a place was told in time
            assert MANY // 4 <= refused <= MANY
            assert (result.requests.token, result.requests.bulk, result.requests.retry) == (1, MANY, refused)

        await stage.live(body, account(limits=LIMITS))

    play(scene)


@pytest.mark.parametrize("lifetime_s", [30, 300])
def test_a_long_run_renews_its_tokens_before_they_die(lifetime_s: int) -> None:
    """A quarter of an hour of requests of three seconds each: no token is met dead, none fetched without need."""

    async def scene() -> None:
        stage = Stage(token_lifetime_s=lifetime_s)
        stage.place([1])
        stage.script({"effect": "latency", "seconds": 3.0, "match": {"operation": "bulk"}})

        async def body(engine: Engine) -> None:
            result = await stage.sync(engine, [company(1, dims(1_250))])
            assert (result.exit_code, stage.stored(1), stage.answered(401)) == (0, 1_250, [])
            assert result.elapsed_s > 900
            assert result.requests.retry == 0
            assert result.requests.token <= 1 + result.elapsed_s / (0.95 * lifetime_s)

        await stage.live(body, account(limits=replace(LIMITS, max_concurrency=1, chunk_rows=4)))

    play(scene)


def test_tokens_that_die_before_their_time_cost_a_repeat_each() -> None:
    async def scene() -> None:
        stage = Stage()
        stage.place(range(1, 21))
        deaths = [{"effect": "expire-tokens", "after": after, "times": 1} for after in range(0, 200, 30)]
        stage.script(*({**rule, "match": {"operation": "bulk"}} for rule in deaths))

        async def body(engine: Engine) -> None:
            result = await stage.sync(engine, [company(n, own(n)) for n in range(1, 21)])
            assert (result.exit_code, {stage.stored(n) for n in range(1, 21)}) == (0, {100})
            assert result.requests.token <= 1 + len(deaths)
            assert result.requests.retry == len(stage.answered(401))

        await stage.live(body, account(limits=replace(LIMITS, chunk_rows=10, max_concurrency=8)))

    play(scene)


def test_a_dead_token_is_met_only_by_what_is_out() -> None:
    """Of 20 companies' requests 8 are out at a time: those that only wait for a place can have the new token."""

    async def scene() -> None:
        stage = Stage()
        stage.place(range(1, 21))
        stage.script({"effect": "expire-tokens", "match": {"operation": "bulk"}, "after": 20, "times": 1})

        async def body(engine: Engine) -> None:
            result = await stage.sync(engine, [company(n, own(n)) for n in range(1, 21)])
            assert (result.exit_code, result.requests.token) == (0, 2)
            assert len(stage.answered(401)) <= 8

        await stage.live(body, account(limits=replace(LIMITS, chunk_rows=10, max_concurrency=8)))

    play(scene)


def own(company_id: int) -> list[Dimension]:
    """Return rows that are no other company's: clients that look alike would be a case of its own."""
    return [row._replace(name=f"{row.name} of {company_id}") for row in dims(100)]


def test_a_grant_that_dies_midway_parks_its_account_alone() -> None:
    """The client's secret is changed and its tokens revoked while both accounts are written."""

    async def scene() -> None:
        stage = Stage()
        mine, others = range(1, 11), range(11, 21)
        stage.place(mine)
        stage.place(others, owner=OTHER.account_id)
        access = stage.service.access

        async def body(engine: Engine) -> None:
            fleet = [company(n, own(n), account="main") for n in mine]
            fleet += [company(n, own(n), account="other") for n in others]
            parked: list[str] = []
            async with engine.sync(fleet) as run:
                async for event in run:
                    if isinstance(event, ChunkSettled) and not parked:
                        access.by_key[DEMO.api_key] = replace(DEMO, client_secret="rotated")
                        access.expire(DEMO.account_id)
                    parked += [event.account] if isinstance(event, Parked) else []
            result = run.result
            assert (parked, result.exit_code) == (["main"], 8)
            for each in result.companies:
                made = stage.stored(each.company_id)
                if each.account == "other":
                    assert (each.exit_code, made) == (0, 100)
                else:
                    assert (each.balance.created or 0, each.balance.uncertain or 0) == (made, 0)
                    assert made + (each.balance.deferred or 0) == 100
                    assert each.exit_code in ({0, 8} if made == 100 else {8})
            assert 0 < sum(stage.stored(n) for n in mine) < 1_000
            assert sum(entry.operation == "token" for entry in stage.answered(401)) == 1
            access.by_key[DEMO.api_key] = DEMO
            again = await stage.sync(engine, fleet)
            assert (again.exit_code, {stage.stored(n) for n in mine}) == (0, {100})

        small = replace(LIMITS, chunk_rows=10)
        await stage.live(body, account(limits=small), account("other", OTHER, small))

    play(scene)
