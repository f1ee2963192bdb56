"""A saved plan: `dimsync plan -o FILE` writes it, and `dimsync apply FILE` carries it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from engine.model.change import Change, Hold
from engine.model.outcome import Problem
from engine.model.row_history import Generation
from engine.model.wanted import LeftOut, SourceCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyPlan:
    """The rows to send for one company, what the plan depends on, and how its other rows stood."""

    company_id: int
    account: str  # as the settings call it
    name: str = ""
    generation: Generation  # the ledger's, when the plan was made
    settings: str = ""  # digest of the company's settings
    remote_count: int | None = None  # remote rows when the plan was made
    creates: tuple[Change, ...] = ()
    updates: tuple[Change, ...] = ()
    canaries: tuple[Change, ...] = ()
    reverts: tuple[str, ...] = ()
    again: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # by key: updates that are pushed once more
    holds: tuple[Hold, ...] = ()  # rows that stay as they are
    held_by: tuple[Problem, ...] = ()  # guards that hold the company: nothing of it is sent
    not_planned: tuple[Problem, ...] = ()  # why there is no plan: nothing of the company is sent
    left_out_by: tuple[LeftOut, ...] = ()  # why the mapping left rows out of the source
    sources: tuple[SourceCounts, ...] = ()  # empty: not told
    source_rows: int | None = 0  # None: the source could not be read
    unchanged: int = 0
    adopted: int = 0
    refused: tuple[Hold, ...] = ()  # rows that the server refused lately and that have not changed since
    code_unseen: int = 0  # part of `unchanged`: rows whose codes no listing shows
    invalid: int = 0
    orphans: tuple[str, ...] = ()  # ids of remote rows that match no source row
    source_keys: tuple[tuple[str, str], ...] = ()  # wire key -> the source's, of rows that were rekeyed
    was_compared: bool = True  # False: a guard held it before that, so that nothing is known of its rows
    bulk_requests: int = 0  # requests that sending the plan takes
    list_requests: int = 0  # of the listings afterwards that show what became of rows that are pushed once more

    @property
    def changes(self) -> tuple[Change, ...]:
        """All rows to send, creates first."""
        return self.creates + self.updates + self.canaries

    @property
    def requests(self) -> int:
        """How many requests it takes to apply it: a probe, its chunks, and listings after some."""
        if not self.changes or self.held_by:
            return 0
        return 1 + self.bulk_requests + self.list_requests


class PlanTotals(NamedTuple):
    """What a saved plan would do, all companies together."""

    companies: int
    held: int  # companies that guards hold: nothing of them is sent
    creates: int
    updates: int
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """A plan of several companies. `plan_id` is the run that made it; it is applied once in each company."""

    plan_id: str
    made_at: datetime
    origin: str
    contract: str
    allowed: tuple[str, ...] = ()  # guards that were allowed when it was made
    companies: tuple[CompanyPlan, ...] = ()

    @property
    def totals(self) -> PlanTotals:
        """What it would do, all companies together."""
        changes = [change for company in self.companies for change in company.changes if not company.held_by]
        return PlanTotals(
            companies=len(self.companies),
            held=sum(bool(company.held_by) for company in self.companies),
            creates=sum(change.remote_id is None for change in changes),
            updates=sum(change.remote_id is not None for change in changes),
            requests=sum(company.requests for company in self.companies),
        )
