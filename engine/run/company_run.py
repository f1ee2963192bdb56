"""Putting one company's run together: its context, its guards, and where its plan comes from."""

from __future__ import annotations

from engine.net.channel import Channel
from engine.run.company import CompanyRun
from engine.run.company_context import company_context
from engine.run.context import RunContext
from engine.run.decide import PlanFromSource
from engine.run.guarding import GuardCheck
from engine.run.saved_plan import PlanFromFile, for_saved_plan
from engine.run.visibility import Visible
from engine.run.work import Job


def company_run(job: Job, channel: Channel, visible: Visible, run: RunContext) -> CompanyRun:
    """Return one company's part of a run."""
    company = company_context(job, channel, run)
    if job.saved is None or run.applying is None:
        guard = GuardCheck(company=company)
        return CompanyRun(company, PlanFromSource(company=company, guard=guard), guard, visible)
    company = for_saved_plan(company, job.saved, run.applying)
    guard = GuardCheck(company=company)
    plans = PlanFromFile(company=company, guard=guard, saved=job.saved, applying=run.applying)
    return CompanyRun(company, plans, guard, visible)
