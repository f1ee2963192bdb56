"""The stream of settled chunks: in order, none lost, and a sender waits for its reader."""

from __future__ import annotations

import asyncio

import anyio

from engine.send.settled import Outbox, SettledChunk


def settled(doubt: str) -> SettledChunk:
    return SettledChunk(results=(), doubt=doubt)


async def test_each_sender_waits_for_the_reader_and_the_stream_ends_with_the_last() -> None:
    outbox, heard, sent = Outbox(), list[str](), list[str]()
    outbox.begin(senders=2)

    async def send(name: str) -> None:
        for n in range(3):
            outbox.put(settled(f"{name}{n}"))
            sent.append(f"{name}{n}")
            await outbox.until_taken()
        outbox.leave()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(send, "a")
        tasks.start_soon(send, "b")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert sent == ["a0", "b0"]
        async for each in outbox:
            heard.append(each.doubt)

    assert sorted(heard) == ["a0", "a1", "a2", "b0", "b1", "b2"]


async def test_what_is_put_in_by_a_sender_that_is_cancelled_is_there_to_be_taken() -> None:
    outbox = Outbox()
    outbox.begin(senders=1)

    async def send() -> None:
        try:
            outbox.put(settled("first"))
            await outbox.until_taken()
        finally:
            outbox.put(settled("last"))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(send)
        await asyncio.sleep(0)
        tasks.cancel_scope.cancel()

    assert [each.doubt for each in outbox.take()] == ["first", "last"]
    assert not list(outbox.take())
