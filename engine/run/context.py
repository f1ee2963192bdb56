"""What every company of a run shares, and what each of them is to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from engine.errors import SourceError
from engine.ledger.protocols import Ledger
from engine.model.events import Emit
from engine.model.saved_plan import CompanyPlan
from engine.model.settings import Account, Allow, Company, Guards, RawRow, Verify
from engine.net.limits.budget import ListingBudget
from engine.run.mode import Mode
from engine.run.sketches import Seen
from engine.wire.dialect import Dialect


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """A run's own things, as its companies are handed them."""

    run_id: str
    origin: str
    dialect: Dialect
    ledger: Ledger
    verify: Verify
    guards: Guards
    allowed: frozenset[Allow]
    contract: str
    mode: Mode
    fresh: bool  # a company that rests after a failed reading is read all the same
    now: Callable[[], datetime]
    emit: Emit
    applying: Applying | None = None  # a saved plan is carried out
    rooms: Mapping[str, ListingBudget] = field(
        default_factory=dict
    )  # for listings, by account's name; none: as much as it takes
    company_ids: frozenset[int] = frozenset()  # of every configured company, those that this run leaves out included
    refused: Mapping[int, SourceError] = field(default_factory=dict)  # companies that fail before any request
    seen: Seen = field(default_factory=Seen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Applying:
    """A saved plan that a run carries out."""

    plan_id: str
    made_at: datetime
    resume: bool  # what was begun and not finished is finished
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
    saved: CompanyPlan | None = None  # what is to be sent, instead of what a comparison finds
