"""One company in need of much beside many that need little: seen in the order in which requests come, not in seconds.

`DIMSYNC_FAIR=1` takes the sizes of the issue: 100,000 rows beside 299 small companies.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import pytest

from engine import Company, RunResult
from engine.model.events import CompanyFinished
from tests.sandbox.conftest import DIRECTORY, World, assert_exact, company, dims, watch

GIANT = 1
IS_LARGE = "DIMSYNC_FAIR" in os.environ
ROWS, SMALL = (100_000, 299) if IS_LARGE else (5_000, 25)


def neighbours(world: World, count: int) -> list[Company]:
    """Make small companies of their own rows: each needs a listing and a bulk request."""
    for n in range(count):
        world.place(GIANT + 1 + n)
    return [company(GIANT + 1 + n, dims(20, prefix=f"S{n}-")) for n in range(count)]


async def run(world: World, companies: Sequence[Company]) -> tuple[list[int], RunResult]:
    """Sync, the first one first in the queue; return who finished in which order, and the result.

    The traffic is not held against the contract, which takes longer than all the rest.
    """
    world.sandbox.service.log.clear()
    world.ledger_url = "sqlite://"
    async with world.unchecked_engine() as engine:
        events, result = await watch(engine, *companies)
    world.check(result, companies)
    return [event.result.company_id for event in events if isinstance(event, CompanyFinished)], result


def asked_meanwhile(world: World) -> tuple[int, int]:
    """Return how many requests the small companies sent, and how many the giant did until the last of those."""
    log = [entry.company for entry in world.sandbox.service.log if entry.operation not in {*DIRECTORY, "token"}]
    last = max(place for place, company_id in enumerate(log) if company_id != GIANT)
    giants = log[:last].count(GIANT)
    return last + 1 - giants, giants


def assert_fair(world: World, small: Sequence[Company], finished: list[int]) -> None:
    """Check that small companies were through before half as much as they need was done for the giant."""
    own, giants = asked_meanwhile(world)
    assert giants <= own / 2, f"{giants} requests of the giant before the last of the {own} others"
    assert sorted(finished) == [GIANT, *(each.id for each in small)]


@pytest.mark.sockets  # so many rows are compared in a thread
@pytest.mark.timeout(600 if IS_LARGE else 60)
async def test_a_giant_first_in_the_queue_starves_nobody(world: World) -> None:
    small = neighbours(world, SMALL)
    world.place(GIANT)
    rows = dims(ROWS)
    finished, result = await run(world, [company(GIANT, rows), *small])
    assert (result.exit_code, result.totals.created) == (0, ROWS + 20 * SMALL)
    assert world.sent() - world.sent("token") == 2 * SMALL + 1 + ROWS // 100
    assert_fair(world, small, finished)
    assert finished[-1] == GIANT
    assert_exact(world, GIANT, rows)


MINE = {"operation": "bulk", "company": GIANT}
TROUBLE: dict[str, list[dict[str, Any]]] = {
    "bisected": [{"effect": "too-many-rows", "above": 1}],
    "slow": [{"effect": "latency", "seconds": 0.2}],
    "failing": [{"effect": "status", "status": 503}],
    "lost": [{"effect": "reset", "commit": True, "share": 0.5}],
    "unauthorized": [{"effect": "expire-tokens", "after": after, "times": 1} for after in (0, 8)],
    "throttled": [{"effect": "status", "status": 429, "times": 4}],
}


@pytest.mark.parametrize("trouble", TROUBLE)
async def test_the_trouble_of_one_starves_nobody(world: World, trouble: str) -> None:
    world.limit(max_attempts=2, chunk_rows=40)
    small = neighbours(world, 30)
    world.place(GIANT)
    world.script(*({**rule, "match": MINE} for rule in TROUBLE[trouble]))
    finished, result = await run(world, [company(GIANT, dims(320)), *small])
    giant, *others = result.companies
    assert {each.exit_code for each in others} == {0}
    assert giant.requests.bulk + giant.requests.retry >= 8
    assert_fair(world, small, finished)
