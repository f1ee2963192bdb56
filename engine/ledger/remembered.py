"""What the ledger remembers of runs, companies and API keys, as programs and the command line are told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from engine.ledger.protocols import Ledger
from engine.model.past_run import CompanyInRun, PastResult
from engine.model.quota import QuotaDay
from engine.model.result import PastRun
from engine.model.settings import Account, NamedCompany
from engine.model.standing import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """The ledger's memory of one API. It sends no request."""

    ledger: Ledger
    origin: str

    async def history(self, most: int, now: datetime) -> list[PastRun]:
        """Return the newest runs, the newest first; those that a wrong clock dates after `now` come last."""
        return await self.ledger.history(self.origin, most, now=now)

    async def past_run(self, run_id: str) -> PastResult | None:
        """Return how a finished run ended; None: there is no such run, or it has no end."""
        return await self.ledger.past_result(self.origin, run_id)

    async def company_history(self, company_id: int, most: int) -> list[CompanyInRun]:
        """Return what became of a company in its newest runs, the newest first."""
        return await self.ledger.company_runs(self.origin, company_id, most)

    async def standing(self, names: Mapping[str, str], now: datetime) -> Standing:
        """Return how things stand at `now`. `names`: account names by account id; rests of others are left out."""
        states = await self.ledger.states(self.origin)
        rests = {
            NamedCompany(names[where.account_id], where.company_id): state.retry_at
            for where, state in states.items()
            if state.retry_at is not None and where.account_id in names
        }
        return replace(await self.ledger.standing(self.origin, now=now), rests=rests)

    async def quota(self, account: Account, day: date, now: datetime) -> QuotaDay:
        """Return what an account's API key has used of a day. The account's credentials must be known."""
        limits = account.limits
        use = await self.ledger.quota(self.origin, account.key_id, day)
        return QuotaDay(
            account=account.name,
            day=use.day,
            used=use.used,
            per_day=limits.requests_per_day,
            reserve=limits.reserve_per_day,
            closed_until=use.closed_until(now, limits),
        )
