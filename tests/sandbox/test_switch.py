"""One line of the settings switches the contract; the switch alone sends nothing and makes no row differ."""

from __future__ import annotations

import pytest

from engine import Dimension
from engine.model.settings import Verify, VerifyMode
from engine.sandbox.contracts import guide, reference
from engine.sandbox.tenant import Values
from tests.sandbox.conftest import World, assert_exact, columns, dims, kinds, slugs, verdict

CONTRACTS = {"guide": guide.CONTRACT, "reference": reference.CONTRACT}
FULL = Verify(mode=VerifyMode.FULL)


def speak(world: World, contract: str) -> None:
    """Let the same server, with the same rows, speak a contract, and the engine with it."""
    world.sandbox.service.contract = CONTRACTS[contract]
    world.speaks = contract


def mixed() -> list[Dimension]:
    """Return rows with and without codes, of a type that the contracts spell differently, too."""
    plain = [*dims(4), *dims(2, first=20, type_code="cost_type"), *dims(2, first=30, type_code="item")]
    return [row._replace(code=None) if index % 2 else row for index, row in enumerate(plain)]


@pytest.mark.parametrize("verify", list(VerifyMode))
@pytest.mark.parametrize("order", [("guide", "reference"), ("reference", "guide")], ids="->".join)
async def test_a_switch_alone_changes_nothing(world: World, order: tuple[str, str], verify: VerifyMode) -> None:
    """There and back and there again, whatever is read of the remote side."""
    rows, (first, second) = mixed(), order
    world.place(1)
    speak(world, first)
    assert columns(await world.sync_one(1, rows)) == {"created": 8}
    stored = world.stored(1)
    for contract in (second, first, second):
        speak(world, contract)
        for mode in (verify, VerifyMode.AUTO):
            world.verify = Verify(mode=mode)
            result = await world.sync_one(1, rows)
            assert (verdict(result), columns(result)) == (("unchanged", 0, []), {"unchanged": 8}), (contract, mode)
            assert world.sent("bulk") == 0
    assert world.stored(1) == stored


@pytest.mark.parametrize("order", [("guide", "reference"), ("reference", "guide")], ids="->".join)
async def test_rows_of_others_that_were_adopted_stay_so(world: World, order: tuple[str, str]) -> None:
    """Made by hand, without keys; some bear codes that the source has none of."""
    rows = [row._replace(code=None) for row in dims(3)]
    values = [Values(None, *row[1:5], code) for row, code in zip(rows, ("X1", None, "X3"), strict=True)]
    world.sandbox.service.place(1, values, name="Company 1")
    world.verify = FULL
    for contract in (*order, *order):
        speak(world, contract)
        result = await world.sync_one(1, rows)
        assert (verdict(result), columns(result)) == (("unchanged", 0, []), {"unchanged": 3}), contract
        assert (result.balance.adopted, world.sent("bulk")) == (3, 0)


async def test_a_row_without_a_code_keeps_the_one_that_is_there(world: World) -> None:
    """The contract demands a code: a new row takes its ERP id, one that is there keeps what somebody gave it."""
    speak(world, "reference")
    given = dims(2)
    world.place(1, given)
    wanted = [row._replace(name=f"New {row.name}", code=None) for row in given] + dims(1, first=5)
    wanted[-1] = wanted[-1]._replace(code=None)
    result = await world.sync_one(1, wanted)
    assert (columns(result), slugs(result)) == ({"created": 1, "updated": 2}, ["code-filled"])
    assert "3 of the rows to send have no code" in result.problems[0].message
    assert [row.code for row in world.stored(1)] == ["C0", "C1", "00005"]
    again = await world.sync_one(1, wanted)
    assert (columns(again), kinds(again.requests), slugs(again)) == ({"unchanged": 3}, {}, [])


async def test_codes_that_nobody_could_see_are_compared_once_they_are_shown(world: World) -> None:
    """Under `guide` a code that differs from the adopted row's is said to be unobservable; `reference` shows it."""
    rows = dims(3)
    world.place(1, [row._replace(code="OLD") for row in rows])
    world.verify = FULL
    first = await world.sync_one(1, rows)
    assert (columns(first), [problem.code for problem in first.problems]) == ({"unchanged": 3}, ["not-observable"])
    speak(world, "reference")
    second = await world.sync_one(1, rows)
    assert columns(second) == {"updated": 3}
    assert_exact(world, 1, rows)


async def test_types_of_the_newer_contract(world: World) -> None:
    """Sixteen type codes; the older contract has seven, and the others are invalid rows there, told by name."""
    rows = [
        dims(1, first=index, type_code=code)[0]
        for index, code in enumerate(("class", "warehouse", "cost_type", "subsidiary"))
    ]
    world.place(1)
    speak(world, "reference")
    assert columns(await world.sync_one(1, rows)) == {"created": 4}
    assert {row.values.type_code for row in world.sandbox.tenant.companies[1].rows} >= {"costtype", "class"}
    speak(world, "guide")
    result = await world.sync_one(1, rows)
    assert (columns(result), result.exit_code) == ({"unchanged": 1, "invalid": 3}, 3)


async def test_a_key_that_a_listing_shows_confirms_and_another_one_is_held(world: World) -> None:
    speak(world, "reference")
    rows = dims(3)
    values = [Values(*row) if row.key != "K00002" else Values("theirs", *row[1:]) for row in rows]
    world.sandbox.service.place(1, values, name="Company 1")
    wanted = [row._replace(name=f"New {row.name}") for row in rows]
    result = await world.sync_one(1, wanted)
    assert columns(result) == {"updated": 2, "held": 1}
    assert verdict(result) == ("partial", 4, ["key-shift"])
    assert world.sandbox.tenant.companies[1].rows[2].values.name == "Name 00002"
