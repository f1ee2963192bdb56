"""The gate of one key in virtual time: first come, first served, one pause for all, and a width that adapts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from random import Random

import anyio
import pytest

from engine.model.settings import Limits
from engine.net.limits.gate import KeyLimits
from engine.net.limits.places import Places
from engine.net.limits.width import trouble_of
from tests.unit.virtual_time import run

PAGE = ("list", 12)
NEVER = anyio.Event


async def send(gate: KeyLimits, give_up: anyio.Event, sent: list[float], *, takes_s: float = 0.01) -> None:
    async with gate.place(give_up) as place:
        await gate.set_off(place, give_up)
        if place.unit is not None:
            sent.append(anyio.current_time())
            await anyio.sleep(takes_s)
            gate.answered(place, PAGE, "")


@asynccontextmanager
async def placed(places: Places) -> AsyncIterator[None]:
    await places.enter()
    try:
        yield
    finally:
        places.leave()


def test_places_go_in_order_and_nobody_who_leaves_the_queue_takes_one_along() -> None:
    async def order() -> list[int]:
        places, entered = Places(2), []

        async def hold(n: int, scope: anyio.CancelScope) -> None:
            with scope:
                async with placed(places):
                    entered.append(n)
                    await anyio.sleep(1.0)

        scopes = [anyio.CancelScope() for _ in range(8)]
        async with anyio.create_task_group() as tasks:
            for n, scope in enumerate(scopes):
                tasks.start_soon(hold, n, scope)
            await anyio.sleep(0.5)
            scopes[3].cancel()  # in the queue
            await anyio.sleep(0.4)
            tasks.start_soon(_cancel_at, 1.0, scopes[4])  # as it is called in, or about then
        return entered

    assert [n for n in run(order()) if n not in {3, 4}] == [0, 1, 2, 5, 6, 7]


async def _cancel_at(at_s: float, scope: anyio.CancelScope) -> None:
    await anyio.sleep_until(at_s)
    scope.cancel()


def test_a_place_that_is_given_to_somebody_who_is_cancelled_meanwhile_is_given_on() -> None:
    async def entered() -> int:
        places = Places(1)
        async with anyio.create_task_group() as tasks:
            async with placed(places):
                for _ in range(3):
                    tasks.start_soon(_hold, places)
                await anyio.sleep(0.1)
            tasks.cancel_scope.cancel()  # the first of them is called in at this very moment
        with anyio.fail_after(1.0):
            async with placed(places):
                return 1

    assert run(entered()) == 1


async def _hold(places: Places) -> None:
    async with placed(places):
        await anyio.sleep(10.0)


def test_fewer_places_take_effect_as_they_are_left_and_more_at_once() -> None:
    async def held() -> list[int]:
        places, now, seen = Places(4), 0, []

        async def hold() -> None:
            nonlocal now
            async with placed(places):
                now += 1
                await anyio.sleep(0.1)
                now -= 1

        async with anyio.create_task_group() as tasks:
            for _ in range(200):
                tasks.start_soon(hold)
            for resize in (2, 6, 1):
                await anyio.sleep(1.03)
                seen.append(now)
                places.resize(resize)
                seen.append(now)
        return seen

    assert run(held()) == [4, 4, 2, 2, 6, 6]


def test_requests_that_wait_in_their_places_do_not_leave_when_there_are_fewer_by_then() -> None:
    """Eight hold places and wait for the rate; the first is refused, and the others do not run into the same wall."""

    async def out() -> int:
        gate, give_up, most, now = KeyLimits(Limits(requests_per_second=1_000.0)), NEVER(), 0, 0

        async def send_one() -> None:
            nonlocal most, now
            async with gate.place(give_up) as place:
                await gate.set_off(place, give_up)
                now += 1
                most = max(most, now) if anyio.current_time() > 0.5 else 0
                await anyio.sleep(0.1)
                now -= 1
                gate.answered(place, PAGE, "timeout" if anyio.current_time() < 0.3 else "")

        async with anyio.create_task_group() as tasks:
            for _ in range(40):
                tasks.start_soon(send_one)
        return most

    assert run(out()) < 8


def test_a_pause_holds_everything_and_ends_without_a_burst() -> None:
    async def times() -> list[float]:
        gate, give_up, sent = KeyLimits(Limits(requests_per_second=100.0)), NEVER(), list[float]()
        async with anyio.create_task_group() as tasks:
            gate.pause(5.0)
            gate.pause(1.0)  # the longer one stays
            for _ in range(100):
                tasks.start_soon(send, gate, give_up, sent)
        return sent

    sent = run(times())
    assert sent[0] >= 5.0
    assert sum(at <= sent[0] + 0.1 for at in sent) <= 0.1 * 100 + 4  # a tenth of a second's, and the burst
    assert sent[-1] == pytest.approx(6.0, abs=0.1)


def test_a_pause_that_begins_while_requests_wait_for_the_rate_holds_those_too() -> None:
    async def times() -> list[float]:
        gate, give_up, sent = KeyLimits(Limits(requests_per_second=10.0)), NEVER(), list[float]()
        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(send, gate, give_up, sent)
            await anyio.sleep(0.25)
            gate.pause(3.0)
        return sent

    sent = run(times())
    assert not [at for at in sent if 0.25 < at < 3.25]
    assert len(sent) == 8


def test_giving_up_ends_a_pause_for_all_and_takes_no_unit() -> None:
    async def ended() -> tuple[float, int]:
        gate, give_up, sent = KeyLimits(Limits(requests_per_second=0.5)), anyio.Event(), list[float]()
        async with anyio.create_task_group() as tasks:
            gate.pause(500.0)
            for _ in range(50):
                tasks.start_soon(send, gate, give_up, sent)
            await anyio.sleep(1.0)
            give_up.set()
        return anyio.current_time(), len(sent)

    at_s, sent = run(ended())
    assert (round(at_s), sent) == (1, 0)


def test_a_long_wait_is_no_slow_answer_and_freezes_nothing() -> None:
    """A quarter of an hour's `Retry-After` in the middle: the width after it is what one 429 leaves, and grows on."""

    async def places() -> list[int]:
        gate, give_up, seen = KeyLimits(Limits()), NEVER(), list[int]()

        async def work(count: int) -> None:
            for _ in range(count):
                await send(gate, give_up, [], takes_s=0.1)

        async def round_of_work() -> None:
            async with anyio.create_task_group() as tasks:
                for _ in range(80):
                    tasks.start_soon(work, 6)
            seen.append(gate._width.places)

        await round_of_work()
        async with gate.place(give_up) as place:
            await gate.set_off(place, give_up)
            gate.answered(place, PAGE, trouble_of(429))
        gate.pause(900.0)
        seen.append(gate._width.places)
        await round_of_work()
        return seen

    first, cut, later = run(places())
    assert (first, cut) == (64, 45)
    assert later > cut


def test_news_are_told_once_and_only_when_notable() -> None:
    async def told() -> list[int]:
        gate, give_up, news = KeyLimits(Limits()), NEVER(), list[int]()

        async def work() -> None:
            for _ in range(40):
                width = gate.news()
                if width is not None:
                    news.append(width.places)
                await send(gate, give_up, [], takes_s=0.1)

        async with anyio.create_task_group() as tasks:
            for _ in range(80):
                tasks.start_soon(work)
        return news

    assert run(told()) == [16, 32, 64]


Serve = Callable[[int, int], float | None]
"""Requests that are worked on, and the capacity -> seconds that one more takes; None: it is refused."""


def _queues(working: int, capacity: int) -> float | None:
    return 0.1 * max(1.0, (working + 1) / capacity)


def _sheds(working: int, capacity: int) -> float | None:
    return None if working >= capacity else 0.1


def _strains(working: int, capacity: int) -> float | None:
    return 0.1 * (1 + (working / capacity) ** 2)


Turns = Callable[[], AbstractAsyncContextManager[Callable[[int], None]]]
"""A turn to send, and what takes the status of its answer."""


def _adaptive() -> Turns:
    gate, give_up = KeyLimits(Limits(requests_per_second=5_000.0)), NEVER()

    @asynccontextmanager
    async def turn() -> AsyncIterator[Callable[[int], None]]:
        async with gate.place(give_up) as place:
            await gate.set_off(place, give_up)
            yield lambda status: gate.answered(place, PAGE, trouble_of(status))

    return turn


def _fixed(width: int) -> Turns:
    places = Places(width)

    @asynccontextmanager
    async def turn() -> AsyncIterator[Callable[[int], None]]:
        async with placed(places):
            yield lambda _status: None

    return turn


async def throughput(serve: Serve, fixed: int | None, phases: tuple[int, ...], phase_s: float) -> list[int]:
    """Return the answers of the last two thirds of each phase: of a server with that capacity, one after the other."""
    rng, working, good = Random(7), 0, [0] * len(phases)
    turns = _fixed(fixed) if fixed is not None else _adaptive()

    async def ask() -> None:
        nonlocal working
        while (phase := int(anyio.current_time() / phase_s)) < len(phases):
            async with turns() as learn:
                takes_s = serve(working, phases[phase])
                working += takes_s is not None
                await anyio.sleep(0.002 if takes_s is None else takes_s * rng.uniform(0.9, 1.1))
                working -= takes_s is not None
                learn(503 if takes_s is None else 200)
            if takes_s is None:
                await anyio.sleep(rng.uniform(0.25, 0.5))
            else:
                at_s = anyio.current_time() / phase_s
                good[min(int(at_s), len(phases) - 1)] += at_s % 1 > 1 / 3

    async with anyio.create_task_group() as tasks:
        for _ in range(100):
            tasks.start_soon(ask)
    return good


@pytest.mark.parametrize(("serve", "least"), [(_queues, 8), (_sheds, 8), (_strains, 16)])
def test_it_finds_nine_tenths_of_the_best_fixed_width_within_seconds(serve: Serve, least: int) -> None:
    """Capacity 32, then less, then 32 again, nine seconds each, of which the first three do not count."""
    phases, phase_s = (32, least, 32), 9.0
    ours = run(throughput(serve, None, phases, phase_s))
    fixed = [run(throughput(serve, width, phases, phase_s)) for width in (8, 16, 32, 48)]
    best = [max(counts) for counts in zip(*fixed, strict=True)]
    assert all(one >= 0.9 * top for one, top in zip(ours, best, strict=True)), (ours, best)
