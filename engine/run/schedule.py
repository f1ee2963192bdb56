"""In which order a run spends its requests: known changes first, then listings, the cheapest and stalest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import ceil

from engine.compare.freshness import Evidence, first_evidence
from engine.model.company_record import CompanyState
from engine.model.settings import AccountCompany, Verify
from engine.run.work import Job

NEVER = datetime.min.replace(tzinfo=UTC)

ROW_BYTES = 80
"""What a row of a source file takes, roughly: enough to read small companies before large ones."""

USUAL_ROWS = 2_000
"""How many rows a company is taken to have of which nothing is known, until its source is read."""


def waves(
    jobs: Sequence[Job],
    states: Mapping[AccountCompany, CompanyState],
    verify: Verify,
    now: datetime,
    *,
    is_sparing: bool,
) -> list[list[int]]:
    """Return the companies' turns in the order in which they begin; a wave begins when the one before has ended.

    `states`: what the ledger notes. `is_sparing`: there is a budget or a deadline, so that no listing begins before all
    known changes are sent.
    """
    known, due = [], []
    for turn, job in enumerate(jobs):
        state = states.get(AccountCompany(job.account.account_id, job.company.id), CompanyState())
        evidence = first_evidence(state, job.company.verify or verify, job.company.id, now)
        if evidence is Evidence.LISTING:
            due.append((_pages(job, state), state.listed_at or NEVER, turn))
        else:
            known.append(turn)
    listings = [turn for *_, turn in sorted(due)]
    return [known, listings] if is_sparing else [known + listings]


def rows_of(job: Job, state: CompanyState | None) -> int:
    """Return how many rows a company has, roughly: by the last time, else by the size of its source."""
    if state is not None and (state.remote_count is not None or state.last_good_rows is not None):
        return max(state.remote_count or 0, state.last_good_rows or 0)
    return getattr(job.company.source, "size_bytes", 0) // ROW_BYTES or USUAL_ROWS


def _pages(job: Job, state: CompanyState) -> int:
    """Return how many pages a company's listing takes, roughly: by its last one, else by the size of its source."""
    rows = state.remote_count
    if rows is None:
        rows = getattr(job.company.source, "size_bytes", 0) // ROW_BYTES
    return ceil(rows / job.account.limits.page_size)
