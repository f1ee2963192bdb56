"""A program without an event loop, one with trio's, and calls from where no loop or the wrong one runs."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace

import pytest
from dimsync import (
    Company,
    Dimension,
    Engine,
    EngineError,
    Event,
    PastRun,
    RequestSent,
    Settings,
    State,
    from_iterable,
    run_sync,
)
from dimsync.testing import Match, MemoryLedger, Rule, Sandbox, faults

pytest_plugins = ["dimsync.testing.fixtures"]

ROWS = [Dimension(f"K{n}", "account", "GL Account", f"Account {n}", str(n)) for n in range(5)]
COMPANY = Company(id=123, source=from_iterable(ROWS))
SLOW = Rule(effect=faults.Latency(seconds=0.1), match=Match(operation="bulk"))
TRIO = r"`await trio\.to_thread\.run_sync\(dimsync\.run_sync, settings, companies\)`"


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Let Ctrl-C end a program, even where whoever began the tests ignores it, as a shell does in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Watcher:
    """Calls a function as often as a bulk request is about to go out."""

    def __init__(self, at_bulk: Callable[[], None]) -> None:
        self.at_bulk = at_bulk
        self.events: list[Event] = []

    def take(self, event: Event, _run_id: str | None) -> None:
        self.events.append(event)
        if isinstance(event, RequestSent) and event.kind == "bulk":
            self.at_bulk()

    def ended(self, run_id: str, error: BaseException | None) -> None:
        pass

    def lagged(self, seconds: float) -> None:
        pass


def test_a_program_without_an_event_loop_syncs(dimsync_sandbox: Sandbox) -> None:
    dimsync_sandbox.place(123)
    watcher = Watcher(lambda: None)
    result = run_sync(dimsync_sandbox.settings(companies=[COMPANY]), telemetry=watcher)
    assert (result.exit_code, result.totals.created) == (0, 5)
    assert dimsync_sandbox.rows(123) == ROWS
    assert len(watcher.events) > 5


def test_the_companies_that_are_given_are_meant_and_bounds_hold(dimsync_sandbox: Sandbox) -> None:
    for company_id in (123, 124):
        dimsync_sandbox.place(company_id)
    settings = dimsync_sandbox.settings(companies=[COMPANY])
    result = run_sync(settings, [Company(id=124, source=from_iterable(ROWS))], budget=0)
    assert [(one.company_id, one.state) for one in result.companies] == [(124, State.DEFERRED)]


def test_ctrl_c_ends_when_what_is_in_flight_is_written_down(
    dimsync_sandbox: Sandbox, dimsync_ledger: MemoryLedger
) -> None:
    """The interrupted run is closed in the journal, and the next one creates nothing twice."""
    dimsync_sandbox.place(123)
    dimsync_sandbox.set_faults(SLOW)
    settings = chunked(dimsync_sandbox.settings(companies=[COMPANY]))
    watcher = Watcher(lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        run_sync(settings, ledger=dimsync_ledger, telemetry=watcher)
    assert len(dimsync_sandbox.rows(123)) == 1
    dimsync_sandbox.set_faults()
    result = run_sync(settings, ledger=dimsync_ledger)
    assert (result.totals.unchanged, result.totals.created) == (1, 4)
    interrupted = asyncio.run(history(settings, dimsync_ledger))[-1]
    assert (interrupted.exit_code, interrupted.created) == (5, 1)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_twice_waits_for_no_answer(dimsync_sandbox: Sandbox, dimsync_ledger: MemoryLedger) -> None:
    """Rows in flight are as after a power cut: the next run finds out, and creates nothing twice."""
    dimsync_sandbox.place(123)
    dimsync_sandbox.set_faults(SLOW)
    settings = dimsync_sandbox.settings(companies=[COMPANY])
    loop_thread = threading.get_ident()

    def interrupt_twice() -> None:
        signal.raise_signal(signal.SIGINT)
        asyncio.get_running_loop().call_later(0.02, signal.pthread_kill, loop_thread, signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run_sync(settings, ledger=dimsync_ledger, telemetry=Watcher(interrupt_twice))
    dimsync_sandbox.set_faults()
    result = run_sync(settings, ledger=dimsync_ledger, fresh=True)
    assert (result.exit_code, len(dimsync_sandbox.rows(123))) == (0, 5)


def chunked(settings: Settings) -> Settings:
    """Send one row a request, one request at a time."""
    (account,) = settings.accounts
    limits = replace(account.limits, chunk_rows=1, max_concurrency=1)
    return replace(settings, accounts=(replace(account, limits=limits),))


async def history(settings: Settings, ledger: MemoryLedger) -> list[PastRun]:
    async with Engine(settings, ledger=ledger) as engine:
        return await engine.history()


async def call_run_sync(settings: Settings) -> None:
    run_sync(settings, [])


async def enter_an_engine(settings: Settings) -> None:
    async with Engine(settings):
        pass


async def enter_a_sandbox(settings: Settings) -> None:
    async with Sandbox():
        pass


def by_hand(call: Callable[[Settings], Awaitable[None]], settings: Settings) -> None:
    """Begin a coroutine where no event loop runs."""
    next(call(settings).__await__())


def with_trio(call: Callable[[Settings], Awaitable[None]], settings: Settings) -> None:
    """Begin a coroutine as trio's loop does. Trio itself is not installed: what the engine asks of it stands here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "trio", SimpleNamespace(lowlevel=SimpleNamespace(current_task=object)))
        by_hand(call, settings)


def with_asyncio(call: Callable[[Settings], Awaitable[None]], settings: Settings) -> None:
    async def main() -> None:
        await call(settings)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("run", "call", "told"),
    [
        (with_asyncio, call_run_sync, r"hold up the event loop.*await engine\.sync\(companies\)`"),
        (with_trio, call_run_sync, rf"hold up trio's event loop.*{TRIO}"),
        (with_trio, enter_an_engine, rf"runs on asyncio alone, and this is trio's event loop: {TRIO}"),
        (with_trio, enter_a_sandbox, "runs on asyncio alone, and this is trio's event loop"),
        (by_hand, enter_an_engine, r"no asyncio event loop runs here: start it by `asyncio\.run\(main\(\)\)`"),
    ],
)
def test_where_the_loop_is_missing_or_the_wrong_one_words_say_what_to_do(
    run: Callable[[Callable[[Settings], Awaitable[None]], Settings], None],
    call: Callable[[Settings], Awaitable[None]],
    told: str,
    dimsync_settings: Settings,
) -> None:
    with pytest.raises(EngineError, match=told):
        run(call, dimsync_settings)


def test_an_engine_that_is_used_in_another_event_loop_says_so(dimsync_engine: Engine, dimsync_sandbox: Sandbox) -> None:
    async def enter() -> None:
        await dimsync_engine.__aenter__()

    async def sync() -> None:
        await dimsync_engine.sync([COMPANY])

    async def leave() -> None:
        await dimsync_engine.__aexit__(None, None, None)

    with asyncio.Runner() as own, asyncio.Runner() as other:
        own.run(enter())
        with pytest.raises(EngineError, match=r"entered in another event loop.*an engine serves one loop"):
            other.run(sync())
        own.run(leave())
    assert dimsync_sandbox.requests() == []


def test_beside_trio_a_program_runs_as_without(dimsync_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a thread that trio gives, no task of trio runs, as its own error says."""

    def current_task() -> object:
        raise RuntimeError("must be called from async context")

    monkeypatch.setitem(sys.modules, "trio", SimpleNamespace(lowlevel=SimpleNamespace(current_task=current_task)))
    dimsync_sandbox.place(123)
    assert run_sync(dimsync_sandbox.settings(), [COMPANY]).totals.created == 5
