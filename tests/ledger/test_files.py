"""What a SQLite ledger makes of files: its own, other programs', those of other versions, and full disks."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from inspect import cleandoc
from pathlib import Path

import pytest

from engine.errors import ConfigError, LedgerError
from engine.ledger.sqlite.ledger import SqliteLedger, holds_runs, open_ledger
from engine.ledger.sqlite.migrate import MIGRATIONS, Migration, migrate, parse, schema_version
from engine.model.ledger_writes import Learned
from tests.ledger.values import HARBOR, NOON, ORIGIN, certificate, known_rows


@pytest.fixture
def open_umask() -> Iterator[None]:
    """The most careless umask there is."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_nobody_else_can_read_it(open_umask: None, tmp_path: Path) -> None:
    async with await open_ledger("sqlite:///ledger.db", base=tmp_path) as ledger:
        await ledger.remember_page_size("o", "a", 1)
        async with ledger.lock(HARBOR):
            files = files_below(tmp_path)
            assert {path.name for path in files} >= {"ledger.db", "ledger.db-wal", "ledger.db-shm", "opening.lock"}
            assert {mode(path) for path in files} == {0o600}
            assert mode(tmp_path / "ledger.db.locks") == 0o700


async def test_commits_are_durable_and_keys_are_foreign(on_disk: SqliteLedger) -> None:
    def pragmas(connection: sqlite3.Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "user_version", "busy_timeout")
        return [connection.execute(f"pragma {name}").fetchone()[0] for name in names]

    assert await on_disk._thread.read(pragmas) == ["wal", 2, 1, len(MIGRATIONS), 30_000]


@pytest.mark.parametrize(
    ("url", "place"),
    [("sqlite:///b/x.db", "a/b/x.db"), ("sqlite:////{root}/c.db", "c.db"), ("sqlite:///../y.db", "y.db")],
    ids=["relative", "absolute", "upwards"],
)
async def test_a_url_names_a_file(url: str, place: str, tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    async with await open_ledger(url.format(root=str(tmp_path)[1:]), base=tmp_path / "a"):
        assert (tmp_path / place).is_file()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", ":memory:"])
async def test_a_ledger_in_memory_leaves_no_file(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with await open_ledger(url) as ledger, ledger.lock(HARBOR):
        await ledger.remember_page_size("o", "a", 1)
    assert files_below(tmp_path) == []


@pytest.mark.parametrize(
    "url",
    ["postgresql://user:hunter2@db/ledger", "user:hunter2@db", "sqlite:///", "sqlite://ledger.db", "ledger.db", ""],
)
async def test_other_urls_are_refused_without_showing_passwords(url: str) -> None:
    with pytest.raises(ConfigError, match="Write sqlite:///file") as caught:
        await open_ledger(url)
    assert "hunter2" not in str(caught.value)


def a_text_file(path: Path) -> None:
    path.write_text("unique_key,name\n" * 100)


def a_database_of_another_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table guests (name text)")


def a_marked_database_of_another_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma application_id = 252006674")


@pytest.mark.parametrize(
    "make", [a_text_file, a_database_of_another_program, a_marked_database_of_another_program, Path.mkdir]
)
async def test_what_is_no_ledger_is_named_and_left_alone(make: object, tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    make(path)  # type: ignore[operator]  # each of them takes a path
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(LedgerError, match=r"ledger\.db") as caught:
        await open_ledger("sqlite:///ledger.db", base=tmp_path)
    assert "`[ledger] url`" in str(caught.value) or "folder" in str(caught.value)
    assert path.is_dir() or path.read_bytes() == before


async def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="nowhere does not exist"):
        await open_ledger("sqlite:///nowhere/ledger.db", base=tmp_path)


async def test_a_folder_that_takes_no_locks_is_named(tmp_path: Path) -> None:
    (tmp_path / "ledger.db.locks").touch()
    with pytest.raises(LedgerError, match=r"ledger\.db\.locks'\. Its folder has to exist and be writable"):
        await open_ledger("sqlite:///ledger.db", base=tmp_path)
    assert not (tmp_path / "ledger.db").exists()


async def test_an_empty_file_becomes_a_ledger(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").touch()
    async with await open_ledger("sqlite:///ledger.db", base=tmp_path) as ledger:
        await ledger.remember_page_size("o", "a", 1)
        assert await ledger.page_size("o", "a") == 1


async def test_a_newer_ledger_is_refused(on_disk: SqliteLedger, tmp_path: Path) -> None:
    await on_disk._thread.write(lambda connection: connection.execute("pragma user_version = 99").fetchone())
    with pytest.raises(LedgerError, match=f"version 99, and this dimsync knows versions up to {len(MIGRATIONS)}"):
        await open_ledger("sqlite:///ledger.db", base=tmp_path)


async def test_it_keeps_what_it_knew_when_opened_again(tmp_path: Path) -> None:
    async with await open_ledger("sqlite:///ledger.db", base=tmp_path) as ledger:
        await ledger.learn(HARBOR, Learned(certificate=certificate(1), at=NOON, rows=known_rows("a")))
        before = await ledger.read(HARBOR)
    async with await open_ledger("sqlite:///ledger.db", base=tmp_path) as ledger:
        assert await ledger.read(HARBOR) == before


NEXT = Migration("a column more", ("alter table rows add column remark text not null default ''",))
BROKEN = Migration("half a step", ("create table fine (x integer)", "create table rows (x integer)"))


async def test_an_older_ledger_is_brought_up_and_keeps_its_rows(tmp_path: Path) -> None:
    async with await open_ledger("sqlite:///ledger.db", base=tmp_path) as ledger:
        await ledger.learn(HARBOR, Learned(certificate=certificate(2), at=NOON, rows=known_rows("a", "b")))
    with closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as connection:
        newer = (*MIGRATIONS, NEXT)
        for _ in range(2):  # the second time there is nothing to do
            migrate(connection, newer, schema_version(connection, len(newer), "ledger.db"))
        assert connection.execute("select key, remark from rows order by key").fetchall() == [("a", ""), ("b", "")]
        recorded = connection.execute("select number, name from migrations order by number").fetchall()
        assert recorded == [(number, step.name) for number, step in enumerate(newer, start=1)]


SCHEMA = "6061c54d30fe54fa0ce9e4e1f07272ba0d4c2b8ac2ebc89b77514cd970176846"
"""SHA-256 of the schema that version 19 stores; a new step changes it."""


def test_new_ledgers_hold_the_schema_of_those_that_are_out_there() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection, MIGRATIONS, 0)
        texts = connection.execute("select coalesce(sql, '') from sqlite_master order by rowid").fetchall()
    assert len(MIGRATIONS) == 19
    assert sha256("\n".join(text for (text,) in texts).encode()).hexdigest() == SCHEMA


def test_a_step_is_a_name_and_statements_with_their_comments() -> None:
    script = "-- a name\n\n-- why; and how\ncreate table a (\n    b text -- c; d\n);\ndrop table a; -- done\n"
    name, (first, second) = parse(script)
    assert name == "a name"
    assert cleandoc(first) == "-- why; and how\ncreate table a (\n    b text -- c; d\n);"
    assert second.strip() == "drop table a; -- done"


def test_a_step_that_fails_leaves_the_version_before_it(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as connection:
        migrate(connection, MIGRATIONS, 0)
        with pytest.raises(sqlite3.OperationalError):
            migrate(connection, (*MIGRATIONS, BROKEN), len(MIGRATIONS))
        assert schema_version(connection, len(MIGRATIONS), "ledger.db") == len(MIGRATIONS)
        assert connection.execute("select count(*) from sqlite_master where name = 'fine'").fetchone() == (0,)


# New ones


async def test_l16_a_ledger_tells_whether_any_run_was_written_down_in_it(tmp_path: Path) -> None:
    url = "sqlite:///ledger.db"
    assert not await holds_runs(url, base=tmp_path)
    assert not (tmp_path / "ledger.db").exists()
    (tmp_path / "ledger.db").touch()  # as one that mounts a file has to
    assert not await holds_runs(url, base=tmp_path)
    async with await open_ledger(url, base=tmp_path) as ledger:
        assert ledger.is_new
        await ledger.start_run("run-1", "plan", NOON, origin=ORIGIN)
    assert await holds_runs(url, base=tmp_path)
    async with await open_ledger(url, base=tmp_path) as ledger:
        assert (ledger.is_new, ledger.path) == (False, tmp_path / "ledger.db")


async def test_l16_a_ledger_in_memory_is_not_new_but_holds_nothing() -> None:
    async with await open_ledger("sqlite://") as ledger:
        assert (ledger.is_new, ledger.path) == (False, None)
    assert not await holds_runs("sqlite://")
