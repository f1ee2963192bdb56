"""What guards keep in a ledger: plans that passed, sketches, and the leave that a run was given."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from engine.ledger.protocols import Ledger
from engine.ledger.sqlite.ledger import SqliteLedger
from engine.model.company_record import CompanyState
from tests.ledger.values import ANCHOR, HARBOR, NOON, ORIGIN


@pytest.mark.parametrize("marks", [b"", b"12345678", b"\0" * 8 * 5_000])
async def test_a_plan_that_passed_is_remembered_until_it_is_finished(ledger: Ledger, marks: bytes) -> None:
    await ledger.passed(HARBOR, marks)
    assert (await ledger.read(HARBOR)).state.passed == marks
    assert (await ledger.read(ANCHOR)).state.passed is None
    await ledger.passed(HARBOR, b"other123")
    assert (await ledger.read(HARBOR)).state.passed == b"other123"
    await ledger.passed(HARBOR, None)
    assert (await ledger.read(HARBOR)).state.passed is None


async def test_notes_leave_a_plan_that_passed_alone(ledger: Ledger) -> None:
    await ledger.passed(HARBOR, b"12345678")
    await ledger.note(HARBOR, CompanyState(failure="quota", last_good_rows=7))
    state = (await ledger.read(HARBOR)).state
    assert (state.passed, state.last_good_rows) == (b"12345678", 7)


async def test_sketches_are_those_of_an_origin(ledger: Ledger) -> None:
    elsewhere = replace(HARBOR, origin="http://127.0.0.1:8700/v1")
    assert await ledger.sketches(ORIGIN) == []
    await ledger.sketch(HARBOR, 3, b"a" * 24)
    await ledger.sketch(ANCHOR, 0, b"")
    await ledger.sketch(elsewhere, 9, b"z" * 72)
    await ledger.sketch(HARBOR, 4, b"b" * 32)
    assert sorted(await ledger.sketches(ORIGIN)) == sorted(
        [(HARBOR.account, HARBOR.company_id, 4, b"b" * 32), (ANCHOR.account, ANCHOR.company_id, 0, b"")]
    )
    assert await ledger.sketches(elsewhere.origin) == [(elsewhere.account, elsewhere.company_id, 9, b"z" * 72)]


async def test_the_leave_that_a_run_was_given_stands_in_its_entry(on_disk: SqliteLedger, tmp_path: Path) -> None:
    await on_disk.start_run("given", "sync", NOON, origin=ORIGIN, allowed=("look-alike:7", "mass-create:123"))
    await on_disk.start_run("none", "sync", NOON, origin=ORIGIN)
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        found = dict(connection.execute("select id, allowed from runs"))
    assert found == {"given": "look-alike:7 mass-create:123", "none": None}


async def test_rows_that_are_pushed_back_are_counted_for_14_days(ledger: Ledger) -> None:
    await ledger.reverted(HARBOR, ["a", "b"], NOON)
    await ledger.reverted(HARBOR, ["a"], NOON + timedelta(days=13))
    await ledger.reverted(ANCHOR, ["c"], NOON)
    assert (await ledger.read(HARBOR)).reverts == (
        ("a", NOON),
        ("a", NOON + timedelta(days=13)),
        ("b", NOON),
    )
    await ledger.reverted(HARBOR, [], NOON + timedelta(days=15))
    assert (await ledger.read(HARBOR)).reverts == (("a", NOON + timedelta(days=13)),)
