"""What is known of one API key's requests on one UTC day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from engine.model.settings import Limits

MOST = 64
"""Requests counted at a time while there are plenty: at 1,000 a second some 16 commits a second."""

SHARE = 16
"""One block is no more than this part of what is left: several processes come to share the end of a day fairly."""

RETRY_AFTER = (timedelta(hours=1), timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))
"""How long a key is left alone once the API has called its day used up: after none, one, two or more tries in vain.
It is tried again at all because somebody may have had its quota raised."""


def block(left: int, most: int = MOST) -> int:
    """Return how many of the requests that are left one process may count as its own; 0: none are left.

    `most`: as many as the process asks for, which is few at first (`next_block`).
    """
    return max(0, min(MOST, most, left, max(1, left // SHARE)))


def next_block(before: int, waiting: int) -> int:
    """Return how many requests a process asks for next: 1, 2, 4 ... 64, and no fewer than wait to be sent.

    So a process that is killed has counted at most some two requests for each that it sent, and one more; and the
    commits per request become few all the same. `before`: how many it asked for last; 0: none yet.
    """
    return min(MOST, max(1, 2 * before, waiting))


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedUp:
    """The API called a key's day used up, whatever had been counted here: others may use the key, too."""

    at: datetime
    per_day: int  # `requests_per_day`, as it was set then
    reserve: int  # `reserve_per_day`, as it was set then
    reason: str  # the API's words
    tries: int = 0  # how often in a row the key was tried in vain before that

    def is_under(self, limits: Limits) -> bool:
        """Return whether the settings are what they were then: other ones are tried at once."""
        return (self.per_day, self.reserve) == (limits.requests_per_day, limits.reserve_per_day)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayUse:
    """One API key's day, as the ledger has it."""

    day: date  # UTC
    used: int = 0  # requests that were sent, and those that a process has counted ahead
    used_up: UsedUp | None = None  # None: the API has not said so

    def closed_until(self, now: datetime, limits: Limits) -> datetime | None:
        """Return when the key is tried again, where the API's word still counts; None: nothing speaks against it.

        It counts for an hour of the same day, for longer after fruitless tries, and while the settings are what they
        were then. A clock that went back to before it tells nothing.
        """
        said = self.used_up
        if said is None or not said.is_under(limits):
            return None
        midnight = datetime.combine(self.day + timedelta(days=1), time(), UTC)
        until = min(said.at + RETRY_AFTER[min(said.tries, len(RETRY_AFTER) - 1)], midnight)
        return until if said.at <= now < until else None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaDay:
    """What an account's API key has used of its requests of a day."""

    account: str  # `Account.name`
    day: date  # UTC
    used: int  # requests that were sent, and those that a process has counted ahead
    per_day: int  # `Limits.requests_per_day`
    reserve: int  # `Limits.reserve_per_day`
    closed_until: datetime | None  # the API called the day used up: nothing is sent before then; None: it did not

    @property
    def usable(self) -> int:
        """How many requests of the day runs may send."""
        return max(0, self.per_day - self.reserve)

    @property
    def left(self) -> int:
        """How many requests runs may still send, if the API does not say otherwise."""
        return 0 if self.closed_until else max(0, self.usable - self.used)
