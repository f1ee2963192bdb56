"""One key's requests of the day: blocks, the turn of the day, whose clock it is, and an account that is throttled."""

from __future__ import annotations

import asyncio
import selectors
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from random import Random

import anyio
import pytest

from engine.errors import AccountParked, LedgerError, OutcomeUnknown, QuotaExhausted, Throttled
from engine.model.events import Event
from engine.model.quota import block
from engine.model.settings import Account, Api, Limits, Secret
from engine.net.call import Call, Spent
from engine.net.channel import Channel
from engine.net.http.exchange import Answer, Request
from engine.net.key import Key
from engine.net.limits.quota import Quota
from engine.net.retry import Policy

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY, NEXT = NOON.date(), NOON.date() + timedelta(days=1)
EVENING = datetime(2026, 11, 21, 23, 59, 50, tzinfo=UTC)


class Book:
    """A store in memory, whose answers can be held back."""

    def __init__(self) -> None:
        self.used: defaultdict[date, int] = defaultdict(int)
        self.blocks: list[int] = []
        self.open = anyio.Event()
        self.open.set()
        self.broken = False

    async def reserve_requests(self, _origin: str, _key_id: str, day: date, usable: int, most: int) -> int:
        if self.broken:
            raise LedgerError("the disk is full")
        requests = block(usable - self.used[day], most)
        self.used[day] += requests
        self.blocks.append(requests)
        await self.open.wait()
        return requests

    async def charge_requests(self, _origin: str, _key_id: str, day: date, requests: int) -> None:
        self.used[day] += requests


class Bench:
    """A quota on a book, with a clock that stands still until it is moved."""

    def __init__(self, per_day: int = 9_000, reserve: int = 0, at: datetime = NOON) -> None:
        self.now, self.book = at, Book()
        limits = Limits(requests_per_day=per_day, reserve_per_day=reserve)
        self.account = Account(
            name="main",
            account_id="racc_1",
            api_key=Secret("key"),
            client_id=Secret("client"),
            client_secret=Secret("secret"),
            limits=limits,
        )
        self.quota = Quota(self.account, self.book, "https://api.test/v1", lambda: self.now)

    async def send(self, server: datetime | str | None = None) -> date:
        """Send one request, and answer it by the server's clock; None: without a date."""
        day = await self.quota.take()
        self.quota.answered(day, format_datetime(server, usegmt=True) if isinstance(server, datetime) else server)
        return day


async def turns(count: int = 20) -> None:
    """Let other tasks run as far as they get."""
    for _ in range(count):
        await asyncio.sleep(0)


# Blocks


async def test_a_commit_serves_many_requests() -> None:
    bench = Bench()
    for _ in range(640):
        await bench.quota.take()
    assert bench.book.blocks[:7] == [1, 2, 4, 8, 16, 32, 64]
    assert set(bench.book.blocks[7:]) == {64}
    assert len(bench.book.blocks) <= 17
    await bench.quota.settle()
    assert bench.book.used == {DAY: 640}


async def test_l14_a_process_that_is_killed_has_counted_little_more_than_it_sent() -> None:
    """Wherever the kill falls: what was counted is at most three times what was sent, or a block and a half more."""
    for sent in range(1, 400):
        bench = Bench()
        for _ in range(sent):
            await bench.quota.take()
        assert bench.book.used[DAY] <= sent + min(2 * sent, 64 + 32)


async def test_l14_the_next_run_of_a_process_begins_where_the_last_one_left_off() -> None:
    bench = Bench()
    for _ in range(100):
        await bench.quota.take()
    await bench.quota.settle()
    await bench.quota.take()
    assert bench.book.blocks[-1] == 64


async def test_all_that_wait_wait_for_one_block() -> None:
    """However few requests a new process asks for at first: those that are about to be sent are no surplus."""
    bench = Bench()
    bench.book.open = anyio.Event()
    taking = [asyncio.ensure_future(bench.quota.take()) for _ in range(64)]
    await turns()
    assert (bench.book.blocks, any(task.done() for task in taking)) == ([64], False)
    bench.book.open.set()
    await asyncio.gather(*taking)
    assert len(bench.book.blocks) <= 2  # the second is fetched ahead


async def test_while_one_fetches_the_next_block_the_others_go_on() -> None:
    bench = Bench()
    while bench.book.blocks[-1:] != [64]:
        await bench.quota.take()
    for _ in range(bench.quota._in_hand[DAY] - 32):
        await bench.quota.take()
    before = len(bench.book.blocks)
    bench.book.open = anyio.Event()
    taking = [asyncio.ensure_future(bench.quota.take()) for _ in range(33)]
    await turns()
    assert sum(task.done() for task in taking) == 32
    bench.book.open.set()
    await asyncio.gather(*taking)
    assert bench.book.blocks[before:] == [64]


async def test_at_the_end_of_a_day_blocks_are_single_requests_and_none_is_lost() -> None:
    bench = Bench(per_day=40)
    ends = await asyncio.gather(*(bench.quota.take() for _ in range(64)), return_exceptions=True)
    assert sum(end == DAY for end in ends) == 40
    assert sum(isinstance(end, QuotaExhausted) for end in ends) == 24
    assert max(bench.book.blocks) == 2
    assert bench.book.used == {DAY: 40}


async def test_what_is_said_when_none_is_left() -> None:
    bench = Bench(per_day=1_500, reserve=1_500)
    with pytest.raises(QuotaExhausted) as caught:
        await bench.quota.take()
    assert str(caught.value) == (
        "all 0 requests that account main may use on 2026-11-21 are used (requests_per_day = 1,500 less reserve_per_day"
        " = 1,500); they return at 00:00 UTC, sooner if one of these two is changed"
    )
    assert caught.value.status is None  # the server has not said so


async def test_two_quotas_share_the_rest_of_a_day() -> None:
    one, two = Bench(per_day=300), Bench(per_day=300)
    two.quota._store = one.book
    for _ in range(149):
        for bench in (one, two):
            await bench.quota.take()
    ends = [await each.quota.take() for each in (one, two)]
    assert (ends, one.book.used) == ([DAY, DAY], {DAY: 300})
    for bench in (one, two):
        with pytest.raises(QuotaExhausted):
            await bench.quota.take()


async def test_what_was_not_sent_is_taken_next() -> None:
    bench = Bench(per_day=1)
    bench.quota.give_back(await bench.quota.take())
    await bench.quota.take()
    with pytest.raises(QuotaExhausted):
        await bench.quota.take()


async def test_a_store_that_fails_lets_nothing_through() -> None:
    bench = Bench()
    bench.book.broken = True
    for _ in range(3):
        with pytest.raises(LedgerError):
            await bench.quota.take()
    bench.book.broken = False
    await bench.quota.take()


async def test_after_it_was_settled_it_goes_on() -> None:
    bench = Bench()
    for _ in range(3):
        await bench.quota.take()
        await bench.quota.settle()
    assert bench.book.used == {DAY: 3}


# Days


async def test_at_midnight_the_count_begins_anew() -> None:
    bench = Bench(per_day=3, at=EVENING)
    for _ in range(3):
        await bench.send(bench.now)
    with pytest.raises(QuotaExhausted):
        await bench.quota.take()
    bench.now += timedelta(seconds=10)
    assert [await bench.send(bench.now) for _ in range(3)] == [NEXT] * 3
    assert bench.book.used == {DAY: 3, NEXT: 3}


async def test_what_was_reserved_yesterday_is_void_today() -> None:
    bench = Bench(at=EVENING)
    await bench.send()
    bench.now += timedelta(seconds=10)
    await bench.send()
    assert bench.book.used == {DAY: 1, NEXT: 2}
    await bench.quota.settle()
    assert bench.book.used == {DAY: 1, NEXT: 1}


async def test_what_is_out_as_the_day_turns_counts_twice() -> None:
    """On which of the days the server counts it, nobody knows."""
    bench = Bench(at=EVENING)
    out = [await bench.quota.take() for _ in range(3)]
    bench.now += timedelta(seconds=10)
    for day in out:
        bench.quota.answered(day, format_datetime(bench.now, usegmt=True))
    await bench.quota.settle()
    assert bench.book.used == {DAY: 3, NEXT: 3}


async def test_a_lost_answer_to_what_waited_past_midnight_counts_twice() -> None:
    def lose(_request: Request) -> Answer:
        bench.now += timedelta(seconds=10)
        raise OutcomeUnknown("no answer", timed_out=True)

    bench = Bench(at=EVENING)
    with pytest.raises(OutcomeUnknown):
        await ask(bench, Server(lose))
    await bench.quota.settle()
    assert bench.book.used == {DAY: 1, NEXT: 1}


@pytest.mark.parametrize("hours", [-14, -1, 1, 14])
async def test_the_day_is_the_servers(hours: int) -> None:
    """A clock that is wrong is so before the first answer only: that one request counts on both days."""
    for minute in range(0, 24 * 60, 90):
        bench = Bench(at=datetime(2026, 11, 21, tzinfo=UTC) + timedelta(minutes=minute))
        server = bench.now + timedelta(hours=hours)
        first = await bench.send(server)
        assert (first, await bench.send(server)) == (bench.now.date(), server.date())
        await bench.quota.settle()
        expected = {bench.now.date(): 2} if server.date() == bench.now.date() else {first: 1, server.date(): 2}
        assert bench.book.used == expected


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "soon",
        "Fri, 20 Nov 2026 99:00:00 GMT",
        "Fri, 99999999999999999999 Nov 2026 07:00:00 GMT",
        "Fri, 20 Nov 2026 07:00:00 +99999999999999",
        "Fri, 01 Jan 1999 07:00:00 GMT",
        "Fri, 01 Jan 2999 07:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "Mon, 01 Jan 0001 00:00:00 +2359",
    ],
)
async def test_a_date_that_makes_no_sense_changes_nothing(header: str | None) -> None:
    bench = Bench()
    assert [await bench.send(header) for _ in range(3)] == [DAY] * 3
    await bench.quota.settle()
    assert bench.book.used == {DAY: 3}


async def test_a_late_answer_takes_the_day_not_back() -> None:
    bench = Bench(at=EVENING + timedelta(seconds=10))
    await bench.send(bench.now)
    bench.quota.answered(NEXT, format_datetime(EVENING, usegmt=True))
    assert await bench.quota.take() == NEXT


async def test_a_clock_that_was_set_right_is_believed() -> None:
    """A year too late, and nobody has told the day yet: else this key would be stuck to that day for a year."""
    bench = Bench()
    bench.now += timedelta(days=365)
    assert await bench.send() == DAY + timedelta(days=365)
    bench.now -= timedelta(days=365)
    assert await bench.send() == DAY


async def test_a_wall_clock_in_another_zone_tells_the_same_day() -> None:
    bench = Bench(at=datetime.fromisoformat("2026-11-22T01:00:00+02:00"))
    assert await bench.quota.take() == DAY


# The account


class Leaping(asyncio.SelectorEventLoop):
    """An event loop whose clock leaps to the next timer: an hour's patience takes no time."""

    def __init__(self) -> None:
        super().__init__(_Selector(self))
        self.leapt = 0.0

    def time(self) -> float:
        return super().time() + self.leapt


class _Selector(selectors.DefaultSelector):
    def __init__(self, loop: Leaping) -> None:
        super().__init__()
        self.loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout > 0:
            self.loop.leapt += timeout
            return super().select(0)
        return super().select(timeout)


class Server:
    """A transport that answers as it is told."""

    def __init__(self, say: Callable[[Request], Answer]) -> None:
        self.say = say
        self.sent = 0

    async def send(self, request: Request) -> Answer:
        self.sent += 1
        return self.say(request)


async def unwatched(_event: Event) -> None:
    pass


def ask(bench: Bench, server: Server, emit: Callable[[Event], Awaitable[None]] = unwatched) -> Awaitable[bytes]:
    key = Key(bench.account, bench.quota)
    channel = Channel(key, Api(), server, emit=emit, now=lambda: bench.now, rng=Random(7))
    call: Call[bytes] = Call(
        kind="list",
        method="GET",
        path="/dimensions",
        read=lambda answer: answer.body,
        policy=Policy(max_attempts=1),
        spent=Spent(),
        bearer=False,
    )
    return channel.call(call)


def throttle(**headers: str) -> Callable[[Request], Answer]:
    return lambda _request: Answer(status=429, headers=headers, body=b'{"message":"Too Many Requests"}')


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "30"}], ids=["without a word", "30 s each time"])
def test_ten_minutes_of_throttling_are_a_used_up_day(headers: dict[str, str]) -> None:
    async def play() -> None:
        bench, server = Bench(), Server(throttle(**headers))
        began = anyio.current_time()
        with pytest.raises(AccountParked) as caught:
            await ask(bench, server)
        assert 600 < anyio.current_time() - began < 660
        assert isinstance(caught.value.reason, QuotaExhausted)
        assert caught.value.reason.status == 429
        assert str(caught.value.reason).startswith("HTTP 429: Too Many Requests, for 10 minutes: the API key's")
        await bench.quota.settle()
        assert bench.book.used == {DAY: server.sent}  # those that were answered 429, too

    with asyncio.Runner(loop_factory=Leaping) as runner:
        runner.run(play())


async def test_a_pause_that_is_too_long_is_no_used_up_day() -> None:
    bench, server = Bench(), Server(throttle(**{"Retry-After": "3600"}))
    with pytest.raises(AccountParked) as caught:
        await ask(bench, server)
    assert isinstance(caught.value.reason, Throttled)


async def test_a_request_that_never_left_is_given_back() -> None:
    def refuse(_request: Request) -> Answer:
        raise OutcomeUnknown("cannot connect", unsent=True)

    bench = Bench()
    with pytest.raises(AccountParked):
        await ask(bench, Server(refuse))
    await bench.quota.settle()
    assert bench.book.used == {DAY: 0}


async def test_who_is_cancelled_while_a_block_is_fetched_loses_none() -> None:
    bench, server = Bench(), Server(throttle())
    bench.book.open = anyio.Event()

    async def asking() -> None:
        await ask(bench, server)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(asking)
        await turns()
        assert bench.book.used == {DAY: 1}
        tasks.cancel_scope.cancel()
        bench.book.open.set()
    await bench.quota.settle()
    assert (bench.book.used, server.sent) == ({DAY: 0}, 0)


async def test_a_request_that_is_cancelled_before_it_leaves_is_given_back() -> None:
    """Its watcher does not read the event, so it does not go."""
    bench, server = Bench(), Server(throttle())

    async def slow(_event: Event) -> None:
        await anyio.sleep_forever()

    asking = asyncio.ensure_future(ask(bench, server, slow))
    await turns()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await bench.quota.settle()
    assert (bench.book.used, server.sent) == ({DAY: 0}, 0)


async def test_without_a_request_left_nothing_is_sent() -> None:
    bench, server = Bench(per_day=5, reserve=5), Server(throttle())
    with pytest.raises(AccountParked, match="all 0 requests that account main may use on 2026-11-21 are used"):
        await ask(bench, server)
    assert server.sent == 0
