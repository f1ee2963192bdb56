"""The state of one request, and what an effect is: something that changes that state before and after the work."""

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
    """How an answer leaves, or does not."""

    WHOLE = "whole"
    RESET = "reset"  # the connection is cut instead
    HANG = "hang"  # nothing comes until the client leaves
    TRUNCATED = "truncated"  # half of the body, then the connection is cut


class Drip(NamedTuple):
    """How slowly a body leaves: in so many pieces, each after a pause."""

    pieces: int
    pause_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What an effect may reach into."""

    tenant: Tenant
    access: Access
    random: Random


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Do nothing; the base of all kinds of trouble."""

    operations: ClassVar[frozenset[str]] = OPERATIONS  # those that the effect can touch at all

    def admit(self, turn: ScheduledFault) -> None:
        """Act before the request is authorised and worked on."""

    def bend(self, turn: ScheduledFault) -> None:
        """Act on what the work made (`page` or `done`), before it is spelled."""

    def spoil(self, turn: ScheduledFault) -> None:
        """Act on the finished answer, `leaving`."""


@dataclass(slots=True, kw_only=True)
class ScheduledFault:
    """One request being served."""

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
    accepted: Accepted | None = None  # a bulk request is answered 202 and told of as a batch
    leaving: Answer = field(default_factory=lambda: Answer(status=500))  # what goes out in the end
    commit: bool = True  # False: the work is left undone
    delay_s: float = 0.0  # time that the work takes
    delivery: Delivery = Delivery.WHOLE
    drip: Drip | None = None  # None: the body leaves at once
    ignore_keys: bool = False
    offset_by: int = 0  # rows by which a listing's page is shifted
    down_s: float = 0.0  # seconds for which the host takes no connection once this one is cut
