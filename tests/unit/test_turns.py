"""Answers that come together leave the event loop its turns."""

from __future__ import annotations

import asyncio

import anyio
import pytest

from engine.net.turns import MOST_BYTES, AnswerTurns, answer_turns


async def counted(turn: list[int]) -> None:
    """Count the loop's turns."""
    while True:
        turn[0] += 1
        await asyncio.sleep(0)


async def turns_of(sizes: list[int], *, settles: bool = False) -> list[int]:
    """Return in which of the turns that read something each of some answers was read; they came together."""
    taken, turn = AnswerTurns(), [0]
    read = [0] * len(sizes)

    async def one(at: int) -> None:
        await taken.take(sizes[at], settles=settles)
        read[at] = turn[0]

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(counted, turn)
        await asyncio.sleep(0)
        async with anyio.create_task_group() as answers:
            for at in range(len(sizes)):
                answers.start_soon(one, at)
        tasks.cancel_scope.cancel()
    order = sorted(set(read))
    return [order.index(each) for each in read]


HALF = MOST_BYTES // 2


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([HALF] * 5, [0, 0, 1, 1, 2]),
        ([10 * MOST_BYTES, 1, 10 * MOST_BYTES], [0, 1, 2]),
        ([0, 0, 0], [0, 0, 0]),
    ],
    ids=["as many as there is room for", "one that is larger has a turn of its own", "empty ones"],
)
async def test_answers_are_read_in_their_order_a_few_in_each_turn(sizes: list[int], expected: list[int]) -> None:
    assert await turns_of(sizes) == expected


async def test_fewer_answers_are_read_in_a_turn_where_they_tell_what_became_of_rows() -> None:
    assert await turns_of([HALF] * 3, settles=True) == [0, 1, 2]
    assert await turns_of([HALF // 4] * 5, settles=True) == [0, 0, 1, 1, 2]


async def test_an_answer_that_is_there_is_read_although_its_task_is_cancelled() -> None:
    taken = AnswerTurns()
    await taken.take(MOST_BYTES)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await taken.take(MOST_BYTES)
    assert not scope.cancelled_caught


async def test_a_task_that_is_cancelled_from_outside_gives_its_turn_to_the_next_one() -> None:
    taken = AnswerTurns()
    first, gone, next_one = (asyncio.ensure_future(taken.take(MOST_BYTES)) for _ in range(3))
    await first
    gone.cancel()
    await asyncio.wait([gone, next_one])
    assert gone.cancelled()
    assert not next_one.cancelled()


async def test_channels_of_one_event_loop_share_its_turns() -> None:
    assert answer_turns() is answer_turns()
