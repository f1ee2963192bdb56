"""Work on rows takes turns on the event loop, and a few threads read sources at a time."""

from __future__ import annotations

import asyncio
from threading import Event, Lock

import anyio
import pytest
from anyio.lowlevel import checkpoint

from engine.sources import readers
from engine.sources.batch import Batch
from engine.sources.mapping import ColumnMap
from engine.sources.readers import AT_ONCE, in_thread
from engine.sources.reading import Batches, Reading
from engine.sources.turn import SHORT, in_turn


async def turns_of(rows: list[int]) -> list[int]:
    """Return in which turn of the event loop each piece of work was done, of some that came together."""
    turn, done = [0], [0] * len(rows)

    async def counted() -> None:
        while True:
            turn[0] += 1
            await asyncio.sleep(0)

    async def one(at: int) -> None:
        def work() -> None:
            done[at] = turn[0]

        await in_turn(rows[at], work)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(counted)
        await checkpoint()
        async with anyio.create_task_group() as pieces:
            for at in range(len(rows)):
                pieces.start_soon(one, at)
        tasks.cancel_scope.cancel()
    return done


async def test_of_work_that_comes_together_one_piece_is_done_in_a_turn_of_the_loop() -> None:
    done = await turns_of([SHORT + 1] * 5)
    assert done == sorted(set(done))


async def test_short_work_waits_for_no_turn() -> None:
    done = await turns_of([SHORT] * 5)
    assert len(set(done)) == 1


async def test_work_that_fails_leaves_the_turn_to_the_next() -> None:
    def fails() -> None:
        raise ValueError("no number")

    with pytest.raises(ValueError, match="no number"):
        await in_turn(SHORT + 1, fails)
    assert await in_turn(SHORT + 1, lambda: "done") == "done"


class Slow:
    """A source that is read until it is let go; notes how many of them are read at once."""

    def __init__(self) -> None:
        self._go, self._lock = Event(), Lock()
        self.reading = self.most = 0

    def read(self) -> None:
        with self._lock:
            self.reading += 1
            self.most = max(self.most, self.reading)
        self._go.wait()
        with self._lock:
            self.reading -= 1

    def go(self) -> None:
        self._go.set()

    async def until(self, reading: int) -> None:
        while self.reading < reading:
            await checkpoint()


async def test_a_few_threads_read_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "PATIENCE_S", 3_600.0)
    slow = Slow()
    async with anyio.create_task_group() as tasks:
        for _ in range(3 * AT_ONCE):
            tasks.start_soon(in_thread, slow.read)
        await slow.until(AT_ONCE)
        slow.go()
    assert slow.most == AT_ONCE


async def test_sources_that_do_not_answer_hold_up_no_other() -> None:
    slow = Slow()
    async with anyio.create_task_group() as tasks:
        for _ in range(2 * AT_ONCE):
            tasks.start_soon(in_thread, slow.read)
        await slow.until(2 * AT_ONCE)  # each place is free again after a moment
        assert await in_thread(lambda: "read") == "read"
        slow.go()


async def test_a_place_is_given_back_once_however_reading_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "PATIENCE_S", 3_600.0)

    def fails() -> None:
        raise OSError("the disk is gone")

    for _ in range(2 * AT_ONCE):
        with pytest.raises(OSError, match="the disk is gone"):
            await in_thread(fails)
    slow = Slow()
    async with anyio.create_task_group() as tasks:
        for _ in range(AT_ONCE):
            tasks.start_soon(anext, Reading(_slowly(slow)))
        await slow.until(AT_ONCE)
        tasks.cancel_scope.cancel()
    assert await in_thread(lambda: "read") == "read"
    slow.go()


def _slowly(slow: Slow) -> Batches:
    slow.read()
    yield Batch((), columns=None, lines=(), mapping=ColumnMap())
    return None


@pytest.mark.parametrize("ends", ["the next one is asked for", "it is closed"])
async def test_what_few_threads_have_read_is_taken_in_before_others_read(
    ends: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "PATIENCE_S", 3_600.0)
    begun = list[int]()

    def batches(number: int) -> Batches:
        begun.append(number)
        yield Batch((), columns=None, lines=(), mapping=ColumnMap())
        return None

    sources = [Reading(batches(number)) for number in range(2 * AT_ONCE)]
    async with anyio.create_task_group() as tasks:
        for source in sources:
            tasks.start_soon(anext, source)
        await anyio.wait_all_tasks_blocked()
        while len(begun) < AT_ONCE:
            await checkpoint()
        await anyio.wait_all_tasks_blocked()
        assert sorted(begun) == list(range(AT_ONCE))
        for source in sources[:AT_ONCE]:
            if ends == "it is closed":
                await source.aclose()
            else:
                with pytest.raises(StopAsyncIteration):
                    await anext(source)
    assert sorted(begun) == list(range(2 * AT_ONCE))


async def test_rows_that_nobody_takes_in_hold_up_no_other_source() -> None:
    sources = [Reading(_slowly(_read())) for _ in range(2 * AT_ONCE)]
    for source in sources:
        assert len(await anext(source)) == 0


def _read() -> Slow:
    slow = Slow()
    slow.go()
    return slow
