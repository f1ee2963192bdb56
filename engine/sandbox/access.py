"""Who may send requests, and how many: API keys, tokens, rate and daily quota. Pure: times are arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from engine.sandbox.rates import COUNTERS, Counter, RateModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """One client account: one API key and one OAuth client."""

    account_id: str = "racc_demo"
    api_key: str = "demo-key"
    client_id: str = "demo-client"
    client_secret: str = "demo-secret"  # noqa: S105  made up, and printed by the demo


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What one API key may use (docs.ottimate.com/api-limits)."""

    rate: float = 1000.0  # requests a second
    burst: int = 2000  # capacity of the token bucket; windows have none
    rate_model: RateModel = "bucket"  # how requests a second are counted; the documents say: a token bucket
    per_day: int = 10_000  # requests from 00:00 UTC to 00:00 UTC
    token_lifetime_s: int = 3600


@dataclass(slots=True, kw_only=True)
class Meter:
    """What one API key has used."""

    counter: Counter  # of the requests a second
    day: date | None = None
    used: int = 0  # requests on that day, refused ones included
    throttled: int = 0


class Access:
    """What the gateway counts and the OAuth server has granted."""

    def __init__(self, credentials: Sequence[Credentials], allowance: Allowance, random: Random) -> None:
        self.allowance = allowance
        self.by_key = {each.api_key: each for each in credentials}
        count = COUNTERS[allowance.rate_model]
        self.meters = {each.api_key: Meter(counter=count(allowance.rate, allowance.burst)) for each in credentials}
        self._random = random
        self._tokens: dict[str, tuple[str, datetime]] = {}

    def count(self, api_key: str, *, now: datetime, second: float) -> str | None:
        """Count one request of a known API key. Return the gateway's message if it exceeds rate or quota; else None."""
        meter, allowance = self.meters[api_key], self.allowance
        if meter.day != now.date():
            meter.day, meter.used = now.date(), 0
        meter.used += 1
        if not meter.counter.admits(second):
            meter.throttled += 1
            return "Too Many Requests"
        return "Limit Exceeded" if meter.used > allowance.per_day else None

    def grant(self, api_key: str, client_id: str, client_secret: str, *, now: datetime) -> str | None:
        """Return a new token; None: the credentials are wrong."""
        known = self.by_key[api_key]
        if (known.client_id, known.client_secret) != (client_id, client_secret):
            return None
        token = f"tok_{self._random.getrandbits(128):032x}"
        self._tokens[token] = (known.account_id, now + timedelta(seconds=self.allowance.token_lifetime_s))
        return token

    def holds(self, api_key: str, authorization: str, *, now: datetime) -> bool:
        """Return whether the header carries a valid token of the API key's own account."""
        scheme, _, token = authorization.partition(" ")
        account_id, ends = self._tokens.get(token, ("", now))
        return scheme.lower() == "bearer" and now < ends and account_id == self.by_key[api_key].account_id

    def expire(self, account_id: str) -> None:
        """Make all tokens of an account invalid."""
        self._tokens = {token: held for token, held in self._tokens.items() if held[0] != account_id}
