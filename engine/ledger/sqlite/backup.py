"""Copy a ledger's file while runs go on, and put such a copy back in its place.

Both make the copy beside its destination, for our user alone, and rename it when it is whole: a destination holds the
old file or the new one, and nothing in between.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from tempfile import mkstemp
from typing import NamedTuple

from engine.errors import LedgerError
from engine.ledger.jobs.distrust import distrust
from engine.ledger.jobs.texts import optional_instant, to_text
from engine.ledger.sqlite.database import connect
from engine.ledger.sqlite.lock import FileLocks
from engine.ledger.sqlite.migrate import APPLICATION_ID, MIGRATIONS, migrate, schema_version
from engine.model.settings import CompanyKey

BACKED_UP_AT = "backed_up_at"

NOTE = "insert or replace into ledger_notes (name, value) values (?, ?)"
READ_NOTE = "select value from ledger_notes where name = ?"
COMPANIES = "select origin, account, company_id from scopes"
TAKE_COUNTS = """
    insert into quotas select * from before.quotas where true
    on conflict (origin, account, day) do update set used = max(used, excluded.used),
        used_up_at = coalesce(excluded.used_up_at, used_up_at), reason = coalesce(excluded.reason, reason)
"""


class Restored(NamedTuple):
    """What a restored ledger is like."""

    backed_up_at: datetime | None  # None: the file was not made by `ledger backup`
    companies: int  # whose values are no longer trusted: their next sync lists them
    moved_to: Path | None  # where the former ledger was moved; None: there was none
    keeps_counts: bool  # the requests that were counted since the backup are counted still


def back_up(connection: sqlite3.Connection, file: Path, at: datetime) -> None:
    """Copy the whole ledger to `file`, as it is at one moment, and note when, here and there.

    Call it outside of a transaction. Raises LedgerError or sqlite3.Error; then `file` is as it was.
    """
    (own,) = (name for _, schema, name in connection.execute("pragma database_list") if schema == "main")
    if not own:
        raise LedgerError("A ledger in memory ends with its process, and is not backed up.")
    if file.resolve() == Path(own).resolve():
        raise LedgerError(f"{file} is the ledger itself. Name another file, best on another disk.")

    def fill(copy: sqlite3.Connection) -> None:
        connection.backup(copy)
        copy.execute(NOTE, (BACKED_UP_AT, to_text(at)))

    _write_whole(file, fill)
    connection.execute(NOTE, (BACKED_UP_AT, to_text(at)))


def last_backup(connection: sqlite3.Connection) -> datetime | None:
    """Return when the ledger was last backed up; None: never."""
    found = connection.execute(READ_NOTE, (BACKED_UP_AT,)).fetchone()
    return optional_instant(found and found[0])


def restore(path: Path, locks: FileLocks, file: Path, at: datetime) -> Restored:
    """Put a backup in the place of the ledger at `path`, brought to the newest schema.

    The backup does not know what was acknowledged after it, so none of its values are trusted: the next sync lists each
    company. The former ledger is moved aside. Requests that it counted stay counted, since they were sent. Raises
    LedgerError; then the ledger is as it was.
    """
    if file.resolve() == path:
        raise LedgerError(f"{file} is the ledger itself. Name a file that `dimsync ledger backup` has made.")
    with locks.opening():
        readable = _ensure_unused(path)
        found: list[Restored] = []

        def fill(copy: sqlite3.Connection) -> None:
            backed_up_at = _copy_backup(file, copy)
            companies = _distrust_all(copy)
            if readable:
                _take_counts(copy, path)
            found.append(Restored(backed_up_at, companies, None, readable))

        aside = path.with_name(f"{path.name}.before-{at:%Y%m%dT%H%M%SZ}")
        _write_whole(path, fill, before_rename=lambda: _move_aside(path, aside))
    return found[0]._replace(moved_to=aside if aside.exists() else None)


def _write_whole(
    file: Path, fill: Callable[[sqlite3.Connection], None], before_rename: Callable[[], None] | None = None
) -> None:
    """Let `fill` write a database, check it, and give it its name when it is on the disk."""
    if not file.parent.is_dir():
        raise LedgerError(f"The folder {file.parent} does not exist. Make it, or name another file.")
    descriptor, name = mkstemp(prefix=f".{file.name}.", suffix=".part", dir=file.parent)  # mode 0600
    os.close(descriptor)
    try:
        with closing(connect(name)) as copy:
            fill(copy)
            copy.execute("pragma journal_mode = delete").fetchone()  # one file, without a -wal beside it
            (verdict,) = copy.execute("pragma quick_check(1)").fetchone()
        if verdict != "ok":
            raise LedgerError(f"The copy is damaged ({verdict}), so that {file} was not written.")
        _sync(Path(name))
        if before_rename is not None:
            before_rename()
        Path(name).replace(file)
        _sync(file.parent)
    except (OSError, sqlite3.Error) as error:
        raise LedgerError(f"{file} could not be written: {error}. It is as it was.") from error
    finally:
        for left in (name, f"{name}-wal", f"{name}-shm", f"{name}-journal"):
            Path(left).unlink(missing_ok=True)


def _copy_backup(file: Path, copy: sqlite3.Connection) -> datetime | None:
    """Copy a backup, and bring it to the newest schema. Return when it was made; None: it does not say."""
    if not file.is_file():
        raise LedgerError(f"There is no file {file}.")
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as backup:
        try:
            (application_id,) = backup.execute("pragma application_id").fetchone()
            if application_id != APPLICATION_ID:
                raise LedgerError(f"{file} is no ledger. Name a file that `dimsync ledger backup` has made.")
            version = schema_version(backup, len(MIGRATIONS), str(file))
            backup.backup(copy)
        except sqlite3.DatabaseError as error:
            raise LedgerError(f"{file} cannot be read as a ledger: {error}. Name another backup.") from error
    migrate(copy, MIGRATIONS, version)
    return last_backup(copy)


def _distrust_all(copy: sqlite3.Connection) -> int:
    """Trust no value that was acknowledged for any company; return how many companies there are."""
    companies = copy.execute(COMPANIES).fetchall()
    with copy:
        copy.execute("begin immediate")
        for origin, account, company_id in companies:
            distrust(copy, CompanyKey(origin=origin, account=account, company_id=company_id))
    return len(companies)


def _take_counts(copy: sqlite3.Connection, path: Path) -> None:
    """Take over how many requests each key has used, by the ledger that is replaced."""
    copy.execute("attach ? as before", (str(path),))
    with copy:
        copy.execute("begin immediate")
        copy.execute(TAKE_COUNTS)
    copy.execute("detach before")


def _ensure_unused(path: Path) -> bool:
    """Return whether there is a ledger of our schema to be replaced. Raises LedgerError while anybody uses it.

    SQLite ends a file's WAL mode only while no other connection is open. Openers wait for the lock that the caller
    holds, and set WAL mode again.
    """
    if not path.exists():
        return False
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("pragma journal_mode = delete").fetchone()
            version = schema_version(connection, len(MIGRATIONS), str(path))
            return version == len(MIGRATIONS)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname.startswith("SQLITE_BUSY"):
                raise LedgerError(
                    f"The ledger {path} is in use. Wait for the run or the service that uses it to end, and stop what"
                    " starts others, then restore again."
                ) from error
            raise LedgerError(f"The ledger {path} cannot be replaced: {error}.") from error
        except (sqlite3.DatabaseError, LedgerError):
            return False  # damaged, or of another program: it is moved aside, and nothing is taken from it


def _move_aside(path: Path, aside: Path) -> None:
    """Give the files of a ledger, if there are any, other names; `path` leads to it until it is replaced."""
    for ending in ("-wal", "-shm"):  # only a damaged ledger still has these
        with suppress(FileNotFoundError):
            Path(f"{path}{ending}").rename(f"{aside}{ending}")
    with suppress(FileNotFoundError):
        aside.hardlink_to(path)


def _sync(path: Path) -> None:
    """Write a file, or a folder's names, through to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
