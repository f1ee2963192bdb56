"""Which rows a run left in trouble, and how long runs and evidence are kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from engine.ledger.protocols import Ledger
from engine.model.balance import Balance, State
from engine.model.ledger_writes import Intent, Settlement
from engine.model.outcome import Column, Outcome, Problem
from engine.model.result import CompanyResult, InTrouble, RunResult
from engine.model.settings import NamedCompany
from tests.ledger.values import HARBOR, LATER, NOON, ORIGIN, a_result, known_rows

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ELSEWHERE = "http://127.0.0.1:8700/v1"
REFUSED = (
    Problem(code="rejected", message="no such type", key="a"),
    Problem(code="uncertain", message="504 Gateway Timeout", key="b"),
    Problem(code="rejected", message="once more", key="a"),
    Problem(code="rejected", message="the whole company's"),
    Problem(code="look-alike", message="held", key="c"),
)


def company(company_id: int, *problems: Problem, account: str = "main") -> CompanyResult:
    return CompanyResult(
        company_id=company_id,
        name="",
        account=account,
        state=State.PARTIAL,
        exit_code=3,
        balance=Balance(),
        problems=problems,
    )


async def journal(ledger: Ledger, run: RunResult, *companies: CompanyResult, origin: str = ORIGIN) -> None:
    run = replace(run, companies=companies)
    await ledger.start_run(run.run_id, run.verb, run.started_at, origin=origin)
    await ledger.finish_run(run)


def ended(run_id: str, at: datetime, *, verb: str = "sync") -> RunResult:
    return replace(a_result(run_id), verb=verb, started_at=at, finished_at=at)


async def test_a_run_tells_which_rows_it_left_in_trouble(ledger: Ledger) -> None:
    assert await ledger.in_trouble(ORIGIN, None) is None
    mixed = (company(101, *REFUSED), company(102), company(101, REFUSED[1], account="second"))
    await journal(ledger, ended("run-1", NOON), *mixed)
    keys = {NamedCompany("main", 101): frozenset("ab"), NamedCompany("second", 101): frozenset("b")}
    found = InTrouble("run-1", "sync", keys, dict.fromkeys(keys, "run-1"))
    assert await ledger.in_trouble(ORIGIN, "run-1") == found
    assert await ledger.in_trouble(ORIGIN, None) == found


async def test_the_newest_finished_run_that_wrote_is_asked(ledger: Ledger) -> None:
    verbs = ("sync", "apply", "retry", "plan", "check")
    for number, verb in enumerate(verbs):
        await journal(ledger, ended(f"of-{verb}", NOON + number * DAY, verb=verb), company(number, *REFUSED))
        newest = await ledger.in_trouble(ORIGIN, None)
        assert newest is not None
        assert newest.verb == verbs[min(number, 2)]
    await journal(ledger, ended("elsewhere", NOON + 9 * DAY), company(9, *REFUSED), origin=ELSEWHERE)
    await ledger.start_run("open", "sync", NOON + 9 * DAY, origin=ORIGIN)
    assert newest == await ledger.in_trouble(ORIGIN, None)
    assert await ledger.in_trouble(ORIGIN, "of-plan") is not None  # asked for by name


@pytest.mark.parametrize("run_id", ["open", "elsewhere", "ghost"])
async def test_a_run_that_is_not_there_or_not_finished_has_none(ledger: Ledger, run_id: str) -> None:
    await ledger.start_run("open", "sync", NOON, origin=ORIGIN)
    await journal(ledger, ended("elsewhere", NOON), company(1, *REFUSED), origin=ELSEWHERE)
    assert await ledger.in_trouble(ORIGIN, run_id) is None


def quiet(company_id: int) -> CompanyResult:
    """A company that was found in order."""
    return replace(company(company_id), state=State.UNCHANGED, exit_code=0)


HERE, THERE = NamedCompany("main", 101), NamedCompany("main", 102)
AB, C = frozenset("ab"), frozenset("c")
STOPPED = replace(company(101), state=State.DEFERRED, exit_code=5)


@pytest.mark.parametrize(
    ("verb", "of_harbor", "keys"),
    [
        ("sync", None, AB),
        ("sync", quiet(101), None),
        ("sync", company(101, Problem(code="look-alike", message="held", key="a")), None),
        ("sync", company(101, Problem(code="rejected", message="", key="c")), C),
        ("apply", quiet(101), None),
        ("plan", quiet(101), AB),
        ("check", company(101, Problem(code="rejected", message="", key="c")), AB),
        ("sync", STOPPED, AB),
        ("sync", replace(STOPPED, state=State.LOCKED), AB),
        ("sync", replace(STOPPED, state=State.FAILED), AB),
        ("sync", replace(STOPPED, state=State.HELD), AB),
        ("sync", replace(STOPPED, problems=(Problem(code="uncertain", message="", key="c"),)), AB | C),
        ("retry", replace(quiet(101), asked=AB), None),
        ("retry", replace(quiet(101), asked=frozenset("a")), frozenset("b")),
        ("retry", replace(company(101, Problem(code="rejected", message="", key="a")), asked=AB), frozenset("a")),
        ("retry", replace(STOPPED, asked=AB), AB),
    ],
    ids=[
        "another company's run",
        "found in order",
        "held by now",
        "another row",
        "applied",
        "a plan sends nothing",
        "a check sends nothing",
        "stopped before it looked",
        "locked",
        "failed",
        "held as a whole",
        "stopped half-way",
        "all sent again",
        "one of two sent again",
        "refused again",
        "a retry that was stopped",
    ],
)
async def test_l12_each_companys_newest_run_is_asked(
    ledger: Ledger, verb: str, of_harbor: CompanyResult | None, keys: frozenset[str] | None
) -> None:
    await journal(ledger, ended("run-1", NOON), company(101, *REFUSED), company(102, REFUSED[1]))
    of_anchor = replace(quiet(102), asked=frozenset("x")) if verb == "retry" else quiet(103)
    await journal(ledger, ended("run-2", LATER, verb=verb), *([of_harbor] if of_harbor else []), of_anchor)
    found = await ledger.in_trouble(ORIGIN, None)
    assert found is not None
    assert found.keys == ({HERE: keys} if keys else {}) | {THERE: frozenset("b")}
    assert found.runs[THERE] == "run-1"
    assert found.keys.keys() == found.runs.keys()


async def test_l12_each_origin_has_its_own(ledger: Ledger) -> None:
    await journal(ledger, ended("run-1", NOON), company(101, *REFUSED))
    await journal(ledger, ended("run-2", LATER), quiet(101), origin=ELSEWHERE)
    found = await ledger.in_trouble(ORIGIN, None)
    assert found == InTrouble("run-1", "sync", {HERE: AB}, {HERE: "run-1"})
    assert await ledger.in_trouble(ELSEWHERE, None) == InTrouble("run-2", "sync", {}, {})


async def test_a_run_without_trouble_is_a_run(ledger: Ledger) -> None:
    await journal(ledger, ended("run-1", NOON), company(101))
    assert await ledger.in_trouble(ORIGIN, None) == InTrouble("run-1", "sync", {}, {})


async def test_old_runs_are_forgotten_but_those_that_a_last_sync_was(ledger: Ledger) -> None:
    await journal(ledger, ended("replaced", NOON - 3 * DAY), company(101))
    await journal(ledger, ended("last-of-102", NOON - 2 * DAY), company(101), company(102))
    await journal(ledger, ended("planned", NOON - DAY, verb="plan"), company(101))
    await ledger.start_run("crashed", "sync", NOON - DAY, origin=ORIGIN)
    await journal(ledger, ended("edge", NOON, verb="plan"), company(101))
    await journal(ledger, ended("new", LATER), company(101))
    await ledger.start_run("under-way", "sync", LATER, origin=ORIGIN)
    before = (await ledger.last_states(ORIGIN), await ledger.last_syncs(ORIGIN))
    assert await ledger.prune(NOON) == 3
    left = await ledger.history(ORIGIN, 10)
    assert [run.run_id for run in left] == ["under-way", "new", "edge", "last-of-102"]
    assert [run.companies for run in left] == [0, 1, 1, 2]
    assert (await ledger.last_states(ORIGIN), await ledger.last_syncs(ORIGIN)) == before
    assert await ledger.prune(NOON) == 0
    await ledger.finish_run(ended("under-way", LATER))


# Clocks that leap


KEEP = 400 * DAY


async def began(ledger: Ledger, *moments: datetime) -> None:
    for number, at in enumerate(moments):
        await ledger.start_run(f"at-{number}", "sync", at, origin=ELSEWHERE if number % 2 else ORIGIN)


@pytest.mark.parametrize(
    ("earlier", "horizon"),
    [
        ((), None),
        ((NOON - DAY / 24,), None),
        ((NOON - DAY,), NOON - DAY - KEEP),
        ((NOON - 90 * DAY,), NOON - 90 * DAY - KEEP),
        ((NOON - 91 * DAY,), None),
        ((NOON - 500 * DAY, NOON - 499 * DAY), None),
        ((NOON - 500 * DAY, NOON - 2 * DAY, NOON - DAY / 24), NOON - DAY / 24 - KEEP),
        ((NOON + 500 * DAY, NOON + 499 * DAY), None),
        ((NOON + 500 * DAY, NOON - DAY), NOON - DAY - KEEP),
    ],
    ids=[
        "the first run",
        "an hour old",
        "a day old",
        "90 days old",
        "91 days old",
        "L13: the clock leapt 500 days ahead",
        "L13: it leapt, and has held for two days",
        "L13: it leapt 500 days back",
        "L13: it is right again",
    ],
)
async def test_l13_what_is_old_is_told_by_the_newest_run_before(
    ledger: Ledger, earlier: tuple[datetime, ...], horizon: datetime | None
) -> None:
    await began(ledger, *earlier, NOON)
    assert await ledger.horizon(NOON, KEEP) == horizon


@pytest.mark.parametrize(
    ("at", "keep", "is_looked_for"),
    [
        (NOON, KEEP, False),
        (NOON + 22 * HOUR, KEEP, False),
        (NOON + 23 * HOUR, KEEP, True),
        (NOON - 2 * HOUR, KEEP, True),
        (NOON, KEEP + DAY, True),
        (NOON, KEEP - DAY, True),
    ],
    ids=["at once", "within a day", "a day later", "the clock was set back", "kept for longer", "kept for less time"],
)
async def test_what_is_old_is_looked_for_once_a_day(
    ledger: Ledger, at: datetime, keep: timedelta, is_looked_for: bool
) -> None:
    await began(ledger, NOON - 2 * DAY, NOON - HOUR)
    before = await ledger.horizon(NOON, KEEP)
    assert before == NOON - HOUR - KEEP
    await ledger.prune(before)
    assert (await ledger.horizon(at, keep) is not None) == is_looked_for


async def test_a_long_run_is_as_old_as_its_end(ledger: Ledger) -> None:
    await journal(ledger, replace(ended("long", LATER, verb="plan"), started_at=NOON - DAY))
    assert await ledger.prune(NOON) == 0


async def test_old_evidence_is_forgotten_and_what_is_known_stays(ledger: Ledger) -> None:
    for number, at in enumerate((NOON - DAY, NOON, LATER)):
        await ledger.begin(HARBOR, Intent(id=f"chunk-{number}", run_id="run-1", keys=("a",), at=at))
        outcomes = (Outcome("a", Column.UPDATED),)
        await ledger.settle(
            HARBOR, Settlement(intent_id=f"chunk-{number}", at=at, rows=known_rows("a"), outcomes=outcomes)
        )
    await ledger.begin(HARBOR, Intent(id="out", run_id="run-1", keys=("b",), at=NOON - 9 * DAY))
    image, generation = await ledger.read(HARBOR), await ledger.generation(HARBOR)
    assert await ledger.prune(NOON) == 0
    life = await ledger.life(HARBOR, "a")
    assert [line.attempt for line in life.attempts] == ["chunk-2", "chunk-1"]
    assert life.acknowledged_by == "run-1"
    assert (await ledger.read(HARBOR), await ledger.generation(HARBOR)) == (image, generation)
    assert await ledger.recover(HARBOR) == 1


async def test_a_plan_that_is_not_finished_is_never_forgotten(ledger: Ledger) -> None:
    for plan_id, at in (("old", NOON - DAY), ("half", NOON - DAY), ("new", NOON)):
        await ledger.begin_plan(HARBOR, plan_id, "run-1", at)
    await ledger.end_plan(HARBOR, "old")
    await ledger.end_plan(HARBOR, "new")
    await ledger.prune(NOON)
    left = [plan_id for plan_id in ("old", "half", "new") if await ledger.applied(HARBOR, plan_id)]
    assert left == ["half", "new"]
