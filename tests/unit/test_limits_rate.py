"""The rate against three ways of counting it, in virtual time: filled and never overrun."""

from __future__ import annotations

from random import Random

import anyio
import pytest

from engine.net.limits.rate import LATEST_S, LONGEST_S, Rate, Unit
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
        client.answered(unit)
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
    """How soon: later while answers are fast as a rule, or where that has proved too soon."""

    async def lateness(rate: Rate, answers_take_s: float) -> float:
        for _ in range(100):
            unit = await rate.take()
            await anyio.sleep(answers_take_s)
            rate.answered(unit)
        assert unit.arrived_by_s - unit.left_s <= answers_take_s + 0.001
        last = await rate.take()
        await anyio.sleep(5.0)
        rate.answered(last)
        return last.arrived_by_s - last.left_s

    async def all_of_them() -> tuple[float, ...]:
        fast, slow, refused = Rate(100), Rate(100), Rate(100)
        for _ in range(9):
            refused.refused()
        return await lateness(fast, 0.01), await lateness(slow, 0.5), await lateness(refused, 0.5)

    assert run(all_of_them()) == pytest.approx((LONGEST_S, LATEST_S, LONGEST_S), abs=1e-4)


def test_a_server_that_stalls_for_a_moment_is_not_overrun() -> None:
    """What left in the tenth of a second is counted when the server goes on: no more than a window's, all the same."""

    async def refused() -> int:
        client, counter, answers = Rate(200), COUNTERS["sliding"](200, 0), [0, 0]

        async def serve(unit: Unit) -> None:
            at_s = anyio.current_time() + 0.002
            in_second = at_s % 1.0
            await anyio.sleep_until(at_s + 0.1 - in_second if in_second < 0.1 else at_s)
            answers[counter.admits(anyio.current_time())] += 1
            client.answered(unit)

        async with anyio.create_task_group() as air:
            with anyio.move_on_after(8.0):
                while True:
                    air.start_soon(serve, await client.take())
        assert answers[True] > 0.9 * 200 * 8
        return answers[False]

    assert run(refused()) == 0


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
