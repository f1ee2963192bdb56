"""A company in which nothing has changed is not compared again, however that is found out."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from engine.model.balance import State
from engine.model.settings import Guards, Verify, VerifyMode
from engine.model.wanted import LeftOut, SourceCounts, SourceMarks, Wanted
from engine.run.memo import content_of_source
from tests.tables import each_of
from tests.unit import test_company_run
from tests.unit.model_api import COMPANY_KEY, NOON, row
from tests.unit.model_server import dim, source
from tests.unit.test_company_run import ROWS, Asked, Stage, played

FULL, PROBE = Verify(mode=VerifyMode.FULL), Verify(mode=VerifyMode.PROBE)
HEADS = ["CompanyStarted", "PageRead", "Listed", "SourceRead", "Planned"]


async def reading(stage: Stage, run: Callable[[], Awaitable[object]]) -> list[str]:
    """Return the statements with which a run reads entries of the ledger."""
    statements: list[str] = []
    connection: sqlite3.Connection = await stage.ledger._thread.alone(lambda connection: connection)
    connection.set_trace_callback(statements.append)
    await run()
    connection.set_trace_callback(None)
    return [text for text in statements if " from rows" in text or "entry_parts" in text]


def steps(stage: Stage) -> list[str]:
    """Return the requests of the last run, tokens apart, and when the source was read."""
    return [step for step in stage.api.steps if step != "oauth"]


def test_a_listing_that_shows_the_same_ends_a_company_before_its_source_is_read() -> None:
    async def again(stage: Stage) -> list[str]:
        await stage.run()
        await stage.run(verify=FULL)
        return await reading(stage, lambda: stage.run(verify=FULL))

    read, stage = played(again)
    assert (read, steps(stage)) == ([], ["dimensions"])
    assert [name for name in stage.events if name not in {"RequestSent", "TokenFetched"}] == HEADS


def test_what_is_told_of_it_is_what_a_comparison_tells() -> None:
    async def again(stage: Stage) -> list[object]:
        await stage.run()
        stage.api.server.put(dim("theirs", "77"))
        return [await stage.run(verify=FULL, now=lambda: NOON + timedelta(days=1)) for _ in range(3)]

    (_, compared, replayed), _ = played(again)
    assert replayed == compared
    assert replayed.balance.orphans == 1  # type: ignore[attr-defined]


def test_a_probe_that_agrees_ends_it_too() -> None:
    async def again(stage: Stage) -> list[str]:
        await stage.run()
        await stage.run()
        return await reading(stage, lambda: stage.run(verify=PROBE))

    read, stage = played(again)
    assert (read, steps(stage)) == ([], ["dimensions"])


def test_what_was_listed_is_compared_if_it_has_changed_and_is_not_listed_twice() -> None:
    async def again(stage: Stage) -> State:
        await stage.run()
        await stage.run(verify=FULL)
        stage.api.server.put(row(2)._replace(name="Theirs"))
        return (await stage.run(verify=FULL)).state

    state, stage = played(again)
    assert (state, steps(stage)) == (State.SYNCED, ["dimensions", "source", "bulk"])
    assert stage.api.server.rows["002"].name == row(2).name


def test_the_page_of_a_probe_that_does_not_agree_is_the_first_of_the_listing() -> None:
    async def again(stage: Stage) -> State:
        await stage.run()
        await stage.run()
        stage.api.server.put(dim("theirs", "77"))
        return (await stage.run(verify=PROBE)).state

    state, stage = played(again)
    assert (state, steps(stage)) == (State.UNCHANGED, ["dimensions", "source"])


def test_a_guard_that_is_set_otherwise_ends_it() -> None:
    async def again(stage: Stage) -> State:
        await stage.run()
        await stage.run(verify=FULL)
        return (await stage.run(verify=FULL, guards=Guards(mass_create_rows=7))).state

    state, stage = played(again)
    assert (state, steps(stage)) == (State.UNCHANGED, ["source", "dimensions"])


class Volatile:
    """A digest that is another one each time."""

    moments = count()

    def __init__(self, *_bytes: bytes, **_size: int) -> None:
        self._moment = next(self.moments)

    def digest(self) -> bytes:
        return b"%d" % self._moment


@pytest.mark.parametrize(("verify", "asked"), [(Verify(), []), (PROBE, ["dimensions"]), (FULL, ["dimensions"])])
def test_a_source_with_other_bytes_and_the_same_rows_is_not_compared(
    verify: Verify, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_company_run, "blake2b", Volatile)

    async def again(stage: Stage) -> list[str]:
        await stage.run()
        await stage.run(verify=FULL)
        return await reading(stage, lambda: stage.run(verify=verify))

    read, stage = played(again)
    assert (read, steps(stage)) == ([], ["source", *asked])


def test_a_source_with_other_bytes_and_the_same_rows_asks_the_ledger_for_few_things(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(test_company_run, "blake2b", Volatile)

    async def again(stage: Stage) -> list[str]:
        await stage.run()
        await stage.run()
        asked: Any = Asked(stage.ledger)
        assert (await replace(stage, ledger=asked).run()).state is State.UNCHANGED
        return list(asked.calls)

    assert played(again)[0] == ["brief", "end_well"]


def test_many_new_entries_are_written_together_at_the_end_of_a_run_that_changes_few() -> None:
    async def loads(stage: Stage) -> tuple[list[int], list[str]]:
        rows, scattered = list(map(row, range(60))), []
        asked: Any = Asked(stage.ledger)
        for wanted in (rows, [*rows, row(60)]):
            await replace(stage, ledger=asked).run(wanted, verify=FULL)
            scattered.append((await stage.ledger.read(COMPANY_KEY)).scattered)
        return scattered, asked.calls[-1:]

    assert played(loads)[0] == ([60, 0], ["end_well"])


def test_a_source_with_other_bytes_and_another_row_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(test_company_run, "blake2b", Volatile)

    async def again(stage: Stage) -> State:
        await stage.run()
        await stage.run(verify=FULL)
        return (await stage.run([ROWS[0]._replace(name="Anew"), *ROWS[1:]])).state

    state, stage = played(again)
    assert (state, steps(stage)) == (State.SYNCED, ["source", "bulk"])
    assert stage.api.server.rows["000"].name == "Anew"


PLAIN = source(*ROWS)
OTHERS: dict[str, Wanted] = {
    **{f"another {name}": source(ROWS[0]._replace(**{name: "x"}), *ROWS[1:]) for name in ROWS[0]._fields},
    "another order": source(*ROWS[::-1]),
    "a row less": source(*ROWS[1:]),
    "no code in place of an empty one": source(ROWS[0]._replace(code=""), *ROWS[1:]),
    "a row that is left out": Wanted(
        rows=ROWS, source_rows=5, left_out_by=(LeftOut("filter", "Inactive", "Yes", None, 1),)
    ),
    "rows of two sources": Wanted(rows=ROWS, source_rows=5, sources=(SourceCounts("a", 2, 0), SourceCounts("b", 3, 0))),
    "a filter whose column is there": Wanted(rows=ROWS, source_rows=5, marks=(SourceMarks("a", filters=("X",)),)),
    "a filter whose column is gone": Wanted(rows=ROWS, source_rows=5, marks=(SourceMarks("a", lacks=("X",)),)),
    "a column that is not there": Wanted(rows=ROWS, source_rows=5, absent_columns={"code": ("Code",)}),
}


@each_of(list(OTHERS))
def test_whatever_a_comparison_rests_on_is_told(name: str) -> None:
    assert content_of_source(OTHERS[name]) not in {None, content_of_source(PLAIN)}


def test_where_rows_stand_is_no_part_of_it() -> None:
    moved = Wanted(rows=ROWS, source_rows=5, file="b.csv", lines={"001": 7}, marks=())
    assert content_of_source(moved) == content_of_source(PLAIN)


@pytest.mark.parametrize(
    "wanted",
    [
        source(*ROWS, invalid=1),
        Wanted(rows=ROWS, source_rows=5, source_keys={"001": "1"}),
        source(ROWS[0]._replace(name="\ud800"), *ROWS[1:]),
    ],
    ids=["an invalid row", "a row under another key", "half of a character"],
)
def test_rows_that_cannot_be_told_are_compared(wanted: Wanted) -> None:
    assert content_of_source(wanted) is None
