"""Open the ledger that a URL names, whichever database it is in."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import anyio.to_thread

from engine.errors import ConfigError, LedgerError
from engine.ledger.copies import CopiedTable, Place, copy
from engine.ledger.postgres.address import is_postgres
from engine.ledger.sql_ledger import SqlLedger
from engine.ledger.sqlite import ledger as sqlite
from engine.ledger.sqlite.place import SqlitePlace


async def open_ledger(url: str, *, base: Path | None = None) -> SqlLedger:
    """Open the ledger that a URL names; make it if there is none.

    `sqlite:///file.db` is a file relative to `base` (None: the working directory), `sqlite:////folder/file.db` an
    absolute one, `sqlite://` a ledger in memory, `postgresql://user@host/database` one that several machines share.
    Raises `ConfigError` for other URLs, and `LedgerError` where no ledger can be made.
    """
    if not is_postgres(url):
        return await sqlite.open_ledger(url, base=base)
    try:
        from engine.ledger.postgres.ledger import open_postgres  # noqa: PLC0415  its driver is an extra
    except ImportError as error:
        raise ConfigError(
            "The ledger is in Postgres, which takes the extra `postgres`: pip install 'dimsync[postgres]'."
        ) from error
    return await open_postgres(url)


async def copy_ledger(source: str, target: str, *, base: Path | None = None) -> tuple[CopiedTable, ...]:
    """Copy the ledger that one URL names to the place that another one names, and prove that both hold the same.

    The target is a new file, or a database that holds no ledger. Raises `ConfigError` for a ledger in memory, for a
    source that is not there, and while a run is under way in the source; and as `copies.copy`.
    """
    await _ensure_quiet(source, base)
    try:
        return await anyio.to_thread.run_sync(_copied, source, target, base)
    except sqlite3.Error as error:
        raise LedgerError(f"The ledger could not be copied: {error}. Nothing was kept.") from error


def _copied(source: str, target: str, base: Path | None) -> tuple[CopiedTable, ...]:
    with closing(_place(source, base)) as one, closing(_place(target, base)) as other:
        return copy(one, other)


async def _ensure_quiet(url: str, base: Path | None) -> None:
    if not await holds_runs(url, base=base):
        raise ConfigError(f"The ledger {url} knows of no run, so that there is nothing to copy.")
    async with await open_ledger(url, base=base) as ledger:
        if (run_id := await ledger.under_way()) is not None:
            raise ConfigError(f"Run {run_id} is under way in the ledger {url}. Copy it when that has ended.")


def _place(url: str, base: Path | None) -> Place:
    if is_postgres(url):
        from engine.ledger.postgres.place import PostgresPlace  # noqa: PLC0415  its driver is an extra

        return PostgresPlace(url)
    return SqlitePlace(sqlite.file_of(url, base))


async def holds_runs(url: str, *, base: Path | None = None) -> bool:
    """Return whether any run was written down in a ledger; a file that is not there is not made. Raises as it opens."""
    if not is_postgres(url):
        return await sqlite.holds_runs(url, base=base)
    async with await open_ledger(url) as ledger:
        return not ledger.is_new
