"""Companies in runs of their own, as workers sync them: the others that a fleet's run would show are not there."""

from __future__ import annotations

import pytest

from tests.sandbox.conftest import World, company, dims, verdict

FRANCHISE = dims(60)
"""One chart of many companies, by which nobody can tell whose a file is."""

Verdict = tuple[str, int, list[str]]
WELL: Verdict = ("synced", 0, [])
HELD: Verdict = ("held", 4, ["wrong-client"])


async def alone(world: World, *company_ids: int, minutes: int = 0) -> list[Verdict]:
    """Sync companies one after the other on one engine; some time passes before each."""
    told = []
    async with world.engine() as engine:
        for company_id in company_ids:
            world.clock.forward(minutes=minutes)
            result = await engine.sync([company(company_id, FRANCHISE)]).result()
            told.append(verdict(result.companies[0]))
    return told


async def test_a_template_is_known_as_such_once_two_companies_have_had_a_run(world: World) -> None:
    """The second may have the first one's file: nothing else is known. The third shows that both have a template."""
    for company_id in range(1, 6):
        world.place(company_id)
    assert await alone(world, 1, 2, 3, 4, 5) == [WELL, HELD, WELL, WELL, WELL]
    world.clock.forward(hours=25)  # until then it rests
    assert await alone(world, 2) == [WELL], "by now the ledger shows it"


@pytest.mark.parametrize("minutes", [59, 61])
async def test_a_source_that_was_read_long_ago_shows_nothing(world: World, minutes: int) -> None:
    """Somebody may have put it right meanwhile."""
    for company_id in range(1, 4):
        world.place(company_id)
    last = WELL if minutes < 60 else HELD
    assert await alone(world, 1, 2, 3, minutes=minutes) == [WELL, HELD, last]


async def test_a_company_that_is_held_again_and_again_is_no_other_one(world: World) -> None:
    for company_id in (1, 2):
        world.place(company_id)
    assert [state for state, *_ in await alone(world, 1, 2, 2, 2)] == ["synced", "held", "held", "held"]


async def test_another_engine_knows_of_no_source_that_was_read(world: World) -> None:
    for company_id in range(1, 4):
        world.place(company_id)
    assert [*await alone(world, 1, 2), *await alone(world, 3)] == [WELL, HELD, HELD]
