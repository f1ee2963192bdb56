from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.errors import LedgerError
from engine.ledger.sqlite.ledger import SqliteLedger, open_ledger
from engine.model.company_record import CompanyRecord
from tests.ledger.values import HARBOR, fresh, intent, known_rows, settlement


class Gate:
    """A job that keeps the ledger's thread busy until told otherwise, and lists the statements carried out since."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()
        self.statements: list[str] = []

    def job(self, connection: sqlite3.Connection) -> None:
        self.entered.set()
        self.opened.wait(30)
        connection.set_trace_callback(self.statements.append)

    def count(self, word: str) -> int:
        return sum(statement.lower().startswith(word) for statement in self.statements)


@pytest.fixture
async def gate(on_disk: SqliteLedger) -> AsyncIterator[Gate]:
    """A gate that the thread has entered."""
    closed = Gate()
    passing = asyncio.create_task(on_disk._thread.write(closed.job))
    await asyncio.to_thread(closed.entered.wait)
    yield closed
    closed.opened.set()
    await passing


async def until_queued(ledger: SqliteLedger, jobs: int) -> None:
    """Wait until so many jobs wait behind the one that is under way."""
    while ledger._thread._jobs.qsize() < jobs:  # noqa: ASYNC110  a queue of threads wakes no task
        await asyncio.sleep(0)


async def settled_into_queue() -> None:
    """Let tasks that were just made run up to their first wait."""
    await asyncio.sleep(0)


async def test_what_waits_is_committed_together(on_disk: SqliteLedger, gate: Gate) -> None:
    waiting = [asyncio.create_task(on_disk.begin(HARBOR, intent(f"chunk-{n}", f"key-{n}"))) for n in range(20)]
    await settled_into_queue()
    gate.opened.set()
    await asyncio.gather(*waiting)
    assert gate.count("commit") == 2  # the gate's own, and one for all
    assert await on_disk.recover(HARBOR) == 20


async def test_a_failing_job_fails_alone(on_disk: SqliteLedger, gate: Gate) -> None:
    chunks = [("one", "a"), ("two", "a"), ("three", "b")]
    waiting = [asyncio.create_task(on_disk.begin(HARBOR, intent(*chunk))) for chunk in chunks]
    bug = asyncio.create_task(on_disk._thread.write(lambda connection: connection.no_such_method()))
    await settled_into_queue()
    gate.opened.set()
    one, two, three = await asyncio.gather(*waiting, return_exceptions=True)
    assert (one, three) == (None, None)
    assert isinstance(two, LedgerError)
    with pytest.raises(AttributeError):
        await bug
    assert await on_disk.recover(HARBOR) == 2


async def test_a_job_cancelled_while_it_waits_is_not_carried_out(on_disk: SqliteLedger, gate: Gate) -> None:
    waiting = asyncio.create_task(on_disk.begin(HARBOR, intent("chunk", "a", "b")))
    await settled_into_queue()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    gate.opened.set()
    assert await on_disk.recover(HARBOR) == 0


async def test_a_job_cancelled_while_it_runs_is_carried_out_whole(on_disk: SqliteLedger) -> None:
    entered, opened = threading.Event(), threading.Event()

    def slow(connection: sqlite3.Connection) -> None:
        connection.execute("insert into page_sizes values ('o', 'a', 1)")
        entered.set()
        opened.wait(30)
        connection.execute("insert into page_sizes values ('o', 'b', 2)")

    running = asyncio.create_task(on_disk._thread.write(slow))
    await asyncio.to_thread(entered.wait)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    opened.set()
    assert await on_disk.page_size("o", "a") == 1
    assert await on_disk.page_size("o", "b") == 2


async def test_closing_finishes_what_is_queued(on_disk: SqliteLedger, gate: Gate, tmp_path: Path) -> None:
    await_begin = asyncio.create_task(on_disk.begin(HARBOR, intent("chunk", "a")))
    await settled_into_queue()
    closing = asyncio.create_task(on_disk.aclose())
    await settled_into_queue()
    gate.opened.set()
    await asyncio.gather(await_begin, closing)
    await on_disk.aclose()
    async with await open_ledger("sqlite:///ledger.db", base=tmp_path) as again:
        assert await again.recover(HARBOR) == 1


async def test_a_closed_ledger_says_so() -> None:
    ledger = await open_ledger("sqlite://")
    await asyncio.gather(ledger.aclose(), ledger.aclose())
    with pytest.raises(LedgerError, match="is closed"):
        await ledger.read(HARBOR)
    with pytest.raises(LedgerError, match="is closed"):
        async with ledger.lock(HARBOR):
            pass


async def test_a_closed_ledger_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    ledger = await open_ledger("sqlite://")
    (thread,) = set(threading.enumerate()) - before
    await ledger.aclose()
    await asyncio.to_thread(thread.join)
    assert not thread.is_alive()


def test_one_ledger_serves_one_loop_after_another() -> None:
    ledger = asyncio.run(open_ledger("sqlite://"))
    asyncio.run(ledger.begin(HARBOR, intent("chunk", "a")))
    asyncio.run(ledger.settle(HARBOR, settlement("chunk", "a")))
    assert asyncio.run(ledger.read(HARBOR)) == CompanyRecord(rows=fresh(known_rows("a")))
    asyncio.run(ledger.aclose())


def test_a_loop_that_ended_before_its_answer_harms_nobody() -> None:
    ledger = asyncio.run(open_ledger("sqlite://"))
    gate = Gate()

    async def leave() -> None:
        waiting = asyncio.create_task(ledger._thread.write(gate.job))
        await asyncio.to_thread(gate.entered.wait)
        waiting.cancel()

    asyncio.run(leave())
    gate.opened.set()
    assert asyncio.run(ledger.page_size("o", "a")) is None
    asyncio.run(ledger.aclose())


async def test_callers_on_two_loops_are_answered_on_their_own(on_disk: SqliteLedger, gate: Gate) -> None:
    here = asyncio.create_task(on_disk.begin(HARBOR, intent("one", "a")))
    there = asyncio.create_task(asyncio.to_thread(asyncio.run, on_disk.begin(HARBOR, intent("two", "b"))))
    await until_queued(on_disk, 2)
    gate.opened.set()
    await asyncio.gather(here, there)
    assert gate.count("commit") == 2  # the gate's own, and one for both
    assert await on_disk.recover(HARBOR) == 2


async def test_a_caller_does_not_wait_for_ever_while_another_process_writes(
    on_disk: SqliteLedger, tmp_path: object
) -> None:
    """Several jobs wait for a held database once, not each in turn; they are told why."""
    blocker = sqlite3.connect(f"{tmp_path}/ledger.db", isolation_level=None)
    await on_disk._thread.read(lambda connection: connection.execute("pragma busy_timeout = 50").fetchone())
    blocker.execute("begin immediate")
    waiting = [on_disk.begin(HARBOR, intent(f"chunk-{n}", f"key-{n}")) for n in range(3)]
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [LedgerError] * 3
    assert "Another process kept it locked" in str(outcomes[0])
    assert await on_disk.read(HARBOR) == CompanyRecord()  # reading goes on
    blocker.execute("rollback")
    blocker.close()
    await on_disk.begin(HARBOR, intent("chunk-0", "key-0"))
