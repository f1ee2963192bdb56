"""Open a ledger's database file: private, in WAL mode, durable at each commit, and of the newest schema."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from engine.errors import LedgerError
from engine.ledger.sqlite.lock import FileLocks
from engine.ledger.sqlite.migrate import MIGRATIONS, migrate, schema_version

BUSY_TIMEOUT_S = 30.0
"""How long to wait for another process's transaction. A commit takes milliseconds, so after this one hangs."""

FREE_SHARE = 0.25
FREE_BYTES = 1_000_000
"""The file is rewritten without its free space when at least this share of it, and this many bytes, are free."""

MOST_BYTES = 512_000_000
"""A file that holds more is not rewritten: other processes would wait longer than `BUSY_TIMEOUT_S`. Its free space is
used for new rows."""


def open_file(path: Path, locks: FileLocks) -> sqlite3.Connection:
    """Return a connection to the ledger at `path`; the file is made if there is none.

    Raises LedgerError, OSError or sqlite3.Error. Only one process opens at a time: when two switch to WAL mode at once,
    one of them fails immediately, whatever the busy timeout.
    """
    if not path.parent.is_dir():
        raise LedgerError(f"The ledger's folder {path.parent} does not exist. Make it, or correct `[ledger] url`.")
    with locks.opening():
        _create(path)
        connection = connect(str(path))
        try:
            version = schema_version(connection, len(MIGRATIONS), str(path))
            _switch_to_wal(connection, path)
            migrate(connection, MIGRATIONS, version)
        except BaseException:
            connection.close()
            raise
    return connection


def open_memory(*, any_thread: bool = False) -> sqlite3.Connection:
    """Return a connection to a new ledger in memory; closing the connection ends the ledger.

    `any_thread`: several threads may use it, one at a time, which its user sees to.
    """
    connection = connect(":memory:", any_thread=any_thread)
    migrate(connection, MIGRATIONS, 0)
    return connection


def give_back(connection: sqlite3.Connection) -> None:
    """Give free pages back to the file system when there are many. Call it outside of a transaction.

    Does nothing while another process uses the ledger, or where the disk has no room for a copy of the file; a later
    run tries again.
    """
    size, pages, free = (
        connection.execute(f"pragma {name}").fetchone()[0] for name in ("page_size", "page_count", "freelist_count")
    )
    if free * size < FREE_BYTES or free < FREE_SHARE * pages or (pages - free) * size > MOST_BYTES:
        return
    connection.execute("pragma busy_timeout = 0")
    try:
        connection.execute("vacuum")
        connection.execute("pragma wal_checkpoint(truncate)").fetchone()  # until then the -wal file holds the copy
    except sqlite3.OperationalError:
        return
    finally:
        connection.execute(f"pragma busy_timeout = {BUSY_TIMEOUT_S * 1_000:.0f}")


def _create(path: Path) -> None:
    """Make the file for our user alone; SQLite gives its -wal and -shm files the same mode.

    A file that exists is not touched: to open and close it would drop the locks that SQLite holds on it elsewhere in
    this process (https://www.sqlite.org/howtocorrupt.html section 2.2).
    """
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def connect(target: str, *, any_thread: bool = False) -> sqlite3.Connection:
    """Return a connection whose commits are durable; neither WAL mode nor the schema is seen to."""
    connection = sqlite3.connect(
        target,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,  # transactions are ours
        check_same_thread=not any_thread,
    )
    connection.execute("pragma synchronous = full")
    connection.execute("pragma foreign_keys = on")
    return connection


def _switch_to_wal(connection: sqlite3.Connection, path: Path) -> None:
    (mode,) = connection.execute("pragma journal_mode = wal").fetchone()
    if mode != "wal":
        raise LedgerError(f"The ledger {path} lies on a file system that cannot hold it (no WAL). Use a local disk.")
