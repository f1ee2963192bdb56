"""Answers that come together are read in several turns of the event loop, so that it is not held up for all of them."""

from __future__ import annotations

import asyncio

from anyio.lowlevel import RunVar, cancel_shielded_checkpoint

MOST_BYTES = 30_000
"""Of answers read in one turn: a page of 100 rows, which takes some 1 ms. A larger answer has a turn of its own."""

SETTLING = 4
"""A byte of an answer to a chunk takes this many times as long as a byte of a page, since its rows are settled then."""


class Turns:
    """How much has been read in this turn of one event loop."""

    def __init__(self) -> None:
        self._read_bytes = 0

    async def take(self, answer_bytes: int, *, settles: bool = False) -> None:
        """Wait for a turn with room for an answer. Cancelling does not end the wait: the answer is there.

        `settles`: it tells what became of rows that were sent.
        """
        if settles:
            answer_bytes *= SETTLING
        while self._read_bytes and self._read_bytes + answer_bytes > MOST_BYTES:
            await cancel_shielded_checkpoint()
        if not self._read_bytes:
            asyncio.get_running_loop().call_soon(self._end)  # before all that wait for the next turn
        self._read_bytes += answer_bytes or 1

    def _end(self) -> None:
        self._read_bytes = 0


_TURNS: RunVar[Turns] = RunVar("what is read in this turn of the event loop")


def turns() -> Turns:
    """Return what all channels of the running event loop share."""
    try:
        return _TURNS.get()
    except LookupError:
        found = Turns()
        _TURNS.set(found)
        return found
