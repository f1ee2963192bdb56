"""A connection to Postgres that carries out the ledger's jobs as one to SQLite does."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from engine.errors import LedgerError
from engine.ledger.connection import Values
from engine.ledger.postgres.spelling import bound, spelled
from engine.ledger.postgres.texts import adapt

SCHEMA = "dimsync"

SETTINGS = (
    f"set search_path to {SCHEMA}",
    "set synchronous_commit to on",  # a commit survives a power cut, whatever the server's default is
    "set lock_timeout to '30s'",  # like `BUSY_TIMEOUT_S` of the SQLite ledger
    "set idle_in_transaction_session_timeout to '15s'",  # a frozen worker holds others up for less than they wait
    "set tcp_keepalives_idle to 30",  # a worker whose machine is gone keeps its companies for a minute
    "set tcp_keepalives_interval to 10",
    "set tcp_keepalives_count to 3",
)
CONNECT_TIMEOUT_S = 10

AGAIN = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)
"""Errors that a new transaction, a moment later, does not meet."""


class LostConnection(LedgerError):
    """The connection is gone, and with it every lock that it held."""


class Collision(LedgerError):
    """The transaction collided with another one and was undone; it may be tried again."""


class Session:
    """One connection, which runs statements as they are spelled for SQLite. Errors of the server are `LedgerError`."""

    def __init__(self, url: str, name: str, prepare: Callable[[Session], None], **options: Any) -> None:
        """Connect. `url`: as `address.checked` returns it. `prepare`: called first. Raises `LedgerError`.

        `options`: of libpq, beside those that all sessions have.
        """
        self._url = url
        self._options = {"connect_timeout": CONNECT_TIMEOUT_S, **options}
        self._name = name
        self._prepare = prepare
        self.connection = self._opened()

    def execute(self, statement: str, values: Values = ()) -> psycopg.Cursor[tuple[Any, ...]]:
        """Carry out a statement; its result is here when this returns."""
        try:
            if not values:
                return self.connection.execute(statement)
            return self.connection.execute(spelled(statement), bound(statement, values))
        except (psycopg.Error, UnicodeEncodeError) as error:
            raise self._explained(error) from error

    def executemany(self, statement: str, values: Iterable[Values]) -> None:
        """Carry out a statement for each of several groups of values, in one round trip."""
        groups = [bound(statement, each) for each in values]
        if not groups:
            return
        try:
            self.connection.cursor().executemany(spelled(statement), groups)
        except (psycopg.Error, UnicodeEncodeError) as error:
            raise self._explained(error) from error

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self.connection.info.transaction_status not in (TransactionStatus.IDLE, TransactionStatus.UNKNOWN)

    @property
    def is_lost(self) -> bool:
        """Whether the connection was closed by the server, or broke."""
        return self.connection.closed or self.connection.broken

    def renew(self) -> None:
        """Connect anew, after the connection was lost."""
        self.close()
        self.connection = self._opened()

    def close(self) -> None:
        """Close the connection: the server frees its locks."""
        self.connection.close()

    def _opened(self) -> psycopg.Connection[tuple[Any, ...]]:
        who = f"dimsync {socket.gethostname()} {os.getpid()}"
        try:
            self.connection = psycopg.connect(
                self._url, autocommit=True, fallback_application_name=who, **self._options
            )
        except psycopg.Error as error:
            raise LostConnection(
                f"The ledger {self._name} cannot be reached: {_said(error)}. See to the server and the network, or "
                "correct `[ledger] url`. A password is taken from PGPASSWORD or ~/.pgpass."
            ) from error
        try:
            adapt(self.connection)
            self.execute("; ".join(SETTINGS))
            self._ensure_utf8()
            self._prepare(self)
        except BaseException:
            self.close()
            raise
        return self.connection

    def _ensure_utf8(self) -> None:
        encoding = self.connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise LedgerError(f"The database of the ledger {self._name} is in {encoding}. Make one in UTF8.")

    def _explained(self, error: psycopg.Error | UnicodeEncodeError) -> LedgerError:
        said = _said(error)
        if self.is_lost:
            return LostConnection(f"The connection to the ledger {self._name} was lost: {said}. Run again.")
        kind = Collision if isinstance(error, AGAIN) else LedgerError
        return kind(f"The ledger {self._name} failed: {said}.")


def _said(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
