"""What workers share of API keys, in Postgres: by the database's clock, over a connection of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import Any, NamedTuple

from engine.ledger.postgres.clock import Clock
from engine.ledger.postgres.line import Line
from engine.ledger.postgres.migrate import MIGRATIONS, migrate
from engine.ledger.postgres.session import Session
from engine.model.shared_limits import Ask, KeptToken, KeyName, Lease, News

LEASE = "select * from leased(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
PAUSE = "select paused(?, ?, ?)"
LEAVE = "select left_key(?, ?, ?)"
FIND = """
    select number, sealed, extract(epoch from usable_until - clock_timestamp())::double precision from key_tokens
    where origin = ? and key_id = ? and usable_until > clock_timestamp()
"""
KEEP = """
    insert into key_tokens as kept (origin, key_id, number, sealed, usable_until)
    values (?, ?, 1, ?, clock_timestamp() + make_interval(secs => ?))
    on conflict (origin, key_id) do update set
        number = kept.number + 1, sealed = excluded.sealed, usable_until = excluded.usable_until
    returning number
"""
TAKE_TURN = """
    insert into turns as held (what, worker, ends_at)
    values (?, ?, clock_timestamp() + make_interval(secs => ?))
    on conflict (what) do update set worker = excluded.worker, ends_at = excluded.ends_at
        where held.ends_at <= clock_timestamp() or held.worker = excluded.worker
    returning true
"""
TURN_LEFT = "select extract(epoch from ends_at - clock_timestamp())::double precision from turns where what = ?"
END_TURN = "delete from turns where what = ? and worker = ?"

TURN_S = 0.2
"""How long a worker keeps a seat that others wait for, at least: the time of some requests."""

FORGET = 0.8
"""The time that leases take is the longest recent one: it shrinks by this factor with each lease that took less."""

SHORTEST_WAIT_S = 0.001

SETTINGS = (
    "set synchronous_commit to off",  # a crash of the server ends all leases, as it cuts all connections
    "set lock_timeout to '2s'",  # a key's row is locked for the time of one statement
    "set statement_timeout to '5s'",
    "listen dimsync_limits",
)
LINE = {
    "connect_timeout": 5,
    "keepalives_idle": 5,  # seconds; the next one, too
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # ms without an acknowledgement, after which a cut line is noticed
}


CUT = News(is_lost=True)
READERS: Mapping[str, Callable[[str], News]] = {
    "pause": lambda seconds: News(pause_s=float(seconds)),
    "wanted": lambda _: News(is_wanted=True),
    "free": lambda _: News(is_free=True),
}
"""What each kind of message says. A kind that only a newer dimsync knows is ignored."""


class _Answered(NamedTuple):
    """What the database said, and when by this machine's clock."""

    row: tuple[Any, ...]
    began_s: float
    ended_s: float


class _Watcher(NamedTuple):
    """Who is told the news of a key, and on which event loop."""

    loop: asyncio.AbstractEventLoop
    hear: Callable[[News], None]


class PostgresLimits:
    """Limits that all workers on one database share. It may be used from several event loops."""

    def __init__(self, url: str, name: str) -> None:
        self._line = Line(
            name, lambda: Session(url, name, self._prepare, **LINE), hear=self._hear, cut=partial(self._tell, None, CUT)
        )
        self._name = name
        self._watchers: dict[tuple[KeyName, str], _Watcher] = {}
        self._turn = Lock()  # held while the watchers are read or changed
        self._clock = Clock()  # the database's, as this connection shows it
        self._took_s = 0.0  # how long recent leases took, from the question to the handling of the answer

    def lease(self, key: KeyName, ask: Ask) -> asyncio.Future[Lease]:
        """Give a worker permits and seats."""
        lead_s = max(0.0, self._took_s - ask.lateness_s / 2)
        permits, seats = (ask.permits, ask.interval_s), (ask.most, ask.wants, ask.out, ask.keep_s, TURN_S)
        values = (*key, ask.worker, *permits, *seats, lead_s)

        def take(session: Session) -> _Answered:
            began_s = time.monotonic()
            row = session.execute(LEASE, values).fetchone()
            return _Answered(row or (), began_s, time.monotonic())

        return self._line.ask(take, self._lease)

    def _lease(self, answered: _Answered) -> Lease:
        """Return the lease that the database gave, in the time of event loops, which is the monotonic clock."""
        database_s, given, wait_s, pause_s, seats, is_contended = answered.row
        self._took_s = max(time.monotonic() - answered.began_s, FORGET * self._took_s)
        return Lease(
            permits=given,
            at_s=self._clock.came_s(database_s, answered.began_s, answered.ended_s),
            wait_s=wait_s,
            pause_s=pause_s,
            seats=seats,
            is_contended=is_contended,
        )

    def pause(self, key: KeyName, seconds: float) -> asyncio.Future[None]:
        """Give no permits for some seconds, and tell all workers."""
        return self._line.ask(lambda session: session.execute(PAUSE, (*key, seconds)), _nothing)

    def watch(self, key: KeyName, worker: str, hear: Callable[[News], None]) -> None:
        """Tell a worker what it has to know at once."""
        with self._turn:
            self._watchers[key, worker] = _Watcher(asyncio.get_running_loop(), hear)

    def leave(self, key: KeyName, worker: str) -> asyncio.Future[None]:
        """Give a worker's seats to others."""
        with self._turn:
            self._watchers.pop((key, worker), None)
        return self._line.ask(lambda session: session.execute(LEAVE, (*key, worker)), _nothing, connects=False)

    def token(self, key: KeyName) -> asyncio.Future[KeptToken | None]:
        """Return a key's newest token."""
        return self._line.ask(lambda session: session.execute(FIND, key).fetchone(), _token)

    def keep_token(self, key: KeyName, sealed: bytes, usable_s: float) -> asyncio.Future[int]:
        """Keep a key's token."""
        return self._line.ask(lambda session: session.execute(KEEP, (*key, sealed, usable_s)).fetchall(), _number)

    def take_turn(self, what: str, worker: str, bound_s: float) -> asyncio.Future[float]:
        """Let a worker do an errand for all, or return how long another one has it."""

        def take(session: Session) -> float:
            if session.execute(TAKE_TURN, (what, worker, bound_s)).fetchone():
                return 0.0
            found: list[tuple[float]] = session.execute(TURN_LEFT, (what,)).fetchall()
            return max([SHORTEST_WAIT_S, *(left_s for (left_s,) in found)])

        return self._line.ask(take, float)

    def end_turn(self, what: str, worker: str) -> asyncio.Future[None]:
        """End a worker's errand."""
        return self._line.ask(lambda session: session.execute(END_TURN, (what, worker)), _nothing)

    async def aclose(self) -> None:
        """Close the connection. Idempotent."""
        await self._line.aclose()

    def _prepare(self, session: Session) -> None:
        migrate(session, MIGRATIONS, self._name)
        session.execute("; ".join(SETTINGS))
        self._clock = Clock()

    def _hear(self, message: str) -> None:
        """Hand on what was heard: see `tell_workers` in the schema. The thread runs this."""
        kind, *about = message.split(" ", 3)
        if kind in READERS and len(about) == 3:
            seconds, key_id, origin = about
            self._tell(KeyName(origin, key_id), READERS[kind](seconds))

    def _tell(self, key: KeyName | None, news: News) -> None:
        """Tell those who watch a key; None: any key."""
        with self._turn:
            told = [watcher for (of, _), watcher in self._watchers.items() if key in (None, of)]
        for watcher in told:
            with suppress(RuntimeError):  # a loop that was closed
                watcher.loop.call_soon_threadsafe(watcher.hear, news)


def _nothing(_: object) -> None:
    return None


def _number(rows: list[tuple[int]]) -> int:
    ((number,),) = rows
    return number


def _token(row: tuple[int, bytes, float] | None) -> KeptToken | None:
    if row is None:
        return None
    number, sealed, usable_s = row
    return KeptToken(number=number, sealed=sealed, usable_s=usable_s)
