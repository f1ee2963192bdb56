"""What is not tried again for now: rows that rest, API keys that wait, accounts that failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

DAY = timedelta(hours=23, minutes=30)
"""A day's rest, half an hour short: it counts from the failure, so a run at the same time each day, which fails within
half an hour, finds the rest of the day before over."""

RESTS = (timedelta(hours=1), timedelta(hours=6), DAY)
"""How long something that failed is left alone: after the first failure, the second, and every later one."""


class Rejection(NamedTuple):
    """A row that the server refused. It is not sent again while unchanged, for a day."""

    fingerprint: bytes
    at: datetime
    message: str


NOT_LISTED = "not-listed"
"""A row that was acknowledged and that the next listing did not show."""

MADE_ANEW = "made-anew"
"""A row that an earlier run had acknowledged, that the first listing after it did not show, and that was sent again."""

KEY_COLLISION = "key-collision"
"""Rows whose keys lead to one remote row, so that each would overwrite what the other one sent."""

NOT_APPLIED = "not-applied"
"""An update that was acknowledged and is not carried out."""

STORED_OTHERWISE = "stored-otherwise"
"""A value that the server spells its own way."""

UNCERTAIN = "uncertain"
"""A row whose outcome is not known."""


class RestingRow(NamedTuple):
    """A row that rests: it is not sent for now, because to send it again would change nothing."""

    code: str  # NOT_LISTED, MADE_ANEW, KEY_COLLISION, NOT_APPLIED or UNCERTAIN
    fingerprint: bytes  # of what was sent, or of all rows of a collision; when it changes, the rest is over
    message: str
    since: datetime
    tries: int = 0  # look-ups by id that did not find it; or how often it was sent again with the same outcome
    next_at: datetime | None = None  # when it is looked up or sent again; None: a listing or the source ends the rest
    others: tuple[str, ...] = ()  # of a collision: the other keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A wait that the API asked of all requests with one API key, longer than the run could wait."""

    at: datetime  # when it was asked for
    until: datetime
    reason: str

    def holds(self, now: datetime) -> bool:
        """Return whether the wait lasts. A clock that was set back to before its beginning ends it."""
        return self.at <= now < self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """Something that failed for an account as a whole and rests, and when it is tried again."""

    failures: int  # in a row
    retry_at: datetime
    message: str
    settings: str = ""  # digest of the settings that it failed under: other ones are tried at once
    code: str = ""  # the problem code that it was told under; empty: none is needed

    def holds(self, now: datetime, settings: str = "") -> bool:
        """Return whether the rest lasts. A clock that was set back to before its beginning ends it."""
        return self.settings == settings and self.retry_at - RESTS[-1] <= now < self.retry_at
