"""What a report is made of: kept runs, and the rows that they sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from engine.ledger.protocols import Ledger
from engine.model.ledger_writes import Intent, Settlement
from engine.model.outcome import Outcome
from engine.model.sent_row import KeptRun, SentRow
from tests.ledger.values import HARBOR, LATER, NOON, ORIGIN, a_result, known

FIELDS = (("name", "Cash", "Cash & bank"), ("code", None, "10"))


async def sent(
    ledger: Ledger,
    run_id: str,
    name: str,
    *outcomes: Outcome,
    rows: tuple[str, ...] = (),
    after: timedelta = timedelta(hours=1),
) -> None:
    """Let a run send rows in one request, which is answered `after` NOON; the ledger knows `rows` after that."""
    keys = tuple(outcome.key for outcome in outcomes)
    await ledger.begin(HARBOR, Intent(id=name, run_id=run_id, keys=keys, at=NOON))
    records = {key: known(key) for key in rows}
    await ledger.settle(
        HARBOR, Settlement(intent_id=name, at=NOON + after, rows=records, outcomes=outcomes, sends=1, status=200)
    )


async def kept(ledger: Ledger, run_id: str = "run-1") -> list[KeptRun]:
    """Finish a run, and return it as it is kept."""
    await ledger.start_run(run_id, "sync", NOON, origin=ORIGIN, allowed=["mass-create:101", "fleet"])
    await ledger.finish_run(replace(a_result(), run_id=run_id, started_at=NOON, finished_at=LATER))
    return await ledger.kept_runs(ORIGIN, run_id=run_id)


async def test_a_row_is_told_as_it_ended_with_what_its_first_send_was_to_change(ledger: Ledger) -> None:
    await sent(ledger, "run-1", "first", Outcome("a", "updated", "dim_a", "", FIELDS), Outcome("b", "created", "dim_b"))
    await sent(ledger, "run-1", "again", Outcome("a", "rejected", None, "no", (("name", "CASH", "Cash & bank"),)))
    await sent(ledger, "run-2", "other", Outcome("b", "updated", "dim_b"), rows=("b",))
    await ledger.rekey(HARBOR, {"new b": "b"}, LATER)
    await ledger.reverted(HARBOR, ("a",), NOON + timedelta(seconds=1))
    first, second = await ledger.sent_rows(HARBOR, await kept(ledger))
    assert first == SentRow("run-1", LATER, "a", "rejected", None, "no", FIELDS, undid=True, row=None)
    assert second == SentRow("run-1", LATER, "new b", "created", "dim_b", "", (), undid=False, row=known("b").row)


async def test_a_row_that_was_renamed_twice_in_its_source_is_told_by_its_newest_key(ledger: Ledger) -> None:
    await sent(ledger, "run-1", "first", Outcome("a", "created", "dim_a"))
    for number, source_key in enumerate(("m", "z", "k")):
        await ledger.rekey(HARBOR, {source_key: "a"}, NOON + timedelta(days=number))
    (row,) = await ledger.sent_rows(HARBOR, await kept(ledger))
    assert row.key == "k"


@pytest.mark.parametrize("leap", [timedelta(hours=-3), timedelta(days=365)], ids=["back", "ahead"])
async def test_rows_are_told_whatever_the_clock_did_while_they_were_sent(ledger: Ledger, leap: timedelta) -> None:
    await sent(ledger, "run-1", "first", Outcome("a", "created", "dim_a"), after=leap)
    assert [row.key for row in await ledger.sent_rows(HARBOR, await kept(ledger))] == ["a"]


async def test_runs_are_found_by_name_by_time_or_as_the_newest(ledger: Ledger) -> None:
    assert await ledger.kept_runs(ORIGIN) == []
    await kept(ledger)
    (run,) = await kept(ledger, "run-2")
    assert (run.run_id, run.verb, run.allowed) == ("run-2", "sync", ("mass-create:101", "fleet"))
    assert run.document["run_id"] == "run-2"
    await ledger.start_run("run-3", "sync", NOON, origin=ORIGIN)  # under way, or crashed
    assert [one.run_id for one in await ledger.kept_runs(ORIGIN)] == ["run-2"]
    assert [one.run_id for one in await ledger.kept_runs(ORIGIN, since=LATER)] == ["run-1", "run-2"]
    assert await ledger.kept_runs(ORIGIN, since=LATER + timedelta(seconds=1)) == []
    assert await ledger.kept_runs(ORIGIN, run_id="run-3") == []
    assert await ledger.kept_runs("https://elsewhere.example:443/v1") == []


async def test_nothing_was_sent_for_a_company_that_is_not_known(ledger: Ledger) -> None:
    assert await ledger.sent_rows(HARBOR, await kept(ledger)) == []
    assert await ledger.sent_rows(HARBOR, []) == []
