"""What goes from a run's tasks to its reader: in order, bounded, and at once where nobody has to wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import anyio
import pytest

from engine.net.feed import Feed


async def turns(count: int = 10) -> None:
    """Let other tasks run as far as they get."""
    for _ in range(count):
        await asyncio.sleep(0)


def at_once(awaitable: Awaitable[object]) -> None:
    """Run something that must not wait for anything."""
    with pytest.raises(StopIteration):
        awaitable.__await__().__next__()


async def test_what_is_put_in_comes_out_in_order_and_ends() -> None:
    feed = Feed[int](4)

    async def write() -> None:
        for n in range(100):
            await feed.send(n)
        feed.end()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(write)
        assert [n async for n in feed] == list(range(100))


async def test_who_has_room_and_who_has_something_to_read_does_not_wait() -> None:
    feed = Feed[int](2)
    at_once(feed.send(1))
    at_once(feed.send(2))
    at_once(anext(feed))


async def test_a_reader_that_falls_behind_holds_back_who_can_wait_and_nobody_else() -> None:
    feed, sent = Feed[int](4), list[int]()

    async def write(n: int) -> None:
        await feed.send(n)
        sent.append(n)

    async with anyio.create_task_group() as tasks:
        for n in range(9):
            tasks.start_soon(write, n)
        await turns()
        assert sent == [0, 1, 2, 3]
        feed.put(100)
        assert [await anext(feed) for _ in range(5)] == [0, 1, 2, 3, 100]
        await turns()
        assert sent == list(range(8))
        assert [await anext(feed) for _ in range(4)] == [4, 5, 6, 7]
        await turns()
    assert sent == list(range(9))


async def test_a_sender_that_is_cancelled_has_sent_nothing() -> None:
    feed = Feed[int](1)
    await feed.send(1)
    with anyio.move_on_after(0) as scope:
        await feed.send(2)
    feed.end()
    assert (scope.cancelled_caught, [n async for n in feed]) == (True, [1])


async def test_a_reader_that_leaves_ends_the_waiting_and_the_sending() -> None:
    feed, broken = Feed[int](1), list[int]()

    async def write(n: int) -> None:
        try:
            await feed.send(n)
        except anyio.BrokenResourceError:
            broken.append(n)

    async with anyio.create_task_group() as tasks:
        with feed:
            for n in range(4):
                tasks.start_soon(write, n)
            await turns()
    assert broken == [1, 2, 3]
    with pytest.raises(anyio.BrokenResourceError):
        feed.put(4)
    with pytest.raises(anyio.ClosedResourceError):
        await anext(feed)


async def test_a_reader_that_waits_is_told_of_the_end() -> None:
    feed, read = Feed[int](1), list[int]()

    async def read_all() -> None:
        read.extend([n async for n in feed])

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read_all)
        await turns()
        feed.put(1)
        await turns()
        feed.end()
    assert read == [1]
