"""What every company of a run shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from engine.errors import SourceError
from engine.ledger.protocols import Ledger
from engine.model.company_record import CompanyState
from engine.model.events import Emit
from engine.model.settings import AccountCompany, Allow, Guards, Verify
from engine.net.limits.budget import ListingBudget
from engine.run.mode import Mode
from engine.run.sketches import Seen
from engine.run.work import Applying
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
    listing_budgets: Mapping[str, ListingBudget] = field(
        default_factory=dict
    )  # for listings, by account's name; none: as much as it takes
    company_ids: frozenset[int] = frozenset()  # of every configured company, those that this run leaves out included
    refused: Mapping[int, SourceError] = field(default_factory=dict)  # companies that fail before any request
    states: Mapping[AccountCompany, CompanyState] = field(default_factory=dict)  # the ledger's notes as the run began
    seen: Seen
