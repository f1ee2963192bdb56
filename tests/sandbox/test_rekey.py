"""`rekey`: rows whose key has changed in the source keep the one that Ottimate knows, and nothing is made twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from engine import CompanyResult, Dimension, Engine
from engine.compare.rekey import Rekey
from engine.errors import Locked
from engine.model.difference import Whose
from engine.model.origin import origin_of
from engine.model.settings import Adopt, CompanyKey, Guards, Verify, VerifyMode
from tests.sandbox.conftest import DEMO, World, assert_exact, columns, company, dims, kinds, slugs, verdict

ROWS = dims(5)
FULL, AUTO = Verify(mode=VerifyMode.FULL), Verify()


def moved(rows: Sequence[Dimension], prefix: str = "N") -> list[Dimension]:
    """Return the rows as the source calls them now."""
    return [row._replace(key=prefix + row.key) for row in rows]


def renamed(rows: Sequence[Dimension], *keys: str, name: str = "New") -> list[Dimension]:
    return [row._replace(name=f"{name} {row.erp_id}") if row.key in keys else row for row in rows]


async def loaded(world: World, rows: Sequence[Dimension] = ROWS) -> None:
    world.place(1)
    assert columns(await world.sync_one(1, rows)) == {"created": len(rows)}


async def changed(world: World, rows: Sequence[Dimension], company_id: int = 1) -> list[Rekey]:
    async with world.engine() as engine:
        return await engine.changed_keys(company(company_id, rows))


async def rekey(world: World, rows: Sequence[Dimension], company_id: int = 1) -> list[Rekey]:
    """Let all rows of which the key has changed keep the old one; that costs no request."""
    world.sandbox.service.log.clear()
    async with world.engine() as engine:
        found = await engine.changed_keys(company(company_id, rows))
        await engine.rekey(company(company_id, rows), found)
    assert len(world.sandbox.service.log) == 0
    return found


async def looked(world: World, rows: Sequence[Dimension | Mapping[str, object]]) -> CompanyResult:
    async with world.engine() as engine:
        return (await engine.check([company(1, rows)]).result()).companies[0]


async def test_before_it_nothing_is_made_twice(either_world: World) -> None:
    """Under guide the rows look equal and are adopted; under reference their listed keys show the shift."""
    world = either_world
    await loaded(world)
    world.verify = FULL
    result = await world.sync_one(1, moved(ROWS))
    if world.contract == "guide":
        assert (result.exit_code, columns(result), result.balance.adopted) == (0, {"unchanged": 5}, 5)
        held = await world.sync_one(1, moved(renamed(ROWS, "K00001")))
        assert (verdict(held), columns(held)) == (("partial", 4, ["key-shift"]), {"unchanged": 4, "held": 1})
    else:
        assert (verdict(result), columns(result)) == (("partial", 4, ["key-shift"]), {"held": 5})
    assert_exact(world, 1, ROWS)


async def test_changed_keys_are_listed_with_what_they_lead_to(either_world: World) -> None:
    world = either_world
    await loaded(world)
    assert await changed(world, ROWS) == []
    there = world.sandbox.tenant.companies[1].by_key
    for _ in range(2):  # from the ledger alone, and after a listing under the new keys
        found = await changed(world, [*moved(renamed(ROWS, "K00001")), *dims(1, first=70)])
        assert [(one.source_key, one.wire_key) for one in found] == [(f"N{row.key}", row.key) for row in ROWS]
        assert [(one.name, one.erp_id) for one in found][:2] == [("Name 00000", "00000"), ("New 00001", "00001")]
        assert {one.remote_id for one in found} <= {None, *(row.id for row in there.values())}
        world.verify = FULL
        await world.sync_one(1, moved(ROWS))
    assert [one.remote_id for one in found] == [there[row.key].id for row in ROWS]


async def test_a_rekeyed_row_is_changed_in_place(either_world: World) -> None:
    """The wire keeps the old key, whatever the source says; a second sync has nothing to do."""
    world = either_world
    await loaded(world)
    wanted = renamed(ROWS, "K00001")
    assert len(await rekey(world, moved(wanted))) == 5
    result = await world.sync_one(1, moved(wanted))
    assert (verdict(result), columns(result)) == (("synced", 0, []), {"unchanged": 4, "updated": 1})
    assert_exact(world, 1, wanted)
    assert await changed(world, moved(wanted)) == []
    again = await world.sync_one(1, moved(wanted))
    assert (columns(again), kinds(again.requests)) == ({"unchanged": 5}, {})
    world.verify = FULL
    listed = await world.sync_one(1, moved(wanted))
    assert (columns(listed), listed.balance.adopted, listed.balance.orphans) == ({"unchanged": 5}, 0, 0)


@pytest.mark.parametrize("back", ["rekeyed", "old keys again"])
async def test_after_the_new_keys_were_adopted(world: World, back: str) -> None:
    """Renamed keys are adopted by a listing (guide); then `rekey`, or the source goes back to its old keys."""
    await loaded(world)
    world.verify = FULL
    await world.sync_one(1, moved(ROWS))
    world.verify = AUTO
    if back == "rekeyed":
        await rekey(world, moved(ROWS))
    spell = moved if back == "rekeyed" else list
    wanted = renamed(ROWS, "K00001")
    assert columns(await world.sync_one(1, spell(wanted))) == {"unchanged": 4, "updated": 1}
    second, sent = await world.sync_one(1, spell(wanted)), world.sent("bulk")
    undone = await world.sync_one(1, spell(ROWS))
    assert (second.exit_code, undone.exit_code) == (0, 0)
    assert_exact(world, 1, ROWS)
    assert sent == 0


async def test_results_speak_of_the_sources_keys(either_world: World) -> None:
    """Problems, rejects, differences and explanations; what the server said under the wire key among them."""
    world = either_world
    await loaded(world)
    wanted = moved(renamed(ROWS, "K00001", "K00002"))
    await rekey(world, wanted)
    assert [each.key for each in (await looked(world, wanted)).differences] == ["NK00001", "NK00002"]
    world.script({"effect": "reject-rows", "erp_id": "^00001$"})
    result = await world.sync_one(1, wanted)
    (problem,), (reject,) = result.problems, result.rejects
    assert (problem.code, problem.key, reject.row) == ("rejected", "NK00001", wanted[1])
    async with world.engine() as engine:
        told = await engine.explain(company(1, wanted), "NK00001")
    assert (told.key, told.life.wire_key, told.source) == ("NK00001", "K00001", wanted[1])
    assert [each.column for each in told.life.attempts] == ["rejected", "created"]
    assert told.remote is not None
    assert told.remote.name == "Name 00001"


async def test_holds_speak_of_the_sources_keys(world: World) -> None:
    await loaded(world)
    await rekey(world, moved(ROWS))
    there = world.sandbox.tenant.companies[1]
    world.verify = FULL
    for _ in range(3):
        row = there.by_key["K00001"]
        world.sandbox.tenant.change(there, row, row.values._replace(name="Theirs"))
        world.clock.forward(hours=1)
        result = await world.sync_one(1, moved(ROWS))
    assert [(each.code, each.key) for each in result.problems] == [("flapping", "NK00001")]


async def test_both_keys_in_the_source(either_world: World) -> None:
    """Two source rows would be one on the wire: neither is sent, and what is there is no orphan."""
    world = either_world
    await loaded(world)
    await rekey(world, moved(ROWS))
    world.verify = FULL
    twice = ROWS[1]._replace(name="Which?", erp_id="77")
    result = await world.sync_one(1, [*moved(ROWS), twice])
    assert (verdict(result), columns(result)) == (
        ("partial", 3, ["rekeyed-twice"]),
        {"unchanged": 4, "invalid": 2},
    )
    assert sorted(each.key or "" for each in result.problems) == ["K00001", "NK00001"]
    assert (result.balance.orphans, result.balance.contested, world.sent("bulk")) == (0, 1, 0)


async def test_undo(either_world: World) -> None:
    """All go by their own keys again, and are where they were; a second time there is nothing to undo."""
    world = either_world
    await loaded(world)
    wanted = moved(renamed(ROWS, "K00001"))
    await rekey(world, wanted)
    async with world.engine() as engine:
        assert await engine.unkey(company(1, wanted)) == 5
        assert await engine.unkey(company(1, wanted)) == 0
    world.verify = FULL
    result = await world.sync_one(1, wanted)
    assert (result.exit_code, set(slugs(result)), world.sent("bulk")) == (4, {"key-shift"}, 0)
    assert_exact(world, 1, ROWS)
    assert len(await rekey(world, wanted)) == 5
    assert columns(await world.sync_one(1, wanted)) == {"unchanged": 4, "updated": 1}


async def test_the_old_keys_come_back_without_an_undo(either_world: World) -> None:
    world = either_world
    await loaded(world)
    await rekey(world, moved(ROWS))
    wanted = renamed(ROWS, "K00003")
    assert columns(await world.sync_one(1, moved(wanted))) == {"unchanged": 4, "updated": 1}
    result = await world.sync_one(1, wanted)
    assert (columns(result), kinds(result.requests)) == ({"unchanged": 5}, {})


async def test_a_third_name(either_world: World) -> None:
    """K -> N -> M: the wire stays with K."""
    world = either_world
    await loaded(world)
    await rekey(world, moved(ROWS))
    await world.sync_one(1, moved(ROWS))
    wanted = renamed(moved(ROWS, "M"), "MK00001")
    assert [one.wire_key for one in await rekey(world, wanted)] == [row.key for row in ROWS]
    assert columns(await world.sync_one(1, wanted)) == {"unchanged": 4, "updated": 1}
    assert_exact(world, 1, renamed(ROWS, "K00001"))


async def test_orphans_of_rekeyed_rows(either_world: World) -> None:
    world = either_world
    await loaded(world)
    await rekey(world, moved(ROWS))
    assert (await looked(world, moved(ROWS))).balance.orphans == 0
    result = await looked(world, moved(ROWS[:-1]))
    assert [(each.kind, each.key, each.whose) for each in result.differences] == [("orphan", "K00004", Whose.ERP)]
    assert (result.balance.orphans, result.balance.remote_rows) == (1, 5)


async def test_an_invalid_row_that_is_rekeyed_drops_nothing(either_world: World) -> None:
    world = either_world
    await loaded(world)
    wanted = moved(ROWS)
    await rekey(world, wanted)
    bad = {
        "unique_key": "NK00000",
        "type": "Account",
        "dimension_type_code": "nonsense",
        "name": "Name 00000",
        "erp_dimension_id": "00000",
    }
    result = await looked(world, [bad, *wanted[1:]])
    assert columns(result) == {"unchanged": 4, "invalid": 1}
    assert (result.balance.orphans, result.balance.contested, result.differences) == (0, 1, ())


async def retried(world: World, rows: Sequence[Dimension], key: str) -> CompanyResult:
    async with world.engine() as engine:
        return (await engine.retry([company(1, rows)], {1: {key}}).result()).companies[0]


async def refused_once(world: World, rows: Sequence[Dimension]) -> None:
    world.script({"effect": "reject-rows", "erp_id": "^00001$"})
    assert columns(await world.sync_one(1, rows)) == {"unchanged": 4, "rejected": 1}
    world.script()


async def test_a_retry_after_rekey(either_world: World) -> None:
    """The run named the source's key; on the wire it goes by the old one."""
    world = either_world
    await loaded(world)
    wanted = renamed(ROWS, "K00001")
    await rekey(world, moved(wanted))
    await refused_once(world, moved(wanted))
    result = await retried(world, moved(wanted), "NK00001")
    assert (verdict(result), columns(result)) == (("synced", 0, []), {"updated": 1})
    assert_exact(world, 1, wanted)


async def test_a_retry_of_a_run_before_rekey(world: World) -> None:
    """K00001 was refused under the key that the source had then: either it is that row, or it is none, never both."""
    await loaded(world)
    wanted = renamed(ROWS, "K00001")
    await refused_once(world, wanted)
    await rekey(world, moved(wanted))
    result = await retried(world, moved(wanted), "K00001")
    assert ("not-in-source" in slugs(result)) == (columns(result) == {})


async def test_rows_of_unconfirmed_key_have_no_old_one(world: World) -> None:
    """Adopted rows: nobody knows which key Ottimate has for them, so that there is none to keep."""
    world.place(1, ROWS)
    await world.sync_one(1, moved(ROWS, "A"))
    assert await changed(world, moved(ROWS, "B")) == []
    world.guards = Guards(adopt=Adopt.PUSH)
    assert await changed(world, moved(ROWS, "A")) == []


async def test_it_is_that_companys_alone(either_world: World) -> None:
    """Company 2 bears the same keys."""
    world = either_world
    world.place(2)
    await loaded(world)
    await world.sync(company(2, ROWS))
    await rekey(world, moved(ROWS))
    assert len(await changed(world, moved(ROWS), 2)) == 5
    result = await world.sync(company(1, moved(renamed(ROWS, "K00001"))), company(2, renamed(ROWS, "K00002")))
    assert (result.exit_code, result.totals.updated, result.totals.created) == (0, 2, 0)
    assert_exact(world, 1, renamed(ROWS, "K00001"))
    assert_exact(world, 2, renamed(ROWS, "K00002"))


async def test_while_a_run_holds_the_company(world: World) -> None:
    await loaded(world)
    company_key = CompanyKey(origin=origin_of(world.sandbox.base_url), account=DEMO.account_id, company_id=1)
    async with world.open_ledger() as ledger, ledger.lock(company_key), world.engine() as engine:
        one = company(1, moved(ROWS))
        found = await engine.changed_keys(one)
        for change in (engine.rekey(one, found), engine.unkey(one), engine.distrust(one)):
            with pytest.raises(Locked):
                await change
    assert len(await changed(world, moved(ROWS))) == 5


@pytest.mark.sockets
async def test_a_ledger_in_doubt_keeps_what_stands_for_what(world: World) -> None:
    await loaded(world)
    wanted = renamed(ROWS, "K00001")
    await rekey(world, moved(wanted))
    async with Engine(world.settings) as engine:
        await engine.distrust(company(1, wanted))
    assert columns(await world.sync_one(1, moved(wanted))) == {"unchanged": 4, "updated": 1}
    assert_exact(world, 1, wanted)
