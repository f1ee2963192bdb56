"""The audit trail: what became of each row of each request, and how often what is known has changed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from engine.ledger.protocols import Ledger
from engine.ledger.sqlite.ledger import SqliteLedger, open_ledger
from engine.ledger.sqlite.schema import NOTES
from engine.model.company_record import CompanyState
from engine.model.ledger_writes import Intent, Learned, Settlement
from engine.model.outcome import Column, Outcome
from engine.model.row_history import Generation, Life, RowAttempt
from tests.ledger.values import (
    ANCHOR,
    HARBOR,
    LATER,
    NOON,
    ORIGIN,
    blank,
    certificate,
    intent,
    known,
    known_rows,
    rejection,
    settlement,
    stray,
)

LOST = "the run ended before its answer was written down"
ANSWERED = Settlement(
    intent_id="chunk",
    at=LATER,
    rows=known_rows("a", "b"),
    rejected={"c": rejection("no such type")},
    unknown=("d",),
    outcomes=(
        Outcome("a", Column.CREATED, "dim_a"),
        Outcome("b", Column.UPDATED),
        Outcome("c", Column.REJECTED, None, "no such type"),
        Outcome("d", Column.UNCERTAIN, "dim_d", "504 Gateway Timeout"),
    ),
    sends=3,
    status=207,
    request_id="req-1",
)


async def play(ledger: Ledger, outcome: Settlement, *keys: str, run_id: str = "run-1") -> None:
    """Send a chunk and settle it."""
    await ledger.begin(HARBOR, Intent(id=outcome.intent_id, run_id=run_id, keys=keys, at=outcome.at))
    await ledger.settle(HARBOR, outcome)


async def test_nothing_is_told_of_a_row_that_was_never_met(ledger: Ledger) -> None:
    assert await ledger.life(HARBOR, "a") == Life(wire_key="a")
    await ledger.note(HARBOR, CompanyState())
    assert await ledger.life(HARBOR, "a") == Life(wire_key="a")


@pytest.mark.parametrize("outcome", ANSWERED.outcomes, ids=str)
async def test_what_became_of_a_row_is_told_as_it_was_settled(ledger: Ledger, outcome: Outcome) -> None:
    await play(ledger, ANSWERED, "a", "b", "c", "d")
    (attempt,) = (await ledger.life(HARBOR, outcome.key)).attempts
    assert attempt == RowAttempt(LATER, "run-1", "chunk", 3, 207, "req-1", *outcome[1:4])
    assert type(attempt.column) is str


async def test_a_life_is_all_that_is_known_of_a_row(ledger: Ledger) -> None:
    await play(ledger, ANSWERED, "a", "b", "c", "d")
    await ledger.reverted(HARBOR, ["a"], LATER)
    await ledger.reverted(HARBOR, ["a", "b"], NOON)
    await ledger.begin(HARBOR, intent("next", "a", "e"))
    await ledger.sent_again(HARBOR, "next", LATER)
    accepted = await ledger.life(HARBOR, "a")
    assert replace(accepted, attempts=()) == Life(
        wire_key="a",
        known=known("a")._replace(is_fresh=True),
        acknowledged_at=LATER,
        acknowledged_by="run-1",
        reverts=(NOON, LATER),
        in_flight=LATER,
    )
    refused = await ledger.life(HARBOR, "c")
    assert replace(refused, attempts=()) == Life(wire_key="c", rejection=rejection("no such type"))
    lost = await ledger.life(HARBOR, "d")
    assert replace(lost, attempts=()) == Life(wire_key="d", known=blank("d"))
    assert await ledger.life(HARBOR, "e") == Life(wire_key="e", in_flight=LATER)


async def test_a_row_has_a_line_for_each_of_its_requests_the_newest_first(ledger: Ledger) -> None:
    times = (NOON, LATER, LATER, NOON - timedelta(days=1))
    for number, at in enumerate(times):
        outcome = Outcome("a", Column.REJECTED, None, f"refusal {number}")
        await play(ledger, Settlement(intent_id=f"chunk-{number}", at=at, outcomes=(outcome,), sends=number), "a", "b")
    lines = (await ledger.life(HARBOR, "a")).attempts
    assert [(line.message, line.sends) for line in lines] == [
        ("refusal 2", 2),
        ("refusal 1", 1),
        ("refusal 0", 0),
        ("refusal 3", 3),
    ]
    assert (await ledger.life(HARBOR, "b")).attempts == ()


@pytest.mark.parametrize(
    "key", ['"', "\\", "\0", "é", "e\u0301", "\N{PIE}", "a", "'; drop table attempts; --", "[1,2]", ""]
)
async def test_a_row_is_told_from_others_whatever_its_key(ledger: Ledger, key: str) -> None:
    others = ('a"', '"a', "aa", "A", "E", '["a"]', "créé")
    lines = (*(Outcome(other, Column.CREATED, None, key) for other in others), Outcome(key, Column.UPDATED, key, key))
    await play(ledger, Settlement(intent_id="chunk", at=NOON, outcomes=lines), "some", "keys")
    (attempt,) = (await ledger.life(HARBOR, key)).attempts
    assert (attempt.column, attempt.remote_id, attempt.message) == ("updated", key or None, key)


async def test_companies_do_not_see_each_others_evidence(ledger: Ledger) -> None:
    await play(ledger, ANSWERED, "a", "b", "c", "d")
    assert await ledger.life(ANCHOR, "a") == Life(wire_key="a")
    await ledger.checked(ANCHOR, NOON)
    assert await ledger.life(ANCHOR, "a") == Life(wire_key="a")
    assert await ledger.generation(ANCHOR) == Generation()


async def test_a_request_that_was_never_answered_is_on_record(ledger: Ledger) -> None:
    await ledger.begin(HARBOR, intent("one", "a", "b"))
    await ledger.begin(HARBOR, Intent(id="two", run_id="run-2", keys=("c",), at=NOON))
    await ledger.sent_again(HARBOR, "two", LATER)
    await ledger.recover(HARBOR)
    for key, at, run_id, chunk in (
        ("a", NOON, "run-1", "one"),
        ("b", NOON, "run-1", "one"),
        ("c", LATER, "run-2", "two"),
    ):
        line = RowAttempt(at, run_id, chunk, 1, None, None, "uncertain", None, LOST)
        assert (await ledger.life(HARBOR, key)).attempts == (line,)
    assert await ledger.recover(HARBOR) == 0
    assert len((await ledger.life(HARBOR, "a")).attempts) == 1


async def test_evidence_is_there_when_the_file_is_opened_again(tmp_path: Path) -> None:
    async with await open_ledger("sqlite:///ledger.db", base=tmp_path) as ledger:
        await play(ledger, ANSWERED, "a", "b", "c", "d")
        before = [await ledger.life(HARBOR, key) for key in "abcd"]
    async with await open_ledger("sqlite:///ledger.db", base=tmp_path) as ledger:
        assert [await ledger.life(HARBOR, key) for key in "abcd"] == before
        assert await ledger.generation(HARBOR) == Generation(1, "run-1")


async def test_what_changes_the_rows_counts_as_a_generation(ledger: Ledger) -> None:
    bare = Learned(certificate=certificate(1), at=NOON, run_id="lister")
    changes = (
        ("lister", ledger.learn(HARBOR, replace(bare, rows=known_rows("a", "b")))),
        ("lister", ledger.learn(HARBOR, replace(bare, gone=("b",)))),
        ("lister", ledger.learn(HARBOR, replace(bare, keyless=()))),
        (None, ledger.learn(HARBOR, replace(bare, keyless=(stray("dim_z"),), run_id=None))),
        ("run-1", play(ledger, settlement("one", "a"), "a")),
        (None, ledger.rekey(HARBOR, {"b": "a"}, NOON)),
        ("run-2", play(ledger, Settlement(intent_id="two", at=NOON), "a", run_id="run-2")),
        (None, ledger.unkey(HARBOR, ["b"])),
        ("run-1", play(ledger, settlement("three", "a"), "a")),
        (None, ledger.distrust(HARBOR)),
    )
    for number, (run_id, change) in enumerate(changes, start=1):
        await change
        assert await ledger.generation(HARBOR) == Generation(number, run_id)


async def test_what_changes_no_row_is_no_generation(ledger: Ledger) -> None:
    assert await ledger.generation(HARBOR) == Generation()
    await ledger.learn(HARBOR, Learned(certificate=certificate(0), at=NOON, run_id="lister"))
    await ledger.checked(HARBOR, LATER)
    await ledger.note(HARBOR, CompanyState(last_good_rows=3))
    await ledger.passed(HARBOR, b"12345678")
    await ledger.sketch(HARBOR, 3, b"12345678")
    await ledger.reverted(HARBOR, ["a"], NOON)
    await ledger.begin_plan(HARBOR, "plan-1", "run-1", NOON)
    await ledger.recover(HARBOR)
    await ledger.begin(HARBOR, intent("chunk", "a"))
    await ledger.sent_again(HARBOR, "chunk", LATER)
    assert await ledger.generation(HARBOR) == Generation()


async def test_what_a_dead_run_left_over_counts_as_the_youngest_ones(ledger: Ledger) -> None:
    for number, at in ((1, NOON), (2, LATER), (3, NOON)):
        await ledger.begin(HARBOR, Intent(id=f"chunk-{number}", run_id=f"run-{number}", keys=(f"key-{number}",), at=at))
    await ledger.recover(HARBOR)
    assert await ledger.generation(HARBOR) == Generation(1, "run-2")


async def test_people_can_ask_what_became_of_each_row(on_disk: SqliteLedger, tmp_path: Path) -> None:
    await play(on_disk, ANSWERED, "a", "b", "c", "d")
    await play(on_disk, Settlement(intent_id="refused", at=LATER, sends=1, status=400), "a")
    await play(on_disk, Settlement(intent_id="unsent", at=LATER), "a")
    await on_disk.begin(HARBOR, intent("cut", "e"))
    await on_disk.recover(HARBOR)
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        attempts = connection.execute("select id, sends, status, request_id from attempts order by number").fetchall()
        assert attempts == [("chunk", 3, 207, "req-1"), ("refused", 1, 400, None), ("cut", 1, None, None)]
        found = connection.execute("select key, outcome, remote_id, message from outcomes order by key").fetchall()
        assert found == [*(tuple(each)[:4] for each in ANSWERED.outcomes[:4]), ("e", "uncertain", None, LOST)]
        connection.row_factory = sqlite3.Row
        line = dict(connection.execute("select * from outcomes where request_id = 'req-1' and key = 'd'").fetchone())
    assert line == {
        "origin": ORIGIN,
        "account": "racc_1",
        "company_id": 101,
        "run_id": "run-1",
        "at": "2026-11-21T13:00:00.123456Z",
        "attempt": "chunk",
        "sends": 3,
        "status": 207,
        "request_id": "req-1",
        "key": "d",
        "outcome": "uncertain",
        "remote_id": "dim_d",
        "message": "504 Gateway Timeout",
    }


async def test_the_schema_is_told_whole_and_can_be_carried_out(on_disk: SqliteLedger) -> None:
    told = await on_disk.schema()
    assert "marks of a plan that the guards let pass" in told
    assert all(len(line) <= 120 for line in told.splitlines())
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(told)
        made = connection.execute("select name from sqlite_master where type in ('table', 'view')").fetchall()
        columns = [name for _, name, *_ in connection.execute("pragma table_info (scopes)")]
    assert {name for (name,) in made} == set(NOTES)
    late = ["clean_rows", "clean_adopted", "listed_generation", "listed_by", "listed_before", "clean_left_out"]
    late += ["clean_listing", "clean_source"]
    assert columns[-len(late) :] == late


async def test_views_that_people_add_stay_theirs(on_disk: SqliteLedger, tmp_path: Path) -> None:
    before = await on_disk.schema()
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        connection.execute("create view mine as select * from outcomes")
    assert await on_disk.schema() == before
