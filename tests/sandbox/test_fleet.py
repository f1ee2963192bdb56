"""Many companies at once: each for itself, books that add up, and one exit code that speaks for all."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from engine import Company, Dimension, RunResult, open_ledger
from engine.model.events import ChunkSettled, CompanyFinished
from engine.model.origin import origin_of
from engine.model.settings import CompanyKey
from engine.run.company_context import CompanyContext
from tests.sandbox.conftest import (
    OTHER,
    World,
    account,
    assert_exact,
    columns,
    company,
    dims,
    kinds,
    verdict,
    watch,
)

FAILING, EMPTY, FORBIDDEN, UNREADABLE, LOCKED, REFUSED, UNSOUND, UNCERTAIN = 7, 13, 19, 23, 31, 37, 41, 43
TROUBLED = {FAILING, EMPTY, FORBIDDEN, UNREADABLE, LOCKED, REFUSED, UNSOUND, UNCERTAIN}


class Unreadable:
    """A source that breaks off after three rows."""

    async def __aiter__(self) -> AsyncIterator[Dimension]:
        for row in dims(3):
            yield row
        raise OSError("the disk went away")


def place_fleet(world: World) -> list[Company]:
    """Make fifty companies, eight of them in trouble of their own kind; returns them in no particular order."""
    world.limit(max_attempts=2)
    for n in range(1, 51):
        world.place(n, dims(10), owner=OTHER.account_id if n == FORBIDDEN else "")
    world.script(
        {"effect": "status", "status": 500, "match": {"operation": "list", "company": FAILING}},
        {"effect": "poison", "erp_id": "00010", "match": {"company": REFUSED}},
        {"effect": "lying-count", "by": 1, "match": {"company": UNSOUND}},
        {"effect": "reset", "commit": True, "match": {"operation": "bulk", "company": UNCERTAIN}},
        {"effect": "malformed", "match": {"operation": "list", "company": UNCERTAIN}, "after": 1},  # nor read back
    )
    fleet = [company(n, [] if n == EMPTY else dims(11)) for n in sorted(range(1, 51), key=lambda n: n * 17 % 51)]
    return [replace(each, source=Unreadable()) if each.id == UNREADABLE else each for each in fleet]


async def sync_beside_a_lock(world: World, fleet: list[Company]) -> RunResult:
    """Run while another holds a company."""
    company_key = CompanyKey(origin=origin_of(world.sandbox.base_url), account="racc_demo", company_id=LOCKED)
    ledger = await open_ledger(world.ledger_url)
    try:
        async with ledger.lock(company_key):
            return await world.sync(*fleet)
    finally:
        await ledger.aclose()


@pytest.mark.sockets
async def test_fifty_companies_each_for_itself(world: World) -> None:
    fleet = place_fleet(world)
    result = await sync_beside_a_lock(world, fleet)
    by_id = {each.company_id: each for each in result.companies}
    assert list(by_id) == [each.id for each in fleet]
    for n in set(range(1, 51)) - TROUBLED:
        assert (verdict(by_id[n]), columns(by_id[n])) == (("synced", 0, []), {"unchanged": 10, "created": 1}), n
        assert_exact(world, n, dims(11))
    assert verdict(by_id[FAILING]) == ("failed", 1, ["unavailable"])
    assert verdict(by_id[FORBIDDEN]) == ("failed", 1, ["out-of-scope"])
    assert verdict(by_id[UNREADABLE]) == ("failed", 1, ["source"])
    assert "the disk went away" in by_id[UNREADABLE].problems[0].message
    assert (by_id[UNREADABLE].balance.source_rows, by_id[UNREADABLE].requests.total) == (None, 0)
    assert verdict(by_id[LOCKED])[:2] == ("locked", 9)
    assert (columns(by_id[LOCKED]), by_id[LOCKED].requests.total) == ({"deferred": 11}, 0)
    assert verdict(by_id[UNSOUND]) == ("held", 4, ["incomplete-listing"])
    assert verdict(by_id[REFUSED]) == ("partial", 3, ["rejected"])
    assert (columns(by_id[UNCERTAIN]), by_id[UNCERTAIN].exit_code) == ({"unchanged": 10, "uncertain": 1}, 10)
    assert (by_id[EMPTY].balance.source_rows, by_id[EMPTY].balance.orphans, world.sent("bulk", EMPTY)) == (0, 10, 0)
    assert result.exit_code == 1
    assert result.totals.created == 42
    assert result.requests.total == result.requests.apart + sum(each.requests.total for each in result.companies)


async def test_a_fleet_converges_when_its_troubles_end(world: World) -> None:
    """The next day: nobody's rows are lost or there twice, and the day after costs nothing."""
    await world.sync(*place_fleet(world))
    world.script()
    world.place(FORBIDDEN, dims(10))
    world.clock.forward(hours=25)
    fleet = [company(n, dims(11)) for n in range(1, 51)]
    result = await world.sync(*fleet)
    assert (result.exit_code, columns(result)) == (0, {"unchanged": 543, "created": 6, "updated": 1})
    for n in range(1, 51):
        assert_exact(world, n, dims(11))
    assert ((await world.sync(*fleet)).requests.total, world.sent()) == (0, 0)


PRECEDENCE: list[tuple[list[dict[str, Any]], int]] = [
    ([{"effect": "reject-rows", "erp_id": "00001", "match": {"company": 1}}], 3),
    ([{"effect": "lying-count", "by": 1, "match": {"company": 2}}], 4),
    ([{"effect": "reset", "match": {"operation": "bulk", "company": 3}}], 10),
    ([{"effect": "status", "status": 404, "body": "{}", "match": {"operation": "list", "company": 4}}], 1),
]


@pytest.mark.parametrize("upto", range(len(PRECEDENCE)), ids=["rejected", "held", "uncertain", "failed"])
async def test_the_exit_code_is_the_gravest(world: World, upto: int) -> None:
    """3 < 4 < 10 < 1, one company each."""
    world.limit(max_attempts=1)
    for n in (1, 2, 3, 4):
        world.place(n)
    chosen = PRECEDENCE[: upto + 1]
    world.script(*(rule for rules, _ in chosen for rule in rules))
    result = await world.sync(*(company(n, dims(3)) for n in (1, 2, 3, 4)))
    assert [each.exit_code for each in result.companies] == [code for _, code in chosen] + [0] * (3 - upto)
    assert result.exit_code == chosen[-1][1]


async def test_one_company_behind_a_slow_one(world: World) -> None:
    """A giant does not keep small ones waiting: with few requests at a time, all of them end before it does."""
    world.limit(max_concurrency=2)
    world.place(1)
    for n in range(2, 22):
        world.place(n)
    world.script({"effect": "latency", "seconds": 0.01, "match": {"company": 1}})
    async with world.engine() as engine:
        events, result = await watch(engine, company(1, dims(3000)), *(company(n, dims(5)) for n in range(2, 22)))
    ended = [event.result.company_id for event in events if isinstance(event, CompanyFinished)]
    assert (result.exit_code, result.totals.created) == (0, 3100)
    assert ended[-1] == 1


async def test_a_read_only_company_is_planned_and_not_synced(world: World) -> None:
    for n in (1, 2):
        world.place(n, dims(4))
    fleet = [company(1, dims(5), write=False), company(2, dims(5))]
    async with world.engine() as engine:
        planned = await engine.plan(fleet).result()
        assert [(each.company_id, each.balance.created) for each in planned.companies] == [(1, 1), (2, 1)]
        assert world.sent("bulk") == 0
        synced = await engine.sync(fleet).result()
    assert [each.company_id for each in synced.companies] == [2]
    assert_exact(world, 1, dims(4))
    assert_exact(world, 2, dims(5))


async def test_a_plan_writes_nothing_and_keeps_its_listing(world: World) -> None:
    """A sync right after costs a probe where it creates, and no listing."""
    for n in (1, 2, 3):
        world.place(n, dims(150))
    fleet = [company(1, dims(150)), company(2, dims(153)), company(3, dims(150))]
    world.sandbox.service.log.clear()
    async with world.engine() as engine:
        planned = await engine.plan(fleet).result()
    assert (planned.verb, kinds(planned.requests), world.sent("bulk")) == ("plan", {"list": 6}, 0)
    assert columns(planned) == {"unchanged": 450, "created": 3}
    assert [len(world.stored(n)) for n in (1, 2, 3)] == [150, 150, 150]
    assert planned.companies[1].digest != planned.companies[0].digest
    synced = await world.sync(*fleet)
    assert [kinds(each.requests) for each in synced.companies] == [{}, {"probe": 1, "bulk": 1}, {}]
    assert_exact(world, 2, dims(153))


async def test_two_accounts_have_a_token_each(world: World) -> None:
    world.accounts = (account(), account("other", OTHER))
    world.place(1)
    world.place(2, owner=OTHER.account_id)
    result = await world.sync(company(1, dims(5), account="main"), company(2, dims(5), account="other"))
    assert (result.exit_code, result.requests.token) == (0, 2)
    assert [each.account for each in result.companies] == ["main", "other"]
    for n in (1, 2):
        assert_exact(world, n, dims(5))


async def test_a_run_of_no_companies(world: World) -> None:
    result = await world.sync()
    assert (result.exit_code, result.companies, world.sent()) == (0, (), 0)


def contexts() -> int:
    """Return how many companies' contexts are in memory."""
    return sum(isinstance(each, CompanyContext) for each in gc.get_objects())


@pytest.mark.sockets
async def test_a_company_that_has_ended_leaves_no_rows_for_the_collector(world: World) -> None:
    """Nothing of a company's run refers back to it: it is gone before anybody hears of its end."""
    world.limit(chunk_rows=3)
    for n in range(1, 4):
        world.place(n, dims(114))
    gc.collect()
    of_others = contexts()  # what other tests have left
    gc.disable()
    try:
        async with world.engine() as engine, engine.sync([company(n, dims(120)) for n in range(1, 4)]) as run:
            kept = [contexts() async for event in run if isinstance(event, ChunkSettled)]
            left = contexts()
    finally:
        gc.enable()
    assert max(kept) > of_others
    assert left == of_others
