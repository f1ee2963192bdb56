"""Runs that are over: found by a part of their id, told as they were told then, and by company."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from engine.ledger.protocols import Ledger
from engine.model.balance import State
from engine.model.outcome import Problem
from engine.model.result import RunResult
from tests.ledger.test_known_problems import LIKE, journal, told
from tests.ledger.test_runs import ended
from tests.ledger.values import LATER, NOON, ORIGIN

ONE, TWO, ODD = "20261120T050000Z-0badcafe", "20261121T050000Z-0bad0000", "by hand"


async def three_runs(ledger: Ledger) -> None:
    await journal(ledger, ended(ONE, State.SYNCED, State.FAILED))
    await journal(ledger, told(TWO, LATER, LIKE))
    await ledger.start_run(ODD, "plan", LATER + timedelta(hours=1), origin=ORIGIN, allowed=["mass-create:1"])


FOUND = {
    "whole id": (ONE, [ONE]),
    "an id that is not made of two parts": ("by", [ODD]),
    "the beginning": ("20261120", [ONE]),
    "a beginning that two have": ("202611", [TWO, ONE]),
    "the last part": ("0badcafe", [ONE]),
    "the beginning of the last part": ("0bad", [TWO, ONE]),
    "the middle": ("1120T05", []),
    "signs that SQL takes for others": ("%", []),
    "nothing": ("", []),
}


async def test_a_run_is_found_by_its_beginning(ledger: Ledger) -> None:
    await three_runs(ledger)
    found = {name: [run.run_id for run in await ledger.find_runs(ORIGIN, text)] for name, (text, _) in FOUND.items()}
    assert found == {name: ids for name, (_, ids) in FOUND.items()}
    assert not any([await ledger.find_runs("https://elsewhere.example", text) for text, _ in FOUND.values()])


async def test_the_run_of_that_very_id_wins_over_those_that_begin_so(ledger: Ledger) -> None:
    await three_runs(ledger)
    await ledger.start_run("20261121", "sync", NOON, origin=ORIGIN)
    assert [run.run_id for run in await ledger.find_runs(ORIGIN, "20261121")] == ["20261121"]


async def test_a_run_without_an_end_is_under_way_while_its_process_lives(ledger: Ledger) -> None:
    await three_runs(ledger)
    assert (await ledger.is_under_way(ODD), await ledger.is_under_way(ONE)) == (True, False)
    (run,) = await ledger.find_runs(ORIGIN, ODD)
    assert (run.finished_at, run.exit_code, run.allowed) == (None, None, "mass-create:1")
    assert await ledger.past_result(ORIGIN, ODD) is None


async def test_a_finished_run_is_told_as_it_ended(ledger: Ledger) -> None:
    """With the exit code of each company, its rows, requests and problems; who was unchanged is counted alone."""
    before = ended(ONE, State.SYNCED, State.UNCHANGED, State.HELD)
    note = Problem(code="deadline", message="stopped after 5 s")
    before = replace(before, problems=(note,), exit_code=4, allowed=("fleet",))
    await journal(ledger, before)
    past = await ledger.past_result(ORIGIN, ONE)
    assert past is not None
    assert past.companies == 3
    assert [one.company_id for one in past.result.companies] == [101, 103]
    assert _stripped(past.result) == _stripped(
        replace(before, companies=tuple(one for one in before.companies if one.state is not State.UNCHANGED))
    )
    assert await ledger.past_result("https://elsewhere.example", ONE) is None


def _stripped(result: RunResult) -> RunResult:
    """Return a result without what the journal does not keep of it."""
    companies = tuple(
        replace(one, certificate=None, digest=None, exit_codes=(), verified_at=None, problems=())
        for one in result.companies
    )
    return replace(result, companies=companies, days=(), elapsed_s=0.0, allowed=())


async def test_the_runs_of_one_company_the_newest_first(ledger: Ledger) -> None:
    await journal(ledger, ended(ONE, State.SYNCED, State.FAILED))
    await journal(ledger, replace(told(TWO, LATER, LIKE), verb="plan"))
    for number in range(2):  # nothing is told of 101 in these, but that it was there in the last one
        at = LATER + timedelta(hours=1 + number)
        await journal(ledger, replace(ended(f"quiet-{number}", State.UNCHANGED), finished_at=at))
    lines = await ledger.company_runs(ORIGIN, 101, 9)
    assert [(one.run.run_id, one.run.verb, str(one.company.state)) for one in lines] == [
        ("quiet-1", "sync", "unchanged"),
        (TWO, "plan", "partial"),
        (ONE, "sync", "synced"),
    ]
    assert [each.code for each in lines[1].company.problems] == ["look-alike"]
    assert lines[0].company.balance.unchanged == lines[0].company.balance.source_rows
    assert [one.run.run_id for one in await ledger.company_runs(ORIGIN, 101, 1)] == ["quiet-1"]
    assert await ledger.company_runs(ORIGIN, 999, 9) == []
    assert await ledger.company_runs("https://elsewhere.example", 101, 9) == []
