"""A backup is whole whatever goes on meanwhile, and what is restored from it is not taken for true."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from engine.errors import ConfigError, LedgerError
from engine.ledger.sqlite.ledger import SqliteLedger, open_ledger, restore_ledger
from engine.ledger.sqlite.migrate import MIGRATIONS, migrate
from engine.model.ledger_writes import Learned
from tests.ledger.values import ANCHOR, HARBOR, LATER, NOON, ORIGIN, certificate, intent, known_rows

URL = "sqlite:///ledger.db"
KEY = (ORIGIN, "00ff00ff00ff00ff", NOON.date())


def left(folder: Path) -> set[str]:
    """Return the names of files that copying left behind: parts of copies, and ledgers that were moved aside."""
    return {path.name for path in folder.iterdir() if path.name.startswith(".") or ".before-" in path.name}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def content(path: Path) -> bytes:
    return path.read_bytes()


@pytest.fixture
async def backup(on_disk: SqliteLedger, tmp_path: Path) -> Path:
    """A backup of a ledger that knows two rows of one company, and has counted some requests."""
    await on_disk.learn(HARBOR, Learned(certificate=certificate(2), at=NOON, rows=known_rows("a", "b")))
    await on_disk.charge_requests(*KEY, 10)
    await on_disk.back_up(tmp_path / "kept.db", NOON)
    return tmp_path / "kept.db"


async def test_a_backup_is_one_private_file_that_holds_all(on_disk: SqliteLedger, backup: Path) -> None:
    assert mode(backup) == 0o600
    assert not left(backup.parent)
    before = await on_disk.read(HARBOR)
    async with await open_ledger("sqlite:///kept.db", base=backup.parent) as copy:
        assert await copy.read(HARBOR) == before
        assert await copy.last_backup() == NOON
    assert await on_disk.last_backup() == NOON


async def test_a_ledger_that_was_never_backed_up_says_so(on_disk: SqliteLedger) -> None:
    assert await on_disk.last_backup() is None


async def test_what_is_written_while_the_copy_is_made_is_there_wholly_or_not(
    on_disk: SqliteLedger, tmp_path: Path
) -> None:
    """Another process commits an intent and its rows; the backup is of one moment, and passes the database's check."""
    async with await open_ledger(URL, base=tmp_path) as other:
        for number in range(20):
            await other.begin(HARBOR, intent(f"chunk-{number}", f"k{number}"))
            await on_disk.back_up(tmp_path / "kept.db", NOON)
            async with await open_ledger("sqlite:///kept.db", base=tmp_path) as copy:
                assert (await copy.read(HARBOR)).left_over is not None
                assert await copy.recover(HARBOR) == number + 1


async def test_a_backup_that_fails_leaves_the_earlier_one(
    on_disk: SqliteLedger, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(backup)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LedgerError, match=r"kept\.db could not be written: .*No space left.* It is as it was"):
        await on_disk.back_up(backup, LATER)
    assert content(backup) == before
    assert await on_disk.last_backup() == NOON
    assert not left(backup.parent)


async def test_a_place_that_is_none_is_named(on_disk: SqliteLedger, tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="is the ledger itself"):
        await on_disk.back_up(tmp_path / "ledger.db", NOON)
    with pytest.raises(LedgerError, match="nowhere does not exist"):
        await on_disk.back_up(tmp_path / "nowhere" / "kept.db", NOON)
    async with await open_ledger("sqlite://") as memory:
        with pytest.raises(LedgerError, match="in memory"):
            await memory.back_up(tmp_path / "kept.db", NOON)


async def test_what_was_restored_keeps_links_and_trusts_no_value(
    on_disk: SqliteLedger, backup: Path, tmp_path: Path
) -> None:
    """What happened since the backup is in the ledger that is moved aside; requests that it counted stay counted."""
    await on_disk.learn(ANCHOR, Learned(certificate=certificate(1), at=LATER, rows=known_rows("c")))
    await on_disk.charge_requests(*KEY, 90)
    await on_disk.aclose()
    restored = restore_ledger(URL, backup, LATER, base=tmp_path)
    assert (restored.backed_up_at, restored.companies, restored.keeps_counts) == (NOON, 1, True)
    assert restored.moved_to is not None
    async with await open_ledger(URL, base=tmp_path) as ledger:
        record = await ledger.read(HARBOR)
        assert {key: row.remote_id for key, row in record.rows.items()} == {"a": "dim_a", "b": "dim_b"}
        assert record.state.listed_at is None
        assert await ledger.known_companies(ORIGIN) == [HARBOR]
        assert (await ledger.quota(*KEY)).used == 100
        assert await ledger.last_backup() == NOON
    assert mode(tmp_path / "ledger.db") == 0o600
    async with await open_ledger(f"sqlite:///{restored.moved_to.name}", base=tmp_path) as aside:
        assert await aside.known_companies(ORIGIN) == [HARBOR, ANCHOR]


async def test_a_ledger_that_is_used_is_not_replaced(on_disk: SqliteLedger, backup: Path, tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match=r"is in use\. Wait for the run or the service"):
        restore_ledger(URL, backup, LATER, base=tmp_path)
    await on_disk.learn(ANCHOR, Learned(certificate=certificate(1), at=LATER, rows=known_rows("c")))
    assert await on_disk.known_companies(ORIGIN) == [HARBOR, ANCHOR]
    assert not left(tmp_path)


async def test_a_backup_of_a_newer_dimsync_is_refused(on_disk: SqliteLedger, backup: Path, tmp_path: Path) -> None:
    await on_disk.aclose()
    with closing(sqlite3.connect(backup)) as connection:
        connection.execute("pragma user_version = 99")
    with pytest.raises(LedgerError, match=f"version 99, and this dimsync knows versions up to {len(MIGRATIONS)}"):
        restore_ledger(URL, backup, LATER, base=tmp_path)
    assert not left(tmp_path)
    async with await open_ledger(URL, base=tmp_path) as ledger:
        assert (await ledger.read(HARBOR)).state.listed_at == NOON


async def test_a_backup_of_an_older_dimsync_is_brought_up(tmp_path: Path) -> None:
    """There is no ledger to be replaced, as on a new machine."""
    with closing(sqlite3.connect(tmp_path / "old.db", isolation_level=None)) as connection:
        migrate(connection, MIGRATIONS[:13], 0)
    restored = restore_ledger(URL, tmp_path / "old.db", LATER, base=tmp_path)
    assert restored == (None, 0, None, False)
    async with await open_ledger(URL, base=tmp_path) as ledger:
        assert await ledger.last_backup() is None


def text(path: Path) -> None:
    path.write_text("unique_key,name\n" * 100)


def another_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table guests (name text)")


def nothing(_path: Path) -> None:
    """Leave the file away."""


@pytest.mark.parametrize(
    ("make", "words"), [(text, "cannot be read as a ledger"), (another_program, "is no ledger"), (nothing, "no file")]
)
async def test_what_is_no_backup_is_named(make: object, words: str, tmp_path: Path) -> None:
    make(tmp_path / "kept.db")  # type: ignore[operator]  # each of them takes a path
    with pytest.raises(LedgerError, match=rf"kept\.db.*{words}|{words}.*kept\.db"):
        restore_ledger(URL, tmp_path / "kept.db", LATER, base=tmp_path)
    assert not (tmp_path / "ledger.db").exists()


async def test_a_damaged_ledger_is_moved_aside(on_disk: SqliteLedger, backup: Path, tmp_path: Path) -> None:
    await on_disk.aclose()
    text(tmp_path / "ledger.db")
    restored = restore_ledger(URL, backup, LATER, base=tmp_path)
    assert not restored.keeps_counts
    assert restored.moved_to is not None
    assert content(restored.moved_to).startswith(b"unique_key")
    async with await open_ledger(URL, base=tmp_path) as ledger:
        assert await ledger.known_companies(ORIGIN) == [HARBOR]


def test_a_ledger_in_memory_is_not_restored(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="in memory"):
        restore_ledger("sqlite://", tmp_path / "kept.db", LATER)


async def test_the_ledger_itself_is_no_backup_of_it(on_disk: SqliteLedger, tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="is the ledger itself"):
        restore_ledger(URL, tmp_path / "ledger.db", LATER, base=tmp_path)
