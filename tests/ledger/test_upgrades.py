"""A file that an earlier dimsync wrote keeps all that it holds, and learns what this one knows besides."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.ledger.sqlite.ledger import SqliteLedger, open_ledger
from engine.ledger.sqlite.migrate import MIGRATIONS, migrate
from engine.model.balance import State
from engine.model.company_record import CompanyRecord, CompanyState
from engine.model.dimension import Dimension
from engine.model.result import InTrouble
from engine.model.row_history import Generation
from engine.model.row_record import RowRecord
from engine.model.settings import NamedCompany
from engine.model.wanted import FileEnd, GoodCounts, SourceCounts, SourceMarks
from tests.ledger.values import HARBOR, NOON, ORIGIN, a_result, blank, rejection, stray

AT = "2026-11-21T12:00:00.123456Z"
VERSION_1 = """
    insert into scopes (id, origin, account, company_id, listed_at, checked_at, certificate, remote_count, failures,
                        last_good_rows)
    values (1, 'https://api.test/v1', 'racc_1', 101, :at, :at, '{}', 3, 2, 40);
    insert into rows
    values (1, 'a', 'account', 'GL Account', 'Küche', '0100', null, 1, 'dim_a', 1, 1, null, :at, 'run-1');
    insert into rows values (1, 'b', '', '', '', '', null, 0, null, 0, 0, null, null, null);
    insert into strays values (1, 0, 'dim_z', 'department', 'Department', 'Küche', '007', null, null);
    insert into rejections values (1, 'c', x'000102030405060708090a0b0c0d0e0f', :at, 'dimension_type_code: unknown');
    insert into intents values (1, 'chunk', 'run-1', :at, '["b"]');
    insert into intent_keys values (1, 'b', 'chunk');
    insert into runs values ('done', 'sync', :at, :at, 0, '{"schema": "dimsync.result/1"}');
    insert into runs values ('open', 'sync', :at, null, null, null);
    insert into run_companies (run_id, account, company_id, name, state, exit_code, requests)
    values ('done', 'main', 101, 'Harbor Grill', 'synced', 0, 3);
    insert into page_sizes values ('https://api.test/v1', 'racc_1', 50);
"""
VERSION_2 = """
    insert into directories values (1, 'https://api.test/v1', 'racc_1', :at, null, :at);
    insert into directory_companies values (1, 0, 101, 'Harbor Grill', 2, 'enterprise');
    insert into directory_locations values (1, 0, 7, 'Pier 7', 'Harbor Grill', 'West');
    insert into directory_accounts values (1, 0, 'racc_1', 'Port Inc', 1, 2);
    insert into pauses values ('https://api.test/v1', 'racc_2', :at, :at, 'Too Many Requests');
    insert into runs (id, verb, started_at, finished_at, exit_code, result, origin)
    values ('second', 'sync', :at, :at, 0, '{"schema": "dimsync.result/1"}', 'https://second.test/v1');
    insert into last_states values ('https://second.test/v1', 'main', 101, 'synced', 'second');
"""
VERSION_3 = """
    update scopes set passed = x'00ff' where id = 1;
    insert into sketches values (1, 3, x'0001020304050607');
    insert into reverts values (1, 'a', :at);
    insert into runs (id, verb, started_at, origin, allowed)
    values ('third', 'sync', :at, 'https://second.test/v1', 'look-alike:7');
"""
VERSION_4 = """
    update scopes set generation = 3, changed_by = 'third' where id = 1;
    insert into attempts values (1, 1, 'chunk', 'run-1', :at, 2, 201, 'req-1', '[["a","created"]]');
    insert into wire_keys values (1, 'A', 'a', :at);
    insert into applied_plans values (1, 'plan-1', :at, '["third"]', 1);
"""
VERSION_5 = """
    insert into quotas values ('https://api.test/v1', 'racc_1', '2026-11-21', 120, :at, 1000, 50, 'Quota exceeded');
"""
VERSION_6 = """
    update scopes set clean = x'00ff', clean_rows = 3, clean_adopted = 1 where id = 1;
"""
VERSION_7 = """
    insert into resting values (1, 'r', 'uncertain', x'00ff', 'no answer', :at, 1, :at, '["x"]');
    insert into resting values (1, 'a', 'not-listed', x'00ff', 'not listed', :at, 1, :at, '[]');
    update rows set acked_generation = 2 where key = 'a';
    update scopes set listed_generation = 3 where id = 1;
"""
VERSION_8 = """
    insert into run_totals values ('third', 2, 1, 0, 3, 4);
    insert into to_retry values ('https://second.test/v1', 'main', 101, 'third', '["a"]');
    update last_states set at = :at, name = 'Harbor Grill', exit_code = 0, source_rows = 3, well_at = :at;
"""
VERSION_9 = """
    insert into sources values (1, 'exports/{company_id}.csv', 120, 4, 1);
"""
VERSION_10 = """
    insert into key_notes values ('https://api.test/v1', 'racc_1', 'counts-all', '1');
    insert into rests values ('https://api.test/v1', 'racc_1', 'directory', 2, :at, 'not whole', '');
"""
VERSION_11 = """
    insert into rests values ('https://api.test/v1', 'racc_1', 'account', 1, :at, 'stopped', '', 'unauthorized');
"""
VERSION_12 = """
    insert into may_be_there values (1, 'z', 'account', '9');
"""
VERSION_13 = """
    update rows set agreement = '{"shown": {"name": "REST"}, "is_open": false}', before = '{"name": "Rent"}'
    where key = (select min(key) from rows)
"""
VERSION_14 = """
    update scopes set listed_by = 'third', listed_before = '["2026-11-20T09:30:00.000000Z"]' where id = 1;
"""
VERSION_15 = """
    update sources set counts = '{"sources": [["123.csv", 3, 1]], "kept": {"account": 2}}';
    update scopes set clean_left_out = '[]' where id = 1;
"""
VERSION_16 = """
    insert into ledger_notes values ('backed_up_at', :at);
"""
VERSION_17 = """
    insert into known_problems
    values ('https://second.test/v1', 'main', 101, 'look-alike', :at, :at, x'0001020304050607');
"""
VERSION_18 = """
    insert into told values ('https://second.test/v1', 'silence:93600', :at, 'no sync has ended for 26 hours');
"""
VERSIONS = (
    VERSION_1,
    VERSION_2,
    VERSION_3,
    VERSION_4,
    VERSION_5,
    VERSION_6,
    VERSION_7,
    VERSION_8,
    VERSION_9,
    VERSION_10,
    VERSION_11,
    VERSION_12,
    VERSION_13,
    VERSION_14,
    VERSION_15,
    VERSION_16,
    VERSION_17,
    VERSION_18,
)
NEW_NOTES = {
    "passed": None,
    "generation": 0,
    "changed_by": None,
    "clean": None,
    "clean_rows": None,
    "clean_adopted": None,
    "listed_generation": None,
    "listed_by": None,
    "listed_before": None,
    "clean_left_out": None,
    "clean_listing": None,
    "clean_source": None,
}
NEW_COLUMNS = {"acked_generation": None, "agreement": None, "before": None}
NEW_STATE = dict.fromkeys(("at", "name", "exit_code", "source_rows", "created", "updated", "trouble", "well_at"))


def written(path: Path, version: int) -> Path:
    """Make a ledger as the dimsync of a schema's version left it, with something in each of its tables."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for number, texts in enumerate(VERSIONS[:version]):
            migrate(connection, MIGRATIONS[: number + 1], number)
            for statement in texts.split(";"):
                connection.execute(statement, {"at": AT})
    assert all(contents(path).values())
    return path


@pytest.fixture
def version_1(tmp_path: Path) -> Path:
    """A ledger as the first schema's dimsync left it."""
    return written(tmp_path / "ledger.db", 1)


def test_each_version_that_was_is_upgraded() -> None:
    assert len(VERSIONS) == len(MIGRATIONS) - 1


def contents(path: Path) -> dict[str, list[dict[str, object]]]:
    """Return the rows of each table."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        tables = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
        queries = {name: f"select * from {name}" for (name,) in tables}  # noqa: S608  names of our own schema
        return {name: [dict(row) for row in connection.execute(query)] for name, query in queries.items()}


@pytest.fixture
async def upgraded(version_1: Path) -> AsyncIterator[SqliteLedger]:
    """The same ledger, opened by this dimsync."""
    async with await open_ledger(f"sqlite:///{version_1.name}", base=version_1.parent) as ledger:
        yield ledger


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
async def test_every_row_of_every_table_stays(version: int, tmp_path: Path) -> None:
    path = written(tmp_path / "ledger.db", version)
    before = contents(path)
    async with await open_ledger("sqlite:///ledger.db", base=tmp_path):
        pass
    after = contents(path)
    assert [step["number"] for step in after.pop("migrations")] == list(range(1, len(MIGRATIONS) + 1))
    del before["migrations"]
    before.pop("intent_keys", None)  # which stand in `intents`, too
    for row in before["rows"]:
        row.pop("run_id", None)  # which stands in `attempts`, too
    before["rows"] = [NEW_COLUMNS | row for row in before["rows"]]
    before["runs"] = [{"origin": None, "allowed": None} | run for run in before["runs"]]
    before["scopes"] = [NEW_NOTES | scope for scope in before["scopes"]]
    if "quotas" in before:
        before["quotas"] = [{"tries": 0} | quota for quota in before["quotas"]]
    if "sources" in before:
        before["sources"] = [{"counts": None} | source for source in before["sources"]]
    if "rests" in before:
        before["rests"] = [{"code": ""} | rest for rest in before["rests"]]
    if "last_states" in before:
        before["last_states"] = [NEW_STATE | state for state in before["last_states"]]
    assert {table: after[table] for table in before} == before
    before.pop("may_be_there", None)
    taken_over = [row for row in after.pop("may_be_there", []) if row["key"] != "z"]  # from rows that are not listed
    assert taken_over == ([{"scope": 1, "key": "a", "type_code": "account", "erp_id": "0100"}] * (version >= 7))
    assert not any(rows for table, rows in after.items() if table not in before)


async def test_what_was_known_is_read_as_before(upgraded: SqliteLedger) -> None:
    row = Dimension("a", "account", "GL Account", "Küche", "0100")
    assert await upgraded.read(HARBOR) == CompanyRecord(
        rows={"a": RowRecord(row, "dim_a", confirmed=True, outcome_known=True, code_known=True), "b": blank("b")},
        keyless=(stray("dim_z"),),
        rejections={"c": rejection()},
        state=CompanyState(listed_at=NOON, checked_at=NOON, remote_count=3, failures=2, last_good_rows=40),
        left_over=NOON,
    )
    assert await upgraded.page_size(ORIGIN, "racc_1") == 50
    assert await upgraded.recover(HARBOR) == 1


@pytest.mark.parametrize("version", [9, 15])
async def test_how_a_good_file_ended_is_told_as_before(version: int, tmp_path: Path) -> None:
    path = written(tmp_path / "ledger.db", version)
    counts = GoodCounts((), {}) if version < 15 else GoodCounts((SourceCounts("123.csv", 3, 1),), {"account": 2})
    async with await open_ledger(f"sqlite:///{path.name}", base=tmp_path) as ledger:
        marks = (SourceMarks("", FileEnd(120, 4, is_ended=True)),)
        assert await ledger.good_counts(HARBOR) == counts._replace(marks=marks)
        await ledger.keep_good_source(HARBOR, 4, GoodCounts((), {}, (SourceMarks("b.csv"),)))
        assert await ledger.good_counts(HARBOR) == GoodCounts((), {}, (SourceMarks("b.csv"),))


async def test_what_was_not_kept_is_not_known(upgraded: SqliteLedger) -> None:
    assert await upgraded.last_states(ORIGIN) == {}
    assert await upgraded.directory(ORIGIN, "racc_1") is None
    assert await upgraded.pause(ORIGIN, "racc_1") is None
    assert await upgraded.generation(HARBOR) == Generation()
    assert (await upgraded.life(HARBOR, "a")).attempts == ()
    assert await upgraded.applied(HARBOR, "plan-1") is None


async def test_what_the_older_dimsync_left_over_is_evidence_too(upgraded: SqliteLedger) -> None:
    assert await upgraded.recover(HARBOR) == 1
    life = await upgraded.life(HARBOR, "b")
    assert [(line.at, line.run_id, line.attempt, line.column) for line in life.attempts] == [
        (NOON, "run-1", "chunk", "uncertain")
    ]
    assert await upgraded.generation(HARBOR) == Generation(1, "run-1")


async def test_a_run_that_the_older_dimsync_began_can_be_finished(upgraded: SqliteLedger) -> None:
    """Its process may be at it still; where it ran was not written down, so it tells no states."""
    await upgraded.finish_run(a_result("open"))
    assert await upgraded.last_states(ORIGIN) == {}
    await upgraded.start_run("run-1", "sync", NOON, origin=ORIGIN)
    await upgraded.finish_run(a_result("run-1"))
    assert await upgraded.last_states(ORIGIN) == {
        NamedCompany("main", 101): State.SYNCED,
        NamedCompany("main", 102): State.FAILED,
    }


JOURNAL = """
    insert into runs (id, verb, origin, started_at, finished_at, exit_code, result) values
    ('first', 'sync', 'https://api.test/v1', '2026-11-21T10:00:00.000000Z', '2026-11-21T10:01:00.000000Z', 0, '{}'),
    ('second', 'sync', 'https://api.test/v1', '2026-11-21T11:00:00.000000Z', '2026-11-21T11:01:00.000000Z', 3, :told),
    ('other', 'apply', 'https://api.test/v1', '2026-11-21T11:30:00.000000Z', '2026-11-21T11:31:00.000000Z', 0, 'no'),
    ('plan', 'plan', 'https://api.test/v1', '2026-11-21T11:40:00.000000Z', '2026-11-21T11:41:00.000000Z', 0, null);
    insert into run_companies (run_id, account, company_id, name, state, exit_code, requests, source_rows, created,
                               updated, rejected, uncertain) values
    ('first', 'main', 101, 'Harbor', 'synced', 0, 3, 5, 5, 0, 0, 0),
    ('first', 'main', 102, 'Anchor', 'partial', 3, 2, 4, 0, 0, 2, 0),
    ('second', 'main', 101, 'Harbor', 'partial', 3, 1, 5, 0, 2, 1, 1),
    ('other', 'main', 102, 'Anchor', 'synced', 0, 1, 4, 0, 2, 0, 0),
    ('plan', 'main', 101, 'Harbor', 'unchanged', 0, 0, 5, 0, 0, 0, 0);
    insert into last_states values ('https://api.test/v1', 'main', 101, 'partial', 'second');
    insert into last_states values ('https://api.test/v1', 'main', 102, 'synced', 'other');
"""
TOLD = """
    {"companies": [
        {"company_id": 101, "account": "main", "problems": [
            {"code": "rejected", "key": "a"}, {"code": "uncertain", "key": "b"}, {"code": "rejected", "key": "a"},
            {"code": "rejected", "key": null}, {"code": "look-alike", "key": "c"}]},
        {"company_id": 101, "account": "second", "problems": [{"code": "rejected", "key": "d"}]},
        {"company_id": 103, "account": "main", "problems": []}]}
"""


async def test_l26_what_an_older_dimsync_journaled_is_told_as_before(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as connection:
        migrate(connection, MIGRATIONS[:6], 0)
        for statement in JOURNAL.split(";"):
            connection.execute(statement, {"told": TOLD} if ":told" in statement else {})
    ended = datetime(2026, 11, 21, 10, 1, tzinfo=UTC)
    async with await open_ledger("sqlite:///ledger.db", base=tmp_path) as ledger:
        runs = {run.run_id: run[5:10] for run in await ledger.history(ORIGIN, 9)}
        assert runs == {
            "first": (2, 5, 0, 2, 5),
            "second": (1, 0, 2, 2, 1),
            "other": (1, 0, 2, 0, 1),
            "plan": (1, 0, 0, 0, 0),
        }
        harbor, anchor = await ledger.last_syncs(ORIGIN)
        assert harbor[:4] == ("main", 101, "Harbor", "partial")
        assert (harbor.run_id, harbor.source_rows, harbor.trouble, harbor.exit_code) == ("second", 5, 2, 3)
        assert (harbor.at, harbor.well_at) == (ended + timedelta(hours=1), ended)
        assert (anchor.at, anchor.well_at) == (ended + timedelta(minutes=90), ended + timedelta(minutes=90))
        harbors = NamedCompany("main", 101)
        found = InTrouble("other", "apply", {harbors: frozenset("ab")}, {harbors: "second"})
        assert await ledger.in_trouble(ORIGIN, None) == found


async def test_l26_an_older_dimsync_may_write_beside_this_one(tmp_path: Path) -> None:
    """Its process was begun before the upgrade: it ends a run as it always did."""
    async with await open_ledger("sqlite:///ledger.db", base=tmp_path) as ledger:
        await ledger.start_run("run-1", "sync", NOON, origin=ORIGIN)
        await ledger.finish_run(a_result("run-1"))
        await ledger.start_run("older", "sync", NOON, origin=ORIGIN)
        with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection, connection:
            connection.execute(
                "insert into run_companies (run_id, account, company_id, name, state, exit_code, requests, rejected)"
                " values ('older', 'main', 101, 'Harbor Grill', 'partial', 3, 7, 2)"
            )
            connection.execute(
                "insert or replace into last_states (origin, account, company_id, state, run_id)"
                " values (?, 'main', 101, 'partial', 'older')",
                (ORIGIN,),
            )
            connection.execute("update runs set finished_at = ?, exit_code = 3 where id = 'older'", (AT,))
        harbor, anchor = await ledger.last_syncs(ORIGIN)
        assert (harbor.run_id, harbor.name, harbor.trouble, harbor.exit_code) == ("older", "Harbor Grill", 2, 3)
        assert (harbor.at, harbor.well_at, anchor.run_id) == (NOON, None, "run-1")
        assert {run.run_id: run.requests for run in await ledger.history(ORIGIN, 9)} == {"older": 7, "run-1": 3}
        await ledger.prune(NOON + timedelta(days=1))
