"""A job: the sync of one company, as the queue keeps it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Self

TASK = "dimsync.sync_company"
"""What the queue calls such jobs. It stands in the database: never renamed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyJob:
    """One company that is to be synced, and what became of the jobs before this one, which could not be done."""

    origin: str  # as in `CompanyKey`
    account_id: str
    company_id: int
    tries: int = 0  # jobs before it, one after the other, that the database or the API was away for
    deaths: int = 0  # workers that died, one after the other, while they had it
    settings: str = ""  # `Company.settings` of whoever enqueued it: workers should have the same
    unknown_since: datetime | None = None  # since when workers took it whose settings lack the company; None: none did

    @property
    def lock(self) -> str:
        """Its name among all jobs: no two of one name run at once, and no two wait at once.

        It has all that a `CompanyKey` has but the resource, so that settings of several APIs and accounts may use one
        database. An origin has no blank, and a company's id is a number, so that no two companies have one name.
        """
        return f"{self.origin} {self.account_id} {self.company_id}"

    def args(self) -> dict[str, Any]:
        """Return it as the queue keeps it."""
        since = None if self.unknown_since is None else self.unknown_since.isoformat()
        return {
            "origin": self.origin,
            "account_id": self.account_id,
            "company_id": self.company_id,
            "tries": self.tries,
            "deaths": self.deaths,
            "settings": self.settings,
            "unknown_since": since,
        }

    @classmethod
    def of(cls, args: Mapping[str, Any]) -> Self:
        """Return the job that the queue keeps so. What a newer dimsync has added is not looked at."""
        since = args.get("unknown_since")
        return cls(
            origin=args["origin"],
            account_id=args["account_id"],
            company_id=args["company_id"],
            tries=args.get("tries", 0),
            deaths=args.get("deaths", 0),
            settings=args.get("settings", ""),
            unknown_since=None if since is None else datetime.fromisoformat(since),
        )

    def afresh(self) -> Self:
        """Return a job of the company that knows of none before it."""
        return replace(self, tries=0, deaths=0, unknown_since=None)


def queue_of(origin: str) -> str:
    """Return the name of an API's queue.

    Workers of one API do not take jobs of another one. Postgres takes names of channels with up to 63 bytes, of which
    procrastinate needs 23.
    """
    return f"dimsync-{sha256(origin.encode()).hexdigest()[:16]}"


def portion(name: str) -> float:
    """Return a number from 0 to 1 that is always the same for a name, and spreads names evenly."""
    return int.from_bytes(sha256(name.encode()).digest()[:4], "big") / 0xFFFFFFFF
