"""Saved plans that were applied, and rows that keep another key on the wire."""

from __future__ import annotations

import pytest

from engine.errors import LedgerError
from engine.ledger.protocols import Ledger
from engine.model.ledger_writes import Settlement
from engine.model.outcome import Column, Outcome
from engine.model.row_history import Applied
from tests.ledger.values import ANCHOR, HARBOR, LATER, NOON, intent, known, known_rows, rejection


async def test_a_plan_is_begun_gone_on_with_and_finished(ledger: Ledger) -> None:
    assert await ledger.applied(HARBOR, "plan-1") is None
    await ledger.begin_plan(HARBOR, "plan-1", "run-1", NOON)
    assert await ledger.applied(HARBOR, "plan-1") == Applied(at=NOON, run_ids=("run-1",), finished=False)
    await ledger.begin_plan(HARBOR, "plan-1", "run-0", LATER)
    await ledger.begin_plan(HARBOR, "plan-1", "run-0", LATER)
    await ledger.end_plan(HARBOR, "plan-1")
    await ledger.end_plan(HARBOR, "plan-1")
    assert await ledger.applied(HARBOR, "plan-1") == Applied(at=LATER, run_ids=("run-1", "run-0"), finished=True)


async def test_a_finished_plan_stays_finished(ledger: Ledger) -> None:
    await ledger.begin_plan(HARBOR, "plan-1", "run-1", NOON)
    await ledger.end_plan(HARBOR, "plan-1")
    await ledger.begin_plan(HARBOR, "plan-1", "run-2", LATER)
    assert await ledger.applied(HARBOR, "plan-1") == Applied(at=LATER, run_ids=("run-1", "run-2"), finished=True)


async def test_plans_are_told_apart_and_so_are_companies(ledger: Ledger) -> None:
    await ledger.begin_plan(HARBOR, "plan-1", "run-1", NOON)
    await ledger.begin_plan(HARBOR, "plan-2", "run-1", NOON)
    await ledger.begin_plan(ANCHOR, "plan-1", "run-1", NOON)
    await ledger.end_plan(HARBOR, "plan-1")
    begun = Applied(at=NOON, run_ids=("run-1",), finished=False)
    assert await ledger.applied(HARBOR, "plan-2") == begun
    assert await ledger.applied(ANCHOR, "plan-1") == begun
    assert await ledger.applied(ANCHOR, "plan-2") is None


@pytest.mark.parametrize("known_company", [True, False])
async def test_a_plan_that_was_never_begun_cannot_be_finished(ledger: Ledger, known_company: bool) -> None:
    if known_company:
        await ledger.checked(HARBOR, NOON)
    with pytest.raises(LedgerError, match="Company 101: plan ghost cannot be finished, it was never begun"):
        await ledger.end_plan(HARBOR, "ghost")


async def test_rekeys_are_added_replaced_and_undone(ledger: Ledger) -> None:
    await ledger.rekey(HARBOR, {"b": "old-b", "a": "old-a"}, NOON)
    await ledger.rekey(ANCHOR, {"a": "elsewhere"}, NOON)
    assert (await ledger.read(HARBOR)).wire_keys == {"a": "old-a", "b": "old-b"}
    await ledger.rekey(HARBOR, {"a": "older-a", "c": "old-b"}, LATER)  # the source calls b by a third name by now
    assert (await ledger.read(HARBOR)).wire_keys == {"a": "older-a", "b": "old-b", "c": "old-b"}
    await ledger.unkey(HARBOR, ["b", "a", "never-there"])
    assert (await ledger.read(HARBOR)).wire_keys == {"c": "old-b"}
    assert (await ledger.read(ANCHOR)).wire_keys == {"a": "elsewhere"}


async def test_a_row_is_told_by_its_sources_key(ledger: Ledger) -> None:
    await ledger.begin(HARBOR, intent("chunk", "old", "other"))
    outcomes = (Outcome("old", Column.UPDATED, "dim_old"), Outcome("other", Column.REJECTED, None, "no"))
    answered = Settlement(
        intent_id="chunk", at=LATER, rows=known_rows("old"), rejected={"other": rejection("no")}, outcomes=outcomes
    )
    await ledger.settle(HARBOR, answered)
    await ledger.begin(HARBOR, intent("next", "old"))
    await ledger.rekey(HARBOR, {"new": "old", "third": "other"}, LATER)
    life = await ledger.life(HARBOR, "new")
    assert life == await ledger.life(HARBOR, "old")
    assert (life.wire_key, life.known, life.in_flight) == ("old", known("old")._replace(is_fresh=True), NOON)
    assert [line.column for line in life.attempts] == ["updated"]
    assert (await ledger.life(HARBOR, "third")).rejection == rejection("no")
    await ledger.unkey(HARBOR, ["new"])
    assert (await ledger.life(HARBOR, "new")).wire_key == "new"
