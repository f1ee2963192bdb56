"""Chunks -> what became of their rows, a few at a time, as a stream.

Each row that was handed over either has an outcome in the stream or in `untaken`, or was never exposed to the server.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from itertools import chain, islice

import anyio
from anyio.lowlevel import checkpoint

from engine.errors import plain
from engine.model.change import keys_of
from engine.model.outcome import Chunk, Column
from engine.send.requests import BulkRequests
from engine.send.settled import Outbox, SettledChunk
from engine.send.shared_results import ENDED, all_rows
from engine.send.split import Part, Split

WORKERS = 4
"""Chunks of one company in flight at a time."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends one company's chunks.

        async with sender.open(chunks) as outcomes:
            async for settled in outcomes: ...

    It stops by itself where a create beyond the plan shows that a key led nowhere, and where a batch was given up.
    """

    requests: BulkRequests

    @asynccontextmanager
    async def open(
        self, chunks: Iterable[Chunk], *, is_trial: bool = False
    ) -> AsyncIterator[AsyncIterator[SettledChunk]]:
        """Send all chunks, and give the outcome of each as soon as it is known. Chunks are made when they are needed.

        The block owns the tasks. A worker goes on once its outcome is taken. Leaving the block waits until requests in
        flight are answered and written down; `untaken` has their outcomes then. Raises what ends the company's sending.
        `is_trial`: the rows try out unconfirmed keys, so that an answer to a repeated send proves nothing.
        """
        left = iter(chunks)
        first = list(islice(left, 2))
        if len(first) < 2:  # most companies' changes: they need no tasks
            steps = self._send_each(iter(first), is_trial)
            async with aclosing(steps), aclosing(self._taken_after(steps)) as outcomes:
                yield outcomes
            return
        turns, width = chain(first, left), min(WORKERS, self.requests.client.width)
        self._outbox.begin(senders=width)
        with plain():
            async with anyio.create_task_group() as workers:
                for _ in range(width):
                    workers.start_soon(self._work, turns, is_trial)
                yield self._outbox

    def untaken(self) -> Iterator[SettledChunk]:
        """Yield outcomes that were settled after the block had ended, so that nobody took them from the stream."""
        return self._outbox.take()

    async def _taken_after(self, steps: AsyncGenerator[None]) -> AsyncGenerator[SettledChunk]:
        async for _ in steps:
            for settled in self._outbox.take():
                yield settled

    async def _work(self, turns: Iterator[Chunk], is_trial: bool) -> None:
        async with aclosing(self._send_each(turns, is_trial)) as steps:
            async for _ in steps:
                await self._outbox.until_taken()
        self._outbox.leave()

    async def _send_each(self, turns: Iterator[Chunk], is_trial: bool) -> AsyncGenerator[None]:
        """Send one chunk after the other and, where it fails as a whole, its parts, down to single rows.

        Yields whenever a part is settled; its outcome is in the outbox. All workers take chunks from one iterator.
        """
        for chunk in turns:
            if self._is_stopped:
                return
            await checkpoint()  # a run that is stopped begins no other chunk
            left = self._without_collided(chunk)
            if left is None:
                continue
            attempts = self.requests.client.channel.account.limits.max_attempts
            split = Split(deque([Part(chunk=left, attempts=attempts)]), is_trial=is_trial)
            try:
                while split.parts and not self._is_stopped:
                    split.put(await self.requests.send(split.take(), split))
                    yield
            finally:
                self._give_up(split)

    @property
    def stalled(self) -> str:
        """Why a batch was given up; empty: none was."""
        return self.requests.stalled

    @property
    def _is_stopped(self) -> bool:
        return self.requests.led_nowhere or bool(self.stalled)

    @property
    def _outbox(self) -> Outbox:
        return self.requests.outbox

    def _give_up(self, split: Split) -> None:
        """Report rows that may be stored and are not sent again as uncertain; the ledger has them so already."""
        for part in split.parts:
            if part.exposed:
                results = all_rows(part.chunk, Column.UNCERTAIN, ENDED)
                self._outbox.put(SettledChunk(results=results, is_unsent=True))

    def _without_collided(self, chunk: Chunk) -> Chunk | None:
        """Return a chunk without the rows that are known by now to overwrite another key's; None: no row is left."""
        collided = self.requests.owners.collided
        if collided.isdisjoint(keys_of(chunk.changes)):
            return chunk
        pairs = zip(chunk.changes, chunk.rows, strict=True)
        left = [(change, row) for change, row in pairs if change.row.key not in collided]
        if not left:
            return None
        return self.requests.cut.chunk([change for change, _ in left], [row for _, row in left])
