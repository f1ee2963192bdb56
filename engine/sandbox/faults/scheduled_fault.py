"""The state of one request while it is served, and the base of effects, which change that state."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from random import Random
from typing import ClassVar, NamedTuple

from engine.sandbox.access import Access
from engine.sandbox.exchange import Accepted, Answer, BulkDone, Call, PageMade
from engine.sandbox.record import Entry
from engine.sandbox.tenant import Tenant

OPERATIONS = frozenset(
    {
        "token",
        "list",
        "get",
        "create",
        "bulk",
        "accounts",
        "companies",
        "locations",
        "progress",
        "results",
        "unknown",
    }
)


class Delivery(StrEnum):
    """How an answer is sent, or is not."""

    WHOLE = "whole"
    RESET = "reset"  # the connection is cut instead
    HANG = "hang"  # nothing comes until the client leaves
    TRUNCATED = "truncated"  # half of the body, then the connection is cut


class Drip(NamedTuple):
    """How a body is sent in pieces, each after a pause."""

    pieces: int
    pause_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The parts of the sandbox that an effect may read and change."""

    tenant: Tenant
    access: Access
    random: Random


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Do nothing; the base class of all effects."""

    operations: ClassVar[frozenset[str]] = OPERATIONS  # those that the effect can be applied to

    def admit(self, turn: ScheduledFault) -> None:
        """Act before the request is authorised and worked on."""

    def bend(self, turn: ScheduledFault) -> None:
        """Act on the result of the work (`page` or `done`), before the answer is built."""

    def spoil(self, turn: ScheduledFault) -> None:
        """Act on the finished answer, `leaving`."""


@dataclass(slots=True, kw_only=True)
class ScheduledFault:
    """One request being served, and what the faults that are due for it have set."""

    call: Call
    entry: Entry
    now: datetime
    date: datetime  # what the header `Date` says
    world: World
    effects: list[Effect] = field(default_factory=list)
    answer: Answer | None = None  # what the API answers; None: not worked on yet
    instead: Answer | None = None  # what is answered in its place
    page: PageMade = field(default_factory=PageMade)
    done: BulkDone = field(default_factory=BulkDone)
    accepted: Accepted | None = None  # not None: answer the bulk request with 202 and report it as a batch
    leaving: Answer = field(default_factory=lambda: Answer(status=500))  # what is sent in the end
    commit: bool = True  # False: the work is not done
    delay_s: float = 0.0  # seconds that the work takes
    delivery: Delivery = Delivery.WHOLE
    drip: Drip | None = None  # None: the body is sent at once
    ignore_keys: bool = False
    offset_by: int = 0  # rows by which a listing's page is shifted
    down_s: float = 0.0  # seconds for which the host accepts no connection after this one is cut
