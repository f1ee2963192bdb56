"""The ledger on stdlib `sqlite3`: one file beside the settings, which several processes may share."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from engine.errors import ConfigError, LedgerError
from engine.ledger.jobs import (
    runs,
)
from engine.ledger.sql_ledger import SqlLedger
from engine.ledger.sqlite import backup
from engine.ledger.sqlite.database import give_back, open_file, open_memory
from engine.ledger.sqlite.lock import FileLocks, MemoryLocks
from engine.ledger.sqlite.run_marks import RunMarks
from engine.ledger.thread import DatabaseThread

MEMORY = ":memory:"


class SqliteLedger(SqlLedger):
    """A ledger in one SQLite database."""

    async def prune(self, before: datetime) -> int:
        """Forget what is older, and give much free space back to the file system."""
        forgotten = await super().prune(before)
        await self._thread.alone(give_back)
        return forgotten

    async def back_up(self, file: Path, at: datetime) -> None:
        """Copy the ledger as it is at one moment to a file, which then holds all of it; runs may go on meanwhile.

        Raises `LedgerError`, and leaves the file as it was.
        """
        await self._thread.alone(lambda connection: backup.back_up(connection, file, at))


async def open_ledger(url: str, *, base: Path | None = None) -> SqliteLedger:
    """Open the ledger that a URL names, relative to `base` (None: the working directory); made where there is none.

    `sqlite:///file.db` is relative, `sqlite:////folder/file.db` absolute, `sqlite://` or `:memory:` in memory. Raises
    ConfigError for other URLs and LedgerError for a file that cannot be a ledger.
    """
    file = _file(url)
    if file == MEMORY:
        return SqliteLedger(await DatabaseThread.start("in memory", open_memory), MemoryLocks().hold)
    path = _path(file, base)
    locks = FileLocks(path.with_name(f"{path.name}.locks"))
    thread = await DatabaseThread.start(str(path), lambda: open_file(path, locks))
    is_new, marks = await thread.read(runs.is_empty), RunMarks(locks.folder)
    return SqliteLedger(thread, locks.hold, path=path, is_new=is_new, marks=marks)


async def holds_runs(url: str, *, base: Path | None = None) -> bool:
    """Return whether any run was written down in a ledger; a file that is not there is not made. Raises as it opens."""
    file = _file(url)
    if file == MEMORY or not _path(file, base).exists():
        return False
    async with await open_ledger(url, base=base) as ledger:
        return not ledger.is_new


def restore_ledger(url: str, file: Path, at: datetime, *, base: Path | None = None) -> backup.Restored:
    """Put a backup in the place of the ledger that a URL names; that one is moved aside. Nothing may use it meanwhile.

    Raises ConfigError for a URL that names no file, and LedgerError; then the ledger is as it was.
    """
    name = _file(url)
    if name == MEMORY:
        raise ConfigError("`[ledger] url` names a ledger in memory: name a file there, then restore it")
    path = _path(name, base)
    if not path.parent.is_dir():
        raise LedgerError(f"The ledger's folder {path.parent} does not exist. Make it, or correct `[ledger] url`.")
    return backup.restore(path, FileLocks(path.with_name(f"{path.name}.locks")), file, at)


def file_of(url: str, base: Path | None = None) -> Path:
    """Return the file of the ledger that a URL names. Raises `ConfigError` for a ledger in memory."""
    if (file := _file(url)) == MEMORY:
        raise ConfigError("The URL sqlite:// names a ledger in memory, which has no file. Write sqlite:///FILE.")
    return _path(file, base)


def _path(file: str, base: Path | None) -> Path:
    """Return a ledger's path. Two names of one file have to lead to one folder of locks."""
    return ((base or Path.cwd()) / file).resolve()


def _file(url: str) -> str:
    """Return the file that a ledger's URL names. Says no more of a bad URL than its scheme: it may hold a password."""
    scheme, separator, rest = url.partition("://")
    if url == MEMORY or (scheme == "sqlite" and not rest):
        return MEMORY
    if scheme == "sqlite" and rest.startswith("/") and rest != "/":
        return rest[1:]
    found = f"begins with {scheme}://" if separator else "has no scheme"
    raise ConfigError(
        f"The ledger's URL {found}, which is not understood. Write sqlite:///file.db for a path relative to the "
        "settings, sqlite:////folder/file.db for an absolute one, sqlite:// for a ledger in memory, or "
        "postgresql://user@host/database."
    )
