"""Problems that earlier runs showed: since when each is known, and which of a run's problems are news. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from engine.model.balance import State
from engine.model.cause import mark_of
from engine.model.outcome import Problem
from engine.model.result import CompanyResult, Recovered, RunResult
from engine.model.settings import NamedCompany

WEEK = timedelta(days=7)
"""A problem that is known for longer than this is news again, once in each such time."""

THE_RUN = NamedCompany("", 0)
"""Stands for the run as a whole, which has problems of its own."""


class Shown(NamedTuple):
    """When finished runs showed a problem."""

    code: str  # the problem's
    since: datetime  # the end of the first such run
    at: datetime  # the end of the last one


Known = Mapping[NamedCompany, Mapping[bytes, Shown]]
"""What is known of companies' problems, by `cause.mark_of`."""


def with_since(result: RunResult, known: Known) -> RunResult:
    """Return a result whose problems tell since when they are known, and whether they are news."""
    companies = tuple(
        replace(each, problems=_dated(each.problems, each.name, known.get(_whose(each), {}), result.finished_at))
        if each.problems
        else each
        for each in result.companies
    )
    problems = _dated(result.problems, "", known.get(THE_RUN, {}), result.finished_at)
    return replace(result, companies=companies, problems=problems)


def known_after(company: CompanyResult, before: Mapping[bytes, Shown], at: datetime) -> dict[bytes, Shown]:
    """Return what is known of a company's problems once a run has ended at `at`.

    A run that compared the whole company replaces what was known: problems that it does not show are forgotten.
    """
    shown = shown_of(company.problems, company.name, at)
    is_compared = company.is_seen_through or (company.state is State.HELD and company.evidence is not None)
    return shown if is_compared and company.asked is None else {**before, **shown}


def known_of_run(result: RunResult, before: Mapping[bytes, Shown]) -> Mapping[bytes, Shown]:
    """Return what is known of problems of runs as a whole, once this one has ended.

    Only a sync counts: no other verb reads the sources of the whole fleet. A sync of a part of the fleet ends nothing,
    as it does not look at the rest.
    """
    if result.verb != "sync":
        return before
    shown = shown_of(result.problems, "", result.finished_at)
    return {**before, **shown} if result.is_part else shown


def recovered(result: RunResult, known: Known) -> tuple[Recovered, ...]:
    """Return the problems that were known before a run that sent rows and are over now, by company and code.

    A code is over in a company once none of the problems that it was told for is known any more.
    """
    found: list[Recovered] = []
    for company in result.companies:
        if before := known.get(_whose(company)):
            after = known_after(company, before, result.finished_at)
            found += _over(before, after, NamedCompany(company.account, company.company_id), company.name)
    before = known.get(THE_RUN, {})
    return (*found, *_over(before, known_of_run(result, before), THE_RUN, ""))


def _over(
    before: Mapping[bytes, Shown], after: Mapping[bytes, Shown], whose: NamedCompany, name: str
) -> Iterator[Recovered]:
    left = {shown.code for shown in after.values()}
    since: dict[str, datetime] = {}
    for shown in before.values():
        if shown.code not in left:
            since[shown.code] = min(since.get(shown.code, shown.since), shown.since)
    yield from (Recovered(*whose, name, code, at) for code, at in sorted(since.items()))


def shown_of(problems: tuple[Problem, ...], name: str, at: datetime) -> dict[bytes, Shown]:
    """Return problems that a run showed which ended at `at`; `name`: of the company that has them."""
    return {mark_of(each, name): Shown(each.code, each.since or at, at) for each in problems}


def _dated(
    problems: tuple[Problem, ...], name: str, known: Mapping[bytes, Shown], now: datetime
) -> tuple[Problem, ...]:
    return tuple(_one_dated(problem, known.get(mark_of(problem, name)), now) for problem in problems)


def _one_dated(problem: Problem, shown: Shown | None, now: datetime) -> Problem:
    if shown is None or shown.since > now:  # a clock that was set back tells nothing
        return replace(problem, since=now, is_news=True)
    is_due = (now - shown.since) // WEEK > (shown.at - shown.since) // WEEK
    return replace(problem, since=shown.since, is_news=is_due)


def _whose(company: CompanyResult) -> NamedCompany:
    return NamedCompany(company.account, company.company_id)
