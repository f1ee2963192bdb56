"""A stage for thousands of runs: the real engine, its SQL ledger and the sandbox's service, on a clock of their own.

Nothing waits: time passes only when all wait, so that a backoff of 30 s costs nothing and the published limits apply.
Two edges are replaced, at their lowest: no sockets between engine and sandbox, and no thread around the database.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextvars import Context
from selectors import DefaultSelector, SelectorKey
from threading import get_ident
from typing import Any, Concatenate, ParamSpec, TypeVar, TypeVarTuple

from engine.errors import LedgerError
from engine.ledger.connection import Connection
from engine.ledger.thread import DatabaseThread

P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")

TICK_S = 1e-6
"""The least step of time, and what each turn of the loop takes: who waits for less would wait for ever."""


MOST_TURNS = 200_000
"""Of a loop: a hundred times what a case takes."""


class StageLoop(asyncio.SelectorEventLoop):
    """An event loop whose time all but stands still while anything can be done, and then jumps to the next timer."""

    def __init__(self) -> None:
        self._elapsed_s = 0.0
        self._own_thread = get_ident()
        super().__init__(_Leaping(self))

    def time(self) -> float:
        return self._elapsed_s

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Refuse what other threads have to say: they do not keep to this time, and a test would pass by luck."""
        if get_ident() != self._own_thread:
            raise AssertionError("a thread answers a loop whose time is virtual: mark the test `sockets`")
        return super().call_soon_threadsafe(callback, *args, context=context)

    def leap(self, seconds: float) -> None:
        self._elapsed_s += max(seconds, TICK_S)


class _Leaping(DefaultSelector):
    def __init__(self, loop: StageLoop) -> None:
        super().__init__()
        self._loop = loop
        self._turns = 0

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        self._turns += 1
        if self._turns > MOST_TURNS:
            raise AssertionError("it goes on for ever")
        ready = super().select(0) if timeout != 0 else []  # no need to look while anything can be done
        if not ready and timeout is None:
            raise AssertionError("everybody waits for somebody else")
        self._loop.leap(TICK_S if ready else timeout or TICK_S)
        return ready


class Died(BaseException):
    """The process is gone: nothing that it still does has an effect."""


class Fate:
    """What befalls a run at its n-th moment: each request and each ledger call is one, before and after."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.moments = 0
        self.is_dead = False
        self.strike: Callable[[], object] = self.die

    def die(self) -> None:
        self.is_dead = True

    def moment(self) -> None:
        """Let it happen if this is when; raises `Died` from death on."""
        self.moments += 1
        if self.moments == self.at and not self.is_dead:
            self.strike()
        if self.is_dead:
            raise Died


class Desk(DatabaseThread):
    """Carries out a ledger's jobs on the spot; what a dead process asks for is not done."""

    def __init__(self, connection: Connection, fate: Fate) -> None:
        super().__init__("in memory")
        self._connection = connection
        self._fate = fate

    async def read(self, work: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._do(lambda: work(self._connection, *args, **kwargs))

    async def write(self, work: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._do(lambda: work(self._connection, *args, **kwargs))

    async def alone(self, work: Callable[[Any], T]) -> T:
        await asyncio.sleep(0)
        return work(self._connection)

    async def _do(self, work: Callable[[], T]) -> T:
        await asyncio.sleep(0)
        self._fate.moment()
        self._connection.execute("begin")
        try:
            result = work()
        except BaseException as error:
            self._connection.execute("rollback")
            if isinstance(error, sqlite3.Error):
                raise LedgerError(str(error)) from error
            raise
        self._connection.execute("commit")
        self._fate.moment()
        if self._fate.at is not None:  # what has struck now, strikes here, between what is written and its answer
            await asyncio.sleep(0)
        return result
