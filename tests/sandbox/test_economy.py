"""Requests are money: what each piece of work costs, exactly, and what a run does with fewer than it could use.

`DIMSYNC_MONTH=1` lets a fleet of 300 live through the month of hourly runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import ceil
from typing import Any

import pytest

from engine import Company, RunResult
from engine.model.dimension import Dimension
from engine.model.settings import Verify, VerifyMode
from tests.sandbox.conftest import World, assert_exact, columns, company, dims, kinds

FLEET = range(1, 101)
ROWS = 5
MONTHS, DAYS = (300, 30) if "DIMSYNC_MONTH" in os.environ else (6, 6)
"""Companies of the month, of which a twentieth are in trouble, three at least; and as many of its days as are lived."""


def fleet(rows: Sequence[Dimension] = (), changed: range = range(0), *, more: int = 0) -> list[Company]:
    """Return 100 companies; those in `changed` have another name in their first row, or `more` rows."""
    base = list(rows) or dims(ROWS)
    edited = [base[0]._replace(name="Edited"), *base[1:]] if not more else [*base, *dims(more, first=900)]
    return [company(n, edited if n in changed else base) for n in FLEET]


async def warm(world: World) -> None:
    """Load all companies."""
    for n in FLEET:
        world.place(n)
    result = await world.sync(*fleet())
    assert (result.exit_code, columns(result)) == (0, {"created": len(FLEET) * ROWS})
    assert kinds(result.requests) == {"list": len(FLEET), "bulk": len(FLEET)}


async def test_what_a_warm_fleet_costs(world: World) -> None:
    """Nothing changed: 0. A changed row in each of 40: 40. A new row in each of 40: 80, as the plan said before."""
    await warm(world)
    world.clock.forward(hours=1)
    assert kinds((await world.sync(*fleet())).requests) == {}
    changed = await world.sync(*fleet(changed=range(1, 41)))
    assert (kinds(changed.requests), columns(changed)["updated"]) == ({"bulk": 40}, 40)
    wanted = fleet(changed=range(41, 81), more=1)[40:80]
    async with world.engine() as engine:
        planned = await engine.plan(wanted).result()
    plans = [one.plan for one in planned.companies if one.plan is not None]
    assert sum(plan.bulk_requests + bool(plan.creates) for plan in plans) == 80
    assert kinds(planned.requests) == {"probe": 40}
    new = await world.sync(*wanted)
    assert (kinds(new.requests), new.totals.created) == ({"probe": 40, "bulk": 40}, 40)


@pytest.mark.parametrize("rows", [1, 100, 101, 250])
async def test_a_first_load_costs_a_listing_and_its_chunks(world: World, rows: int) -> None:
    world.place(1)
    result = await world.sync_one(1, dims(rows))
    assert result.requests.total == 1 + ceil(rows / 100)


@pytest.mark.parametrize(
    ("mode", "costs"),
    [
        (VerifyMode.AUTO, [{}, {"bulk": 1}, {"probe": 1, "bulk": 1}]),
        (VerifyMode.NONE, [{}, {"bulk": 1}, {"probe": 1, "bulk": 1}]),
        (VerifyMode.PROBE, [{"probe": 1}, {"probe": 1, "bulk": 1}, {"probe": 1, "bulk": 1}]),
        (VerifyMode.FULL, [{"list": 2}, {"list": 2, "bulk": 1}, {"list": 2, "bulk": 1}]),
    ],
)
async def test_what_each_way_to_verify_costs(world: World, mode: VerifyMode, costs: list[dict[str, int]]) -> None:
    """A company of two pages: unchanged, with a changed row, with a new one."""
    rows = dims(150)
    world.place(1)
    await world.sync_one(1, rows)
    world.verify = Verify(mode=mode)
    edited = [rows[0]._replace(name="Edited"), *rows[1:]]
    for wanted, cost in zip((rows, edited, [*edited, *dims(1, first=900)]), costs, strict=True):
        assert kinds((await world.sync_one(1, wanted)).requests) == cost


@pytest.mark.parametrize(("hours", "cost"), [(23, {}), (25, {"probe": 1}), (24 * 10, {"list": 2})])
async def test_what_age_costs_by_default(world: World, hours: int, cost: dict[str, int]) -> None:
    """Unchanged all the while: checked after a day, listed after a week, give or take a third."""
    world.place(1)
    await world.sync_one(1, dims(150))
    world.clock.forward(hours=hours)
    assert kinds((await world.sync_one(1, dims(150))).requests) == cost


async def sparing(world: World, companies: Sequence[Company], *, budget: int) -> RunResult:
    world.sandbox.service.log.clear()
    async with world.engine() as engine:
        result = await engine.sync(companies, budget=budget).result()
    world.check(result, companies)
    return result


async def test_a_budget_is_spent_on_known_changes_first(world: World) -> None:
    """Ten companies to be listed come first in the settings, and five with a changed row last: those are done."""
    for n in range(1, 16):
        world.place(n, dims(3))
    known = [company(n, dims(3)) for n in range(11, 16)]
    assert (await world.sync(*known)).exit_code == 0  # adopted
    world.clock.forward(hours=1)
    companies = [company(n, dims(3)) for n in range(1, 11)]
    companies += [company(n, [*dims(3), *dims(1, first=50)]) for n in range(11, 16)]
    result = await sparing(world, companies, budget=12)
    assert result.totals.created == 5
    assert kinds(result.requests) == {"probe": 5, "bulk": 5, "list": 2}
    assert (result.exit_code, sum(one.state == "deferred" for one in result.companies)) == (5, 8)
    result = await sparing(world, companies, budget=8)
    assert (result.exit_code, kinds(result.requests)) == (0, {"list": 8})


@pytest.mark.parametrize("budget", [0, 1, 2, 3, 6, 8])
async def test_l23_a_budget_counts_all_requests_but_tokens(world: World, budget: int) -> None:
    for n in range(1, 6):
        world.place(n)
    result = await sparing(world, [company(n, dims(5)) for n in range(1, 6)], budget=budget)
    assert (
        len(world.sandbox.service.log) - world.sent("token") == result.requests.total - result.requests.token <= budget
    )
    assert (result.exit_code, {problem.code for each in result.companies for problem in each.problems}) == (
        5,
        {"budget"},
    )


async def test_a_budget_lists_what_is_cheap_before_what_is_large(world: World) -> None:
    world.limit(page_size=20)
    for n, rows in ((1, 200), (2, 10), (3, 30)):
        world.place(n, dims(rows))
    for n, rows in ((1, 200), (2, 10), (3, 30)):
        assert (await world.sync_one(n, dims(rows))).exit_code == 0
    world.clock.forward(days=30)
    world.verify = Verify(mode=VerifyMode.FULL)
    companies = [company(n, dims(rows)) for n, rows in ((1, 200), (2, 10), (3, 30))]
    result = await sparing(world, companies, budget=4)  # the directory is read anew
    assert [str(one.state) for one in result.companies] == ["deferred", "unchanged", "unchanged"]
    assert kinds(result.requests) == {"list": 3}


async def test_a_budget_lists_what_is_stalest_first(world: World) -> None:
    """Four of one size, listed on four days, the last one in the settings first."""
    for n in (3, 1, 4, 2):
        world.place(n)
        assert (await world.sync_one(n, dims(10))).exit_code == 0
        world.clock.forward(hours=25)
    world.verify = Verify(mode=VerifyMode.FULL)
    result = await sparing(world, [company(n, dims(10)) for n in (4, 3, 2, 1)], budget=3)  # and the directory
    assert {one.company_id for one in result.companies if one.state == "unchanged"} == {3, 1}


async def test_a_listing_that_is_only_due_for_its_age_gives_way_to_a_probe(world: World) -> None:
    """No room: the known change is sent all the same, on a probe's word."""
    world.limit(page_size=20)
    world.place(1, dims(100))
    assert (await world.sync_one(1, dims(100))).exit_code == 0
    world.clock.forward(days=30)
    wanted = [*dims(100), *dims(1, first=500)]
    result = await sparing(world, [company(1, wanted)], budget=3)
    assert (result.exit_code, kinds(result.requests)) == (0, {"probe": 1, "bulk": 1})
    assert_exact(world, 1, wanted)


async def test_listings_take_half_of_what_is_left_of_the_day(world: World) -> None:
    """12 requests are left: first contacts may take 6, the smallest first; tomorrow the others have their turn."""
    world.limit(page_size=20, requests_per_day=13, reserve_per_day=0)
    for n, rows in ((1, 100), (2, 20), (3, 20), (4, 40)):
        world.place(n, dims(rows))
    companies = [company(n, dims(rows)) for n, rows in ((1, 100), (2, 20), (3, 20), (4, 40))]
    first = await world.sync(*companies)
    assert first.exit_code == 5
    assert sum(kinds(first.requests).values()) <= 8
    assert [str(one.state) for one in first.companies].count("deferred") == 1
    world.clock.forward(days=1)
    second = await world.sync(*companies)
    assert second.exit_code == 0
    assert {str(one.state) for one in second.companies} == {"unchanged"}


@pytest.mark.sockets
async def test_a_deadline_stops_a_run_that_hangs(world: World) -> None:
    for n in (1, 2):
        world.place(n)
    world.limit(timeout_s=0.5, max_attempts=1)
    world.script({"effect": "latency", "seconds": 0.2, "match": {"operation": "bulk", "company": 1}})
    world.sandbox.service.log.clear()
    async with world.engine() as engine:
        result = await engine.sync([company(1, dims(900)), company(2, dims(3))], deadline_s=0.3).result()
    world.check(result, [company(1, dims(900)), company(2, dims(3))])
    assert result.exit_code == 5
    assert [problem.code for problem in result.problems] == ["deadline", "new-ledger"]
    world.script()
    assert (await world.sync(company(1, dims(900)), company(2, dims(3)))).exit_code == 0
    assert_exact(world, 1, dims(900))


async def test_a_deadline_sends_known_changes_before_it_lists(world: World) -> None:
    """Listings do not come to an end before it: what the ledger knows of is sent all the same, though named last."""
    world.limit(max_concurrency=2)
    for n in range(1, 9):
        world.place(n, dims(3))
    assert (await world.sync(company(7, dims(3)), company(8, dims(3)))).exit_code == 0
    companies = [company(n, dims(3)) for n in range(1, 7)]
    companies += [company(n, [*dims(3), *dims(1, first=50)]) for n in (7, 8)]
    world.script(*({"effect": "latency", "seconds": 1.9, "match": {"company": n}} for n in range(1, 7)))
    async with world.engine() as engine:
        result = await engine.sync(companies, deadline_s=1.5).result()
    assert result.exit_code == 5
    assert (result.totals.created, [problem.code for problem in result.problems]) == (2, ["deadline"])
    assert "deferred" in {str(one.state) for one in result.companies[:6]}


@pytest.mark.long
@pytest.mark.timeout(0 if MONTHS > 6 else 60)
async def test_a_month_of_hourly_runs_over_a_fleet_with_trouble(
    world: World, record_property: Callable[[str, object], None]
) -> None:
    """Some companies are not ours, some never list whole, and some have a row that is refused: a month of hours.

    A day costs at most: 3 requests for each of these, and a probe or a listing for each of the others.
    """
    world.sandbox.service.access.allowance = replace(world.sandbox.service.access.allowance, token_lifetime_s=10**7)
    each = max(1, MONTHS // 60)
    fleet = range(1, MONTHS + 1)
    foreign, unsound, refused = fleet[:each], fleet[each : 2 * each], fleet[2 * each : 3 * each]
    for n in fleet:
        world.place(n, dims(ROWS) if n in foreign or n in unsound else ())
    companies = [company(n, dims(ROWS)) for n in fleet]
    trouble: dict[range, dict[str, Any]] = {
        foreign: {"effect": "status", "status": 403, "envelope": "not yours"},
        unsound: {"effect": "lying-count", "by": 1},
        refused: {"effect": "reject-rows", "erp_id": "^00000$", "message": "no"},
    }
    operations = {foreign: {}, unsound: {"operation": "list"}, refused: {}}
    world.script(
        *({**rule, "match": {**operations[those], "company": n}} for those, rule in trouble.items() for n in those)
    )
    spent = []
    async with world.engine() as engine:
        for _ in range(DAYS * 24):
            result = await engine.sync(companies).result()
            assert (result.exit_code, result.totals.adds_up) == (1, True)
            spent.append(sum(kinds(result.requests).values()))
            world.clock.forward(hours=1)
    told = {"companies": MONTHS, "in trouble": 3 * each, "first run": spent[0], "month": sum(spent)}
    sys.stdout.write(f"{told}\n")
    record_property("month", told)
    assert sum(spent) <= spent[0] + DAYS * (MONTHS - 3 * each + 3 * 3 * each)
