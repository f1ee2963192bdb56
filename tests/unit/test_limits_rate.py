"""The rate against three ways of counting it, in virtual time: filled and never overrun."""

from __future__ import annotations

from random import Random

import anyio
import pytest

from engine.net.rate import LATEST_S, LONGEST_S, Rate, Unit
from engine.sandbox.rates import COUNTERS, RateModel
from tests.unit.virtual_time import run


async def admit(rate: float, model: RateModel, seconds: float, *, jitter_s: float, work_s: float) -> tuple[int, int]:
    """Return how many requests a server admits and refuses, from a client that always has one to send.

    Arrivals are delayed at random; answers come after the work and another delay.
    """
    rng, client, answers = Random(7), Rate(rate), [0, 0]
    counter = COUNTERS[model](rate, max(2, round(rate / 10)))

    async def serve(unit: Unit) -> None:
        await anyio.sleep(rng.expovariate(1 / jitter_s))
        good = counter.admits(anyio.current_time())
        answers[good] += 1
        await anyio.sleep(work_s + rng.expovariate(1 / jitter_s))
        unit.answered(anyio.current_time())
        if not good:
            client.refused()

    async with anyio.create_task_group() as air:
        with anyio.move_on_after(seconds):
            while True:
                air.start_soon(serve, await client.take())
    return answers[True], answers[False]


@pytest.mark.parametrize("model", list(COUNTERS))
@pytest.mark.parametrize(("rate", "seconds"), [(10, 20.0), (50, 5.0), (500, 2.0), (1000, 2.0)])
def test_the_rate_is_filled_and_not_overrun(model: RateModel, rate: int, seconds: float) -> None:
    good, refused = run(admit(rate, model, seconds, jitter_s=0.0005, work_s=0.002))
    assert good >= 0.95 * rate * seconds
    assert refused == 0


@pytest.mark.parametrize("rate", [10, 50, 500])
def test_slow_answers_cost_little_of_the_rate(rate: int) -> None:
    """Half a second each: a slot that were freed by the answer alone would leave two thirds."""
    good, refused = run(admit(rate, "bucket", 10.0, jitter_s=0.005, work_s=0.5))
    assert good >= 0.95 * rate * 10
    assert refused == 0


@pytest.mark.parametrize("rate", [10, 50])
def test_an_uneven_network_meets_the_strictest_window_seldom_and_less_and_less(rate: int) -> None:
    good, refused = run(admit(rate, "sliding", 120.0, jitter_s=0.02, work_s=0.05))
    assert refused <= 0.005 * (good + refused)
    assert good >= 0.9 * rate * 120


def test_rates_below_one_and_between_are_kept() -> None:
    for rate, seconds in ((0.5, 60.0), (1.5, 60.0), (7.3, 60.0)):
        good, refused = run(admit(rate, "bucket", seconds, jitter_s=0.001, work_s=0.001))
        assert 0.93 * rate * seconds <= good <= rate * seconds + 1
        assert refused == 0


def test_waiters_that_are_cancelled_use_nothing() -> None:
    """Fifty give up while they wait; the one that stays gets its unit as if it had been alone."""

    async def when(others: int) -> float:
        rate, turn = Rate(10), anyio.Lock()

        async def take() -> None:
            async with turn:
                await rate.take()

        await take()
        async with anyio.create_task_group() as tasks:
            for _ in range(others):
                tasks.start_soon(take)
            await anyio.sleep(0.05)
            tasks.cancel_scope.cancel()
        await take()
        return anyio.current_time()

    assert run(when(50)) == pytest.approx(run(when(0)), abs=0.001)


def test_a_unit_counts_as_arrived_when_it_is_answered_and_soon_in_any_case() -> None:
    async def units() -> tuple[float, float, float]:
        rate = Rate(100)
        quick, slow = await rate.take(), await rate.take()
        left = anyio.current_time()
        quick.answered(left + LATEST_S / 2)
        slow.answered(left + 5.0)
        for _ in range(9):
            rate.refused()
        careful = await rate.take()
        return quick.arrived_by_s - left, slow.arrived_by_s - left, careful.arrived_by_s - anyio.current_time()

    assert run(units()) == pytest.approx((LATEST_S / 2, LATEST_S, LONGEST_S), abs=1e-4)


def test_the_memory_of_units_ends_with_their_window() -> None:
    async def remembered() -> int:
        rate = Rate(1e6)
        for _ in range(10):
            for _ in range(1_000):
                await rate.take()
            await anyio.sleep(2.0)
        await rate.take()
        return len(rate._used)

    assert run(remembered()) == 1
