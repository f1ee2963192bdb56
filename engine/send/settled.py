"""Outcomes of requests on their way from the sender to its reader. None is lost, however the sending ends."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import anyio

from engine.model.outcome import Column, ItemResult, columns_of
from engine.send.remote_owners import Collision


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledChunk:
    """What became of the rows of one bulk request. It is in the ledger already, unless the ledger failed."""

    results: Sequence[ItemResult]  # rows that are sent again in other parts are not among them
    collisions: tuple[Collision, ...] = ()  # their rows are not among the results: nobody knows what is stored
    respelled: Mapping[str, str] = field(default_factory=dict)  # by key: words on a name that was answered otherwise
    doubt: str = ""  # how the answer contradicts itself, although it says of each row what became of it
    is_repeated: bool = False  # the rows may have been sent before: what this answer says proves nothing on its own
    intent_id: str = ""
    is_unsent: bool = False  # earlier requests of the rows were not answered, and the sending ended before another one

    @property
    def to_read_back(self) -> list[ItemResult]:
        """The rows whose outcome nobody knows, and that may be looked at."""
        if self.is_unsent or not columns_of(self.results)[Column.UNCERTAIN]:
            return []
        return [each for each in self.results if each.column is Column.UNCERTAIN]


class SafetyNotes(Protocol):
    """Notes that are durable before the request that showed their reason is settled, so that a crash loses neither.

    A stream of outcomes cannot express them: an outcome is handed on once its request is settled, and a run that dies
    between the two would leave a settled request and no note. The sender waits for both; they raise `LedgerError`.
    """

    async def keys_led_nowhere(self, rows: int) -> None:
        """Note that the server created this many rows beyond the plan. Nothing more is sent, by later runs either."""
        ...

    async def updated_others(self, rows: int) -> None:
        """Note that this many creates changed rows that were there, until a listing has shown which."""
        ...


class Outbox:
    """Settled chunks that nobody has taken yet. An async iterator of them, until all senders have left."""

    def __init__(self) -> None:
        self._senders = 0
        self._waiting: deque[SettledChunk] = deque()
        self._news: anyio.Event | None = None  # the reader waits for it
        self._taken: anyio.Event | None = None  # senders wait for it

    def begin(self, senders: int) -> None:
        """Expect outcomes of this many senders."""
        self._senders = senders

    def put(self, settled: SettledChunk) -> None:
        """Put one in. It never waits: what is settled is told, even of a run that is cancelled."""
        self._waiting.append(settled)
        self._wake()

    async def until_taken(self) -> None:
        """Wait until the reader has taken all of them."""
        while self._waiting:
            if self._taken is None:
                self._taken = anyio.Event()
            await self._taken.wait()

    def leave(self) -> None:
        """Note that one of the senders has nothing more to send."""
        self._senders -= 1
        self._wake()

    def take(self) -> Iterator[SettledChunk]:
        """Yield all that nobody has taken."""
        while self._waiting:
            yield self._waiting.popleft()

    def __aiter__(self) -> AsyncIterator[SettledChunk]:
        return self

    async def __anext__(self) -> SettledChunk:
        while not self._waiting:
            if not self._senders:
                raise StopAsyncIteration
            self._news = anyio.Event()
            await self._news.wait()
        settled = self._waiting.popleft()
        if not self._waiting and self._taken is not None:
            self._taken.set()
            self._taken = None
        return settled

    def _wake(self) -> None:
        if self._news is not None:
            self._news.set()
            self._news = None
