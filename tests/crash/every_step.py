"""A program that lets a sync die at each of its steps: `python -m tests.crash.every_step FOLDER every`.

Each death takes two processes. The client syncs on a clock of its own, its ledger a real file, until `SIGKILL`; its
requests leave through a pipe. The server carries out what came, some of it after the next run has begun; then it runs
that, and looks at what there is.

A step is a statement that writes the ledger, or begins or commits a transaction; a request before it leaves, when it
has left, and when its answer is in; or a turn of a task, which is what follows an `await`. Nothing but statements and
requests outlives a death, so of the turns between two of those only the first is died at, unless `all` are asked for:
the others leave the same ledger and server.

Before that, a client that lives is stopped at each step, and what its death would leave is looked at: the pages of the
ledger, its locks, and what the server was asked and has done. Where an earlier step would leave the same, nobody dies,
unless `all` are asked for: then a request that is under way lands at another time after each death.
"""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import signal
import sqlite3
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from contextvars import Context
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Protocol, TypeVar, TypeVarTuple, cast

import aiohttp
import orjson

from engine import Account, Allow, Api, Company, Dimension, Engine, Limits, RunResult, Secret, Settings
from engine.ledger.connection import Connection as LedgerConnection
from engine.ledger.sql_ledger import SqlLedger
from engine.ledger.sqlite.database import open_file
from engine.ledger.sqlite.ledger import SqliteLedger
from engine.ledger.sqlite.lock import FileLocks
from engine.ledger.thread import DatabaseThread, Job
from engine.sandbox.access import Credentials
from engine.sandbox.faults.rules import parse_rules
from engine.sandbox.faults.scheduled_fault import ScheduledFault
from engine.sandbox.service import Options, Service
from engine.sandbox.tenant import Tenant, Values
from tests.crash.client import AckOnly
from tests.sandbox.fuzz import Fate, StageLoop
from tests.sandbox.line import GATEWAY_S, Line

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

MORNING = datetime(2026, 11, 20, 7, 0, tzinfo=UTC)
READS = ("select", "pragma", "with")
STATEMENT, REQUEST, AWAIT = "statements", "requests", "awaits"


def dims(count: int, *, first: int = 0, name: str = "Name") -> list[Dimension]:
    types = (("account", "Account"), ("department", "Department"))
    return [
        Dimension(f"K{n:03}", *types[n % 2], f"{name} {n:03}", f"{n:03}", f"C{n}") for n in range(first, first + count)
    ]


KNOWN = dims(8)
THERE = dims(5, name="Other")
ADDED = {1: dims(7, first=50), 2: dims(5, first=70, name="Added")}
WANTED = {
    1: [row._replace(code=f"New {row.code}") for row in KNOWN[:2]]
    + [row._replace(name=f"New {row.name}") for row in KNOWN[2:5]]
    + KNOWN[5:]
    + ADDED[1],
    2: [row._replace(name=f"New {row.name}") if n < 3 else row for n, row in enumerate(THERE)] + ADDED[2],
}
"""Company 1 gets updates and creates whose answers are lost twice, so that they are read back. In company 2 somebody
made rows under our keys: those go out as canaries. One of its new rows is refused."""

AFTER = {1: KNOWN[:2] + WANTED[1][2:], 2: WANTED[2]}
"""What the next run finds in the sources: two updates are taken back, of fields that no listing shows."""

REFUSED = ADDED[2][2]
REFUSE = {"effect": "reject-rows", "key": REFUSED.key}
LOSE = {"effect": "reset", "commit": True, "match": {"operation": "bulk", "company": 1}, "times": 4}
LEAVE = (Allow("canary", 2),)


def settings() -> Settings:
    made_up = Credentials()
    account = Account(
        name="main",
        account_id=made_up.account_id,
        api_key=Secret(made_up.api_key),
        client_id=Secret(made_up.client_id),
        client_secret=Secret(made_up.client_secret),
        limits=Limits(max_attempts=2, chunk_rows=6),
    )
    return Settings(accounts=(account,), api=Api(base_url="http://sandbox.test/v1"))


class Steps(Fate):
    """Counts a client's steps, and ends its process at one of them."""

    def __init__(self, at: int | None = None, look: Callable[[int], None] | None = None) -> None:
        super().__init__(at)
        self.look = look  # what is done at each step
        self.kinds: list[str] = []

    def moment(self) -> None:
        self.step(REQUEST)

    def statement(self, sql: str) -> None:
        if sql != "begin" and not sql.lstrip().startswith(READS):
            self.step(STATEMENT)

    def carried_out(self, sql: str) -> None:
        """Take note that a statement was carried out, whose answer is on its way."""

    def step(self, kind: str) -> None:
        self.kinds.append(kind)
        if self.look is not None:
            self.look(len(self.kinds))
        if len(self.kinds) == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


class SteppedLoop(StageLoop):
    """An event loop that counts the turns of its tasks."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        super().__init__()

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        def turn() -> None:
            self._steps.step(AWAIT)
            callback(*args)

        return super().call_soon(turn, context=context)


class Clock:
    """The wall clock: it goes on where a dead client's has stopped."""

    def __init__(self) -> None:
        self._base = MORNING
        self._since: Callable[[], float] = float

    def __call__(self) -> datetime:
        return self._base + timedelta(seconds=self._since())

    def go(self, loop: asyncio.AbstractEventLoop) -> None:
        self._since = loop.time

    def stop(self, at: datetime) -> None:
        self._base, self._since = at, float


class Server(Service):
    """The API. A client's copy tells what it is asked; the parent's does the same then, and outlives it."""

    tell: Connection | None = None
    steps = Steps()

    def open(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> ScheduledFault:
        if self.tell is not None:
            self.tell.send((self.now(), (method, path, dict(query), dict(headers), body)))
        self.steps.step(REQUEST)
        return super().open(method, path, query, headers, body)

    def work(self, turn: ScheduledFault) -> None:
        if self.tell is not None:
            self.tell.send((self.now(), turn.call.number))
        super().work(turn)


class Desk(DatabaseThread):
    """Carries out a ledger's jobs in the loop's own thread; those that wait together go together, as in the real one.

    Then a client's steps come in one order, however often it is run.
    """

    def __init__(self, connection: LedgerConnection) -> None:
        super().__init__("on disk")
        self._connection = connection
        self._waiting: list[Job] = []

    async def _carry_out(self, work: Callable[[sqlite3.Connection], T], begin: str) -> T:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._serve_all)
        self._waiting.append(Job(work, begin, answer))
        return await answer

    def _serve_all(self) -> None:
        batch, self._waiting = self._waiting, []
        self._work_off(self._connection, [job for job in batch if not job.answer.cancelled()])


class Shelf(Protocol):
    """Where a ledger is kept, which several processes open one after the other."""

    def opened(self, steps: Steps) -> AbstractContextManager[SqlLedger]:
        """Give the ledger to a client that counts its steps."""
        ...

    def copied(self, folder: Path) -> Shelf:
        """Return a copy, in a folder or wherever such ledgers are."""
        ...

    def discard(self) -> None:
        """Delete it."""
        ...

    def open_intents(self) -> int:
        """Return how many intents are open."""
        ...

    def remains(self) -> tuple[tuple[str, ...], bytes]:
        """Return what a dead client has left: names of locks, and a digest of what the ledger holds."""
        ...


class FileShelf(Shelf):
    """A ledger in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def opened(self, steps: Steps) -> Iterator[SqlLedger]:
        locks = FileLocks(self.path.with_suffix(".locks"))
        with closing(open_file(self.path, locks)) as connection:
            connection.execute("pragma synchronous = off")  # no death of a process takes back what the kernel has
            connection.set_trace_callback(steps.statement)
            yield SqliteLedger(Desk(connection), locks.hold)

    def copied(self, folder: Path) -> Shelf:
        return FileShelf(Path(shutil.copy(self.path, folder / "ledger.db")))

    def discard(self) -> None:
        self.path.unlink()

    def open_intents(self) -> int:
        with closing(sqlite3.connect(self.path)) as connection:
            return int(connection.execute("select count(*) from intents").fetchone()[0])

    def remains(self) -> tuple[tuple[str, ...], bytes]:
        """Return names of locks, and a digest of the pages. The ledger is read as a copy: reading would mend it."""
        locks = tuple(sorted(path.name for path in self.path.with_suffix(".locks").rglob("*")))
        with TemporaryDirectory(dir=self.path.parent) as folder:
            for path in self.path.parent.glob(f"{self.path.name}*"):
                if path.is_file() and not path.name.endswith("-shm"):  # made from the others
                    shutil.copy(path, folder)
            with closing(sqlite3.connect(Path(folder) / self.path.name)) as connection:
                return locks, blake2b(connection.serialize()).digest()


class Rows:
    """A source made of a list."""

    def __init__(self, rows: list[Dimension]) -> None:
        self._rows = rows

    async def __aiter__(self) -> AsyncIterator[Dimension]:
        for row in self._rows:
            yield row


class Stage:
    """A server, a ledger and a clock."""

    def __init__(self, shelf: Shelf, kind: Callable[[SqlLedger], SqlLedger]) -> None:
        self.shelf = shelf
        self.kind = kind  # what is made of the ledger before it is used
        self.clock = Clock()
        self.service = Server(Options(), tenant=Tenant(), clock=self.clock, second=lambda: 0.0)
        self.unfinished: list[ScheduledFault] = []  # what a dead client had asked for
        self.told = 0  # messages of a dead client: they alone change this server

    def sync(self, wanted: Mapping[int, list[Dimension]], *, seed: int, steps: Steps | None = None) -> RunResult:
        """Sync once, from its beginning to its end."""
        steps = steps or Steps()
        with asyncio.Runner(loop_factory=lambda: SteppedLoop(steps)) as runner:
            self.clock.go(runner.get_loop())
            result = runner.run(self._sync(wanted, Random(seed), steps))
            self.clock.stop(self.clock())
        return result

    async def _sync(self, wanted: Mapping[int, list[Dimension]], rng: Random, steps: Steps) -> RunResult:
        self._land_late(rng)
        line = cast("aiohttp.ClientSession", Line(service=self.service, fate=steps, rng=rng, watch=lambda _: None))
        companies = [Company(id=number, source=Rows(rows)) for number, rows in wanted.items()]
        with self.shelf.opened(steps) as opened:
            ledger = self.kind(opened)
            async with Engine(settings(), session=line, ledger=ledger, now=self.clock, rng=rng) as engine:
                return await engine.sync(
                    companies, allow=[each for each in LEAVE if each.company_id in wanted]
                ).result()

    def _land_late(self, rng: Random) -> None:
        """Let what a dead client has asked for be done at some time before the server gives it up."""
        for turn in self.unfinished:
            left_s = GATEWAY_S - (self.clock() - turn.now).total_seconds()
            asyncio.get_running_loop().call_later(rng.random() * left_s, self.service.work, turn)
        self.unfinished = []

    def live(
        self, tell: Connection | None = None, at: int | None = None, look: Callable[[int], None] | None = None
    ) -> list[str]:
        """Be a client, which dies at a step of its; return the steps of one that does not."""
        steps = Steps(at, look)
        self.service.tell, self.service.steps = tell, steps
        self.sync(WANTED, seed=1, steps=steps)
        return steps.kinds

    def serve(self, client: Connection) -> Iterator[int]:
        """Carry out what a client asks for, until it is gone; yield the steps at which it stops to be looked at."""
        turns: dict[int, ScheduledFault] = {}
        with suppress(EOFError):
            while True:
                at, what = client.recv()
                if at is None:
                    self.unfinished = list(turns.values())
                    yield what
                    client.send(None)
                    continue
                self.told += 1
                self.clock.stop(at)
                if isinstance(what, int):
                    self.service.work(turns.pop(what))
                else:
                    turn = self.service.open(*what)
                    turns[turn.call.number] = turn
        self.unfinished = list(turns.values())


def prepared(shelf: Shelf, kind: Callable[[SqlLedger], SqlLedger]) -> Stage:
    """Return a stage on which company 1 was synced before, and company 2 is not known."""
    stage = Stage(shelf, kind)
    stage.service.place(1)
    stage.service.place(2, [Values(*row) for row in THERE])
    assert stage.sync({1: KNOWN}, seed=0).exit_code == 0
    stage.service.script.replace(parse_rules([REFUSE, LOSE]))
    stage.service.log.clear()
    return stage


Remains = tuple[int, tuple[str, ...], bytes]
"""What a death leaves: messages to the server, which tell what is under way; names of locks; what the ledger holds."""


def new_ones(stage: Stage, steps: list[int]) -> list[int]:
    """Let a client live; return the steps at which a death would leave something new."""
    wanted, found, seen = frozenset(steps), [], set[Remains]()
    ours, its = Pipe()
    client = os.fork()
    if client == 0:
        ours.close()

        def look(at: int) -> None:
            if at in wanted:
                its.send((None, at))
                its.recv()

        stage.live(its, look=look)
        os._exit(0)
    its.close()
    with ours:
        for at in stage.serve(ours):
            left = (stage.told, *stage.shelf.remains())
            if left not in seen:
                found.append(at)
            seen.add(left)
    assert os.waitpid(client, 0)[1] == 0, "it did not live"
    return found


def die(stage: Stage, at: int) -> None:
    """Let a client die at a step, run again, and look at what there is."""
    ours, its = Pipe(duplex=False)
    client = os.fork()
    if client == 0:
        gc.disable()  # it lives for milliseconds
        ours.close()
        stage.live(its, at)
        os._exit(0)
    its.close()
    with ours:
        assert not list(stage.serve(ours))
    _, status = os.waitpid(client, 0)
    assert os.WIFSIGNALED(status), "it ended by itself"
    go_on(stage, seed=at + 2)


def go_on(stage: Stage, seed: int) -> None:
    """Run after a client that has ended somehow, and look at what there is."""
    stage.service.script.replace(parse_rules([REFUSE]))
    died_at = stage.service._number
    result = stage.sync(AFTER, seed=seed)
    check(stage, result, [entry.created for entry in stage.service.log if entry.number > died_at])
    check_at_rest(stage)


def check(stage: Stage, result: RunResult, created: list[int]) -> None:
    """Nothing is lost, nothing there twice, and the books say so."""
    for company_id, wanted in AFTER.items():
        rows = stage.service.tenant.companies[company_id].rows
        stored = sorted(Dimension(row.values.key or "", *row.values[1:]) for row in rows)
        assert stored == sorted(row for row in wanted if row != REFUSED), f"company {company_id} has {stored}"
        made = sum(entry.created for entry in stage.service.log if entry.company == company_id)
        assert made == sum(row != REFUSED for row in ADDED[company_id]), f"company {company_id}: {made} were created"
    totals = result.totals
    open_rows = (totals.rejected, totals.uncertain, totals.held, totals.deferred, totals.invalid)
    assert (result.exit_code, totals.adds_up, *open_rows) == (3, True, 1, 0, 0, 0, 0), result
    assert totals.source_rows == sum(map(len, AFTER.values()))
    assert totals.created == sum(created), f"told {totals.created}, created {sum(created)}"


def check_at_rest(stage: Stage) -> None:
    """The ledger has nothing open, and one more run finds nothing to do and asks nothing."""
    assert stage.shelf.open_intents() == 0
    again = stage.sync(AFTER, seed=2)
    assert (again.exit_code, again.requests.total, again.totals.rejected) == (3, 0, 1), again
    assert again.totals.unchanged == sum(map(len, AFTER.values())) - 1


def chosen(kinds: list[str], which: str) -> list[int]:
    """Return the steps to die at, counted from 1: `all`, or those that may leave something new (`every`).

    `few`: every 40th statement, and every 12th request.
    """
    before = [STATEMENT, *kinds]
    if which == "few":
        at = {one: [n for n, kind in enumerate(kinds, start=1) if kind == one] for one in (STATEMENT, REQUEST)}
        return sorted((*at[STATEMENT][12::40], *at[REQUEST][4::12]))
    return [n for n, kind in enumerate(kinds, start=1) if which == "all" or (kind, before[n - 1]) != (AWAIT, AWAIT)]


def rehearse(stage: Stage) -> list[str]:
    """Live, and go on, with no death; return the steps. What this compiles and caches, all others have as well."""
    kinds = list(stage.live())
    go_on(stage, seed=3)
    return kinds


def copied(stage: Stage, folder: Path) -> Stage:
    """Return a stage of its own, with a copy of the ledger: nothing of what happens there is seen here."""
    shelf, stage.shelf = stage.shelf, FileShelf(folder)  # it may hold what cannot be copied
    copy = deepcopy(stage)
    stage.shelf = shelf
    copy.shelf = shelf.copied(folder)
    return copy


def main() -> None:
    """Die at the steps; print, as JSON, how many there are, were looked at and died at, and what went wrong."""
    parser = ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("which", choices=["every", "all", "few"])
    parser.add_argument("--ack-only", action="store_true")
    parser.add_argument("--postgres", help="URL of a server, with {} in the place of the database")
    options = parser.parse_args()
    kind = AckOnly if options.ack_only else lambda ledger: ledger
    twin, shelf = _shelves(options.folder, options.postgres)
    kinds = rehearse(prepared(twin, kind))
    stage = prepared(shelf, kind)
    looked_at = steps = chosen(kinds, options.which)
    wrong = {}
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)  # as for all tests
    if options.which == "every":
        with TemporaryDirectory(dir=options.folder) as folder:
            steps = new_ones(copied(stage, Path(folder)), steps)
    for at in steps:
        try:
            with TemporaryDirectory(dir=options.folder) as folder:
                own = copied(stage, Path(folder))
                try:
                    die(own, at)
                finally:
                    own.shelf.discard()
        except AssertionError as error:
            wrong[f"{kinds[at - 1]}, {at}"] = str(error)
    looked, deaths = (Counter(kinds[at - 1] for at in each) for each in (looked_at, steps))
    sys.stdout.buffer.write(orjson.dumps({"steps": Counter(kinds), "looked": looked, "deaths": deaths, "wrong": wrong}))


def _shelves(folder: Path, server: str | None) -> tuple[Shelf, Shelf]:
    """Return places for two new ledgers: files, or databases of a server."""
    if server is None:
        return FileShelf(folder / "twin.db"), FileShelf(folder / "ledger.db")
    from tests.crash.postgres_shelf import new_shelf  # noqa: PLC0415  it is made of what stands here

    return new_shelf(server), new_shelf(server)


if __name__ == "__main__":
    main()
