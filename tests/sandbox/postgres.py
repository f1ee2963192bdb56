"""The ledger in Postgres for worlds in memory: its SQL is carried out on the spot, in virtual time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from engine.ledger.postgres.ledger import PostgresLedger, open_session
from engine.ledger.postgres.thread import PostgresThread
from tests.postgres_server import PostgresServer
from tests.sandbox.fuzz import Desk, Fate


class PostgresDesk(Desk, PostgresThread):
    """Carries out a ledger's jobs on the spot."""


@contextmanager
def postgres_ledger(server: PostgresServer) -> Iterator[PostgresLedger]:
    """Give an empty ledger."""
    with server.ledger() as url, closing(open_session(url)) as session:
        yield PostgresLedger(PostgresDesk(session, Fate()), is_new=True)
