"""Make one company's part of a saved plan of a comparison."""

from __future__ import annotations

from hashlib import blake2b

from engine.model.change import Hold
from engine.model.row_history import Generation
from engine.model.saved_plan import CompanyPlan
from engine.model.settings import Company
from engine.model.wanted import Wanted, few_reasons
from engine.run.comparer import Compared
from engine.run.context import RunContext
from engine.run.work import Job


def to_save(job: Job, compared: Compared | None, wanted: Wanted, generation: Generation) -> CompanyPlan:
    """Return what is to be sent for a company, and how its other rows stand. `compared` None: it was held before."""
    if compared is None:
        return CompanyPlan(
            company_id=job.company.id,
            account=job.account.name,
            generation=generation,
            left_out_by=few_reasons(wanted.left_out_by),
            sources=wanted.sources,
            source_rows=wanted.source_rows,
            invalid=wanted.invalid,
            was_compared=False,
        )
    plan = compared.plan
    return CompanyPlan(
        company_id=job.company.id,
        account=job.account.name,
        generation=generation,
        creates=tuple(plan.creates),
        updates=tuple(plan.updates),
        canaries=tuple(plan.canaries),
        reverts=plan.reverts,
        again=plan.again,
        holds=plan.holds,
        left_out_by=few_reasons(wanted.left_out_by),
        sources=wanted.sources,
        source_rows=wanted.source_rows,
        unchanged=plan.unchanged,
        adopted=plan.adopted,
        refused=tuple(Hold(row.change.row.key, row.code, row.words or row.message) for row in compared.resting),
        code_unseen=plan.code_unseen,
        invalid=wanted.invalid,
        orphans=plan.orphans,
        source_keys=tuple(sorted(wanted.source_keys.items())),
    )


def settings_digest(company: Company, parts: RunContext) -> str:
    """Return a digest, 16 hex characters, of all settings that a plan of the company depends on."""
    treatment = (parts.origin, parts.contract, company.relabel, company.guards or parts.guards, company.settings)
    return blake2b(repr(treatment).encode(), digest_size=8).hexdigest()
