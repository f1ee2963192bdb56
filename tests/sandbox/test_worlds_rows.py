"""Servers with ways of their own, row by row: nothing twice, nothing green that is not there, nothing sent for ever.

The ids (W3, L11 ...) are those of the cases that strangers brought; each test is one of them, or of its kind.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from engine import Dimension
from tests.sandbox.conftest import OPEN, World, assert_exact, columns, dims, kinds, verdict

HIDDEN = {"companies": [1], "hidden": "^00001$"}
"""The second row of `dims` is shown to nobody."""


async def quiet(world: World, rows: Sequence[Dimension], *, hours: int = 3, **says: object) -> None:
    """Run hourly: it costs nothing, and says the same each time."""
    for _ in range(hours):
        world.clock.forward(minutes=10)
        result = await world.sync_one(1, rows)
        assert (verdict(result), world.sent()) == (says["says"], 0), result.problems


def twins(first: str = "K-one", second: str = "k-ONE") -> list[Dimension]:
    """Return rows of which two have keys that differ in case alone."""
    rows = dims(3)
    return [rows[0]._replace(key=first), rows[1]._replace(key=second), rows[2]]


HELD_TWINS = ("partial", 4, ["key-collision"])


async def test_w3_two_keys_that_the_server_takes_for_one_are_held(world: World) -> None:
    """In one load: one row is there, with one of the two rows' values, and both source rows are told."""
    world.place(1)
    world.follow({"keys_folded": True})
    result = await world.sync_one(1, twins())
    assert (verdict(result), columns(result)) == (HELD_TWINS, {"created": 1, "held": 2})
    assert all("lead to one row in Ottimate" in problem.message for problem in result.problems)
    await quiet(world, twins(), says=HELD_TWINS)
    world.clock.forward(days=10)  # a listing does not settle it
    result = await world.sync_one(1, twins())
    assert (verdict(result), kinds(result.requests)) == (HELD_TWINS, {"list": 1})
    await quiet(world, twins(), says=HELD_TWINS)


async def test_w3_a_new_key_that_leads_to_another_keys_row_holds_both(world: World) -> None:
    """The row that was there is overwritten once, and told: it is unchanged no more."""
    world.place(1)
    world.follow({"keys_folded": True})
    one, other, third = twins()
    assert (await world.sync_one(1, [one, third])).exit_code == 0
    result = await world.sync_one(1, [one, other, third])
    assert (verdict(result), columns(result)) == (HELD_TWINS, {"unchanged": 1, "held": 2})
    await quiet(world, [one, other, third], says=HELD_TWINS)


@pytest.mark.parametrize("second", ["another", None])
async def test_w3_it_ends_when_one_of_the_keys_changes_in_the_source(world: World, second: str | None) -> None:
    world.place(1)
    world.follow({"keys_folded": True})
    await world.sync_one(1, twins())
    one, other, third = twins()
    rows = [one, third] if second is None else [one, other._replace(key=second), third]
    result = await world.sync_one(1, rows)
    if result.exit_code:  # what a listing has shown otherwise meanwhile is seen to in the next run
        result = await world.sync_one(1, rows)
    assert result.exit_code == 0, result.problems
    assert_exact(world, 1, rows)
    await quiet(world, rows, says=("unchanged", 0, []))


async def test_w3_keys_that_are_one_after_some_characters_are_held(world: World) -> None:
    world.place(1)
    world.follow({"key": {"shortened": 8}})
    rows = twins("company-1", "company-2")
    assert columns(await world.sync_one(1, rows)) == {"created": 1, "held": 2}
    await quiet(world, rows, says=HELD_TWINS)


UNCERTAIN_ONCE = ("partial", 10, ["not-listed"])
HELD = ("partial", 4, ["not-listed"])


async def hidden(world: World, rows: int = 150) -> list[Dimension]:
    """Load a company, hide one of its rows, and run when it is listed again."""
    wanted = dims(rows)
    world.place(1)
    assert (await world.sync_one(1, wanted)).exit_code == 0
    world.clock.forward(days=10)
    assert (await world.sync_one(1, wanted)).exit_code == 0  # a listing has shown it
    world.follow(HIDDEN)
    world.clock.forward(days=10)
    return wanted


async def test_w4_a_row_that_is_acknowledged_and_not_listed_is_uncertain_once_and_then_held(world: World) -> None:
    """It is sent once, since its key was free as far as could be seen; then it is looked for by its id, three times."""
    wanted = await hidden(world)
    result = await world.sync_one(1, wanted)
    assert verdict(result) == UNCERTAIN_ONCE, result.problems
    assert columns(result) == {"unchanged": 149, "uncertain": 1}
    assert kinds(result.requests) == {"list": 4, "bulk": 1}
    looked = []
    for hour in range(1, 24 * 3):
        world.clock.forward(hours=1)
        result = await world.sync_one(1, wanted)
        assert verdict(result) == HELD, result.problems
        if world.sent("get"):
            looked.append(hour)
    assert looked == [1, 7, 31]
    assert len(world.sandbox.tenant.companies[1].rows) == 150


async def test_w4_what_is_shown_again_is_in_order_again(world: World) -> None:
    wanted = await hidden(world, 5)
    assert verdict(await world.sync_one(1, wanted)) == UNCERTAIN_ONCE
    assert verdict(await world.sync_one(1, wanted)) == HELD
    world.follow()
    world.clock.forward(days=10)
    result = await world.sync_one(1, wanted)
    assert (verdict(result), kinds(result.requests)) == (("unchanged", 0, []), {"list": 1})
    await quiet(world, wanted, says=("unchanged", 0, []))
    assert_exact(world, 1, wanted)


async def test_w4_what_is_shown_again_is_known_to_runs_without_a_listing(world: World) -> None:
    """They neither hold it, nor look for it."""
    wanted = await hidden(world, 5)
    assert verdict(await world.sync_one(1, wanted)) == UNCERTAIN_ONCE
    world.follow()
    world.clock.forward(days=10)
    assert verdict(await world.sync_one(1, wanted)) == ("unchanged", 0, [])
    world.clock.forward(hours=23)
    wanted[3] = wanted[3]._replace(name="Changed")
    result = await world.sync_one(1, wanted)
    assert (verdict(result), kinds(result.requests)) == (("synced", 0, []), {"bulk": 1})


async def test_w4_a_row_that_is_shown_again_after_it_has_left_the_source_is_not_made_anew(world: World) -> None:
    """Its note is over although the source does not have it: it comes back as it is."""
    wanted = await hidden(world, 5)
    assert verdict(await world.sync_one(1, wanted)) == UNCERTAIN_ONCE
    world.follow()
    world.clock.forward(days=10)
    left = [row for row in wanted if row.erp_id != "00001"]
    assert verdict(await world.sync_one(1, left)) == ("unchanged", 0, [])
    result = await world.sync_one(1, wanted)
    assert (verdict(result), kinds(result.requests)) == (("unchanged", 0, []), {})


async def test_w4_found_by_its_id_it_is_looked_for_in_a_listing(world: World) -> None:
    """A listing that lagged behind is read again, an hour later."""
    wanted = await hidden(world, 5)
    assert verdict(await world.sync_one(1, wanted)) == UNCERTAIN_ONCE
    world.follow()
    world.clock.forward(hours=1)
    result = await world.sync_one(1, wanted)
    assert (verdict(result), kinds(result.requests)) == (("unchanged", 0, []), {"probe": 1, "list": 1})
    await quiet(world, wanted, says=("unchanged", 0, []))


async def test_w4_allowed_it_is_sent_once_more(world: World) -> None:
    wanted = await hidden(world, 5)
    await world.sync_one(1, wanted)
    world.clock.forward(minutes=5)
    result = await world.sync_one(1, wanted, allow=[("not-listed", 1)])
    assert (verdict(result), world.sent("bulk")) == (UNCERTAIN_ONCE, 1)
    world.follow()
    world.clock.forward(minutes=5)
    result = await world.sync_one(1, wanted, allow=[("not-listed", 1)])
    assert result.exit_code == 0, result.problems
    assert_exact(world, 1, wanted)


async def test_w4_rows_that_are_created_and_never_listed_are_not_created_again(world: World) -> None:
    """The first listing after they were acknowledged does not show them: so much is known of what came of them."""
    world.place(1)
    world.follow({"hidden": "^0000[12]$"})
    wanted = dims(5)
    assert (await world.sync_one(1, wanted)).exit_code == 0  # nothing is known against the answer
    world.clock.forward(hours=25)
    result = await world.sync_one(1, wanted)
    assert (verdict(result), columns(result)) == (UNCERTAIN_ONCE, {"unchanged": 3, "uncertain": 2})
    assert (world.sent("list"), world.sent("bulk")) == (2, 1)  # made anew, and looked at
    await quiet(world, wanted, says=HELD)


async def test_w4_a_row_that_a_person_deleted_after_it_was_listed_is_created_anew(world: World) -> None:
    world.place(1)
    wanted = dims(5)
    await world.sync_one(1, wanted)
    world.clock.forward(days=10)
    await world.sync_one(1, wanted)
    company = world.sandbox.tenant.companies[1]
    world.sandbox.tenant.remove(company, company.rows[2])
    world.clock.forward(days=10)
    result = await world.sync_one(1, wanted)
    assert (result.exit_code, columns(result)) == (0, {"unchanged": 4, "created": 1})
    assert_exact(world, 1, wanted)


async def test_w5_types_in_capitals_are_the_same_types(world: World) -> None:
    wanted = dims(5)
    world.place(1, wanted, keys=False)
    world.follow({"types": {"account": "ACCOUNT"}})
    result = await world.sync_one(1, wanted)
    assert (result.exit_code, columns(result)) == (0, {"unchanged": 5})


async def test_w5_rows_of_a_type_that_is_called_otherwise_are_look_alikes(world: World) -> None:
    wanted = dims(5, type_code="department")
    world.place(1, wanted, keys=False)
    world.follow({"types": {"department": "class"}})
    result = await world.sync_one(1, wanted)
    assert (verdict(result), columns(result)) == (("partial", 4, ["look-alike"]), {"held": 5})
    assert len(world.sandbox.tenant.companies[1].rows) == 5
    await quiet(world, wanted, says=("partial", 4, ["look-alike"]))


async def test_w7_an_api_that_answers_without_names_is_kept_in_step(world: World) -> None:
    """Counters as text, ids as numbers: the listing links the rows, and nothing is sent twice."""
    world.place(1)
    world.guards = OPEN
    world.follow({"answer_names": False, "answer_ids": "number", "counters": "text"})
    wanted = dims(30)
    result = await world.sync_one(1, wanted)
    assert (result.exit_code, columns(result), kinds(result.requests)) == (0, {"created": 30}, {"list": 1, "bulk": 1})
    await quiet(world, wanted, says=("unchanged", 0, []))
    world.clock.forward(days=10)
    assert (await world.sync_one(1, wanted)).exit_code == 0
    changed = [row._replace(name=f"New {row.name}") for row in wanted]
    result = await world.sync_one(1, changed)
    assert (result.exit_code, columns(result), kinds(result.requests)) == (0, {"updated": 30}, {"bulk": 1})
    world.clock.forward(days=10)
    assert (await world.sync_one(1, changed)).exit_code == 0
    assert_exact(world, 1, changed)


@pytest.mark.parametrize("way", ["lower case", "prefixed"])
@pytest.mark.parametrize("rows", [1, 30])
async def test_w8_an_error_that_spells_the_key_its_own_way_is_its_rows(world: World, way: str, rows: int) -> None:
    world.place(1)
    world.follow({"error_keys": way})
    world.script({"effect": "reject-rows", "match": {"operation": "bulk"}, "erp_id": "^00000$"})
    wanted = dims(rows)
    result = await world.sync_one(1, wanted)
    assert (verdict(result), result.balance.rejected) == (("partial", 3, ["rejected"]), 1)
    assert world.sent("bulk") == 1
    await quiet(world, wanted, says=("partial", 3, ["rejected"]))


async def test_w10_all_answers_of_a_first_load_are_lost_and_all_rows_landed(world: World) -> None:
    """What was counted as created is settled: an unchanged run after it sends nothing, and asks nobody."""
    world.place(1)
    world.limit(chunk_rows=20)
    world.script({"effect": "reset", "commit": True, "match": {"operation": "bulk"}})
    wanted = dims(60)
    result = await world.sync_one(1, wanted)
    assert (result.exit_code, columns(result)) == (0, {"created": 60})
    world.script()
    await quiet(world, wanted, says=("unchanged", 0, []))
    changed = [wanted[0]._replace(name="Changed"), *wanted[1:]]
    assert (await world.sync_one(1, changed)).balance.updated == 1
    assert_exact(world, 1, changed)


async def test_w11_a_false_empty_listing_is_never_green(world: World) -> None:
    """After its rest the company is listed again, whatever the ledger says, until a listing is whole."""
    world.place(1)
    wanted = dims(5)
    await world.sync_one(1, wanted)
    world.script({"effect": "empty-listing", "match": {"operation": "list"}})
    world.clock.forward(days=10)
    held = ("held", 4, ["resting", "vanished-company"])
    assert (await world.sync_one(1, wanted)).exit_code == 4
    listed = []
    for hour in range(1, 60):
        world.clock.forward(hours=1)
        result = await world.sync_one(1, wanted)
        assert result.exit_code == 4
        if kinds(result.requests):
            listed.append(hour)
            assert kinds(result.requests) == {"list": 1}
        else:
            assert verdict(result) == held
    assert listed == [1, 7, 31, 55]
    world.script()
    world.clock.forward(hours=24)
    assert (await world.sync_one(1, wanted)).exit_code == 0
    await quiet(world, wanted, says=("unchanged", 0, []))


async def test_l11_an_update_takes_no_id_that_another_row_still_bears(world: World) -> None:
    rows = dims(4)
    world.place(1)
    await world.sync_one(1, rows)
    wanted = [rows[0]._replace(erp_id=rows[1].erp_id), *rows[2:]]  # the second row has left the source
    result = await world.sync_one(1, wanted)
    assert (verdict(result), columns(result)) == (("partial", 4, ["ambiguous"]), {"unchanged": 2, "held": 1})
    assert_exact(world, 1, rows)
    await quiet(world, wanted, says=("partial", 4, ["ambiguous"]))
    swapped = [rows[0]._replace(erp_id=rows[1].erp_id), rows[1]._replace(erp_id=rows[0].erp_id), *rows[2:]]
    assert (await world.sync_one(1, swapped)).exit_code == 0
    assert_exact(world, 1, swapped)


async def test_l24_the_remote_columns_are_numbers_wherever_the_listing_was_whole(world: World) -> None:
    """A company whose rows have vanished is held after a whole listing of no row."""
    world.place(1)
    wanted = dims(5)
    await world.sync_one(1, wanted)
    company = world.sandbox.tenant.companies[1]
    for row in list(company.rows):
        world.sandbox.tenant.remove(company, row)
    world.clock.forward(days=10)
    result = await world.sync_one(1, wanted)
    assert verdict(result) == ("held", 4, ["vanished-company"])
    assert result.certificate is not None
    assert result.certificate.whole
    balance = result.balance
    assert (balance.remote_rows, balance.matched, balance.contested, balance.orphans) == (0, 0, 0, 0)
