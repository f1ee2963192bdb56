"""Answers that come together are read in several turns of the event loop, so that it is not held up for all of them."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import NamedTuple

from anyio import CancelScope
from anyio.lowlevel import RunVar

MOST_BYTES = 60_000
"""Of answers read in one turn: three pages of 100 rows, which take some 1 ms. A larger answer has its own turn."""

SETTLING = 4
"""A byte of an answer to a chunk takes this many times as long as a byte of a page, since its rows are settled then."""


class _Waiting(NamedTuple):
    """An answer that waits for its turn."""

    answer_bytes: int
    turn: asyncio.Future[None]


class AnswerTurns:
    """How much has been read in this turn of one event loop, and what waits for the next ones, in its order."""

    def __init__(self) -> None:
        self._read_bytes = 0
        self._waiting: deque[_Waiting] = deque()

    async def take(self, answer_bytes: int, *, settles: bool = False) -> None:
        """Wait for a turn with room for an answer. A scope that is cancelled does not end this: the answer is there.

        `settles`: it tells what became of rows that were sent.
        """
        if settles:
            answer_bytes *= SETTLING
        if not self._waiting and self._has_room(answer_bytes):
            self._note(answer_bytes)
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(answer_bytes, turn))
        with CancelScope(shield=True):
            await turn

    def _has_room(self, answer_bytes: int) -> bool:
        return not self._read_bytes or self._read_bytes + answer_bytes <= MOST_BYTES

    def _note(self, answer_bytes: int) -> None:
        """Count an answer that is read in this turn. The first one has the next turn begun, before what follows it."""
        if not self._read_bytes:
            asyncio.get_running_loop().call_soon(self._begin_next)
        self._read_bytes += answer_bytes or 1

    def _begin_next(self) -> None:
        """Begin a turn with what waits for it, as far as there is room. What waits no more was cancelled."""
        self._read_bytes = 0
        while self._waiting and self._has_room(self._waiting[0].answer_bytes):
            first = self._waiting.popleft()
            if not first.turn.done():
                self._note(first.answer_bytes)
                first.turn.set_result(None)


_TURNS: RunVar[AnswerTurns] = RunVar("what is read in this turn of the event loop")


def answer_turns() -> AnswerTurns:
    """Return what all channels of the running event loop share."""
    try:
        return _TURNS.get()
    except LookupError:
        found = AnswerTurns()
        _TURNS.set(found)
        return found
