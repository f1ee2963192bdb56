"""A job: the sync of one company, as the queue keeps it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Self

TASK = "dimsync.sync_company"
"""What the queue calls these jobs. The name stands in databases, and is never changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyJob:
    """One company that is to be synced, and what became of the jobs for it before this one."""

    origin: str  # as in `CompanyKey`
    account_id: str
    company_id: int
    tries: int = 0  # jobs before it, one after the other, that could not be done
    deaths: int = 0  # workers, one after the other, that died while they had it
    settings: str = ""  # `Company.settings` where it was enqueued: workers should have the same
    unknown_since: datetime | None = None  # when a worker first took it whose settings lack the company; None: none did

    @property
    def lock(self) -> str:
        """Its company's name in the queue: of the jobs with one name, one at most runs, and one at most waits.

        It has all parts of a `CompanyKey` but the resource, so that settings of several APIs and accounts may use one
        database. No two companies have one name: an origin has no blank, and a company's id is a number.
        """
        return f"{self.origin} {self.account_id} {self.company_id}"

    def args(self) -> dict[str, Any]:
        """Return the job in the form in which the queue keeps it."""
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
        """Return a job from the form in which the queue keeps it. Fields that a newer dimsync has added are ignored."""
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
        """Return a job of the same company that counts no tries and no deaths before it."""
        return replace(self, tries=0, deaths=0, unknown_since=None)


def queue_of(origin: str) -> str:
    """Return the name of an API's queue.

    Workers of one API do not take jobs of another. The name is short, since a channel's name in Postgres has 63 bytes
    at most, of which procrastinate needs 23.
    """
    return f"dimsync-{sha256(origin.encode()).hexdigest()[:16]}"


def portion(name: str) -> float:
    """Return a number from 0 to 1 that is always the same for a name, and spreads names evenly."""
    return int.from_bytes(sha256(name.encode()).digest()[:4], "big") / 0xFFFFFFFF
