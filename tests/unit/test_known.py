"""Since when problems are known, which are news, and what `sync --fail-on new` exits with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cli.desk.fail_on import code_for_new
from engine.model.balance import ExitCode, State, worst
from engine.model.known import THE_RUN, Shown, known_after, known_of_run, recovered, shown_of, with_since
from engine.model.outcome import Problem
from engine.model.result import CompanyResult, RunResult
from engine.model.settings import NamedCompany
from tests.tables import each_of
from tests.unit.model_server import STEADY
from tests.unit.test_render import company, run

DAY = timedelta(days=1)
NOW = datetime(2026, 11, 27, 7, 0, tzinfo=UTC)


def at(result: RunResult, moment: datetime) -> RunResult:
    return replace(result, finished_at=moment)


def held(*keys: str, **more: object) -> CompanyResult:
    problems = tuple(Problem(code="look-alike", message=f"like {key}", key=key) for key in keys)
    return company(1, State.PARTIAL, 4, problems=problems, evidence="ledger", **more)


def nightly(nights: Sequence[Sequence[str]], hours: float = 24) -> list[list[tuple[str | None, int, bool]]]:
    """Return what each of some runs told of company 1: (key, hours that it is known for, whether it is news)."""
    known: dict[bytes, Shown] = {}
    told = []
    for night, keys in enumerate(nights):
        moment = NOW + timedelta(hours=hours * night)
        one = held(*keys) if keys else company(1, evidence="ledger")
        result = with_since(at(run([one]), moment), {NamedCompany("main", 1): known})
        (one,) = result.companies
        told.append(
            [
                (each.key, round((moment - (each.since or moment)).total_seconds() / 3600), each.is_news)
                for each in one.problems
            ]
        )
        known = known_after(one, known, moment)
    return told


def test_a_row_is_news_once_and_another_row_is_news_of_its_own() -> None:
    assert nightly([["a"], ["a"], ["a", "b"], ["b"]]) == [
        [("a", 0, True)],
        [("a", 24, False)],
        [("a", 48, False), ("b", 0, True)],
        [("b", 24, False)],
    ]


def test_what_was_over_is_news_when_it_comes_again() -> None:
    assert [night[-1:] for night in nightly([["a"], [], ["a"]])] == [[("a", 0, True)], [], [("a", 0, True)]]


def test_from_the_second_week_on_it_is_news_once_a_week() -> None:
    news = [night for night, ((_, _, is_news),) in enumerate(nightly([["a"]] * 23)) if is_news]
    assert news == [0, 7, 14, 21]
    assert [night for night, ((*_, is_news),) in enumerate(nightly([["a"]] * 4, hours=24 * 10)) if is_news] == [
        0,
        1,
        2,
        3,
    ]


UNTOLD: dict[str, CompanyResult] = {
    "it failed": company(1, State.FAILED, 1),
    "it was deferred": company(1, State.DEFERRED, 5, evidence="listing"),
    "another run held it": company(1, State.LOCKED, 9),
    "a retry was about other rows": company(1, evidence="ledger", asked=frozenset({"b"})),
    "it rests": company(1, State.HELD, 4),
}


@pytest.mark.parametrize("name", UNTOLD)
def test_a_run_that_did_not_compare_the_company_forgets_nothing(name: str) -> None:
    before = shown_of(held("a").problems, "", NOW)
    assert known_after(UNTOLD[name], before, NOW + DAY) == before


def test_a_clock_that_was_set_back_makes_it_news() -> None:
    known = {NamedCompany("main", 1): shown_of(held("a").problems, "", NOW)}
    (one,) = with_since(at(run([held("a")]), NOW - DAY), known).companies
    assert (one.problems[0].since, one.problems[0].is_news) == (NOW - DAY, True)


def test_the_run_has_problems_of_its_own() -> None:
    stray = Problem(code="unknown-company", message="3 rows name no company", file="all.csv")
    first = with_since(replace(run([company(1)]), problems=(stray,), finished_at=NOW), {})
    known = {THE_RUN: shown_of(first.problems, "", NOW)}
    later = replace(
        run([company(1)]), problems=(replace(stray, message="5 rows name no company"),), finished_at=NOW + DAY
    )
    (again,) = with_since(later, known).problems
    assert (again.since, again.is_news) == (NOW, False)
    assert code_for_new(replace(later, exit_code=3)) == ExitCode.REJECTED
    assert code_for_new(replace(later, exit_code=3, problems=(again,))) == ExitCode.DONE


def test_a_sync_of_a_part_of_the_fleet_does_not_end_what_the_run_as_a_whole_was_told_for() -> None:
    stray = Problem(code="unknown-company", message="3 rows name no company", file="all.csv")
    before = shown_of((stray,), "", NOW)
    quiet = replace(run([company(1)]), finished_at=NOW + DAY)
    part = replace(quiet, is_part=True)
    assert (known_of_run(part, before), recovered(part, {THE_RUN: before})) == (before, ())
    assert known_of_run(quiet, before) == {}
    (over,) = recovered(quiet, {THE_RUN: before})
    assert (over.code, over.company_id, over.since) == ("unknown-company", 0, NOW)
    assert known_of_run(replace(quiet, verb="apply"), before) == before


def known(code: str, *, key: str | None = None) -> Problem:
    return Problem(code=code, message="", key=key, since=NOW, is_news=False)


def news(code: str, *, key: str | None = None) -> Problem:
    return Problem(code=code, message="", key=key, since=NOW)


CODES: dict[str, tuple[CompanyResult, ExitCode]] = {
    "a known hold": (company(1, State.HELD, 4, exit_codes=(4,), problems=(known("mass-create"),)), ExitCode.DONE),
    "a new hold": (company(1, State.HELD, 4, exit_codes=(4,), problems=(news("mass-create"),)), ExitCode.HELD),
    "a known hold that rests": (
        company(1, State.HELD, 4, exit_codes=(4,), problems=(known("mass-create"), news("resting"))),
        ExitCode.DONE,
    ),
    "a new row beside a known one": (
        company(
            1, State.PARTIAL, 4, exit_codes=(4,), problems=(known("look-alike", key="a"), news("look-alike", key="b"))
        ),
        ExitCode.HELD,
    ),
    "a new invalid row beside a known hold": (
        company(1, State.PARTIAL, 4, exit_codes=(4, 3), problems=(known("look-alike", key="a"), news("bad-json"))),
        ExitCode.REJECTED,
    ),
    "a known hold in a company that stopped early": (
        company(1, State.DEFERRED, 4, exit_codes=(4, 5), problems=(known("look-alike", key="a"), news("quota"))),
        ExitCode.STOPPED,
    ),
    "a hold that no problem explains": (company(1, State.PARTIAL, 4, exit_codes=(4,)), ExitCode.HELD),
    "rows not listed, held since": (
        company(1, State.PARTIAL, 4, exit_codes=(4,), problems=(known("not-listed", key="a"),)),
        ExitCode.DONE,
    ),
    "known failures": (company(1, State.FAILED, 1, problems=(known("source"),)), ExitCode.FAILED),
    "known credentials": (company(1, State.DEFERRED, 8, problems=(known("authentication"),)), ExitCode.AUTHENTICATION),
    "known uncertain rows": (
        company(1, State.PARTIAL, 10, problems=(known("uncertain", key="a"),)),
        ExitCode.UNCERTAIN,
    ),
}


@each_of(list(CODES))
def test_only_what_is_new_is_held_or_rejected(name: str) -> None:
    one, code = CODES[name]
    assert code_for_new(run([one])) == code


def test_an_unbalanced_run_is_never_masked() -> None:
    one, _ = CODES["a known hold"]
    assert code_for_new(replace(run([one]), exit_code=1)) == ExitCode.FAILED


def test_a_run_that_was_stopped_stays_so() -> None:
    one, _ = CODES["a known hold"]
    assert code_for_new(replace(run([one]), stop_code=5)) == ExitCode.STOPPED


@STEADY
@given(st.lists(st.tuples(st.sampled_from(sorted(CODES)), st.integers(1, 99)), max_size=6))
def test_the_code_is_that_of_the_companies_judged_alone(named: list[tuple[str, int]]) -> None:
    companies = [replace(CODES[name][0], company_id=number) for number, (name, _) in enumerate(named)]
    result = run(companies)
    if result.exit_code in {3, 4}:
        assert code_for_new(result) == worst(CODES[name][1] for name, _ in named)
    else:
        assert code_for_new(result) == result.exit_code


def over(before: CompanyResult, after: CompanyResult) -> list[tuple[int, str, float]]:
    """Return what is over with a second run, a day after the first: (company, code, days that it was known for)."""
    first = with_since(at(run([before]), NOW), {})
    known = {NamedCompany("main", 1): known_after(first.companies[0], {}, NOW)}
    second = at(run([after]), NOW + DAY)
    return [(each.company_id, each.code, (NOW + DAY - each.since) / DAY) for each in recovered(second, known)]


def test_trouble_is_over_when_a_run_that_compared_shows_none_of_its_code() -> None:
    well = company(1, evidence="ledger")
    assert over(held("a", "b"), well) == [(1, "look-alike", 1.0)]
    assert over(held("a", "b"), held("b")) == []
    assert over(held("a"), held("c")) == []
    assert over(well, well) == []
    failed = company(1, State.FAILED, 1, problems=(Problem(code="missing-source", message="no file"),))
    assert over(held("a"), failed) == []
    assert over(failed, company(1, State.DEFERRED, 5)) == []
    assert over(failed, held("a")) == [(1, "missing-source", 1.0)]


def test_trouble_of_the_run_as_a_whole_is_over_with_a_sync() -> None:
    fleet = Problem(code="fleet", message="200 of 300 companies are held")
    known = {THE_RUN: shown_of((fleet,), "", NOW)}
    assert [each.code for each in recovered(run([]), known)] == ["fleet"]
    assert recovered(replace(run([]), problems=(fleet,)), known) == ()
    assert recovered(replace(run([]), verb="retry"), known) == ()
