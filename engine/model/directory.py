"""What an API user may see: accounts, companies and locations. The engine uses the ids; names are for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


class VisibleAccount(NamedTuple):
    """One client account that the credentials reach."""

    id: str  # `racc_...`
    name: str
    companies: int | None = None  # how many it has; None: the API did not say
    locations: int | None = None


class VisibleCompany(NamedTuple):
    """One company of an account; its `id` is `ottimate_company_id` everywhere else."""

    id: int
    name: str
    locations: int | None = None  # how many it has; None: the API did not say
    plan: str | None = None


class VisibleLocation(NamedTuple):
    """One location of an account. It names its company; the API gives no id for that."""

    id: int
    name: str
    company: str = ""
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """An account's companies as they were listed whole at `at`."""

    at: datetime
    rest_at: datetime | None = None  # when locations and accounts were listed; None: never
    companies: tuple[VisibleCompany, ...]
    locations: tuple[VisibleLocation, ...] | None = None  # None: not read; a sync has no use for them
    accounts: tuple[VisibleAccount, ...] | None = None  # None: not read
