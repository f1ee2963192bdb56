"""What a world in memory is made of, besides its `Line`: no sockets, no threads, no files, and no time but virtual."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Self, TypeVar

from engine.ledger.sqlite.ledger import SqliteLedger
from engine.ledger.sqlite.lock import MemoryLocks
from engine.sandbox.server import Options, Sandbox
from engine.sandbox.service import Service
from tests.empty_ledgers import empty_ledger
from tests.sandbox.fuzz import Desk, Fate, StageLoop
from tests.sandbox.line import HOST

T = TypeVar("T")


class MemorySandbox(Sandbox):
    """A sandbox that does not listen: a `Line` leads to its service, whose seconds are the event loop's."""

    def __init__(self, options: Options, *, clock: Callable[[], datetime]) -> None:
        super().__init__(options, host=HOST, clock=clock)
        second = asyncio.get_running_loop().time
        self.service = Service(self.options, tenant=self.tenant, clock=clock, second=second)

    @property
    def url(self) -> str:
        return f"http://{HOST}"

    async def __aenter__(self) -> Self:
        raise AssertionError("it has nothing to listen on")


@contextmanager
def memory_ledger() -> Iterator[SqliteLedger]:
    """Give an empty ledger whose SQL is carried out on the spot."""
    with empty_ledger() as database:
        yield SqliteLedger(Desk(database, Fate()), MemoryLocks().hold)


def perform(acts: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in virtual time."""
    with asyncio.Runner(loop_factory=StageLoop) as stage:
        return stage.run(acts)
