"""A run's result: its companies added up, and what is to be said of the run as a whole. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from engine.errors import LedgerError
from engine.model.balance import ExitCode, add, row_exit_codes, worst
from engine.model.outcome import Problem
from engine.model.result import CompanyResult, Requests, RunResult
from engine.run.totals import agrees

UNBALANCED = Problem(code="unbalanced", message="the totals are not those of the companies that finished")


def with_totals(
    empty: RunResult,
    company_ids: Sequence[int],
    companies: Sequence[CompanyResult],
    *,
    finished: Sequence[CompanyResult],
    spent: Iterable[Requests],
    stop_code: ExitCode | None,
) -> RunResult:
    """Return a run's result with its companies' results and their sums.

    `company_ids`: of the run, in its order. `finished`: the results that were announced as each company ended; totals
    that are not theirs are a failure, whatever else happened. `spent`: requests beside those of companies. `stop_code`:
    of a run that was stopped.
    """
    totals = add(company.balance for company in companies)
    codes = [ExitCode(company.exit_code) for company in companies]
    codes += row_exit_codes(totals)
    if stop_code is not None:
        codes.append(stop_code)
    is_balanced = agrees(company_ids, companies, totals, finished)
    if not is_balanced:
        codes.append(ExitCode.FAILED)
    return replace(
        empty,
        exit_code=worst(codes),
        stop_code=stop_code,
        totals=totals,
        requests=Requests.sum([*(company.requests for company in companies), *spent]),
        companies=tuple(companies),
        problems=() if is_balanced else (UNBALANCED,),
    )


def not_written_down(result: RunResult, error: LedgerError) -> RunResult:
    """Return the result of a run whose end the ledger refused: what was done is done, and is told all the same."""
    problem = Problem(code="ledger", message=f"the end of the run could not be written down: {error}")
    code = worst((ExitCode(result.exit_code), ExitCode.FAILED))
    return replace(result, exit_code=code, problems=(*result.problems, problem))


def late(seconds: float) -> Problem:
    """Return what is said of a run that its deadline stopped."""
    return Problem(
        code="deadline", message=f"stopped after {seconds:g} s, the deadline; the next run goes on from there"
    )


def too_many_held(held: int, companies: int) -> Problem:
    """Return what is said of a run that stopped because guards held this many of its companies."""
    text = f"{held:,} of {companies:,} companies are held, so nothing more was begun: what have they in common?"
    return Problem(code="fleet", message=f"{text} To go on all the same: --allow fleet")


def new_ledger(path: str) -> Problem:
    """Return what is said of a ledger that knows of no run yet."""
    text = (
        f"the ledger {path} is new: no run was written down in it before this one. If dimsync has run here before, what"
        " it knew is lost: put the ledger on a volume that stays, and use --expect-ledger"
    )
    return Problem(code="new-ledger", message=text)
