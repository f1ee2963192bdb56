"""The effects on connections and bytes, and the names of all effects.

An effect acts at up to three points of a request: `admit` before the work (it may forbid the work), `bend` on the
result of the work, `spoil` on the bytes of the answer. Several effects act in the order of their rules: the work is
done if none forbids it; of two answers, or two ways to end the connection, the later one is taken. A new effect is a
new class and its line in `EFFECTS`.
"""

# ruff: noqa: D102  the three methods are the base's, and each class says what it does with them

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.utils import format_datetime

from engine.sandbox.exchange import Answer, envelope, gateway
from engine.sandbox.faults.scheduled_fault import Delivery, Drip, Effect, ScheduledFault
from engine.sandbox.faults.wrong_answers import (
    Batch,
    ClampLimit,
    Drift,
    EmptyListing,
    ErrorStyle,
    ForeignRow,
    IgnoreKeys,
    LyingCount,
    LyingCounter,
    MissingErrors,
    Poison,
    RefuseLimit,
    RejectRows,
    RepeatPage,
    ShiftedPage,
    TooManyBytes,
    TooManyRows,
)

GATEWAY_WORDS = {403: "Forbidden", 429: "Too Many Requests", 504: "Endpoint request timed out"}
CODES = {
    400: "Bad request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not found",
    409: "Conflict",
    422: "Unprocessable",
    500: "Internal server error",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency(Effect):
    """Let the work take time; after the gateway's limit the client gets a 504, and the work is still done."""

    seconds: float
    jitter: float = 0.0  # most seconds that are added at random

    def admit(self, turn: ScheduledFault) -> None:
        turn.delay_s += self.seconds + self.jitter * turn.world.random.random()


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(Effect):
    """Answer with this status instead, before or (`commit`) after the work, in the gateway's words or in others.

    `envelope` is a message in the vendor's error body: 401 for a token that is refused, 403 for a company out of scope.
    """

    status: int
    body: str | None = None  # None: the gateway's words for this status
    envelope: str | None = None
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    retry_date_s: float | None = None  # `Retry-After` as a date, this many seconds after the answer's own `Date`
    commit: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError, the field's name first, for a status or a header that cannot be sent."""
        if not 200 <= self.status <= 599:
            raise ValueError("status: must be from 200 to 599")
        if self.body is not None and self.envelope is not None:
            raise ValueError("envelope: is a body, and there is one already")

    def admit(self, turn: ScheduledFault) -> None:
        headers = dict(self.headers)
        if self.retry_date_s is not None:
            headers["Retry-After"] = format_datetime(turn.date + timedelta(seconds=self.retry_date_s), usegmt=True)
        turn.instead = replace(self._answer(turn), content_type=self.content_type, headers=headers)
        turn.commit = turn.commit and self.commit

    def _answer(self, turn: ScheduledFault) -> Answer:
        if self.envelope is not None:
            return envelope(turn.call, turn.now, self.status, CODES.get(self.status, "Error"), self.envelope)
        if self.body is not None:
            return Answer(status=self.status, body=self.body.encode())
        return gateway(self.status, GATEWAY_WORDS.get(self.status, "Internal server error"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset(Effect):
    """Cut the connection, before or (`commit`) after the work."""

    commit: bool = False

    def admit(self, turn: ScheduledFault) -> None:
        turn.commit, turn.delivery = turn.commit and self.commit, Delivery.RESET


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage(Effect):
    """Cut all connections and accept none for some seconds, as a host that is down; /_sandbox is closed, too."""

    seconds: float

    def __post_init__(self) -> None:
        """Raise ValueError, the field's name first, unless the time is positive."""
        if self.seconds <= 0:
            raise ValueError("seconds: must be more than 0")

    def admit(self, turn: ScheduledFault) -> None:
        turn.commit, turn.delivery, turn.down_s = False, Delivery.RESET, self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Hang(Effect):
    """Send no answer until the client leaves; the work is not done, or (`commit`) is."""

    commit: bool = False

    def admit(self, turn: ScheduledFault) -> None:
        turn.commit, turn.delivery = turn.commit and self.commit, Delivery.HANG


@dataclass(frozen=True, slots=True, kw_only=True)
class Html(Effect):
    """Do the work and answer with a proxy's page, 200."""

    def spoil(self, turn: ScheduledFault) -> None:
        page = b"<!doctype html><html><body><h1>Scheduled maintenance</h1></body></html>"
        turn.leaving = Answer(status=200, body=page, content_type="text/html")


@dataclass(frozen=True, slots=True, kw_only=True)
class Malformed(Effect):
    """Do the work and answer with the first half of the JSON, with the length of that half."""

    def spoil(self, turn: ScheduledFault) -> None:
        body = turn.leaving.body
        turn.leaving = replace(turn.leaving, body=body[: len(body) // 2])


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncated(Effect):
    """Do the work, send half of the declared body and cut the connection."""

    def admit(self, turn: ScheduledFault) -> None:
        turn.delivery = Delivery.TRUNCATED


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowDrip(Effect):
    """Do the work, send the head at once and the body in `pieces`, each after a pause."""

    pieces: int = 10
    pause_s: float = 0.1

    def __post_init__(self) -> None:
        """Raise ValueError, the field's name first, for fewer than one piece."""
        if self.pieces < 1:
            raise ValueError("pieces: must be at least 1")

    def admit(self, turn: ScheduledFault) -> None:
        turn.drip = Drip(self.pieces, self.pause_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Huge(Effect):
    """Do the work and answer with valid JSON of more than `bytes` bytes."""

    bytes: int

    def spoil(self, turn: ScheduledFault) -> None:
        turn.leaving = replace(turn.leaving, body=b" " * self.bytes + turn.leaving.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gzip(Effect):
    """Do the work and answer compressed; `cut`: only the first half of it; `blanks`: make the JSON larger by blanks."""

    cut: bool = False
    blanks: int = 0  # put in front of the JSON before it is compressed

    def spoil(self, turn: ScheduledFault) -> None:
        packed = gzip.compress(b" " * self.blanks + turn.leaving.body)
        body = packed[: len(packed) // 2] if self.cut else packed
        turn.leaving = replace(turn.leaving, body=body, headers={**turn.leaving.headers, "Content-Encoding": "gzip"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireTokens(Effect):
    """Make all tokens of the account invalid, also that of this request."""

    def admit(self, turn: ScheduledFault) -> None:
        turn.world.access.expire(turn.world.access.by_key[turn.call.api_key].account_id)


EFFECTS: Mapping[str, type[Effect]] = {
    "latency": Latency,
    "status": Status,
    "reset": Reset,
    "outage": Outage,
    "hang": Hang,
    "html": Html,
    "malformed": Malformed,
    "truncated": Truncated,
    "slow-drip": SlowDrip,
    "huge": Huge,
    "gzip": Gzip,
    "expire-tokens": ExpireTokens,
    "clamp-limit": ClampLimit,
    "refuse-limit": RefuseLimit,
    "lying-count": LyingCount,
    "empty-listing": EmptyListing,
    "shifted-page": ShiftedPage,
    "repeat-page": RepeatPage,
    "drift": Drift,
    "foreign-row": ForeignRow,
    "lying-counter": LyingCounter,
    "missing-errors": MissingErrors,
    "error-style": ErrorStyle,
    "reject-rows": RejectRows,
    "poison": Poison,
    "too-many-rows": TooManyRows,
    "too-many-bytes": TooManyBytes,
    "ignore-keys": IgnoreKeys,
    "batch": Batch,
}
