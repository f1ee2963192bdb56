"""Companies' problems by their cause, the gravest first: what the screen, `status`, reports and notifications tell.

Pure. Every problem of every company is in exactly one `CauseGroup`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from engine.cli.codes import CODES
from engine.cli.desk.gravity import gravity, rank
from engine.guards.registry import COMPANY_GUARDS
from engine.model.balance import ExitCode
from engine.model.cause import Cause, cause_of
from engine.model.outcome import Problem
from engine.model.result import CompanyResult

CALM = frozenset({ExitCode.STOPPED, ExitCode.LOCKED})
"""Exit codes after which nobody has to do anything: the next run goes on by itself."""

UNTOLD = "nothing more is told of it"


class Told(NamedTuple):
    """One problem and the company that has it."""

    company: CompanyResult
    problem: Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseGroup:
    """All problems of one cause, of which either all are new or none is."""

    cause: Cause
    gravity: ExitCode  # the exit code that it calls for; `DONE`: it is a notice
    told: tuple[Told, ...]  # in the order of the companies, at least one
    companies: tuple[CompanyResult, ...]  # those that have it, each once
    rows: int  # rows that it is about, where it is about rows
    is_new: bool  # no finished run had shown any of these problems before
    since: datetime | None  # when a finished run first showed one of them; None: it is not known

    @property
    def code(self) -> str:
        """The problem code that all of them have."""
        return self.cause.code

    @property
    def example(self) -> Told:
        """One of them, with all of its words."""
        return self.told[0]

    @property
    def needs_person(self) -> bool:
        """Whether it asks for a person; else it is a notice, or waits for nobody."""
        return self.gravity is not ExitCode.DONE and self.gravity not in CALM


def grouped(companies: Iterable[CompanyResult], *, run_at: datetime | None = None) -> list[CauseGroup]:
    """Return the problems of companies by cause: the gravest cause first, then what is new, then the most companies.

    A cause of which some problems are new and others known is told twice. `run_at`: when the run ended whose problems
    are new; None: none is. A company whose exit code asks for a person, and of whose problems none does, gets one:
    `failed`.
    """
    found: dict[tuple[int, Cause, bool], list[Told]] = {}
    for company in companies:
        for problem in (*company.problems, *_untold(company)):
            grave = gravity_of(problem, company)
            kind = int(grave), cause_of(problem, company.name), is_of_run(problem.since, run_at)
            found.setdefault(kind, []).append(Told(company, problem))
    groups = [_group(cause, ExitCode(grave), told, is_new=is_new) for (grave, cause, is_new), told in found.items()]
    return sorted(groups, key=_order)


def gravity_of(problem: Problem, company: CompanyResult) -> ExitCode:
    """Return the exit code that a problem calls for in its company: never a graver one than the company ended with."""
    own = ExitCode(company.exit_code)
    if problem.code not in CODES:  # of a source of somebody's own
        return own
    return max(gravity(problem.code), own, key=rank)


def _untold(company: CompanyResult) -> tuple[Problem, ...]:
    """Return a problem for a company whose exit code asks for a person, where none of its own problems does."""
    is_calm = company.exit_code in {ExitCode.DONE, *CALM}
    if is_calm or any(gravity_of(each, company) not in {ExitCode.DONE, *CALM} for each in company.problems):
        return ()
    return (Problem(code="failed", message=UNTOLD),)


def _group(cause: Cause, grave: ExitCode, told: Sequence[Told], *, is_new: bool) -> CauseGroup:
    companies = {(each.company.account, each.company.company_id): each.company for each in told}
    times = [each.problem.since for each in told if each.problem.since is not None]
    return CauseGroup(
        cause=cause,
        gravity=grave,
        told=tuple(told),
        companies=tuple(companies.values()),
        rows=sum(each.problem.key is not None or each.problem.line is not None for each in told)
        or (sum(each.balance.held or 0 for each in companies.values()) if cause.code in COMPANY_GUARDS else 0),
        is_new=is_new,
        since=min(times, default=None),
    )


def is_of_run(since: datetime | None, run_at: datetime | None) -> bool:
    """Return whether what was shown since then was first shown by a run that ended at `run_at`.

    JSON has times in milliseconds.
    """
    if run_at is None or since is None:
        return False
    return since >= run_at.replace(microsecond=run_at.microsecond // 1000 * 1000)


def _order(group: CauseGroup) -> tuple[object, ...]:
    return (rank(group.gravity), not group.is_new, -len(group.companies), -len(group.told), group.cause)


def common_group(companies: Sequence[CompanyResult], groups: Mapping[int, Sequence[str]]) -> str | None:
    """Return a group of the settings that all of these companies are in, the smallest one; None: there is none."""
    return common_group_of([company.company_id for company in companies], groups)


def common_group_of(ids: Sequence[int], groups: Mapping[int, Sequence[str]]) -> str | None:
    """Return a group of the settings that companies of these ids are all in, as `common_group` does."""
    shared = set(groups.get(ids[0], ()))
    for each in ids[1:]:
        shared &= set(groups.get(each, ()))
    sizes = {name: sum(name in each for each in groups.values()) for name in shared}
    return min(shared, key=lambda name: (sizes[name], name), default=None)
