from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from engine.ledger.protocols import Ledger
from engine.model.balance import State
from engine.model.cause import mark_of
from engine.model.known import THE_RUN, Shown
from engine.model.outcome import Problem
from engine.model.result import CompanyResult, RunResult
from engine.model.settings import NamedCompany
from tests.ledger.test_runs import ended
from tests.ledger.values import NOON, ORIGIN

LIKE = Problem(code="look-alike", message="it looks like dim_1", key="k1")
OTHER = Problem(code="look-alike", message="it looks like dim_2", key="k2")
MANY = Problem(code="mass-create", message="would create 40 rows where 40 are")
WHERE = NamedCompany("main", 101)
DAY = timedelta(days=1)


def told(run_id: str, at: datetime, *problems: Problem, state: State = State.PARTIAL, verb: str = "sync") -> RunResult:
    result = ended(run_id, state, verb=verb)
    company: CompanyResult = replace(result.companies[0], problems=problems, evidence="ledger")
    return replace(result, started_at=at - timedelta(hours=1), finished_at=at, companies=(company,))


async def journal(ledger: Ledger, result: RunResult) -> None:
    await ledger.start_run(result.run_id, result.verb, result.started_at, origin=ORIGIN)
    await ledger.finish_run(result)


async def test_a_problem_is_known_since_the_first_run_that_showed_it(ledger: Ledger) -> None:
    assert await ledger.known_problems(ORIGIN) == {}
    await journal(ledger, told("run-1", NOON, LIKE))
    later = NOON + DAY
    await journal(ledger, told("run-2", later, replace(LIKE, since=NOON), OTHER, MANY))
    assert await ledger.known_problems(ORIGIN) == {
        WHERE: {
            mark_of(LIKE): Shown("look-alike", NOON, later),
            mark_of(OTHER): Shown("look-alike", later, later),
            mark_of(MANY): Shown("mass-create", later, later),
        }
    }
    assert await ledger.known_problems("http://127.0.0.1:1/v1") == {}


async def test_it_is_forgotten_by_a_run_that_compared_and_not_by_one_that_failed(ledger: Ledger) -> None:
    await journal(ledger, told("run-1", NOON, LIKE))
    await journal(ledger, told("run-2", NOON + DAY, MANY, state=State.DEFERRED))
    assert set((await ledger.known_problems(ORIGIN))[WHERE]) == {mark_of(LIKE), mark_of(MANY)}
    await journal(ledger, told("run-3", NOON + 2 * DAY, state=State.UNCHANGED))
    assert await ledger.known_problems(ORIGIN) == {}


async def test_only_runs_that_send_make_it_known(ledger: Ledger) -> None:
    await journal(ledger, told("run-1", NOON, LIKE, verb="plan"))
    await journal(ledger, told("run-2", NOON, LIKE, verb="check"))
    await ledger.start_run("crashed", "sync", NOON, origin=ORIGIN)
    assert await ledger.known_problems(ORIGIN) == {}
    await journal(ledger, told("run-3", NOON, LIKE, verb="apply"))
    assert set(await ledger.known_problems(ORIGIN)) == {WHERE}


async def test_it_is_pruned_with_runs(ledger: Ledger) -> None:
    await journal(ledger, told("run-1", NOON, LIKE))
    await ledger.prune(NOON)
    assert set(await ledger.known_problems(ORIGIN)) == {WHERE}
    await ledger.prune(NOON + DAY)
    assert await ledger.known_problems(ORIGIN) == {}


async def test_thousands_of_rows_are_one_line(ledger: Ledger) -> None:
    rows = [replace(LIKE, key=f"k{number}") for number in range(2_000)]
    await journal(ledger, told("run-1", NOON, *rows))
    assert len((await ledger.known_problems(ORIGIN))[WHERE]) == 2_000


async def test_companies_are_asked_for_alone_and_runs_as_a_whole_with_them(ledger: Ledger) -> None:
    first = told("run-1", NOON, LIKE)
    others = tuple(replace(first.companies[0], company_id=number) for number in (102, 103))
    whole = Problem(code="late", message="it was stopped")
    await journal(ledger, replace(first, companies=(*first.companies, *others), problems=(whole,)))
    every = await ledger.known_problems(ORIGIN)
    assert len(every) == 4
    assert await ledger.known_problems(ORIGIN, [WHERE]) == {WHERE: every[WHERE], THE_RUN: every[THE_RUN]}
    assert set(await ledger.known_problems(ORIGIN, [])) == {THE_RUN}
    strange = [NamedCompany("other", 101), NamedCompany("ma'in\"", 9)]
    assert set(await ledger.known_problems(ORIGIN, strange)) == {THE_RUN}
