"""One thread that owns a database connection, and commits all waiting writes in one transaction.

An fsync costs more than all SQL of a chunk, and with 64 chunks in flight many wait at once. So the thread carries out
all waiting writes in one transaction, and answers their callers after the commit. When one job fails, everything is
rolled back and each job gets a transaction of its own, so that it fails alone. Savepoints would do the same, but cost a
third more CPU a row when no job fails, which is the rule: SQLite copies each page that changes under a savepoint. A job
may change nothing but the database, because it may be run twice.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import closing, suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

from engine.errors import LedgerError
from engine.ledger.connection import Connection

P = ParamSpec("P")
T = TypeVar("T")

MOST_JOBS = 64
"""Jobs in one transaction: the default of `Limits.max_concurrency`. It bounds how long other processes wait."""

READ, WRITE = "begin", "begin immediate"

NEXT_STEPS = {
    "SQLITE_BUSY": "Another process kept it locked; run again when that has ended.",
    "SQLITE_FULL": "Make room on its disk, then run again.",
    "SQLITE_IOERR": "Look after its disk (full, or failing), then run again.",
    "SQLITE_READONLY": "Make the file and its folder writable for this user.",
    "SQLITE_CANTOPEN": "Its folder has to exist and be writable for this user.",
    "SQLITE_CORRUPT": "The file is damaged: restore it from a backup, or move it away to start anew.",
    "SQLITE_NOTADB": "The file is no ledger: name another file in `[ledger] url`, or move it away.",
}
"""What a person can do, by the start of SQLite's error name."""


class Job(NamedTuple):
    """Work that waits for the thread, and where its answer goes."""

    work: Callable[[Any], Any]
    begin: str  # the statement that begins its transaction; empty: it has none
    answer: asyncio.Future[Any]  # belongs to the loop of the caller


class _Answer(NamedTuple):
    """What became of a job, on its way to its caller's loop."""

    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class DatabaseThread:
    """Carries out jobs, functions of a connection, in the order of their arrival; made by `start`.

    Cancelling a caller takes back its job if that has not begun. A job that has begun is carried out to its end, and
    the caller does not learn of it.
    """

    def __init__(self, name: str) -> None:
        self._name = name  # of the ledger, for messages
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()  # None: close
        self._opened: Future[None] = Future()
        self._ended: Future[None] = Future()
        for milestone in (self._opened, self._ended):
            milestone.set_running_or_notify_cancel()  # one waiter that is cancelled must not cancel it for others
        self._closed = False

    @property
    def name(self) -> str:
        """What people know the ledger by."""
        return self._name

    @classmethod
    async def start(cls, name: str, connect: Callable[[], Connection]) -> DatabaseThread:
        """Return a running thread whose connection is open. Raises what `connect` raises."""
        thread = cls(name)
        await thread.open(connect)
        return thread

    async def open(self, connect: Callable[[], Connection]) -> None:
        """Begin, with the connection that `connect` makes in the thread. Raises what it raises."""
        # A daemon, so that a program that forgets to close the ledger still ends. A cut transaction is undone.
        Thread(target=self._serve, args=(connect,), name=f"ledger {self._name}", daemon=True).start()
        try:
            await asyncio.wrap_future(self._opened)
        except asyncio.CancelledError:
            self.close_soon()
            raise

    # `Any`: the connection that `connect` has made. Jobs of one database alone ask more of it than `Connection`.
    async def read(self, work: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Carry out a job that only reads: it sees one state of the database and does not wait for other writers."""
        return await self._carry_out(lambda connection: work(connection, *args, **kwargs), READ)

    async def write(self, work: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Carry out a job that writes. It is durable when this returns; if this raises, it has changed nothing."""
        return await self._carry_out(lambda connection: work(connection, *args, **kwargs), WRITE)

    async def alone(self, work: Callable[[Any], T]) -> T:
        """Carry out a job outside of any transaction, such as VACUUM."""
        return await self._carry_out(work, "")

    async def _carry_out(self, work: Callable[[Any], T], begin: str) -> T:
        self.ensure_open()
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put(Job(work, begin, answer))
        return await answer

    def ensure_open(self) -> None:
        """Raise LedgerError when the ledger was closed."""
        if self._closed:
            raise LedgerError(f"The ledger {self._name} is closed.")

    def close_soon(self) -> None:
        """Take no more jobs, and close when the queued ones are done."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)

    async def aclose(self) -> None:
        """Finish the queued jobs and close the connection. Idempotent; cancelling it only stops the waiting."""
        self.close_soon()
        await asyncio.wrap_future(self._ended)

    def _serve(self, connect: Callable[[], Connection]) -> None:
        """Open the connection, and carry out jobs until told to close. The thread runs this."""
        try:
            connection = connect()
        except BaseException as error:  # noqa: BLE001  it belongs to whoever waits for the opening
            self._opened.set_exception(explained(self._name, error))
            return
        self._opened.set_result(None)
        try:
            with closing(connection):
                while (batch := self._next_batch()) is not None:
                    self._work_off(connection, batch)
        finally:
            self._ended.set_result(None)

    def _next_batch(self) -> list[Job] | None:
        """Wait for a job, and take those that are queued behind it; None: it is time to close."""
        item = self._jobs.get()
        if item is None:
            return None
        batch: list[Job] = []
        while item is not None:
            if not item.answer.cancelled():
                batch.append(item)
            if len(batch) == MOST_JOBS:
                return batch
            try:
                item = self._jobs.get_nowait()
            except Empty:
                return batch
        self._jobs.put(None)  # closing comes after these
        return batch

    def _work_off(self, connection: Connection, batch: list[Job]) -> None:
        """Carry out all writes in one transaction, then each read by itself: it may be long, but locks nobody out."""
        if writing := [job for job in batch if job.begin == WRITE]:
            self._commit(connection, writing)
        for job in batch:
            if job.begin != WRITE:
                self._commit(connection, [job])

    def _commit(self, connection: Connection, batch: list[Job]) -> None:
        """Carry out a batch in one transaction and answer its callers; if it fails, give each job one of its own."""
        try:
            results = self._transact(connection, batch)
        except NotBegun as refused:
            _answer([_Answer(job.answer, error=explained(self._name, refused.error)) for job in batch])
        except BaseException as error:  # noqa: BLE001  a bug belongs to its caller too, and the thread goes on
            if len(batch) == 1:
                _answer([_Answer(batch[0].answer, error=explained(self._name, error))])
                return
            for job in batch:
                self._commit(connection, [job])
        else:
            _answer([_Answer(job.answer, result) for job, result in zip(batch, results, strict=True)])

    def _transact(self, connection: Connection, batch: list[Job]) -> list[Any]:
        """Return the results of jobs of one kind once they are committed. If it raises, nothing was changed."""
        return transact(connection, batch[0].begin, [job.work for job in batch])


class NotBegun(Exception):
    """A transaction did not begin, as another process is writing: each job alone would wait as long, and also fail."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def _answer(answers: list[_Answer]) -> None:
    """Hand answers to the event loops of their callers, each woken once for all of its own."""
    for loop in {answer.future.get_loop() for answer in answers}:
        own = [answer for answer in answers if answer.future.get_loop() is loop]
        with suppress(RuntimeError):  # a loop that was closed waits for nothing
            loop.call_soon_threadsafe(_deliver, own)


def _deliver(answers: list[_Answer]) -> None:
    """Give answers, on the callers' loop, to those that still wait."""
    for future, result, error in answers:
        if future.cancelled():
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)


def transact(connection: Connection, begin: str, works: Sequence[Callable[[Any], T]]) -> list[T]:
    """Return the results of work once it is committed. If it raises, nothing was changed.

    `begin`: the statement that begins the transaction; empty: there is none.
    """
    if not begin:
        return [work(connection) for work in works]
    try:
        connection.execute(begin)
    except (sqlite3.Error, LedgerError) as error:
        raise NotBegun(error) from error
    try:
        results = [work(connection) for work in works]
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:  # a full disk may have ended it already
            connection.execute("rollback")
        raise
    return results


def explained(name: str, error: BaseException) -> BaseException:
    """Return errors of the database, and of values that it cannot hold, as `LedgerError`; others unchanged."""
    if not isinstance(error, sqlite3.Error | OSError | UnicodeEncodeError | OverflowError):
        return error
    kind = "SQLITE_CANTOPEN" if isinstance(error, OSError) else getattr(error, "sqlite_errorname", "")
    step = next((text for start, text in NEXT_STEPS.items() if kind.startswith(start)), "")
    failure = LedgerError(f"The ledger {name} failed: {error}. {step}".rstrip())
    failure.__cause__ = error
    return failure
