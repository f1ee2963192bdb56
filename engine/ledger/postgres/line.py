"""A connection on a thread of its own, which answers short statements at once, and hears what other workers tell.

It is opened when it is first needed, and again after it was lost. While it cannot be opened, each question gets the
error as its answer.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, NamedTuple, TypeVar

import psycopg

from engine.errors import LedgerError
from engine.ledger.postgres.session import Session

T = TypeVar("T")
R = TypeVar("R")


class _Question(NamedTuple):
    """Work that waits for the thread, and where its answer goes."""

    work: Callable[[Session], Any]
    told: Callable[[Any], Any]  # applied to its result, on the caller's event loop
    answer: asyncio.Future[Any]
    connects: bool  # False: no connection is opened for it


class Line:
    """Has neither thread nor connection before the first question; `aclose` ends both."""

    def __init__(
        self, name: str, connect: Callable[[], Session], *, hear: Callable[[str], None], cut: Callable[[], None]
    ) -> None:
        """`connect` opens a session. In the thread, `hear` gets each message; `cut` is called on a lost connection."""
        self._name = name
        self._connect = connect
        self._hear = hear
        self._cut = cut
        self._questions: SimpleQueue[_Question | None] = SimpleQueue()  # None: close
        self._thread: Thread | None = None
        self._starting = Lock()
        self._bell: socket.socket | None = None  # wakes the thread
        self._closed = False

    def ask(self, work: Callable[[Session], T], told: Callable[[T], R], *, connects: bool = True) -> asyncio.Future[R]:
        """Let the thread carry out `work`, outside of any transaction; answer with what `told` makes of its result.

        `connects` False: if there is no connection, the answer is an error.
        """
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        if self._closed:
            answer.set_exception(LedgerError(f"The ledger {self._name} is closed."))
            return answer
        with self._starting:
            if self._thread is None:
                self._start()
        self._questions.put(_Question(work, told, answer, connects))
        self._ring()
        return answer

    async def aclose(self) -> None:
        """Answer what was asked, and close. Idempotent."""
        if not self._closed:
            self._closed = True
            if self._thread is not None:
                self._questions.put(None)
                self._ring()
                await asyncio.to_thread(self._thread.join)

    def _start(self) -> None:
        self._bell, ear = socket.socketpair()
        self._bell.setblocking(False)
        ear.setblocking(False)
        # A daemon, so that a program that forgets to close the ledger still ends.
        self._thread = Thread(target=self._serve, args=(ear,), name=f"limits of {self._name}", daemon=True)
        self._thread.start()

    def _ring(self) -> None:
        if self._bell is not None:
            with suppress(BlockingIOError):  # it was rung often enough
                self._bell.send(b"\0")

    def _serve(self, ear: socket.socket) -> None:
        """Answer questions until told to close. The thread runs this."""
        session, goes_on = None, True
        with selectors.DefaultSelector() as selector, ear:
            selector.register(ear, selectors.EVENT_READ)
            while goes_on:
                _wait(selector, ear, session)
                questions, goes_on = self._asked()
                session = self._answer_all(questions, session)
        if session is not None:
            session.close()
        if self._bell is not None:
            self._bell.close()

    def _asked(self) -> tuple[list[_Question], bool]:
        """Return the questions that wait, and whether there may be others."""
        questions: list[_Question] = []
        with suppress(Empty):
            while (question := self._questions.get_nowait()) is not None:
                questions.append(question)
            return questions, False
        return questions, True

    def _answer_all(self, questions: list[_Question], session: Session | None) -> Session | None:
        """Answer questions; return the session, None if there is none any more."""
        failure: Exception | None = None
        for question in questions:
            if session is None and failure is None and question.connects:
                try:
                    session = self._connected()
                except Exception as error:  # noqa: BLE001  each question would wait as long, and in vain
                    failure = error
            _answer(question, session, failure or LedgerError(f"The ledger {self._name} is not connected."))
            session = self._if_there(session)
        if session is not None:
            self._listen(session)
        return self._if_there(session)

    def _connected(self) -> Session:
        """Return a new session. What others tell while a question is answered is heard, too."""
        session = self._connect()
        session.connection.add_notify_handler(lambda note: self._hear(note.payload))
        return session

    def _if_there(self, session: Session | None) -> Session | None:
        """Return the session; None: it was lost, which is told to `cut`."""
        if session is None or not session.is_lost:
            return session
        session.close()
        self._cut()
        return None

    def _listen(self, session: Session) -> None:
        """Take in what others have told."""
        connection = session.connection.pgconn
        with suppress(psycopg.Error):  # it is lost, which shows
            connection.consume_input()
            while (note := connection.notifies()) is not None:
                self._hear(note.extra.decode())


def _wait(selector: selectors.BaseSelector, ear: socket.socket, session: Session | None) -> None:
    """Wait for questions, or for what others tell on the session."""
    if session is None:
        selector.select()
    else:
        line = session.connection.fileno()
        selector.register(line, selectors.EVENT_READ)
        try:
            selector.select()
        finally:
            selector.unregister(line)
    with suppress(BlockingIOError):
        ear.recv(4096)


def _answer(question: _Question, session: Session | None, failure: Exception) -> None:
    """Answer one question. Without a session, the answer is why there is none."""
    if question.answer.cancelled():
        return
    result: Any = None
    error: Exception | None = failure
    if session is not None:
        try:
            result, error = question.work(session), None
        except Exception as raised:  # noqa: BLE001  whatever it is, its caller gets it
            error = raised
    with suppress(RuntimeError):  # a loop that was closed waits for nothing
        question.answer.get_loop().call_soon_threadsafe(_deliver, question, result, error)


def _deliver(question: _Question, result: object, error: Exception | None) -> None:
    """Give an answer, on the caller's loop, if somebody still waits for it."""
    if question.answer.cancelled():
        return
    if error is not None:
        question.answer.set_exception(error)
    else:
        question.answer.set_result(question.told(result))
