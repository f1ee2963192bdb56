"""The engine as a program uses it: events, leaving early, cancelling, sharing, and what it is handed."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, get_args

import aiohttp
import anyio
import pytest

from engine import (
    Company,
    ConfigError,
    Dimension,
    Engine,
    EngineError,
    Event,
    ExitCode,
    LedgerError,
    RunResult,
    Settings,
    open_ledger,
)
from engine.model.events import (
    ChunkSettled,
    CompanyFinished,
    CompanyStarted,
    Listed,
    PageRead,
    Planned,
    RequestAnswered,
    RequestSent,
    RunFinished,
    RunStarted,
    SourceRead,
)
from tests.sandbox.conftest import (
    OPEN,
    World,
    account,
    assert_exact,
    columns,
    company,
    dims,
    heal,
    kinds,
    verdict,
    watch,
)


async def until(condition: Callable[[], object]) -> None:
    """Wait for a condition that other tasks bring about."""
    while not condition():  # noqa: ASYNC110  the condition is the sandbox's, which announces nothing
        await asyncio.sleep(0.001)


def tasks() -> set[asyncio.Task[Any]]:
    """Return the living tasks, but for the sandbox's own, one for each connection."""
    return {task for task in asyncio.all_tasks() if "RequestHandler" not in repr(task.get_coro())}


def in_flight(world: World, operation: str = "bulk") -> bool:
    return any(entry.operation == operation and entry.status is None for entry in world.sandbox.service.log)


# Events


async def test_events_come_in_a_sensible_order(world: World) -> None:
    world.guards = OPEN
    for n in (1, 2, 3):
        world.place(n, dims(150))
    fleet = [company(n, dims(400)) for n in (1, 2, 3)]
    async with world.engine() as engine:
        events, result = await watch(engine, *fleet)
    assert isinstance(events[0], RunStarted)
    assert (events[0].run_id, events[0].companies) == (result.run_id, 3)
    assert isinstance(events[-1], RunFinished)
    assert events[-1].result is result
    for n in (1, 2, 3):
        mine = [event for event in events if getattr(event, "company_id", None) == n]
        order = [type(event) for event in mine if not isinstance(event, RequestSent | RequestAnswered)]
        assert order == [CompanyStarted, SourceRead, *[PageRead] * 2, Listed, Planned, *[ChunkSettled] * 3]
        (finished,) = [event for event in events if isinstance(event, CompanyFinished) and event.result.company_id == n]
        assert events.index(finished) > events.index(mine[-1])
    assert sum(isinstance(event, RequestSent) for event in events) == result.requests.total
    assert sum(event.created for event in events if isinstance(event, ChunkSettled)) == result.totals.created == 750


async def test_events_and_results_are_frozen_and_of_the_declared_kinds(world: World) -> None:
    world.place(1)
    async with world.engine() as engine:
        events, result = await watch(engine, company(1, dims(3)))
    for event in [*events, result, *result.companies]:
        assert isinstance(event, (*get_args(Event), RunResult, type(result.companies[0])))
        column = dataclasses.fields(event)[0].name
        with pytest.raises((dataclasses.FrozenInstanceError, AttributeError)):
            setattr(event, column, None)
        with pytest.raises((AttributeError, TypeError)):
            setattr(event, "a_new_one", 1)  # noqa: B010  mypy would see an attribute that is not there


async def test_a_slow_reader_holds_the_run_back_and_loses_no_event(world: World) -> None:
    for n in range(1, 41):
        world.place(n)
    seen = 0
    async with world.engine() as engine, engine.sync([company(n, dims(5)) for n in range(1, 41)]) as run:
        async for event in run:
            seen += isinstance(event, ChunkSettled)
            await asyncio.sleep(0)
    assert (seen, run.result.exit_code) == (40, 0)


# Ending early


@pytest.mark.parametrize("first", [RunStarted, PageRead, ChunkSettled, CompanyFinished])
async def test_leaving_the_block_early_stops_and_drains(world: World, first: type[Event]) -> None:
    """No task is left, the result is there and adds up, and a rerun converges."""
    world.guards = OPEN
    for n in range(1, 5):
        world.place(n, dims(120, first=n * 1000))
    fleet = [company(n, dims(320, first=n * 1000)) for n in range(1, 5)]
    before = tasks()
    async with world.engine() as engine:
        async with engine.sync(fleet) as run:
            async for event in run:
                if isinstance(event, first):
                    break
        assert not tasks() - before
        result = run.result
    assert result.totals.adds_up
    assert result.exit_code in (0, 5)
    assert [each.company_id for each in result.companies] == [1, 2, 3, 4]
    assert not in_flight(world)
    again = await world.sync(*fleet)
    assert again.exit_code == 0
    for n in range(1, 5):
        assert_exact(world, n, dims(320, first=n * 1000))


async def test_an_error_in_the_block_passes_and_drains(world: World) -> None:
    world.place(1)
    before = tasks()
    async with world.engine() as engine:
        with pytest.raises(ZeroDivisionError):  # noqa: PT012  the block is what is tested
            async with engine.sync([company(1, dims(500))]) as run:
                async for event in run:
                    if isinstance(event, Planned):
                        raise ZeroDivisionError
        assert not tasks() - before
        assert not in_flight(world)
    await heal(world, 1, dims(500))


@pytest.mark.parametrize("operation", ["token", "list", "bulk"])
async def test_cancelling_from_outside_drains(world: World, operation: str) -> None:
    """The request that is out is answered and written down; then the cancellation passes."""
    world.place(1, dims(5))
    world.script({"effect": "latency", "seconds": 0.1, "match": {"operation": operation}})
    before = tasks()
    async with world.engine() as engine:
        running = asyncio.ensure_future(engine.sync([company(1, dims(300))]).result())
        await until(lambda: in_flight(world, operation))
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert not in_flight(world, operation)
        assert not tasks() - before
    assert all(entry.status in (200, 201) for entry in world.sandbox.service.log)
    stored = len(world.stored(1))
    world.script()
    result = await world.sync_one(1, dims(300))
    assert (result.exit_code, result.balance.created) == (0, 300 - stored)  # the ledger knew what was stored
    assert_exact(world, 1, dims(300))


async def test_cancelling_a_scope_of_anyio_drains_too(world: World) -> None:
    world.place(1)
    world.script({"effect": "latency", "seconds": 0.05, "match": {"operation": "bulk"}})
    async with world.engine() as engine:
        with anyio.CancelScope() as scope:
            async with engine.sync([company(1, dims(900))]) as run:
                async for event in run:
                    if isinstance(event, ChunkSettled):
                        scope.cancel()
        assert scope.cancelled_caught
        assert not in_flight(world)
    await heal(world, 1, dims(900))


@pytest.mark.parametrize("code", [ExitCode.TERMINATED, ExitCode.STOPPED])
async def test_stop(world: World, code: ExitCode) -> None:
    """What is in flight is written down, the rest is deferred; the first code stays."""
    world.limit(max_concurrency=2)
    world.limit(chunk_rows=10)
    for n in range(1, 6):
        world.place(n)
    fleet = [company(n, dims(60)) for n in range(1, 6)]
    async with world.engine() as engine, engine.sync(fleet) as run:
        async for event in run:
            if isinstance(event, ChunkSettled):
                run.stop(code)
                run.stop(ExitCode.FAILED)
    result = run.result
    assert result.exit_code == code
    assert columns(result)["deferred"] > 0
    assert result.totals.created == sum(len(world.stored(n)) for n in range(1, 6))
    assert {str(each.state) for each in result.companies} <= {"synced", "partial", "deferred"}
    again = await world.sync(*fleet)
    assert again.exit_code == 0
    for n in range(1, 6):
        assert_exact(world, n, dims(60))


async def test_a_run_that_is_stopped_before_it_begins(world: World) -> None:
    world.place(1)
    async with world.engine() as engine, engine.sync([company(1, dims(5))]) as run:
        run.stop(ExitCode.INTERRUPTED)
        async for _ in run:
            pass
    assert (run.result.exit_code, world.sent(), str(run.result.companies[0].state)) == (130, 0, "deferred")


async def test_a_result_before_its_time(world: World) -> None:
    world.place(1)
    async with world.engine() as engine, engine.sync([company(1, dims(5))]) as run:
        with pytest.raises(EngineError, match="not ended"):
            _ = run.result


# Several at once


async def test_two_runs_of_different_companies_at_once(world: World) -> None:
    for n in range(1, 5):
        world.place(n)
    async with world.engine() as engine:
        results = await asyncio.gather(
            engine.sync([company(n, dims(150)) for n in (1, 2)]).result(),
            engine.sync([company(n, dims(150)) for n in (3, 4)]).result(),
        )
    assert [result.exit_code for result in results] == [0, 0]
    assert len({result.run_id for result in results}) == 2
    assert sum(result.requests.total for result in results) == len(world.sandbox.service.log)
    for n in range(1, 5):
        assert_exact(world, n, dims(150))


@pytest.mark.parametrize("engines", [1, 2], ids=["one-engine", "two-engines"])
async def test_one_company_in_two_runs_at_once(world: World, engines: int) -> None:
    """The second finds it locked, exit 9, and sends nothing; afterwards it can."""
    world.place(1)
    world.script({"effect": "latency", "seconds": 0.2, "match": {"operation": "bulk"}})
    async with world.engine() as engine, world.engine() as other:
        second = engine if engines == 1 else other
        running = asyncio.ensure_future(engine.sync([company(1, dims(5))]).result())
        await until(lambda: in_flight(world))
        sent = world.sent()
        (locked,) = (await second.sync([company(1, dims(9))]).result()).companies
        assert (verdict(locked)[:2], columns(locked), locked.requests.total) == (("locked", 9), {"deferred": 9}, 0)
        assert world.sent() == sent
        assert (await running).exit_code == 0
        assert (await second.sync([company(1, dims(9))]).result()).exit_code == 0
    assert_exact(world, 1, dims(9))


# What it is handed


@pytest.mark.sockets
async def test_a_session_and_a_ledger_of_others_stay_open(world: World) -> None:
    world.place(1)
    ledger = await open_ledger(world.ledger_url)
    async with aiohttp.ClientSession() as session:
        for _ in range(2):
            async with Engine(world.settings, session=session, ledger=ledger, now=world.clock) as engine:
                assert (await engine.sync([company(1, dims(5))]).result()).exit_code == 0
            assert not session.closed
    assert await ledger.page_size("nowhere", "racc_demo") is None
    await ledger.aclose()
    assert_exact(world, 1, dims(5))


@pytest.mark.sockets
async def test_its_own_session_and_ledger_are_closed(world: World) -> None:
    """Nothing is left behind: warnings of unclosed things are errors here."""
    world.place(1)
    before = tasks()
    engine = Engine(world.settings, now=world.clock)
    async with engine:
        assert (await engine.sync([company(1, dims(5))]).result()).exit_code == 0
    await until(lambda: not tasks() - before)
    with pytest.raises(EngineError, match="not open"):
        engine.sync([])
    async with engine:
        assert (await engine.sync([company(1, dims(5))]).result()).totals.unchanged == 5


@pytest.mark.sockets
async def test_no_request_goes_uncounted_on_a_session_of_others(world: World) -> None:
    world.place(1, dims(250))
    world.script({"effect": "reset", "match": {"operation": "list", "page": 2}, "times": 1})
    async with aiohttp.ClientSession() as session, Engine(world.settings, session=session, now=world.clock) as engine:
        result = await engine.sync([company(1, dims(250))]).result()
    assert (result.exit_code, result.requests.total) == (0, len(world.sandbox.service.log))


@pytest.mark.sockets
async def test_cookies_and_settings_of_a_session_do_not_leak_into_results(world: World) -> None:
    """A session that would follow redirects and raise for statuses by itself is used on the engine's terms."""
    world.place(1)
    world.limit(max_attempts=2)
    world.script({"effect": "status", "status": 503, "times": 1, "match": {"operation": "list"}})
    async with (
        aiohttp.ClientSession(raise_for_status=False, timeout=aiohttp.ClientTimeout(total=0.001)) as session,
        Engine(world.settings, session=session, now=world.clock) as engine,
    ):
        result = await engine.sync([company(1, dims(5))]).result()
    assert (result.exit_code, kinds(result.requests)) == (0, {"list": 1, "bulk": 1, "retry": 1})


# Sources of programs


async def raising(error: BaseException) -> AsyncIterator[Dimension]:
    for row in dims(3):
        yield row
    raise error


async def mappings() -> AsyncIterator[Mapping[str, object]]:
    for row in dims(3):
        yield {
            "unique_key": row.key,
            "type": row.type_label,
            "dimension_type_code": row.type_code,
            "name": row.name,
            "code": row.code,
            "erp_dimension_id": row.erp_id,
        }


async def batches() -> AsyncIterator[Sequence[Dimension]]:
    for start in (0, 2, 4):
        yield dims(2, first=start)
    yield []


async def single() -> AsyncIterator[Dimension]:
    for row in dims(4):
        yield row


@pytest.mark.parametrize(
    ("source", "rows"), [(single, 4), (mappings, 3), (batches, 6)], ids=["dimensions", "mappings", "batches"]
)
async def test_any_async_iterable_is_a_source(world: World, source: Callable[[], Any], rows: int) -> None:
    world.place(1)
    result = await world.sync(Company(id=1, source=source()))
    assert (result.exit_code, result.totals.created) == (0, rows)
    assert_exact(world, 1, dims(rows))


@pytest.mark.parametrize(
    "error",
    [RuntimeError("the ERP hung up"), KeyError("the ERP hung up"), ExceptionGroup("the ERP hung up", [OSError()])],
)
async def test_a_source_that_raises_fails_its_company(world: World, error: Exception) -> None:
    for n in (1, 2):
        world.place(n)
    result = await world.sync(Company(id=1, source=raising(error)), company(2, dims(3)))
    first, second = result.companies
    assert (verdict(first), verdict(second), result.exit_code) == (("failed", 1, ["source"]), ("synced", 0, []), 1)
    assert "the ERP hung up" in first.problems[0].message
    assert (first.balance.source_rows, first.balance.created, first.requests.total) == (None, None, 0)
    assert world.stored(1) == []


async def test_bad_rows_of_a_program_are_invalid_and_the_rest_goes_on(world: World) -> None:
    """All rows of a doubled key are invalid, never last-one-wins."""
    world.place(1)
    rows = [*dims(5), dims(1)[0]._replace(name="Again"), Dimension("K9", "no-such-type", "X", "Name", "9")]
    result = await world.sync_one(1, rows)
    assert (columns(result), result.exit_code) == ({"created": 4, "invalid": 3}, 3)
    assert_exact(world, 1, dims(4, first=1))


async def test_a_source_that_never_ends_can_be_cancelled(world: World) -> None:
    closed: list[str] = []

    async def blocked() -> AsyncIterator[Dimension]:
        try:
            yield dims(1)[0]
            await asyncio.get_running_loop().create_future()
        finally:
            closed.append("closed")

    world.place(1)
    world.place(2)
    before = tasks()
    async with world.engine() as engine:
        fleet = [Company(id=1, source=blocked()), company(2, dims(5))]
        running = asyncio.ensure_future(engine.sync(fleet).result())
        await until(lambda: world.sandbox.tenant.companies[2].rows)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert (closed, tasks() - before) == (["closed"], set())
    await heal(world, 1, dims(5))


async def test_a_source_that_never_ends_can_be_stopped(world: World) -> None:
    async def blocked() -> AsyncIterator[Dimension]:
        await asyncio.get_running_loop().create_future()
        yield dims(1)[0]

    world.place(1)
    async with world.engine() as engine, engine.sync([Company(id=1, source=blocked())]) as run:
        async with asyncio.timeout(10):
            async for event in run:
                if isinstance(event, CompanyStarted):
                    run.stop(ExitCode.INTERRUPTED)
    assert run.result.exit_code == 130
    assert world.sent() == 0


# Wrong use


async def test_an_engine_that_is_not_open(world: World) -> None:
    with pytest.raises(EngineError, match="not open"):
        Engine(world.settings).sync([])


async def test_a_company_named_twice(world: World) -> None:
    async with world.engine() as engine:
        with pytest.raises(ConfigError, match="company 7 is named twice"):
            engine.sync([company(7, []), company(8, []), company(7, [])])


async def test_an_account_that_is_not_there(world: World) -> None:
    async with world.engine() as engine:
        with pytest.raises(ConfigError, match="'nobody'"):
            engine.sync([company(1, [], account="nobody")])


async def test_settings_that_cannot_work(world: World) -> None:
    (known,), world.accounts = world.accounts, ()
    async with world.engine() as engine:  # accounts may come later
        with pytest.raises(ConfigError, match=r"names no account; there are: none yet \(`Engine.add_account`\)"):
            engine.sync([company(1, [])])
    with pytest.raises(ConfigError, match="account"):
        Engine(Settings(accounts=(known, account("other"))))


@pytest.mark.sockets
async def test_a_ledger_that_cannot_be_opened(world: World, tmp_path: Path) -> None:
    settings = dataclasses.replace(world.settings, ledger_url=f"sqlite:///{tmp_path}/no/such/folder/x.db")
    with pytest.raises((LedgerError, ConfigError)):
        await Engine(settings).__aenter__()


async def test_a_run_is_done_once(world: World) -> None:
    """A second use of one run is refused, and nothing is sent."""
    world.place(1)
    async with world.engine() as engine:
        pending = engine.sync([company(1, dims(5))])
        assert (await pending.result()).exit_code == 0
        sent = world.sent()
        with pytest.raises(Exception):  # noqa: B017, PT011  whatever it is
            await pending.result()
        assert world.sent() == sent


@pytest.mark.sockets
async def test_closing_the_engine_ends_the_runs_of_other_tasks(world: World) -> None:
    """What is in flight is answered and written down, the rest deferred; nobody is left with a closed ledger."""
    world.limit(max_concurrency=1)
    world.place(1)
    world.script({"effect": "latency", "seconds": 0.1, "match": {"operation": "bulk"}})
    async with Engine(world.settings, now=world.clock) as engine:
        running = asyncio.create_task(engine.sync([company(1, dims(350))]).result())
        await until(lambda: world.sent("bulk"))
    assert running.done()
    result = running.result()
    stored = len(world.stored(1))
    assert (result.exit_code, columns(result)) == (5, {"created": stored, "deferred": 350 - stored})
    assert 0 < stored < 350
    await heal(world, 1, dims(350))


@pytest.mark.sockets
async def test_l16_the_first_run_that_ends_tells_of_a_new_ledger(world: World, tmp_path: Path) -> None:
    """Once per engine, and not by a check; nothing is told of a ledger that was handed in, or lies in memory."""
    world.place(1)

    async def told(opening: AbstractAsyncContextManager[Engine], *verbs: str) -> list[list[str]]:
        async with opening as engine:
            runs = [await getattr(engine, verb)([company(1, dims(5))]).result() for verb in verbs]
        assert [run.exit_code for run in runs] == [0] * len(runs)
        return [[problem.code for problem in run.problems] for run in runs]

    assert await told(world.engine(), "check", "plan", "sync") == [[], ["new-ledger"], []]
    assert await told(world.engine(), "sync") == [[]]
    world.ledger_url = "sqlite://"
    assert await told(world.engine(), "sync") == [[]]
    async with await open_ledger("sqlite:///other.db", base=tmp_path) as ledger:
        assert await told(world.engine(ledger), "sync") == [[]]
