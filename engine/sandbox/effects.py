"""The kinds of trouble that a script can make: those of connections and bytes, and the names of all.

An effect acts at up to three points of a request: `admit` before the work (it may stop it), `bend` on what the work
made, `spoil` on the bytes of the answer. A new kind is a new class and its line in `EFFECTS`.
"""

# ruff: noqa: D102  the three methods are the base's, and each class says what it does with them

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from engine.sandbox.exchange import Answer, gateway
from engine.sandbox.lies import (
    ClampLimit,
    Drift,
    ErrorStyle,
    ForeignRow,
    IgnoreKeys,
    LyingCount,
    LyingCounter,
    MissingErrors,
    Poison,
    RefuseLimit,
    RejectRows,
    ShiftedPage,
    TooManyRows,
)
from engine.sandbox.turn import Delivery, Effect, Turn

GATEWAY_WORDS = {403: "Forbidden", 429: "Too Many Requests", 504: "Endpoint request timed out"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency(Effect):
    """Let the work take time; past the gateway's limit the client gets a 504 and the work is done all the same."""

    seconds: float
    jitter: float = 0.0  # up to so many seconds more

    def admit(self, turn: Turn) -> None:
        turn.delay_s += self.seconds + self.jitter * turn.world.random.random()


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(Effect):
    """Answer with this status instead, before or (`commit`) after the work: 5xx, 429, a redirect, a 504 ..."""

    status: int
    body: str | None = None  # None: the gateway's words for this status
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    commit: bool = False

    def admit(self, turn: Turn) -> None:
        words = gateway(self.status, GATEWAY_WORDS.get(self.status, "Internal server error")).body
        body = words if self.body is None else self.body.encode()
        turn.instead = Answer(status=self.status, body=body, content_type=self.content_type, headers=self.headers)
        turn.commit = self.commit


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset(Effect):
    """Cut the connection, before or (`commit`) after the work."""

    commit: bool = False

    def admit(self, turn: Turn) -> None:
        turn.commit, turn.delivery = self.commit, Delivery.RESET


@dataclass(frozen=True, slots=True, kw_only=True)
class Hang(Effect):
    """Answer nothing until the client leaves, with the work left undone or (`commit`) done."""

    commit: bool = False

    def admit(self, turn: Turn) -> None:
        turn.commit, turn.delivery = self.commit, Delivery.HANG


@dataclass(frozen=True, slots=True, kw_only=True)
class Html(Effect):
    """Do the work and answer with a proxy's page, 200."""

    def spoil(self, turn: Turn) -> None:
        page = b"<!doctype html><html><body><h1>Scheduled maintenance</h1></body></html>"
        turn.leaving = Answer(status=200, body=page, content_type="text/html")


@dataclass(frozen=True, slots=True, kw_only=True)
class Malformed(Effect):
    """Do the work and answer with the first half of the JSON, declared as if it were all."""

    def spoil(self, turn: Turn) -> None:
        body = turn.leaving.body
        turn.leaving = replace(turn.leaving, body=body[: len(body) // 2])


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncated(Effect):
    """Do the work, send half of the declared body and cut the connection."""

    def admit(self, turn: Turn) -> None:
        turn.delivery = Delivery.TRUNCATED


@dataclass(frozen=True, slots=True, kw_only=True)
class Huge(Effect):
    """Do the work and answer with valid JSON of more than so many bytes."""

    bytes: int

    def spoil(self, turn: Turn) -> None:
        turn.leaving = replace(turn.leaving, body=b" " * self.bytes + turn.leaving.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireTokens(Effect):
    """Make the account's tokens invalid, this request's included."""

    def admit(self, turn: Turn) -> None:
        turn.world.access.expire(turn.world.access.by_key[turn.call.api_key].account_id)


EFFECTS: Mapping[str, type[Effect]] = {
    "latency": Latency,
    "status": Status,
    "reset": Reset,
    "hang": Hang,
    "html": Html,
    "malformed": Malformed,
    "truncated": Truncated,
    "huge": Huge,
    "expire-tokens": ExpireTokens,
    "clamp-limit": ClampLimit,
    "refuse-limit": RefuseLimit,
    "lying-count": LyingCount,
    "shifted-page": ShiftedPage,
    "drift": Drift,
    "foreign-row": ForeignRow,
    "lying-counter": LyingCounter,
    "missing-errors": MissingErrors,
    "error-style": ErrorStyle,
    "reject-rows": RejectRows,
    "poison": Poison,
    "too-many-rows": TooManyRows,
    "ignore-keys": IgnoreKeys,
}
