"""Servers that spell values their own way, or do not carry an update out: told once, and then nothing is spent.

W1 and W2 are the cases that strangers brought. Requests are counted exactly.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import count

import pytest

from engine import Allow, Dimension, Guards
from engine.model.origin import origin_of
from engine.model.settings import CompanyKey
from engine.sandbox.tenant import Values
from engine.sandbox.ways import Way, Ways
from tests.sandbox.conftest import BLIND, DEMO, World, columns, company, dims, kinds, verdict

LONG = "A name of more than forty characters, as some are"
ROWS = [row._replace(name=f"{row.erp_id} {LONG}") if row.erp_id in {"00001", "00002"} else row for row in dims(12)]
DUE = {"days": 10}
"""After so long a company is listed again."""

OTHERWISE = ("partial", 3, ["stored-otherwise"])
NOT_APPLIED = ("partial", 3, ["not-applied"])
UNCHANGED: tuple[str, int, list[str]] = ("unchanged", 0, [])


async def run(
    world: World, rows: list[Dimension], **options: object
) -> tuple[tuple[str, int, list[str]], dict[str, int]]:
    """Run once; return what a scheduler sees, and the requests by kind."""
    result = await world.sync_one(1, rows, **options)
    return verdict(result), kinds(result.requests)


def edit(world: World, key: str) -> None:
    """Let somebody change a name in Ottimate."""
    (row,) = (row for row in world.sandbox.tenant.companies[1].rows if row.values.key == key)
    row.values, row.shown = row.values._replace(name=f"By hand {key}"), None


async def stays(world: World, rows: list[Dimension], says: tuple[str, int, list[str]]) -> None:
    """Check that runs cost nothing, and that a listing changes nothing: each says the same."""
    for _ in range(2):
        world.clock.forward(minutes=10)
        assert await run(world, rows) == (says, {})
    world.clock.forward(**DUE)
    assert await run(world, rows) == (says, {"list": 1})
    assert await run(world, rows) == (says, {})


async def test_w1_what_the_answer_spells_otherwise_is_told_once(world: World) -> None:
    world.place(1)
    world.follow({"name": {"shortened": 40}})
    result = await world.sync_one(1, ROWS)
    assert (verdict(result), columns(result)) == (OTHERWISE, {"created": 12})
    assert sorted(problem.key or "" for problem in result.problems) == [ROWS[1].key, ROWS[2].key]
    assert all(LONG[:30] in problem.message for problem in result.problems)
    await stays(world, ROWS, UNCHANGED)


@pytest.mark.parametrize(
    "way",
    [
        {"name": {"escaped": True}},
        {"name": {"capitals": True}},
        {"name": {"squeezed": True}},
        {"name": {"shortened": 20}},
        {"code": {"capitals": True}},
    ],
)
async def test_w2_what_listings_alone_spell_otherwise_is_pushed_once_more_and_told(
    world: World, way: dict[str, object]
) -> None:
    rows = [row._replace(name=f"Profit & loss of  {row.erp_id}") for row in dims(12)]
    world.place(1)
    world.follow({"spelled": "listed", **way})
    assert await run(world, rows) == (("synced", 0, []), {"list": 1, "bulk": 1})
    world.clock.forward(**DUE)
    if "code" in way and world.contract == "guide":  # which lists no codes
        assert await run(world, rows) == (UNCHANGED, {"list": 1})
        return
    assert await run(world, rows) == (OTHERWISE, {"list": 2, "bulk": 1})
    await stays(world, rows, UNCHANGED)
    changed = [rows[0]._replace(name="Profit & loss of  another one"), *rows[1:]]
    assert await run(world, changed) == (("synced", 0, []), {"bulk": 1})
    world.clock.forward(**DUE)
    said, requests = await run(world, changed)
    assert (said, requests) == ((OTHERWISE, {"list": 2, "bulk": 1}) if "name" in way else (UNCHANGED, {"list": 1}))
    await stays(world, changed, UNCHANGED)


@pytest.mark.parametrize("spelled", ["listed", "stored"])
async def test_a_lost_update_of_a_row_that_is_spelled_otherwise_is_read_back(either_world: World, spelled: str) -> None:
    """Its other fields are there as the server spells them; the agreement on these stays."""
    world = either_world
    world.place(1)
    world.limit(max_attempts=1)
    world.follow({"spelled": spelled, "name": {"capitals": True}})
    told = [(await run(world, ROWS))[0]]
    world.clock.forward(**DUE)
    told.append((await run(world, ROWS))[0])
    assert told.count(OTHERWISE) == 1
    moved = [ROWS[0]._replace(erp_id="A1"), *ROWS[1:]]
    world.script({"effect": "status", "status": 500, "commit": True, "match": {"operation": "bulk"}, "times": 1})
    said, requests = await run(world, moved)
    assert (said[:2], requests["bulk"]) == (("synced", 0), 1)
    world.script()
    await stays(world, moved, UNCHANGED)


async def test_w1_an_erp_id_that_is_stored_otherwise_is_told_until_it_is_allowed(world: World) -> None:
    world.place(1)
    world.follow({"erp_id": {"zeros_stripped": True}})
    assert await run(world, ROWS) == (("synced", 0, []), {"list": 1, "bulk": 1})
    world.clock.forward(**DUE)
    assert await run(world, ROWS) == (OTHERWISE, {"list": 2, "bulk": 1})
    await stays(world, ROWS, OTHERWISE)
    assert await run(world, ROWS, allow=[Allow("stored-otherwise", 1)]) == (UNCHANGED, {})
    await stays(world, ROWS, UNCHANGED)


@pytest.mark.parametrize("field", ["name", "erp_id"])
async def test_an_update_that_is_not_carried_out_is_no_success(world: World, field: str) -> None:
    world.place(1)
    world.follow({"fixed": [field]})
    await world.sync_one(1, ROWS)
    world.clock.forward(**DUE)
    assert await run(world, ROWS) == (UNCHANGED, {"list": 1})
    rows = [ROWS[0]._replace(**{field: "changed"}), *ROWS[1:]]
    await run(world, rows)
    world.clock.forward(**DUE)
    result = await world.sync_one(1, rows)
    assert (verdict(result), columns(result)) == (NOT_APPLIED, {"unchanged": 11, "rejected": 1})
    assert kinds(result.requests) == {"list": 2, "bulk": 1}
    await stays(world, rows, NOT_APPLIED)
    assert await run(world, ROWS) == (UNCHANGED, {})  # as it is there
    world.follow()
    rows = [ROWS[0]._replace(**{field: "changed again"}), *ROWS[1:]]
    assert await run(world, rows) == (("synced", 0, []), {"bulk": 1})
    assert {row.key: row for row in world.stored(1)}[rows[0].key] == rows[0]


@pytest.mark.parametrize("leaves", [True, False])
@pytest.mark.parametrize(
    ("way", "told"),
    [
        ({"spelled": "listed", "name": {"shortened": 4}}, OTHERWISE),
        ({"spelled": "stored", "name": {"shortened": 4}}, OTHERWISE),
        ({"fixed": ["name"]}, NOT_APPLIED),
        ({}, ("unchanged", 0, [])),
    ],
)
async def test_a_row_that_was_created_and_is_wanted_otherwise_before_it_was_listed(
    world: World, way: dict[str, object], told: tuple[str, int, list[str]], *, leaves: bool
) -> None:
    """What its first listing shows is a spelling of what it was created with. That it stays so proves nothing."""
    world.place(1)
    world.follow(way)
    there, row = (
        Dimension("k0", "account", "Account", "Cash", "1"),
        Dimension("k1", "account", "Account", "Rent A", "2"),
    )
    await world.sync_one(1, [there, row])
    if leaves:
        world.clock.forward(**DUE)
        await world.sync_one(1, [there])
    wanted = [there, row._replace(name="Rent B")]
    says = []
    for _ in range(3):
        world.clock.forward(**DUE)
        says.append((await run(world, wanted))[0])
    if told == NOT_APPLIED:
        assert says[-1] == NOT_APPLIED
    else:
        assert not [each for each in says if "not-applied" in each[2]]
        assert (told in says or told == UNCHANGED, says[-1]) == (True, UNCHANGED)


async def test_what_a_person_changed_is_pushed_back_and_blamed_on_nobody_else(world: World) -> None:
    world.place(1)
    await world.sync_one(1, ROWS)
    edit(world, ROWS[0].key)
    world.clock.forward(**DUE)
    assert await run(world, ROWS) == (("synced", 0, []), {"list": 2, "bulk": 1})  # it was never listed before
    assert {row.key: row.name for row in world.stored(1)}[ROWS[0].key] == ROWS[0].name
    edit(world, ROWS[0].key)
    world.clock.forward(**DUE)
    assert await run(world, ROWS) == (("synced", 0, []), {"list": 1, "bulk": 1})
    await stays(world, ROWS, UNCHANGED)


async def test_above_the_limits_of_mass_updates_one_chunk_goes_first(world: World) -> None:
    """A whole company is spelled otherwise: no person is asked to let thousands of updates pass."""
    rows = [row._replace(name=f"Profit & loss {row.erp_id}") for row in dims(60)]
    world.place(1)
    world.limit(chunk_rows=20)
    world.follow({"spelled": "listed", "name": {"escaped": True}})
    await world.sync_one(1, rows)
    world.clock.forward(**DUE)
    said, requests = await run(world, rows)
    assert (said, requests["bulk"]) == (OTHERWISE, 3)
    await stays(world, rows, UNCHANGED)


async def test_above_them_what_people_changed_is_held(world: World) -> None:
    rows = dims(60)
    world.place(1)
    world.limit(chunk_rows=20)
    await world.sync_one(1, rows)
    for row in rows:
        edit(world, row.key)
    world.clock.forward(**DUE)
    result = await world.sync_one(1, rows)
    assert (verdict(result)[1], columns(result)) == (4, {"updated": 20, "held": 40})
    assert [problem.code for problem in result.problems] == ["mass-update"]


@pytest.mark.parametrize(
    ("guards", "allow"),
    [
        (Guards(), ["mass-update"]),
        (Guards(min_rows=100), []),
        (Guards(mass_update_rows=100), []),
        (Guards(mass_update_share=1.0), []),
    ],
)
async def test_within_the_limits_all_go_at_once(world: World, guards: Guards, allow: list[str]) -> None:
    rows, world.guards = dims(60), guards
    world.place(1)
    world.limit(chunk_rows=20)
    await world.sync_one(1, rows)
    for row in rows:
        edit(world, row.key)
    world.clock.forward(**DUE)
    allowances = [Allow(slug, 1) for slug in allow]
    assert await run(world, rows, allow=allowances) == (("synced", 0, []), {"list": 2, "bulk": 3})


async def test_drift_that_a_run_met_and_could_not_push_is_not_lost(world: World) -> None:
    world.place(1)
    await world.sync_one(1, ROWS)
    world.clock.forward(**DUE)
    await world.sync_one(1, ROWS)
    edit(world, ROWS[0].key)
    world.script(
        {"effect": "status", "status": 429, "match": {"operation": "bulk"}, "headers": {"Retry-After": "4000"}}
    )
    world.clock.forward(**DUE)
    assert (await world.sync_one(1, ROWS)).exit_code == 5
    world.script()
    world.clock.forward(hours=3)
    assert (await run(world, ROWS))[0] == ("synced", 0, [])
    assert {row.key: row.name for row in world.stored(1)}[ROWS[0].key] == ROWS[0].name


async def reverts(world: World) -> list[str]:
    """Return the keys of what counts as pushed back."""
    async with world.open_ledger() as ledger:
        company_key = CompanyKey(origin=origin_of(world.settings.api.base_url), account=DEMO.account_id, company_id=1)
        return [key for key, _ in (await ledger.read(company_key)).reverts]


async def test_a_spelling_does_not_count_as_pushed_back(world: World) -> None:
    world.place(1)
    world.follow({"spelled": "listed", "name": {"capitals": True}})
    await world.sync_one(1, ROWS)
    world.clock.forward(**DUE)
    assert (await run(world, ROWS))[0] == OTHERWISE
    assert await reverts(world) == []


async def test_a_second_push_that_undoes_a_change_counts_as_one(world: World) -> None:
    world.place(1)
    await world.sync_one(1, ROWS)
    edit(world, ROWS[0].key)
    world.clock.forward(**DUE)
    assert (await run(world, ROWS))[0] == ("synced", 0, [])
    assert await reverts(world) == [ROWS[0].key]


class Counts(Way):
    """Numbers what it stores, so that no row is ever as it was sent, nor as it was."""

    def store(self, values: Values) -> Values:
        return values._replace(erp_id=f"{values.erp_id}-{next(NUMBERS)}")


NUMBERS = count()


async def test_what_is_never_the_same_is_held_before_long(world: World) -> None:
    world.place(1)
    world.sandbox.service.ways = Ways([Counts()])
    await world.sync_one(1, ROWS)
    world.clock.forward(**DUE)
    result = await world.sync_one(1, ROWS)
    assert (verdict(result), columns(result)) == (("partial", 5, ["not-verified"]), {"deferred": 12})
    world.clock.forward(minutes=10)
    assert await run(world, ROWS) == (("partial", 5, ["not-verified"]), {"list": 1, "bulk": 1})
    held = ("partial", 4, ["flapping"])
    assert await run(world, ROWS) == (held, {})
    world.clock.forward(days=1)
    assert await run(world, ROWS) == (held, {"probe": 1})


@pytest.mark.parametrize(
    ("budget", "says", "requests"),
    [
        (2, ("partial", 5, ["budget"]), {"list": 1}),
        (3, ("partial", 5, ["budget"]), {"list": 1}),
        (4, OTHERWISE, {"list": 2, "bulk": 1}),
    ],
)
async def test_a_second_push_is_made_where_there_is_room_for_its_listing(
    world: World, budget: int, says: tuple[str, int, list[str]], requests: dict[str, int]
) -> None:
    """One request of the budget is the directory's."""
    world.place(1)
    world.follow({"spelled": "listed", "name": {"capitals": True}})
    await world.sync_one(1, ROWS)
    world.clock.forward(**DUE)
    world.sandbox.service.log.clear()
    async with world.engine() as engine:
        (result,) = (await engine.sync([company(1, ROWS)], budget=budget).result()).companies
    assert (verdict(result), kinds(result.requests)) == (says, requests)
    left = {"list": 1, "bulk": 1} if budget < 4 else {}
    assert await run(world, ROWS) == (OTHERWISE if left else UNCHANGED, left)
    await stays(world, ROWS, UNCHANGED)


async def test_a_second_push_that_cannot_be_looked_at_is_told_by_the_next_listing(world: World) -> None:
    world.place(1)
    world.follow({"spelled": "listed", "name": {"capitals": True}})
    await world.sync_one(1, ROWS)
    world.clock.forward(**DUE)
    world.script(*BLIND)
    assert await run(world, ROWS) == (("partial", 5, ["not-verified"]), {"list": 2, "bulk": 1})
    world.script()
    assert await run(world, ROWS) == (UNCHANGED, {})
    world.clock.forward(**DUE)
    assert await run(world, ROWS) == (OTHERWISE, {"list": 1})
    await stays(world, ROWS, UNCHANGED)


async def test_nothing_is_pushed_once_more_after_a_key_led_nowhere(world: World) -> None:
    world.place(1)
    world.follow({"spelled": "listed", "name": {"capitals": True}})
    await world.sync_one(1, ROWS)
    world.clock.forward(**DUE)
    world.script({"effect": "ignore-keys"})
    said, requests = await run(world, [ROWS[0]._replace(name="Changed"), *ROWS[1:]])
    assert (said[1], "key-mismatch" in said[2], requests["bulk"]) == (4, True, 1)


async def doubt(world: World) -> None:
    async with world.engine() as engine:
        await engine.distrust(company(1, ()))


@pytest.mark.parametrize("count", [12, 60])  # 60: more than a guard lets pass
@pytest.mark.parametrize("changed", [0, 1])
async def test_a_doubted_ledger_finds_out_anew_what_the_server_spells(world: World, count: int, changed: int) -> None:
    """At no more than the two pushes, the first of which was long ago, and whatever the source was then."""
    rows = [row._replace(name=f"Profit & loss {row.erp_id}") for row in dims(count)]
    world.place(1)
    world.limit(chunk_rows=1000)
    world.follow({"spelled": "listed", "name": {"capitals": True}})
    await world.sync_one(1, rows)
    world.clock.forward(**DUE)
    assert (await run(world, rows))[0] == OTHERWISE
    for row in world.sandbox.tenant.companies[1].rows[:changed]:  # after the backup, and in the source, too
        row.values, row.shown = row.values._replace(name="Other & new"), None
    rows[:changed] = [row._replace(name="Other & new") for row in rows[:changed]]
    await doubt(world)
    assert await run(world, rows) == (OTHERWISE, {"list": 2, "bulk": 1})
    assert world.stored(1) == rows
    await stays(world, rows, UNCHANGED)


async def test_a_doubted_ledger_costs_nothing_where_nothing_differs(world: World) -> None:
    world.place(1)
    await world.sync_one(1, ROWS)
    await doubt(world)
    assert await run(world, ROWS) == (UNCHANGED, {"list": 1})
    await stays(world, ROWS, UNCHANGED)


async def test_what_changed_since_a_doubted_ledger_is_sent_and_what_is_not_carried_out_is_told(world: World) -> None:
    world.place(1)
    await world.sync_one(1, ROWS)
    await doubt(world)
    changed = [row._replace(name=f"New {row.erp_id}") for row in ROWS[:2]] + ROWS[2:]
    assert await run(world, changed) == (("synced", 0, []), {"list": 2, "bulk": 1})
    assert world.stored(1) == changed
    await stays(world, changed, UNCHANGED)
    world.follow({"fixed": ["name"]})
    await doubt(world)
    assert await run(world, ROWS) == (NOT_APPLIED, {"list": 2, "bulk": 1})
    await stays(world, ROWS, NOT_APPLIED)


@pytest.mark.sockets
async def test_it_is_told_again_when_the_run_that_told_it_was_never_closed(world: World) -> None:
    """What a killed run had to tell is told by the next one."""
    world.place(1)
    world.follow({"spelled": "listed", "name": {"capitals": True}})
    await world.sync_one(1, ROWS)
    world.clock.forward(**DUE)
    assert (await run(world, ROWS))[0] == OTHERWISE
    never_closed(world)
    world.clock.forward(minutes=10)
    assert await run(world, ROWS) == (OTHERWISE, {})
    await stays(world, ROWS, UNCHANGED)


@pytest.mark.sockets
@pytest.mark.parametrize(("due", "requests"), [({"minutes": 10}, {}), (DUE, {"list": 1})])
async def test_what_an_answer_told_is_told_again_when_its_run_was_never_closed(
    world: World, due: dict[str, int], requests: dict[str, int]
) -> None:
    """Listings show what the answer said, so that they find nothing new to tell."""
    world.place(1)
    world.follow({"name": {"shortened": 40}})
    assert (await run(world, ROWS))[0] == OTHERWISE
    for _ in range(2):
        never_closed(world)
        world.clock.forward(**due)
        assert await run(world, ROWS) == (OTHERWISE, requests)
    await stays(world, ROWS, UNCHANGED)


@pytest.mark.sockets
async def test_what_a_dead_run_told_is_let_be_by_a_person(world: World) -> None:
    world.place(1)
    world.follow({"name": {"shortened": 40}})
    assert (await run(world, ROWS))[0] == OTHERWISE
    never_closed(world)
    assert await run(world, ROWS, allow=[Allow("stored-otherwise", 1)]) == (UNCHANGED, {})
    await stays(world, ROWS, UNCHANGED)


def never_closed(world: World) -> None:
    """Let the newest run be one that died before it was closed in the journal."""
    with closing(sqlite3.connect(world.ledger_url.removeprefix("sqlite:///"))) as ledger, ledger:
        ledger.execute("update runs set finished_at = null where id = (select max(id) from runs)")


@pytest.mark.parametrize("listed_by", ["put", "sync"])
async def test_rows_that_a_listing_is_not_about_stay_to_be_verified(world: World, listed_by: str) -> None:
    """Its source lacks them: how the server spells them is still found out by the next one that has them."""
    rows = [row._replace(name=f"Profit & loss {row.erp_id}") for row in dims(12)]
    world.place(1)
    world.follow({"spelled": "listed", "name": {"capitals": True}})
    await world.sync_one(1, rows)
    world.clock.forward(**DUE)
    if listed_by == "put":
        async with world.engine() as engine:
            await engine.put(company(1, []), rows[0]).result()
    else:
        assert await run(world, rows[:8]) == (OTHERWISE, {"list": 2, "bulk": 1})
    assert await run(world, rows) == (OTHERWISE, {"list": 1, "bulk": 1})
    await stays(world, rows, UNCHANGED)
