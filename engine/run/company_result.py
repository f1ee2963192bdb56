"""One company's part of a run's result, as it stands: whenever it is asked for, it accounts for every source row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from engine.model.balance import Balance, ExitCode, State, row_exit_codes, worst
from engine.model.difference import Difference
from engine.model.outcome import Problem
from engine.model.resting import NOT_APPLIED, NOT_LISTED, STORED_OTHERWISE, UNCERTAIN
from engine.model.result import CompanyResult
from engine.model.saved_plan import CompanyPlan
from engine.model.wanted import few_reasons
from engine.run.company_context import CompanyContext
from engine.run.endings import UNSAFE
from engine.run.plan_part import settings_digest, to_save
from engine.run.thinking import think
from engine.run.write import bulk_requests, list_requests


def result_of(company: CompanyContext) -> CompanyResult:
    """Return the company's result. Counts that do not add up are a failure, whatever else happened."""
    counts, comparison, found = company.counts, company.comparison, company.found
    balance, problems = counts.balance(comparison.remote), counts.problems
    is_unbalanced = _is_unbalanced(company, balance, problems)
    codes = _exit_codes(company, balance, problems)
    if is_unbalanced:
        codes.append(ExitCode.FAILED)
        text = "the books of this company do not add up: its figures cannot be trusted; please report this"
        problems = (Problem(code="unbalanced", message=text), *problems)
    return CompanyResult(
        company_id=company.id,
        name=found.name,
        account=company.channel.account.name,
        state=State.FAILED if is_unbalanced else _state(company, balance),
        exit_code=worst(codes),
        exit_codes=tuple(codes),
        evidence=str(comparison.evidence) if comparison.evidence else None,
        verified_at=comparison.verified_at,
        balance=balance,
        requests=company.client.spent.requests(),
        certificate=comparison.certificate,
        problems=problems,
        digest=counts.plan.digest if counts.plan and not company.run.mode.writes else None,
        plan=_to_save(company),
        differences=_own_keys(company, found.compared.differences) if found.compared else (),
        spellings=_own_keys(company, found.compared.spellings) if found.compared else (),
        left_out_by=few_reasons(counts.wanted.left_out_by) if counts.wanted else (),
        rejects=tuple(sorted(counts.rejects)),
        asked=company.job.only,
    )


async def thought_of(company: CompanyContext) -> CompanyResult:
    """Return the company's result, from a thread if there is much to count: a giant's plan, or its many problems."""
    return await think(company.counts.weight, partial(result_of, company))


def _exit_codes(company: CompanyContext, balance: Balance, problems: Sequence[Problem]) -> list[ExitCode]:
    codes = row_exit_codes(balance)
    if company.ending.stopped is not None:
        codes.append(company.ending.stopped.exit_code)
    if company.found.lacks_rows or any(problem.code == STORED_OTHERWISE for problem in problems):
        codes.append(ExitCode.REJECTED)
    return codes


def _to_save(company: CompanyContext) -> CompanyPlan | None:
    """Return what `dimsync apply` needs to carry out the plan; None: there is none."""
    wanted, compared, is_held = company.counts.wanted, company.found.compared, company.ending.is_held
    if not company.run.mode.keeps_plan or wanted is None:
        return None
    if not is_held and (compared is None or company.ending.stopped is not None):
        return None
    held_by = tuple(
        problem for problem in company.counts.problems if is_held and problem.code in UNSAFE and problem.key is None
    )
    return replace(
        to_save(company.job, compared, wanted, company.found.generation),
        name=company.found.name,
        settings=settings_digest(company.job.company, company.run),
        remote_count=company.comparison.there,
        held_by=held_by,
        bulk_requests=bulk_requests(company, compared.plan) if compared and not held_by else 0,
        list_requests=list_requests(company, compared.plan) if compared and not held_by else 0,
    )


def _own_keys(company: CompanyContext, rows: tuple[Difference, ...]) -> tuple[Difference, ...]:
    """Return the differences with the source's keys in the place of the wire's."""
    own = company.counts.wanted.source_keys if company.counts.wanted else {}
    return tuple(each._replace(key=own[each.key]) if each.key in own else each for each in rows)


def _is_unbalanced(company: CompanyContext, balance: Balance, problems: Sequence[Problem]) -> bool:
    """Return whether the counts are wrong: they do not add up, or a second way of counting disagrees.

    If nothing stopped the company, no row may be deferred. Each rejected or uncertain row has a problem of its own.
    """
    plan = company.counts.plan
    told = Counter(problem.code for problem in problems if problem.key is not None)
    held_not_listed = sum(hold.slug == NOT_LISTED for hold in plan.holds) if plan else 0
    return (
        not balance.adds_up
        or (company.ending.stopped is None and bool(balance.deferred))
        or (balance.rejected or 0) != told["rejected"] + told[NOT_APPLIED]
        or (balance.uncertain or 0) != told[UNCERTAIN] + told[NOT_LISTED] - held_not_listed
    )


def _state(company: CompanyContext, balance: Balance) -> State:
    if company.ending.stopped is not None:
        return company.ending.stopped.state
    is_spelled = any(problem.code == STORED_OTHERWISE for problem in company.counts.problems)
    is_partial = company.found.lacks_rows or is_spelled
    if is_partial or balance.held or balance.rejected or balance.uncertain or balance.invalid:
        return State.PARTIAL
    return State.SYNCED if balance.created or balance.updated else State.UNCHANGED
