"""One row written by a program: under the company's lock, with intent and acknowledgement, as a sync writes it."""

from __future__ import annotations

import asyncio

import pytest

from engine import Allow, Company, ConfigError, Dimension, RunResult
from engine.model.origin import origin_of
from tests.sandbox.conftest import World, assert_exact, columns, company, dims, kinds, verdict
from tests.sandbox.test_library import in_flight, until

NEW = Dimension("K00100", "account", "Account", "Petty cash", "00100", "C100")


async def put(world: World, row: Dimension, *allow: Allow, to: Company | None = None) -> RunResult:
    world.sandbox.service.log.clear()
    async with world.engine() as engine:
        return await engine.put(to or company(1, []), row, allow=allow).result()


@pytest.fixture
async def loaded(world: World) -> World:
    """A world with a company of 40 rows that a sync has loaded."""
    world.place(1)
    assert (await world.sync_one(1, dims(40))).exit_code == 0
    return world


async def test_a_new_row_costs_a_probe_and_a_chunk_and_is_known_to_the_ledger(loaded: World) -> None:
    result = await put(loaded, NEW)
    assert (result.exit_code, columns(result), kinds(result.requests)) == (0, {"created": 1}, {"probe": 1, "bulk": 1})
    assert_exact(loaded, 1, [*dims(40), NEW])
    synced = await loaded.sync_one(1, [*dims(40), NEW])
    assert (str(synced.state), loaded.sent()) == ("unchanged", 0)


async def test_a_known_row_is_updated_in_one_request_or_none(loaded: World) -> None:
    changed = dims(1)[0]._replace(name="Another name")
    result = await put(loaded, changed)
    assert (columns(result), kinds(result.requests)) == ({"updated": 1}, {"bulk": 1})
    again = await put(loaded, changed)
    assert (columns(again), loaded.sent()) == ({"unchanged": 1}, 0)
    assert_exact(loaded, 1, [changed, *dims(39, first=1)])


async def test_the_key_is_cleaned_as_that_of_a_source_is(loaded: World) -> None:
    result = await put(loaded, NEW._replace(key=" K00100 "))
    assert columns(result) == {"created": 1}
    assert_exact(loaded, 1, [*dims(40), NEW])


async def test_nothing_is_concluded_of_the_company_s_other_rows(loaded: World) -> None:
    """The row count and the sketch of its last good run stay, and so does how its last sync ended."""
    for row in (NEW, dims(1)[0]._replace(name="Another name")):
        assert (await put(loaded, row)).exit_code == 0
    held = await loaded.sync_one(1, dims(15))
    assert verdict(held) == ("held", 4, ["shrunken-source"])
    async with loaded.open_ledger() as ledger:
        verbs = sorted(run.verb for run in await ledger.history(origin_of(loaded.settings.api.base_url), 9))
        (last,) = await ledger.last_syncs(origin_of(loaded.settings.api.base_url))
    assert verbs == ["put", "put", "sync", "sync"]
    assert last.state == "held"


async def test_a_row_that_looks_like_another_one_is_held_until_it_is_allowed(loaded: World) -> None:
    alike = dims(1)[0]._replace(key="other", erp_id="777")
    result = await put(loaded, alike)
    assert verdict(result.companies[0]) == ("partial", 4, ["look-alike"])
    assert loaded.sent("bulk") == 0
    assert columns(await put(loaded, alike, Allow("look-alike", 1))) == {"created": 1}


async def test_a_row_that_cannot_be_sent_is_invalid(loaded: World) -> None:
    result = await put(loaded, NEW._replace(type_code="no-such-type"))
    assert (result.exit_code, columns(result), loaded.sent()) == (3, {"invalid": 1}, 0)


async def test_a_read_only_company_is_not_written(loaded: World) -> None:
    with pytest.raises(ConfigError, match="company 1 is read-only"):
        await put(loaded, NEW, to=company(1, [], write=False))
    assert loaded.sent() == 0


async def test_a_company_that_is_being_synced_is_locked(loaded: World) -> None:
    loaded.script({"effect": "latency", "seconds": 0.1, "match": {"operation": "bulk"}})
    async with loaded.engine() as engine:
        running = asyncio.ensure_future(engine.sync([company(1, dims(41))]).result())
        await until(lambda: in_flight(loaded))
        sent = loaded.sent()
        result = await engine.put(company(1, []), NEW).result()
        assert (verdict(result.companies[0])[:2], loaded.sent()) == (("locked", 9), sent)
        assert (await running).exit_code == 0
        loaded.script()
        assert (await engine.put(company(1, []), NEW).result()).exit_code == 0
    assert_exact(loaded, 1, [*dims(41), NEW])


async def test_a_lost_answer_is_settled_by_the_next_run(loaded: World) -> None:
    loaded.script({"effect": "reset", "match": {"operation": "bulk"}}, {"effect": "status", "status": 503})
    lost = await put(loaded, NEW)
    assert lost.exit_code in (1, 5, 10)
    loaded.script()
    assert (await loaded.sync_one(1, [*dims(40), NEW], fresh=True)).exit_code == 0
    assert_exact(loaded, 1, [*dims(40), NEW])


async def test_what_is_left_of_a_plan_that_passed_still_passes(world: World) -> None:
    """A put is no part of a load that was interrupted, and does not end it."""
    world.place(1)
    world.limit(max_concurrency=1, chunk_rows=10)
    rows = dims(100)
    await world.sync_one(1, dims(12))
    async with world.engine() as engine:
        stopping = company(1, rows)
        async with engine.sync([stopping], allow=[Allow("mass-create", 1)]) as run:
            async for event in run:
                if type(event).__name__ == "ChunkSettled":
                    run.stop()
        assert run.result.totals.deferred
        assert (await engine.put(company(1, []), rows[0]._replace(name="Another name")).result()).exit_code == 0
    assert (await world.sync_one(1, [rows[0]._replace(name="Another name"), *rows[1:]])).exit_code == 0
