"""Several workers' gates on one API key, in virtual time: together they have what one has, and not less."""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import Callable
from math import ceil
from random import Random

import anyio
import pytest

from engine.errors import LedgerError
from engine.model.settings import Limits
from engine.model.shared_limits import KeyName, News
from engine.net.limits.absence import PATIENCE_S
from engine.net.limits.pacing import lateness_s
from engine.net.limits.share import FRESH_S, LATEST_S, Share
from engine.net.limits.shared_gate import SharedKeyLimits
from tests.unit.model_limits import KEY, ModelLimits
from tests.unit.virtual_time import run

PAGE = ("list", 12)
RNG = Random(7)


def gate_of(shared: ModelLimits, rate: float, most: int = 64) -> SharedKeyLimits:
    return SharedKeyLimits(Limits(requests_per_second=rate, max_concurrency=most), shared, KEY)


class Fleet:
    """Workers that always have something to send, and what the server sees of them."""

    def __init__(self, shared: ModelLimits, workers: int, rate: float, *, most: int = 64) -> None:
        self.shared = shared
        self.gates = [gate_of(shared, rate, most) for _ in range(workers)]
        self.give_up = anyio.Event()
        self.arrived: list[float] = []
        self.sent = [0] * workers
        self.out = 0
        self.most_out = 0
        self.errors: list[LedgerError] = []

    async def send(self, number: int, takes_s: Callable[[], float]) -> None:
        gate = self.gates[number]
        async with gate.place(self.give_up) as place:
            await gate.set_off(place, self.give_up)
            if place.unit is None:
                return
            self.sent[number] += 1
            self.out += 1
            self.most_out = max(self.most_out, self.out)
            await anyio.sleep(RNG.uniform(0.0, 0.004))
            self.arrived.append(anyio.current_time())
            await anyio.sleep(takes_s())
            self.out -= 1
            gate.answered(place, PAGE, "")

    async def work(self, number: int, until_s: float, takes_s: Callable[[], float]) -> None:
        while anyio.current_time() < until_s:
            try:
                await self.send(number, takes_s)
            except LedgerError as error:
                self.errors.append(error)
                return

    async def run(self, seconds: float, *, tasks: int = 16, takes_s: Callable[[], float] = lambda: 0.02) -> None:
        async with anyio.create_task_group() as group:
            for number in range(len(self.gates)):
                for _ in range(tasks):
                    group.start_soon(self.work, number, seconds, takes_s)


def most_in_a_second(arrived: list[float]) -> int:
    times = sorted(arrived)
    first, most = 0, 0
    for last, at_s in enumerate(times):
        while times[first] <= at_s - 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most


def allowed(rate: float) -> int:
    return int(ceil(rate) + max(1.0, 0.05 * rate))


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize(("rate", "seconds"), [(2, 40.0), (10, 10.0), (20, 10.0), (50, 6.0), (500, 2.0)])
def test_workers_together_fill_the_rate_and_do_not_overrun_it(workers: int, rate: float, seconds: float) -> None:
    async def served() -> Fleet:
        fleet = Fleet(ModelLimits(lambda: RNG.uniform(0.0005, 0.003)), workers, rate)
        await fleet.run(seconds)
        return fleet

    fleet = run(served())
    good = [at_s for at_s in fleet.arrived if at_s <= seconds]
    assert len(good) >= 0.95 * rate * seconds - 1
    assert most_in_a_second(fleet.arrived) <= allowed(rate)
    assert min(fleet.sent) >= 0.5 * max(fleet.sent)
    assert not fleet.errors


def test_a_busy_worker_asks_for_a_fifth_of_a_second_of_its_rate_at_a_time() -> None:
    async def asked(tasks: int) -> tuple[float, list[int]]:
        fleet = Fleet(ModelLimits(), 1, 50.0)
        await fleet.run(10.0, tasks=tasks)
        return len(fleet.shared.asks) / len(fleet.arrived), [ask.permits for ask in fleet.shared.asks]

    per_request, permits = run(asked(64))
    assert per_request < 0.2
    assert max(permits) == 10


def test_a_worker_with_little_to_do_leaves_the_rate_to_others() -> None:
    async def served() -> Fleet:
        fleet = Fleet(ModelLimits(), 2, 50.0)

        async def seldom() -> None:
            while anyio.current_time() < 10.0:
                await fleet.send(1, lambda: 0.02)
                await anyio.sleep(0.1)

        async with anyio.create_task_group() as group:
            group.start_soon(seldom)
            for _ in range(16):
                group.start_soon(fleet.work, 0, 10.0, lambda: 0.02)
        return fleet

    fleet = run(served())
    assert len(fleet.arrived) >= 0.9 * 50 * 10
    assert fleet.sent[1] > 20  # each waits for what stood in line before it


def test_a_permit_lapses_soon_after_its_moment() -> None:
    """Others' permits lie behind it: whoever comes late asks anew."""

    async def is_free() -> list[bool]:
        fleet, seen = Fleet(ModelLimits(), 1, 50.0), list[bool]()
        for _ in range(4):
            await fleet.send(0, lambda: 0.0)
        share = fleet.gates[0].share
        last = share._permits._in_hand[-1]
        for at_s in (last.from_s, last.from_s + lateness_s(50.0) - 0.001, last.until_s + 0.001):
            await anyio.sleep_until(at_s)
            seen.append(share.is_free())
        return seen

    assert run(is_free()) == [True, True, False]


def test_a_pause_holds_all_workers_at_once_and_ends_without_a_burst() -> None:
    async def times() -> list[float]:
        fleet = Fleet(ModelLimits(), 4, 100.0)

        async def refuse() -> None:
            await anyio.sleep(1.0)
            fleet.gates[2].pause(3.0)
            await anyio.sleep(1.0)
            assert [round(gate.others_pause_s, 1) for gate in fleet.gates] == [3.0, 3.0, 0.0, 3.0]

        async with anyio.create_task_group() as group:
            group.start_soon(refuse)
            group.start_soon(fleet.run, 6.0)
        return fleet.arrived

    arrived = run(times())
    assert not [at_s for at_s in arrived if 1.01 < at_s < 4.0]
    assert most_in_a_second(arrived) <= allowed(100)
    assert len([at_s for at_s in arrived if at_s > 4.0]) > 150


def test_a_worker_that_comes_during_a_pause_waits_for_its_end() -> None:
    async def first() -> tuple[float, int]:
        shared = ModelLimits()
        gate_of(shared, 100.0).pause(3.0)
        await anyio.sleep(0.1)
        fleet = Fleet(shared, 1, 100.0)
        await fleet.send(0, lambda: 0.0)
        return fleet.arrived[0], len(shared.asks)

    first_s, asks = run(first())
    assert first_s > 3.0
    assert asks <= 3


@pytest.mark.parametrize("most", [1, 6, 13])
def test_no_more_requests_are_out_than_may_be_over_all_workers(most: int) -> None:
    async def served() -> Fleet:
        fleet = Fleet(ModelLimits(lambda: 0.01), 4, 1_000.0, most=most)
        await fleet.run(4.0, takes_s=lambda: RNG.choice([0.005, 0.02, 0.1]))
        return fleet

    assert min(most, most // 4 * 4 or most) <= run(served()).most_out <= most


@pytest.mark.parametrize("is_wanted", [True, False])
def test_until_an_answer_comes_no_more_are_out_than_the_question_told(is_wanted: bool) -> None:
    """What is not out by then may be another worker's seat, before the answer is here."""

    async def told() -> tuple[int, int]:
        shared, never, out = ModelLimits(), anyio.Event(), 0
        share = Share(shared, KEY, Limits(requests_per_second=1_000.0), wants=lambda: 20 + out, hold=lambda _: None)
        for out in range(1, 6):  # noqa: B007  `wants` looks at it
            await share.ready(never)
            share.take()
        await anyio.sleep(0.02)
        shared.takes_s, before = lambda: 5.0, len(shared.asks)
        if is_wanted:
            share.hear(News(is_wanted=True))
        while share.is_free():
            share.take()
            out += 1
            await anyio.sleep(0.001)
        assert len(shared.asks) == before + 1
        return shared.asks[-1].out, out

    asked, out = run(told())
    assert out <= asked
    assert (out == 5) == is_wanted


def test_news_that_come_while_an_answer_is_awaited_are_seen_to_after_it() -> None:
    async def asked() -> list[float]:
        shared = ModelLimits()
        share = Share(shared, KEY, Limits(), wants=lambda: 1, hold=lambda _: None)
        await share.ready(anyio.Event())
        for _ in range(3):
            share.hear(News(is_wanted=True))
        await anyio.sleep(1.0)
        return [ask.permits for ask in shared.asks]

    assert run(asked()) == [2, 0, 0]


def test_with_another_api_key_nothing_of_the_former_one_counts() -> None:
    async def keys() -> list[KeyName]:
        shared, never = ModelLimits(), anyio.Event()
        share = Share(shared, KEY, Limits(requests_per_second=10.0), wants=lambda: 4, hold=lambda _: None)
        await share.ready(never)
        share.take()
        share.hear(News(is_wanted=True))
        share.move(KEY._replace(key_id="key-2"))
        await anyio.sleep(0.5)
        assert not share.is_free()
        await share.ready(never)
        share.take()
        return list(dict.fromkeys(shared.keys))

    assert run(keys()) == [KEY, KEY._replace(key_id="key-2")]


def test_with_the_database_away_nothing_is_sent_and_it_goes_on_by_itself() -> None:
    async def times() -> Fleet:
        fleet = Fleet(ModelLimits(), 2, 50.0)

        async def restart() -> None:
            await anyio.sleep(2.0)
            fleet.shared.is_away = True
            fleet.shared.tell(News(is_lost=True))
            await anyio.sleep(10.0)
            fleet.shared.is_away = False

        async with anyio.create_task_group() as group:
            group.start_soon(restart)
            group.start_soon(fleet.run, 16.0)
        return fleet

    fleet = run(times())
    assert not fleet.errors
    assert not [at_s for at_s in fleet.arrived if 2.01 < at_s < 12.0]
    assert len([at_s for at_s in fleet.arrived if at_s > 14.5]) > 50
    assert most_in_a_second(fleet.arrived) <= allowed(50)


def test_for_a_second_after_the_way_to_the_others_was_cut_nothing_is_sent() -> None:
    """A database that crashed may have forgotten the last permits, which others may have used."""

    async def times() -> Fleet:
        fleet = Fleet(ModelLimits(), 4, 50.0)

        async def restart() -> None:
            await anyio.sleep(2.5)
            fleet.shared.forget()

        async with anyio.create_task_group() as group:
            group.start_soon(restart)
            group.start_soon(fleet.run, 5.0)
        return fleet

    fleet = run(times())
    assert not [at_s for at_s in fleet.arrived if 2.505 < at_s < 3.5]
    assert most_in_a_second(fleet.arrived) <= allowed(50)
    assert max(fleet.arrived) > 4.5


def test_a_lease_that_came_late_lapses_sooner() -> None:
    """Others' permits lie where its own should have been used."""

    async def is_free(late_s: float) -> list[bool]:
        fleet, seen = Fleet(ModelLimits(), 1, 1.0), list[bool]()
        share = fleet.gates[0].share
        fleet.shared.late_s = late_s
        with anyio.move_on_after(0.01):
            await share.ready(anyio.Event())
        for at_s in (0.01, lateness_s(1.0) - 0.01, lateness_s(1.0) + 0.01):
            await anyio.sleep_until(at_s)
            seen.append(share._permits.is_due(at_s))
        return seen

    assert run(is_free(0.0)) == [True, True, False]
    assert run(is_free(0.1)) == [True, False, False]


def test_an_answer_that_took_very_long_is_void() -> None:
    """The worker stood still meanwhile: others may have its seats by now."""

    async def asks() -> list[float]:
        fleet, slow = Fleet(ModelLimits(), 1, 50.0), [LATEST_S + 1.0]
        fleet.shared.takes_s = lambda: slow.pop() if slow else 0.001
        await fleet.send(0, lambda: 0.0)
        assert len(fleet.shared.asks) == 2
        return fleet.arrived

    assert run(asks())[0] > LATEST_S + 1.0


def test_a_database_that_is_not_heard_of_stops_a_worker_within_the_bound() -> None:
    """Its questions are not answered, and no error comes: permits in hand for later moments do not count, either."""

    async def last() -> tuple[float, list[LedgerError]]:
        fleet = Fleet(ModelLimits(), 8, 1.0)

        async def cut() -> None:
            await anyio.sleep(20.0)
            fleet.shared.is_silent = True

        async with anyio.create_task_group() as group:
            group.start_soon(cut)
            group.start_soon(fleet.run, 100.0)
        return max(fleet.arrived), fleet.errors

    last_s, errors = run(last())
    assert 18.0 < last_s < 20.0 + FRESH_S + 0.01
    assert errors
    assert "does not answer" in str(errors[0])


def test_after_half_a_minute_in_vain_requests_fail_and_later_ones_try_anew() -> None:
    async def outcome() -> tuple[float, int]:
        fleet = Fleet(ModelLimits(), 1, 50.0)
        fleet.shared.is_away = True
        await fleet.run(40.0, tasks=1)
        failed_s = anyio.current_time()
        fleet.shared.is_away = False
        await anyio.sleep(3.0)
        await fleet.run(anyio.current_time() + 1.0, tasks=1)
        assert [str(error).endswith("the database is away") for error in fleet.errors] == [True]
        return failed_s, len(fleet.arrived)

    failed_s, sent = run(outcome())
    assert PATIENCE_S <= failed_s < PATIENCE_S + 4.0
    assert sent > 20


def test_giving_up_ends_the_wait_for_a_permit() -> None:
    async def ended() -> tuple[float, int]:
        fleet = Fleet(ModelLimits(), 1, 50.0)
        fleet.shared.is_away = True
        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(fleet.send, 0, lambda: 0.01)
            await anyio.sleep(1.0)
            fleet.give_up.set()
        return anyio.current_time(), len(fleet.arrived)

    at_s, sent = run(ended())
    assert (round(at_s), sent) == (1, 0)


def test_a_permit_in_hand_takes_no_turn_of_the_event_loop() -> None:
    async def turns() -> int:
        fleet, turned = Fleet(ModelLimits(), 1, 1_000.0), list[int]()
        for _ in range(4):
            await fleet.send(0, lambda: 0.0)
        await anyio.sleep(0.002)
        async with fleet.gates[0].place(fleet.give_up) as place:
            assert fleet.gates[0].share.is_free()
            get_running_loop().call_soon(turned.append, 1)
            await fleet.gates[0].set_off(place, fleet.give_up)
            return len(turned)

    assert run(turns()) == 0
