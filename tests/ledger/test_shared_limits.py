"""What workers share of an API key, on a real Postgres: permits, seats, pauses, tokens and errands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from typing import NamedTuple

import anyio
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import LedgerError
from engine.ledger.opening import open_ledger
from engine.ledger.postgres.ledger import PostgresLedger, open_postgres
from engine.ledger.postgres.limits import TURN_S
from engine.ledger.protocols import Ledger
from engine.ledger.shared import SharedLimits
from engine.model.shared_limits import Ask, KeyName, News
from tests.ledger.values import ORIGIN
from tests.postgres_server import PostgresServer
from tests.unit.model_server import steady

KEY = KeyName(ORIGIN, "key-1")
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NUMBERS = count()

ON_POSTGRES = settings(steady(20), suppress_health_check=[HealthCheck.function_scoped_fixture])

LEASED = "select * from leased(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"


def ask(
    worker: str, permits: int = 0, *, most: int = 64, wants: int = 1, out: int = 0, interval_s: float = 0.02
) -> Ask:
    return Ask(
        worker=worker,
        permits=permits,
        interval_s=interval_s,
        lateness_s=0.03,
        most=most,
        wants=wants,
        out=out,
        keep_s=40.0,
    )


@pytest.fixture
async def workers(postgres_url: str) -> AsyncIterator[list[SharedLimits]]:
    """What three workers have of a key."""
    ledgers = [await open_postgres(postgres_url) for _ in range(3)]
    yield [limits_of(ledger) for ledger in ledgers]
    for ledger in ledgers:
        await ledger.aclose()


def limits_of(ledger: Ledger) -> SharedLimits:
    assert ledger.shared_limits is not None
    return ledger.shared_limits


@pytest.fixture
def database(postgres_url: str) -> Iterator[psycopg.Connection]:
    """A connection on which the clock is the test's."""
    asyncio.run(_opened(postgres_url))
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("set search_path to dimsync; set synchronous_commit to off")
        yield connection


async def _opened(url: str) -> None:
    async with await open_ledger(url):
        pass


class Answer(NamedTuple):
    permits: int
    wait_s: float
    pause_s: float
    seats: int
    is_contended: bool


class Key:
    """A new API key, by a clock that the test moves."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        self.key_id = f"key-{next(NUMBERS)}"
        self.now_s = 0.0

    def lease(self, asked: Ask, lead_s: float = 0.0) -> Answer:
        at = NOON + timedelta(seconds=self.now_s)
        values = (ORIGIN, self.key_id, asked.worker, asked.permits, asked.interval_s, asked.most)
        more = (asked.wants, asked.out, asked.keep_s, TURN_S, lead_s, at)
        ((at_s, *row),) = self.connection.execute(LEASED, (*values, *more), prepare=True).fetchall()
        assert at_s == pytest.approx(at.timestamp())
        return Answer(*row)

    def pause(self, seconds: float) -> None:
        at = NOON + timedelta(seconds=self.now_s)
        self.connection.execute("select paused(%s, %s, %s, %s)", (ORIGIN, self.key_id, seconds, at))

    def seats(self) -> dict[str, int]:
        asked = "select worker, seats from key_seats where origin = %s and key_id = %s"
        return dict(self.connection.execute(asked, (ORIGIN, self.key_id)).fetchall())


# Permits

GAPS = st.sampled_from([0.0, 0.0, 0.001, 0.013, 0.1, 0.7, 3.0])
LEADS = st.sampled_from([0.0, 0.0, 0.05])
ASKS = st.lists(st.tuples(GAPS, st.sampled_from("abc"), st.integers(0, 12), LEADS), min_size=1, max_size=25)


@given(asks=ASKS, interval_s=st.sampled_from([0.001, 0.0203, 0.1, 1.3]))
@ON_POSTGRES
def test_permits_of_all_workers_lie_apart_whoever_asks_for_how_many(
    database: psycopg.Connection, asks: list[tuple[float, str, int, float]], interval_s: float
) -> None:
    """So no second holds more than its length over the interval, and one more; and none is lost for ever."""
    key, moments = Key(database), list[float]()
    for gap_s, worker, permits, lead_s in asks:
        key.now_s += gap_s
        lease = key.lease(ask(worker, permits, interval_s=interval_s), lead_s)
        assert lease.permits == permits
        assert lease.wait_s >= lead_s or not permits
        moments += [key.now_s + lease.wait_s + number * interval_s for number in range(permits)]
    assert all(one - other >= interval_s - 2e-6 for other, one in pairwise(moments))
    key.now_s = max([key.now_s, *moments]) + interval_s
    assert key.lease(ask("d", 1, interval_s=interval_s)).wait_s < 2e-6


def test_whoever_asks_while_nobody_stands_in_line_has_no_wait(database: psycopg.Connection) -> None:
    key = Key(database)
    assert [key.lease(ask(worker, 10)).wait_s for worker in "abc"] == pytest.approx([0.0, 0.2, 0.4])
    key.now_s = 0.6
    assert key.lease(ask("a", 10)).wait_s < 2e-6


@pytest.mark.parametrize("leap_s", [-3_600.0, -0.05, 3_600.0])
def test_a_clock_that_leaps_makes_nobody_wait_for_long(database: psycopg.Connection, leap_s: float) -> None:
    key = Key(database)
    key.lease(ask("a", 10))
    key.now_s += leap_s
    assert key.lease(ask("b", 1)).wait_s <= 0.2
    key.now_s += 0.3
    assert key.lease(ask("b", 1)).wait_s == 0.0


def test_during_a_pause_no_permits_are_given_and_a_shorter_one_changes_nothing(database: psycopg.Connection) -> None:
    key = Key(database)
    key.lease(ask("a", 1))
    key.pause(30.0)
    key.now_s += 10.0
    key.pause(5.0)
    assert key.lease(ask("b", 10))[:3] == (0, 0.0, 20.0)
    key.now_s += 20.1
    assert key.lease(ask("b", 10))[:3] == (10, 0.0, 0.0)


# Seats


class Worker:
    """A worker that keeps to what it was given."""

    def __init__(self, key: Key, name: str, most: int) -> None:
        self.key, self.name, self.most = key, name, most
        self.wants = self.out = self.seats = 0
        self.is_contended = False

    def ask(self) -> None:
        asked = ask(self.name, most=self.most, wants=max(self.wants, self.out), out=self.out)
        _, _, _, self.seats, self.is_contended = self.key.lease(asked)

    def send(self) -> None:
        if self.out < min(self.seats, self.wants):
            self.out += 1

    def land(self) -> None:
        if self.out:
            self.out -= 1


STEPS = st.lists(
    st.tuples(
        st.integers(0, 4), st.sampled_from(["want", "ask", "ask", "send", "send", "send", "land"]), st.integers(0, 9)
    ),
    min_size=20,
    max_size=60,
)


@given(steps=STEPS, most=st.integers(1, 9))
@ON_POSTGRES
def test_never_are_more_requests_out_than_may_be_over_all_workers(
    database: psycopg.Connection, steps: list[tuple[int, str, int]], most: int
) -> None:
    key = Key(database)
    workers = [Worker(key, str(number), most) for number in range(5)]
    for number, what, wants in steps:
        key.now_s += 0.07
        worker = workers[number]
        if what == "want":
            worker.wants = wants
        else:
            getattr(worker, what)()
        assert sum(each.out for each in workers) <= most
    for _ in range(4):
        for worker in workers:
            worker.wants = worker.out = 0
            worker.ask()
    workers[0].wants = most
    workers[0].ask()
    assert workers[0].seats == most


@pytest.mark.parametrize(("workers", "most"), [(3, 4), (5, 4), (4, 1)])
def test_seats_are_shared_out_fairly_and_nobody_starves(database: psycopg.Connection, workers: int, most: int) -> None:
    """All want all seats, all the time. Each asks before it sends, and when a request has landed."""
    key = Key(database)
    fleet = [Worker(key, str(number), most) for number in range(workers)]
    had = dict.fromkeys(range(workers), 0)
    for worker in fleet:
        worker.wants = most
    idle = 0
    for round_ in range(120):
        key.now_s += 0.02
        for number, worker in enumerate(fleet):
            if round_ % 3 == number % 3:
                worker.out = 0
            worker.ask()
            while worker.out < worker.seats:
                worker.out += 1
                had[number] += 1
        out = sum(worker.out for worker in fleet)
        assert out <= most
        idle += round_ > 20 and out == 0
    assert max(had.values()) <= 1.35 * min(had.values()) + 4  # a turn
    assert idle <= 12


def test_a_worker_that_wants_little_has_it_and_others_have_the_rest(database: psycopg.Connection) -> None:
    key = Key(database)
    fleet = [Worker(key, name, 10) for name in "abc"]
    for worker, wants in zip(fleet, (1, 10, 10), strict=True):
        worker.wants = wants
    for _ in range(3):
        for worker in fleet:
            key.now_s += 0.01
            worker.ask()
    assert sorted(worker.seats for worker in fleet) == [1, 4, 5]


def test_a_worker_that_was_not_heard_of_keeps_its_seats_until_its_requests_must_have_ended(
    database: psycopg.Connection,
) -> None:
    key = Key(database)
    dead, alive = Worker(key, "dead", 4), Worker(key, "alive", 4)
    dead.wants = alive.wants = 4
    dead.ask()
    key.now_s += 39.0
    alive.ask()
    assert alive.seats == 0
    key.now_s += 2.0
    alive.ask()
    assert alive.seats == 4


# Workers at once


async def test_workers_in_several_sessions_get_permits_that_lie_apart(workers: list[SharedLimits]) -> None:
    """So far apart that the time that the test takes does not matter."""
    waits = list[float]()

    async def take(limits: SharedLimits, worker: str) -> None:
        for _ in range(10):
            waits.append((await limits.lease(KEY, ask(worker, 3, interval_s=100.0))).wait_s)

    async with anyio.create_task_group() as group:
        for number, limits in enumerate(workers):
            group.start_soon(take, limits, str(number))
    assert sorted(round(wait_s, -2) for wait_s in waits) == [300.0 * number for number in range(30)]


async def heard(limits: SharedLimits, worker: str) -> asyncio.Queue[News]:
    news = asyncio.Queue[News]()
    limits.watch(KEY, worker, news.put_nowait)
    await limits.lease(KEY, ask(worker))
    return news


async def until(news: asyncio.Queue[News], wanted: News) -> None:
    """Wait for news; other ones may come before."""
    with anyio.fail_after(5.0):
        while await news.get() != wanted:
            pass


async def test_a_pause_is_told_to_all_workers_of_the_key_at_once(workers: list[SharedLimits]) -> None:
    one, other, third = workers
    news, others = await heard(other, "b"), list[News]()
    third.watch(KeyName(ORIGIN, "another"), "c", others.append)
    await third.lease(KeyName(ORIGIN, "another"), ask("c"))
    await one.pause(KEY, 12.5)
    await until(news, News(pause_s=12.5))
    assert 12.0 < (await third.lease(KEY, ask("c", 5))).pause_s <= 12.5
    assert others == []


async def test_seats_that_are_wanted_and_come_free_are_told(workers: list[SharedLimits]) -> None:
    one, other, _ = workers
    mine, theirs = await heard(one, "a"), await heard(other, "b")
    assert (await one.lease(KEY, ask("a", most=2, wants=2))).seats == 1  # `b` wants one, too
    assert (await other.lease(KEY, ask("b", most=2, wants=2))).seats == 1
    await until(mine, News(is_wanted=True))
    await one.leave(KEY, "a")
    await until(theirs, News(is_free=True))
    assert (await other.lease(KEY, ask("b", most=2, wants=2))).seats == 2


async def test_a_cut_connection_is_told_at_once_and_made_anew(postgres: PostgresServer, postgres_url: str) -> None:
    async with await open_postgres(postgres_url) as ledger:
        limits = limits_of(ledger)
        news = await heard(limits, "a")
        with postgres.unreachable(postgres_url):
            await until(news, News(is_lost=True))
            for _ in range(2):
                with pytest.raises(LedgerError, match="cannot be reached"):
                    await limits.lease(KEY, ask("a", 1))
                with pytest.raises(LedgerError, match="is not connected"):
                    await limits.leave(KEY, "b")
        assert (await limits.lease(KEY, ask("a", 1))).permits == 1
        await limits.pause(KEY, 3.0)  # its own messages are heard, too
        await until(news, News(pause_s=3.0))


@pytest.mark.parametrize(
    "message", ["", "x", "pause", "pause 1 key-1", f"dance 7 key-1 {ORIGIN}", "free 0 other there"]
)
async def test_what_is_not_understood_is_not_heard(
    message: str, workers: list[SharedLimits], postgres_url: str
) -> None:
    one, *_ = workers
    news = await heard(one, "a")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("select pg_notify('dimsync_limits', %s)", (message,))
    await one.pause(KEY, 3.0)
    await until(news, News(pause_s=3.0))
    assert news.empty()


async def test_a_ledger_that_is_closed_leases_nothing(postgres_url: str) -> None:
    async with await open_postgres(postgres_url) as ledger:
        limits = limits_of(ledger)
        await limits.lease(KEY, ask("a", 1))
    with pytest.raises(LedgerError, match="is closed"):
        await limits.lease(KEY, ask("a", 1))
    await ledger.aclose()


async def test_a_lease_does_not_wait_behind_the_ledgers_writes(postgres_url: str) -> None:
    async with await open_postgres(postgres_url) as ledger:
        assert isinstance(ledger, PostgresLedger)
        writing = asyncio.create_task(ledger._thread.alone(lambda session: session.execute("select pg_sleep(0.5)")))
        await asyncio.sleep(0)
        leased = asyncio.ensure_future(limits_of(ledger).lease(KEY, ask("a", 1)))
        done, _ = await asyncio.wait({writing, leased}, return_when=asyncio.FIRST_COMPLETED)
        assert leased in done
        await writing


# Tokens and errands


async def test_a_token_that_was_kept_is_everybodys_until_it_expires(workers: list[SharedLimits]) -> None:
    one, other, _ = workers
    assert await other.token(KEY) is None
    assert await one.keep_token(KEY, b"sealed", 3_000.0) == 1
    kept = await other.token(KEY)
    assert kept is not None
    assert (kept.number, kept.sealed) == (1, b"sealed")
    assert 2_990 < kept.usable_s <= 3_000
    assert await other.keep_token(KEY, b"another", 0.0) == 2
    assert await one.token(KEY) is None


async def test_an_errand_is_one_workers_until_it_ends_or_its_time_is_over(workers: list[SharedLimits]) -> None:
    one, other, _ = workers
    assert await one.take_turn("list", "a", 60.0) == 0.0
    assert 59.0 < await other.take_turn("list", "b", 60.0) <= 60.0
    assert await other.take_turn("another", "b", 60.0) == 0.0
    await other.end_turn("list", "b")  # it is not its own
    assert await other.take_turn("list", "b", 60.0) > 0.0
    await one.end_turn("list", "a")
    assert await other.take_turn("list", "b", 0.0) == 0.0
    assert await one.take_turn("list", "a", 60.0) == 0.0


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///ledger.db"])
async def test_a_ledger_of_one_machine_shares_nothing(
    url: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("ledger"))
    async with await open_ledger(url) as ledger:
        assert ledger.shared_limits is None
