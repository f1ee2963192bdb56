"""Leaving a run, however that happens: it is stopped, drained and closed in the journal, and nobody else is harmed."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from contextvars import ContextVar
from typing import Any, NoReturn

import aiohttp
import anyio
import pytest

from engine import Company, Dimension, Engine, EngineError, Event, LedgerError, open_ledger
from engine.ledger.sqlite.ledger import SqliteLedger
from engine.model.events import ChunkSettled, CompanyFinished, RunFinished
from engine.model.origin import origin_of
from engine.model.result import PastRun
from tests.sandbox.conftest import World, assert_exact, company, dims, heal
from tests.sandbox.test_library import in_flight, tasks, until

ROWS = dims(30)
HANG = {"effect": "hang", "commit": True, "match": {"operation": "bulk"}}
SLOW = {"effect": "latency", "seconds": 0.04, "match": {"operation": "bulk"}}


@pytest.fixture
def unheard() -> list[dict[str, Any]]:
    """What the event loop was told of that nobody else was there to hear."""
    return []


@pytest.fixture
async def slow(world: World, unheard: list[dict[str, Any]]) -> World:
    """A world in which one company takes several requests, one at a time, each of them held back."""
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unheard.append(context))
    world.place(1)
    world.limit(max_concurrency=1, chunk_rows=10, timeout_s=60.0)
    world.script(SLOW)
    return world


async def journal(world: World) -> list[PastRun]:
    async with world.open_ledger() as ledger:
        return await ledger.history(origin_of(world.settings.api.base_url), 9)


async def assert_drained(world: World, before: set[asyncio.Task[Any]]) -> None:
    """Check that no task and no request is left, and that the one run has its end in the journal; then go on."""
    assert not tasks() - before
    assert not in_flight(world)
    (run,) = await journal(world)
    stored = len(world.stored(1))
    assert (run.exit_code, run.created) == (5, stored)
    assert 0 < stored < len(ROWS)
    world.script()
    assert (await world.sync_one(1, ROWS)).balance.created == len(ROWS) - stored  # the ledger knew what was stored
    assert_exact(world, 1, ROWS)


# Leaving


async def events(engine: Engine) -> AsyncIterator[Event]:
    """Be what a program makes of a run: an async generator of its events."""
    async with engine.sync([company(1, ROWS)]) as run:
        async for event in run:
            yield event


async def test_an_abandoned_generator_drains_its_run_and_leaves_its_reader_alone(
    slow: World, unheard: list[dict[str, Any]]
) -> None:
    """The event loop closes such a generator in another task than the reader's."""
    before = tasks()
    async with slow.engine() as engine:
        async for event in events(engine):
            if isinstance(event, ChunkSettled):
                break
        gc.collect()
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        await until(lambda: not tasks() - before)
        assert task.cancelling() == 0
    await assert_drained(slow, before)
    assert unheard == []


async def test_a_generator_that_outlives_the_engine_is_closed_without_a_word(
    slow: World, unheard: list[dict[str, Any]]
) -> None:
    before = tasks()
    async with slow.engine() as engine:
        reading = events(engine)
        async for event in reading:
            if isinstance(event, ChunkSettled):
                break
    assert not tasks() - before
    closing = asyncio.create_task(reading.aclose())  # type: ignore[attr-defined]  # declared as an iterator
    await closing
    await assert_drained(slow, before)
    assert unheard == []


async def test_a_generator_that_is_closed_in_time(slow: World) -> None:
    before = tasks()
    async with slow.engine() as engine, aclosing(events(engine)) as reading:  # type: ignore[type-var]
        async for event in reading:
            if isinstance(event, ChunkSettled):
                break
    await assert_drained(slow, before)


async def test_a_block_that_ends_with_an_error(slow: World) -> None:
    before = tasks()
    async with slow.engine() as engine:
        with pytest.raises(ZeroDivisionError):  # noqa: PT012  the block is what is tested
            async for event in events(engine):
                if isinstance(event, ChunkSettled):
                    raise ZeroDivisionError
        await until(lambda: not tasks() - before)
    await assert_drained(slow, before)


async def test_a_reader_that_reads_nothing(slow: World) -> None:
    before = tasks()
    async with slow.engine() as engine, engine.sync([company(1, ROWS)]):
        await until(lambda: slow.stored(1))
    await assert_drained(slow, before)


async def test_events_are_read_inside_of_the_block(world: World) -> None:
    world.place(1)
    async with world.engine() as engine:
        async with engine.sync([company(1, ROWS)]) as run:
            pass
        with pytest.raises(EngineError, match="block was left"):
            await anext(run)


async def test_a_reader_that_stands_still_keeps_no_engine_from_being_closed(world: World) -> None:
    """The run waits for its reader, until it is stopped; then the reader may have what is left, in its own time."""
    fleet = [company(n, dims(1)) for n in range(1, 101)]
    for each in fleet:
        world.place(each.id)
    seen: list[Event] = []
    go_on = asyncio.Event()

    async def read(engine: Engine) -> None:
        async with engine.sync(fleet) as run:
            async for event in run:
                seen.append(event)
                if len(seen) == 1:
                    await go_on.wait()

    async with world.engine() as engine:
        reading = asyncio.create_task(read(engine))
        await until(lambda: seen)
        sent = -1
        while sent != world.sent():  # until the run waits for its reader
            sent = world.sent()
            await asyncio.sleep(0.05)
    assert sent < 200
    go_on.set()
    await reading
    assert isinstance(seen[-1], RunFinished)
    told = [event.result for event in seen if isinstance(event, CompanyFinished)]
    assert sum(each.balance.created or 0 for each in told) == seen[-1].result.totals.created


# Being cancelled


async def by_result(engine: Engine) -> None:
    await engine.sync([company(1, ROWS)]).result()


async def by_block(engine: Engine) -> None:
    async with engine.sync([company(1, ROWS)]) as run:
        async for _ in run:
            pass


async def by_generator(engine: Engine) -> None:
    async for _ in events(engine):
        pass


ways = pytest.mark.parametrize("use", [by_result, by_block, by_generator])
Use = Callable[[Engine], Coroutine[Any, Any, None]]


@ways
async def test_a_cancelled_run_has_its_end_in_the_journal(slow: World, use: Use) -> None:
    before = tasks()
    async with slow.engine() as engine:
        running = asyncio.ensure_future(use(engine))
        await until(lambda: slow.stored(1) and in_flight(slow))
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await until(lambda: not tasks() - before)
    await assert_drained(slow, before)


@ways
async def test_a_timeout_waits_for_the_drain(slow: World, use: Use) -> None:
    before = tasks()
    async with slow.engine() as engine:
        with pytest.raises(TimeoutError):  # noqa: PT012  the block is what is tested
            async with asyncio.timeout(None) as limit:
                reached = asyncio.create_task(until(lambda: slow.stored(1) and in_flight(slow)))
                reached.add_done_callback(lambda _: limit.reschedule(0))
                await use(engine)
    await assert_drained(slow, before)


@ways
async def test_a_scope_of_anyio_that_is_cancelled(slow: World, use: Use) -> None:
    """Such a scope cancels again and again, for as long as the task is inside."""
    before = tasks()
    async with slow.engine() as engine, anyio.create_task_group() as others:
        others.start_soon(use, engine)
        await until(lambda: slow.stored(1) and in_flight(slow))
        others.cancel_scope.cancel()
    await assert_drained(slow, before)


@ways
async def test_a_second_cancellation_waits_for_no_answer(slow: World, use: Use, unheard: list[dict[str, Any]]) -> None:
    """Rows in flight are written down as of unknown outcome, and the run has its end in the journal all the same."""
    slow.script(HANG)
    before = tasks()
    async with slow.engine() as engine:
        running = asyncio.ensure_future(use(engine))
        await until(lambda: slow.stored(1))
        running.cancel()
        await asyncio.wait([running], timeout=0.03)
        assert not running.done()  # it waits for the answer
        running.cancel()
        async with asyncio.timeout(5):
            with pytest.raises(asyncio.CancelledError):
                await running
        await until(lambda: not tasks() - before)
    (run,) = await journal(slow)
    assert (run.exit_code, run.trouble) == (10, 10)
    assert len(slow.stored(1)) == 10
    assert unheard == []
    await heal(slow, 1, ROWS)


async def test_leaving_early_and_then_being_cancelled_still_drains(slow: World) -> None:
    """Who leaves by itself is cancelled for the first time then."""
    before = tasks()
    left = asyncio.Event()

    async def leave_early(engine: Engine) -> None:
        async with engine.sync([company(1, ROWS)]):
            await until(lambda: slow.stored(1) and in_flight(slow))
            left.set()

    async with slow.engine() as engine:
        running = asyncio.create_task(leave_early(engine))
        await left.wait()
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    await assert_drained(slow, before)


@pytest.mark.sockets
async def test_an_engine_whose_owner_is_cancelled_twice(slow: World) -> None:
    """The first cancellation leaves the engine's block, which waits for a run of another task; the second ends that."""
    slow.script(HANG)
    before = tasks()
    outcomes: list[int] = []

    async def run(engine: Engine) -> None:
        outcomes.append((await engine.sync([company(1, ROWS)]).result()).exit_code)

    async def own() -> None:
        async with Engine(slow.settings, now=slow.clock) as engine:
            running = asyncio.create_task(run(engine))
            await asyncio.get_running_loop().create_future()
            await running

    owner = asyncio.create_task(own())
    await until(lambda: slow.stored(1))
    for _ in range(2):
        await asyncio.wait([owner], timeout=0.03)
        assert not owner.done()
        owner.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await owner
    await until(lambda: not tasks() - before)
    assert outcomes == [10]
    await heal(slow, 1, ROWS)


@pytest.mark.sockets
async def test_an_engine_that_is_left_by_a_cancelled_scope_closes_what_is_its_own(world: World) -> None:
    world.place(1)
    with anyio.CancelScope() as scope:
        async with Engine(world.settings, now=world.clock) as engine:
            await engine.sync([company(1, ROWS)]).result()
            scope.cancel()
    await until(lambda: not [task for task in tasks() if task is not asyncio.current_task()])
    assert_exact(world, 1, ROWS)


async def test_cancelling_every_task_of_the_loop_leaves_a_ledger_to_go_on_from(slow: World) -> None:
    """As a loop does that is closed: nobody drains, and the next run goes on as after a power cut."""
    slow.script(HANG)
    async with slow.engine() as engine:
        before = tasks()
        running = asyncio.ensure_future(by_result(engine))
        await until(lambda: slow.stored(1))
        for task in tasks() - before:
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await until(lambda: not tasks() - before)
    await heal(slow, 1, ROWS)


# What a run sees, and what its caller is told


async def test_a_run_sees_the_context_of_its_caller(world: World) -> None:
    whose: ContextVar[str] = ContextVar("whose", default="nobody")
    seen: list[str] = []

    async def rows() -> AsyncIterator[Dimension]:
        seen.append(whose.get())
        yield ROWS[0]

    world.place(1)
    async with world.engine() as engine:
        pending = engine.sync([Company(id=1, source=rows())])
        whose.set("the caller's")
        await pending.result()
    assert seen == ["the caller's"]


class Bug(Exception):
    """What nobody reckons with."""


class Buggy(SqliteLedger):
    """A ledger with trouble that shows when a run has begun."""

    trouble: type[Exception] = Bug

    async def states(self, origin: str, companies: object = None) -> NoReturn:  # noqa: ARG002  the ledger's signature
        raise self.trouble


@asynccontextmanager
async def buggy(world: World) -> AsyncIterator[Engine]:
    async with world.open_ledger() as ledger:
        ledger.__class__ = Buggy
        async with world.engine(ledger) as engine:
            yield engine


@ways
async def test_a_bug_reaches_the_caller(slow: World, use: Use, unheard: list[dict[str, Any]]) -> None:
    async with buggy(slow) as engine:
        with pytest.raises(Bug):
            await use(engine)
    assert unheard == []


@pytest.mark.parametrize("trouble", [Bug, LedgerError])
@pytest.mark.sockets
async def test_what_ended_the_run_comes_before_the_error_that_it_caused(
    slow: World, trouble: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Buggy, "trouble", trouble)
    async with buggy(slow) as engine:
        with pytest.raises(trouble):  # noqa: PT012  the block is what is tested
            async with engine.sync([company(1, ROWS)]) as run:
                async for _ in run:
                    pass
                _ = run.result


async def test_a_caller_with_an_error_of_its_own_is_told_of_that_and_the_loop_of_the_other(
    slow: World, unheard: list[dict[str, Any]]
) -> None:
    async with buggy(slow) as engine:
        with pytest.raises(ZeroDivisionError):  # noqa: PT012  the block is what is tested
            async with engine.sync([company(1, ROWS)]) as run:
                async for _ in run:
                    pass
                raise ZeroDivisionError
    (context,) = unheard
    assert isinstance(context["exception"], Bug)


# Once, and one at a time


@pytest.mark.parametrize("first", [by_result, by_block])
@pytest.mark.parametrize("second", [by_result, by_block])
async def test_a_run_is_begun_once(world: World, first: Use, second: Use) -> None:
    world.place(1)
    async with world.engine() as engine:
        pending = engine.sync([company(1, ROWS)])

        class Again:
            def sync(self, _: object) -> object:
                return pending

        again: Any = Again()
        await first(again)
        sent = world.sent()
        with pytest.raises(EngineError, match="begun before"):
            await second(again)
        assert world.sent() == sent
    assert_exact(world, 1, ROWS)


async def test_a_run_is_begun_once_although_the_first_is_under_way(slow: World) -> None:
    async with slow.engine() as engine:
        pending = engine.sync([company(1, ROWS)])
        running = asyncio.ensure_future(pending.result())
        await until(lambda: in_flight(slow))
        with pytest.raises(EngineError, match="begun before"):
            await pending.result()
        assert (await running).exit_code == 0


async def test_a_run_of_an_engine_that_was_left(world: World) -> None:
    world.place(1)
    async with world.engine() as engine:
        pending, client = engine.sync([company(1, ROWS)]), engine.client(1)
    with pytest.raises(EngineError, match="has been left"):
        await pending.result()
    with pytest.raises(EngineError, match="not open"):
        engine.sync([])
    with pytest.raises(EngineError):
        await client.one("dim_1")
    assert world.sent() == 0


@pytest.mark.sockets
async def test_l9_an_engine_is_entered_once_at_a_time(world: World) -> None:
    world.place(1)
    engine = Engine(world.settings, now=world.clock)
    entered = await asyncio.gather(engine.__aenter__(), engine.__aenter__(), return_exceptions=True)
    (refused,) = [each for each in entered if each is not engine]
    assert isinstance(refused, EngineError)
    assert "not left yet" in str(refused)
    with pytest.raises(EngineError, match="not left yet"):
        await engine.__aenter__()
    assert (await engine.sync([company(1, ROWS)]).result()).exit_code == 0  # the first one's is as it was
    await engine.__aexit__(None, None, None)


@pytest.mark.sockets
async def test_l9_what_was_handed_in_is_in_use_however_often_the_engine_is_entered(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.chdir(tmp_path)  # where `dimsync.db` would be made
    world.place(1)
    settings = world.settings
    async with await open_ledger("sqlite://") as ledger, aiohttp.ClientSession() as session:
        engine = Engine(settings, session=session, ledger=ledger, now=world.clock)
        for unchanged in (0, len(ROWS)):
            async with engine:
                result = await engine.sync([company(1, ROWS)]).result()
            assert (result.exit_code, result.totals.unchanged) == (0, unchanged)
            assert not session.closed
        assert len(await ledger.history(origin_of(settings.api.base_url), 9)) == 2
    assert not (tmp_path / "ledger.db").exists()


@pytest.mark.sockets
async def test_l9_an_engine_that_could_not_be_entered_may_be_entered_later(world: World, tmp_path: Any) -> None:
    world.place(1)
    world.ledger_url = f"sqlite:///{tmp_path}/later/ledger.db"
    engine = Engine(world.settings, now=world.clock)
    with pytest.raises(EngineError):
        await engine.__aenter__()
    (tmp_path / "later").mkdir()
    async with engine:
        assert (await engine.sync([company(1, ROWS)]).result()).exit_code == 0
