"""Worlds without sockets, threads and files, in virtual time: waiting costs nothing, and each run is the same.

What is real is the engine with its aiohttp transport, its SQL ledger, and the sandbox's service.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import closing, contextmanager
from functools import cache
from random import Random
from sqlite3 import Connection
from typing import Any, Self, TypeVar

from engine.ledger.sqlite.database import open_memory
from engine.ledger.sqlite.ledger import SqliteLedger
from engine.ledger.sqlite.lock import MemoryLocks
from engine.sandbox.server import Options, Sandbox
from engine.sandbox.service import Service
from tests.sandbox.conftest import Clock, World
from tests.sandbox.fuzz import Desk, Fate, StageLoop, copy_of
from tests.sandbox.line import HOST, Line

T = TypeVar("T")


class MemorySandbox(Sandbox):
    """A sandbox that does not listen: a `Line` leads to its service, whose seconds are the event loop's."""

    def __init__(self, options: Options, *, clock: Clock) -> None:
        super().__init__(options, host=HOST, clock=clock)
        second = asyncio.get_running_loop().time
        self.service = Service(self.options, tenant=self.tenant, clock=clock, second=second)

    @property
    def url(self) -> str:
        return f"http://{HOST}"

    async def __aenter__(self) -> Self:
        raise AssertionError("it has nothing to listen on")


@cache
def _template() -> Connection:
    return open_memory()


@contextmanager
def memory_world(options: Options, *, rng: Random | None = None) -> Iterator[World]:
    """Give a world in memory; `rng` draws how long requests are under way, and what the engine leaves to chance."""
    clock, chance = Clock(), rng or Random(7)
    sandbox = MemorySandbox(options, clock=clock)
    line = Line(service=sandbox.service, fate=Fate(), rng=chance, watch=lambda _: None)
    with closing(copy_of(_template())) as database:
        ledger = SqliteLedger(Desk(database, Fate()), MemoryLocks().hold)
        yield World(sandbox=sandbox, ledger_url="sqlite://", clock=clock, rng=chance, line=line, ledger=ledger)


def perform(acts: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in virtual time."""
    with asyncio.Runner(loop_factory=StageLoop) as stage:
        return stage.run(acts)
