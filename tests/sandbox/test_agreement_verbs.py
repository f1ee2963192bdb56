"""The second push and its listing in other verbs than `sync`: saved plans, `put` and `retry`."""

from __future__ import annotations

import pytest

from engine import Allow, CompanyResult, Dimension
from tests.sandbox.conftest import World, columns, company, dims, kinds, verdict
from tests.sandbox.test_agreement import DUE, NOT_APPLIED, OTHERWISE, UNCHANGED, run, stays
from tests.sandbox.test_put import put
from tests.sandbox.test_retry import retry
from tests.sandbox.test_saved_plans import applied_one, planned

ROWS = [row._replace(name=f"Profit & loss {row.erp_id}") for row in dims(12)]
RENAMED = [row._replace(name=f"{row.name} of old") for row in ROWS]
CAPITALS = {"spelled": "listed", "name": {"capitals": True}}
NO_ZEROS = {"erp_id": {"zeros_stripped": True}}
SYNCED: tuple[str, int, list[str]] = ("synced", 0, [])


def told(result: CompanyResult) -> tuple[tuple[str, int, list[str]], dict[str, int], dict[str, int]]:
    return verdict(result), columns(result), kinds(result.requests)


async def plan_and_apply(world: World, rows: list[Dimension], *allow: str) -> CompanyResult:
    saved, _ = await planned(world, company(1, rows), allow=[(slug, 1) for slug in allow])
    return await applied_one(world, saved)


@pytest.mark.parametrize("way", [CAPITALS, NO_ZEROS])
async def test_a_saved_plan_verifies_what_it_pushes_once_more(world: World, way: dict[str, object]) -> None:
    world.place(1)
    world.follow(way)
    await world.sync_one(1, ROWS)
    world.clock.forward(**DUE)
    assert told(await plan_and_apply(world, ROWS)) == (OTHERWISE, {"updated": 12}, {"probe": 1, "list": 1, "bulk": 1})
    assert told(await plan_and_apply(world, ROWS)) == (UNCHANGED, {"unchanged": 12}, {})
    await stays(world, ROWS, UNCHANGED if way is CAPITALS else OTHERWISE)


async def test_a_saved_plan_tells_what_it_takes(world: World) -> None:
    """With a listing for each part, where one chunk goes first."""
    rows = [row._replace(name=f"Profit & loss {row.erp_id}") for row in dims(150)]
    world.place(1)
    world.follow(CAPITALS)
    await world.sync_one(1, rows)
    world.clock.forward(**DUE)
    saved, text = await planned(world, company(1, [*rows, *dims(1, first=900)]))
    (plan,) = saved.companies
    assert (plan.bulk_requests, plan.list_requests) == (3, 4)
    assert '"requests": 8' in text
    result = await applied_one(world, saved)
    # the row that this run created is listed in capitals, too: the next listing sees to it
    says = ("partial", 3, ["not-verified", "stored-otherwise"])
    assert told(result) == (says, {"deferred": 1, "updated": 150}, {"probe": 1, "list": 4, "bulk": 3})


async def test_an_update_of_a_saved_plan_that_is_not_carried_out(world: World) -> None:
    world.place(1)
    world.follow({"fixed": ["name"]})
    await world.sync_one(1, ROWS)
    assert told(await plan_and_apply(world, RENAMED)) == (SYNCED, {"updated": 12}, {"probe": 1, "bulk": 1})
    world.clock.forward(**DUE)
    assert told(await plan_and_apply(world, RENAMED)) == (
        NOT_APPLIED,
        {"rejected": 12},
        {"probe": 1, "list": 1, "bulk": 1},
    )
    await stays(world, RENAMED, NOT_APPLIED)
    more = [*RENAMED, *dims(1, first=90)]
    result = await plan_and_apply(world, more)
    assert told(result) == (NOT_APPLIED, {"created": 1, "rejected": 12}, {"probe": 1, "bulk": 1})
    await stays(world, more, NOT_APPLIED)


async def test_what_a_person_changed_is_undone_by_a_saved_plan(world: World) -> None:
    world.place(1)
    await world.sync_one(1, ROWS)
    first = world.sandbox.tenant.companies[1].rows[0]
    first.values, first.shown = first.values._replace(name="By hand"), None
    world.clock.forward(**DUE)
    result = await plan_and_apply(world, ROWS)
    assert told(result) == (SYNCED, {"unchanged": 11, "updated": 1}, {"probe": 1, "list": 1, "bulk": 1})
    assert world.stored(1) == ROWS
    await stays(world, ROWS, UNCHANGED)


@pytest.mark.parametrize("verb", ["sync", "apply"])
async def test_a_spelling_that_is_found_and_allowed_in_one_run_stays_allowed(world: World, verb: str) -> None:
    world.place(1)
    world.follow(NO_ZEROS)
    await world.sync_one(1, ROWS)
    world.clock.forward(**DUE)
    if verb == "sync":
        assert (await run(world, ROWS, allow=[Allow("stored-otherwise", 1)]))[0] == SYNCED
    else:
        assert verdict(await plan_and_apply(world, ROWS, "stored-otherwise")) == SYNCED
    await stays(world, ROWS, UNCHANGED)


@pytest.mark.parametrize("way", [CAPITALS, NO_ZEROS])
@pytest.mark.parametrize("verb", ["put", "retry"])
async def test_one_row_is_verified_and_the_others_wait(world: World, verb: str, way: dict[str, object]) -> None:
    async def once() -> CompanyResult:
        if verb == "retry":
            return await retry(world, ROWS, {ROWS[0].key})
        return (await put(world, ROWS[0])).companies[0]

    says = UNCHANGED if way is CAPITALS else OTHERWISE
    world.place(1)
    world.follow(way)
    await world.sync_one(1, ROWS)
    world.clock.forward(**DUE)
    assert told(await once()) == (OTHERWISE, {"updated": 1}, {"list": 2, "bulk": 1})
    assert told(await once()) == (says, {"unchanged": 1}, {})
    result = await world.sync_one(1, ROWS)
    assert told(result) == (OTHERWISE, {"unchanged": 1, "updated": 11}, {"list": 1, "bulk": 1})
    await stays(world, ROWS, says)


@pytest.mark.parametrize("verb", ["put", "retry"])
async def test_one_row_that_is_not_carried_out_is_sent_again_by_who_asks_for_it(world: World, verb: str) -> None:
    async def once() -> CompanyResult:
        if verb == "retry":
            return await retry(world, rows, {rows[0].key})
        return (await put(world, rows[0])).companies[0]

    rows = [RENAMED[0], *ROWS[1:]]
    world.place(1)
    world.follow({"fixed": ["name"]})
    await world.sync_one(1, ROWS)
    assert told(await once()) == (SYNCED, {"updated": 1}, {"bulk": 1})
    world.clock.forward(**DUE)
    assert told(await once()) == (NOT_APPLIED, {"rejected": 1}, {"list": 2, "bulk": 1})
    await stays(world, rows, NOT_APPLIED)
    assert told(await once()) == (SYNCED, {"updated": 1}, {"bulk": 1})  # no listing has shown yet what became of it
    world.clock.forward(**DUE)
    assert await run(world, rows) == (NOT_APPLIED, {"list": 2, "bulk": 1})
    await stays(world, rows, NOT_APPLIED)
