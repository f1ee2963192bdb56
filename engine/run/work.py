"""What a run is to do: its verb, its companies, what a person lets pass, and what it may take."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from engine.model.dimension import clean
from engine.model.saved_plan import CompanyPlan
from engine.model.settings import Account, Allow, Company, RawRow
from engine.run.mode import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Applying:
    """A saved plan that a run carries out."""

    plan_id: str
    made_at: datetime
    resume: bool  # True: finish an `apply` that was cut short
    allowed: tuple[str, ...] = ()  # guards that were let pass when it was made, such as "look-alike:123"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a run may take."""

    requests: int | None = None  # over all accounts, tokens apart
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One company's part of a run."""

    company: Company
    account: Account
    only: frozenset[str] | None = None  # source keys: no other row is sent or counted
    corrected: tuple[RawRow, ...] = ()  # rows that take the place of the source's
    corrected_in: str | None = None  # the file that they are from
    saved: CompanyPlan | None = None  # to be sent instead of what a comparison finds


def with_plans(jobs: Iterable[Job], plans: Iterable[CompanyPlan]) -> list[Job]:
    """Return the jobs of companies that a saved plan has, each with its company's part of it."""
    by_company = {(plan.account, plan.company_id): plan for plan in plans}
    pairs = ((job, by_company.get((job.account.name, job.company.id))) for job in jobs)
    return [replace(job, saved=plan) for job, plan in pairs if plan is not None]


def for_rows(
    jobs: Iterable[Job],
    keys: Mapping[int, Collection[str]],
    corrected: Mapping[int, Sequence[RawRow]],
    corrected_in: str | None,
) -> list[Job]:
    """Return the jobs of companies of which some rows alone are to be sent. `keys`, `corrected`: by company id."""
    return [
        replace(
            job,
            only=frozenset(map(clean, keys.get(job.company.id, ()))),
            corrected=tuple(corrected.get(job.company.id, ())),
            corrected_in=corrected_in,
        )
        for job in jobs
        if keys.get(job.company.id) or corrected.get(job.company.id)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What one run is to do."""

    mode: Mode
    jobs: Sequence[Job]
    fresh: bool = False  # companies that rest after a failed reading are read all the same
    allowed: frozenset[Allow] = frozenset()
    applying: Applying | None = None
    bounds: Bounds = field(default_factory=Bounds)

    @property
    def accounts(self) -> dict[str, Account]:
        """The accounts that have a company in this run, by name."""
        return {job.account.name: job.account for job in self.jobs}

    @property
    def company_ids(self) -> list[int]:
        """The companies of this run, in its order."""
        return [job.company.id for job in self.jobs]

    @property
    def allowed_texts(self) -> tuple[str, ...]:
        """The guards that are let pass, as a person types them, in this run or when its saved plan was made."""
        was_allowed = self.applying.allowed if self.applying else ()
        return tuple(sorted({*map(str, self.allowed), *was_allowed}))

    def most_held(self, share: float | None) -> int | None:
        """Return how many companies guards may hold before the run stops; None: all. `share`: of all its companies.

        One company alone shows nothing of a fleet.
        """
        if share is None or len(self.jobs) == 1 or "fleet" in self.allowed_texts:
            return None
        return int(share * len(self.jobs))
