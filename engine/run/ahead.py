"""What a run has ahead of it, as far as it is known before the first company: for whoever watches it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from math import ceil

from engine.compare.freshness import Evidence, first_evidence
from engine.model.company_record import CompanyState
from engine.model.events import CompanyAhead, KeyAhead, Scheduled
from engine.model.result import AccountDay
from engine.model.settings import AccountCompany, Verify
from engine.run.schedule import rows_of
from engine.run.work import Job


def scheduled(
    jobs: Sequence[Job],
    states: Mapping[AccountCompany, CompanyState],
    verify: Verify,
    now: datetime,
    days: Iterable[AccountDay],
) -> Scheduled:
    """Return the event. `states`: what the ledger notes of companies; `days`: how much of its day each key has used."""
    companies = []
    for job in jobs:
        state = states.get(AccountCompany(job.account.account_id, job.company.id), CompanyState())
        evidence = first_evidence(state, job.company.verify or verify, job.company.id, now)
        companies.append(CompanyAhead(job.company.id, job.account.name, _requests(job, state, evidence)))
    return Scheduled(companies=tuple(companies), keys=tuple(_keys(jobs, days)))


def _requests(job: Job, state: CompanyState, evidence: Evidence) -> int:
    """Return how many requests it takes to read a company, roughly."""
    if evidence is Evidence.LISTING:
        return max(1, ceil(rows_of(job, state) / job.account.limits.page_size))
    return int(evidence is Evidence.PROBE)


def _keys(jobs: Iterable[Job], days: Iterable[AccountDay]) -> Iterable[KeyAhead]:
    """Yield the API keys of the jobs, each once. A key that could not be read is left out: nothing is sent with it."""
    known = {day.account: day for day in days}
    by_key: dict[str, list[str]] = {}
    accounts = {job.account.name: job.account for job in jobs}
    for name, account in accounts.items():
        if name in known:
            by_key.setdefault(account.key_id, []).append(name)
    for names in by_key.values():
        day = known[names[0]]
        yield KeyAhead(tuple(names), accounts[names[0]].limits.requests_per_second, day.used, day.usable)
