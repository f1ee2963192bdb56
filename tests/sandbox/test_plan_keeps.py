"""What `plan` has listed is listed no second time: the sync or apply right after rests on it, and proves creates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pytest

from engine import Dimension, RunResult
from engine.documents.plan_file import saved_plan
from engine.model.origin import origin_of
from tests.sandbox.conftest import World, company, dims, kinds

ROWS = dims(250)
RENAMED = [ROWS[0]._replace(name="New"), *ROWS[1:]]


def empty(world: World) -> None:
    world.place(1)


def filled(world: World) -> None:
    world.place(1, ROWS)


def fewer(world: World) -> None:
    world.place(1, ROWS[:-5])


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A company at first contact: what is there, its source, and what each run sends."""

    there: Callable[[World], None]
    source: Sequence[Dimension]
    plan: Mapping[str, int]
    sync: Mapping[str, int]
    apply: Mapping[str, int]


CASES = {
    "empty": Case(
        there=empty,
        source=ROWS,
        plan={"list": 1},
        sync={"probe": 1, "bulk": 3},
        apply={"probe": 1, "bulk": 3},
    ),
    "equal": Case(there=filled, source=ROWS, plan={"list": 3}, sync={}, apply={}),
    "new rows": Case(
        there=fewer,
        source=ROWS,
        plan={"list": 3},
        sync={"probe": 1, "bulk": 1},
        apply={"probe": 1, "bulk": 1},
    ),
    "held, as its key is unconfirmed": Case(there=filled, source=RENAMED, plan={"list": 3}, sync={}, apply={}),
}


async def planned(world: World, rows: Sequence[Dimension]) -> RunResult:
    async with world.engine() as engine:
        return await engine.plan([company(1, rows)]).result()


async def applied(world: World, plan: RunResult, rows: Sequence[Dimension]) -> RunResult:
    saved = saved_plan(plan, origin=origin_of(world.sandbox.base_url), contract=world.contract)
    async with world.engine() as engine:
        return await engine.apply(saved, [company(1, rows)]).result()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_a_sync_right_after_a_plan_lists_nothing(world: World, case: Case) -> None:
    world.limit(chunk_rows=100, page_size=100)
    case.there(world)
    plan = await planned(world, case.source)
    assert kinds(plan.requests) == case.plan
    assert kinds((await world.sync(company(1, case.source))).requests) == case.sync


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_an_apply_right_after_a_plan_lists_nothing(world: World, case: Case) -> None:
    world.limit(chunk_rows=100, page_size=100)
    case.there(world)
    plan = await planned(world, case.source)
    result = await applied(world, plan, case.source)
    assert kinds(result.requests) == case.apply


async def test_a_second_plan_costs_a_probe_where_it_would_create(world: World) -> None:
    fewer(world)
    first = await planned(world, ROWS)
    second = await planned(world, ROWS)
    assert (kinds(first.requests), kinds(second.requests)) == ({"list": 3}, {"probe": 1})
    assert (first.totals.created, second.totals.created) == (5, 5)


async def test_a_known_company_that_was_due_is_listed_by_the_plan_alone(world: World) -> None:
    """An update needs no request beside its own; a row that somebody made meanwhile is met by the probe of a create."""
    empty(world)
    await world.sync(company(1, ROWS))
    world.clock.forward(days=10)
    assert kinds((await planned(world, RENAMED)).requests) == {"list": 3}
    assert kinds((await world.sync(company(1, RENAMED))).requests) == {"bulk": 1}
    more = [*RENAMED, *dims(1, first=900)]
    assert kinds((await planned(world, more)).requests) == {"probe": 1}
    assert kinds((await world.sync(company(1, more))).requests) == {"probe": 1, "bulk": 1}
