"""Interactions of rules, each of which holds by itself: green but wrong, twice, for ever, or locked out."""

from __future__ import annotations

import pytest

from engine import Dimension
from tests.sandbox.conftest import World, assert_exact, columns, company, dims, verdict

HIDDEN = {"companies": [1], "hidden": "^00001$"}
REFUSED = {"effect": "reject-rows", "match": {"operation": "bulk"}, "erp_id": "^00001$"}


async def absent(world: World, rows: int = 5) -> list[Dimension]:
    """Load a company, and hide one of its rows for good: acknowledged, and not listed."""
    wanted = dims(rows)
    world.place(1)
    assert (await world.sync_one(1, wanted)).exit_code == 0
    world.clock.forward(days=10)
    assert (await world.sync_one(1, wanted)).exit_code == 0
    world.follow(HIDDEN)
    world.clock.forward(days=10)
    assert (await world.sync_one(1, wanted)).exit_code == 10
    return wanted


async def test_a_row_that_is_not_listed_is_not_in_order_for_being_refused(world: World) -> None:
    """A person lets it be sent once more, and the server refuses it: no later run may call it unchanged."""
    wanted = await absent(world)
    world.script(REFUSED)
    result = await world.sync_one(1, wanted, allow=[("not-listed", 1)])
    assert verdict(result) == ("partial", 3, ["rejected"])
    for _ in range(3):
        world.clock.forward(hours=2)
        assert verdict(await world.sync_one(1, wanted)) == ("partial", 4, ["not-listed"])


async def test_a_row_that_is_not_listed_is_not_created_under_another_key(world: World) -> None:
    """It is deactivated over there, and the source has given it another key: there would be two of it."""
    wanted = await absent(world)
    renamed = [row._replace(key="NEW") if row.key == "K00001" else row for row in wanted]
    for _ in range(2):
        result = await world.sync_one(1, renamed)
        assert (verdict(result), columns(result)) == (("partial", 4, ["key-shift"]), {"unchanged": 4, "held": 1})
        world.clock.forward(days=10)
    one = company(1, renamed)
    async with world.engine() as engine:
        await engine.rekey(one, await engine.changed_keys(one))
    assert verdict(await world.sync_one(1, renamed)) == ("partial", 4, ["not-listed"])
    world.follow()
    assert (await world.sync_one(1, renamed, allow=[("not-listed", 1)])).exit_code == 0
    assert_exact(world, 1, wanted)


async def test_a_key_that_is_refused_for_another_row_still_stands_for_the_one_that_nobody_lists(world: World) -> None:
    """Its old row is there, unlisted, and has another key in the source: that one is not created."""
    first, second, other = dims(3)
    world.place(1)
    world.follow(HIDDEN)
    assert (await world.sync_one(1, [first, second])).exit_code == 0
    renamed = [first, second._replace(key="NEW")]
    world.clock.forward(days=10)
    assert verdict(await world.sync_one(1, renamed)) == ("partial", 4, ["key-shift"])
    world.script({**REFUSED, "erp_id": "^00002$"})
    wanted = [*renamed, other._replace(key=second.key)]
    for _ in range(3):
        assert verdict(await world.sync_one(1, wanted)) == ("partial", 4, ["key-shift", "rejected"])
        world.clock.forward(days=10)
    assert_exact(world, 1, [first, second])


async def test_a_row_that_no_listing_ever_showed_is_not_created_under_another_key(world: World) -> None:
    """It was loaded and not listed then; ten days later it is not shown, and has another key in the source."""
    world.place(1)
    wanted = dims(5)
    assert (await world.sync_one(1, wanted)).exit_code == 0
    world.follow(HIDDEN)
    world.clock.forward(days=10)
    renamed = [row._replace(key="NEW") if row.key == "K00001" else row for row in wanted]
    for _ in range(2):
        result = await world.sync_one(1, renamed)
        assert (verdict(result), columns(result)) == (("partial", 4, ["key-shift"]), {"unchanged": 4, "held": 1})
        world.clock.forward(days=10)
    assert len(world.stored(1)) == 5


@pytest.mark.parametrize(("names", "exit_code", "code"), [(True, 4, "key-collision"), (False, 10, "not-listed")])
async def test_keys_that_are_one_are_told_where_the_first_answer_is_lost(
    world: World, names: bool, exit_code: int, code: str
) -> None:
    """The second answer gives one id for two creates: where it names the rows, both are known to be one."""
    world.place(1)
    world.follow({"keys_folded": True, "answer_names": names})
    world.script({"effect": "reset", "commit": True, "match": {"operation": "bulk"}, "times": 1})
    first, second, third = dims(3)
    rows = [first._replace(key="A"), second._replace(key="a", name=first.name), third]
    result = await world.sync_one(1, rows)
    assert verdict(result) == ("partial", exit_code, [code]), result.problems


async def test_a_put_that_overwrites_another_keys_row_is_told(world: World) -> None:
    """The source is not read: whatever the ledger knows is taken for wanted. The next sync mends the other row."""
    world.place(1)
    world.follow({"keys_folded": True})
    rows = [dims(1)[0]._replace(key="A"), *dims(2, first=1)]
    assert (await world.sync_one(1, rows)).exit_code == 0
    other = dims(1, first=9)[0]._replace(key="a")
    for _ in range(2):
        async with world.engine() as engine:
            result = (await engine.put(company(1, []), other).result()).companies[0]
        assert verdict(result) == ("partial", 4, ["key-collision"]), result.problems
    assert columns(await world.sync_one(1, rows)) == {"unchanged": 2, "updated": 1}
    assert_exact(world, 1, rows)
    assert (verdict(await world.sync_one(1, rows)), world.sent()) == (("unchanged", 0, []), 0)


@pytest.mark.parametrize("operation", ["list", "bulk"])
async def test_one_company_does_not_speak_for_its_account_each_time_that_answers_are_tried(
    world: World, operation: str
) -> None:
    """No answer could be read; since then only those to the company that is asked first cannot."""
    fleet = [company(n, dims(3)) for n in range(1, 6)]
    for n in range(1, 6):
        world.place(n)
    strange = {"effect": "status", "status": 200, "body": '{"ok": true}'}
    world.script({**strange, "match": {"operation": operation}})
    assert (await world.sync(*fleet)).exit_code == 2
    world.clock.forward(hours=1)
    assert (await world.sync(*fleet)).exit_code == 2
    (first,) = {entry.company for entry in world.sandbox.service.log if entry.operation == operation}
    world.script({**strange, "match": {"operation": operation, "company": first}})
    codes = []
    for hours in (6, 24):
        world.clock.forward(hours=hours)
        codes.append((await world.sync(*fleet)).exit_code)
    assert codes[-1] in {1, 10}, "its own trouble"
    for n in {1, 2, 3, 4, 5} - {first}:
        assert_exact(world, n, dims(3))


async def test_a_collision_beside_rows_that_were_met_balances(world: World) -> None:
    """The owner of the row is counted as held; the listing that follows finds it different, too."""
    first, second, third, fourth = dims(4)
    world.place(1, [third._replace(key="M", erp_id="90009", name="Somebody else's")])
    world.follow({"keys_folded": True})
    owner = first._replace(key="A")
    assert (await world.sync_one(1, [owner, fourth])).exit_code == 0
    rows = [owner, second._replace(key="a"), third._replace(key="m"), fourth]
    result = await world.sync_one(1, rows)
    assert verdict(result) == ("partial", 4, ["key-collision"]), result.problems
    assert columns(result) == {"unchanged": 1, "updated": 1, "held": 2}


@pytest.mark.parametrize("way", [{"answer_ids": "number"}, {"answer_ids": "absent", "answer_names": False}])
async def test_a_key_that_is_given_to_another_row_leads_to_the_one_that_it_was_made_with(
    world: World, way: dict[str, object]
) -> None:
    """Nothing but the listing tells ids, and by then the source has given the key to another row."""
    world.place(1)
    world.follow(way)
    first, second, third = dims(3)
    assert (await world.sync_one(1, [first._replace(key="a"), second._replace(key="b"), third])).exit_code == 0
    without = [second._replace(key="b"), third]
    if "answer_names" in way:
        world.clock.forward(days=10)
        without.append(first._replace(key="D"))
    assert (await world.sync_one(1, without)).exit_code == 0
    reused = [second._replace(key="a"), *without[1:]]
    for _ in range(3):
        world.clock.forward(days=10)
        assert (await world.sync_one(1, reused)).exit_code == 4
    natural = [(row.type_code, row.erp_id) for row in world.stored(1)]
    assert len(set(natural)) == len(natural) == 3


async def test_a_row_does_not_take_the_erp_id_of_one_that_is_not_listed(world: World) -> None:
    wanted = await absent(world)
    moved = [row._replace(erp_id="00001") if row.key == "K00002" else row for row in wanted if row.key != "K00001"]
    for _ in range(2):
        result = await world.sync_one(1, moved)
        assert (verdict(result), columns(result)) == (("partial", 4, ["ambiguous"]), {"unchanged": 3, "held": 1})
        world.clock.forward(days=10)


async def test_look_ups_go_on_when_the_clock_that_had_leapt_ahead_is_set_back(world: World) -> None:
    wanted = dims(5)
    world.place(1)
    await world.sync_one(1, wanted)
    world.clock.forward(days=10)
    await world.sync_one(1, wanted)
    world.follow(HIDDEN)
    world.clock.forward(days=500)
    assert (await world.sync_one(1, wanted)).exit_code == 10
    world.clock.forward(days=-500)
    assert (await world.sync_one(1, wanted)).exit_code == 4  # listed, as the clock is before the last listing
    looked = []
    for hour in range(1, 40):
        world.clock.forward(hours=1)
        assert (await world.sync_one(1, wanted)).exit_code == 4
        if world.sent("get"):
            looked.append(hour)
    assert looked == [6, 30]


async def test_a_company_that_was_out_of_scope_is_looked_for_when_the_clock_is_set_back(world: World) -> None:
    fleet = [company(1, dims(3)), company(2, dims(3))]
    world.place(1)
    world.clock.forward(days=500)
    assert (await world.sync(*fleet)).exit_code == 1
    world.clock.forward(days=-500)
    assert (await world.sync(fleet[0])).exit_code == 0  # reads the directory
    world.place(2)
    assert (await world.sync(*fleet)).exit_code == 0
