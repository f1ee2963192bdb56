"""Events of a run, as frozen records. There is one per page, chunk or company, never one per row."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from engine.model.listing import Certificate
from engine.model.result import CompanyResult, RunResult


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """The first event of a run."""

    run_id: str
    companies: int


class CompanyAhead(NamedTuple):
    """A company whose turn is still to come."""

    company_id: int
    account: str
    requests: int  # that reading it takes, roughly; what it will write is not known


class KeyAhead(NamedTuple):
    """An API key that a run uses, with what it may use."""

    accounts: tuple[str, ...]  # accounts that have this key: one, as a rule
    per_second: float  # requests
    used: int  # requests of its day so far, those of other runs included
    usable: int  # requests of its day that runs may send


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """What lies ahead is known, from the ledger and the sizes of the sources. The first company begins after it."""

    companies: tuple[CompanyAhead, ...]
    keys: tuple[KeyAhead, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyStarted:
    """Work on a company began."""

    company_id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRead:
    """A company's wanted rows were read."""

    company_id: int
    rows: int
    invalid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRead:
    """A page of remote rows arrived. `declared`: the number of rows that it declares for the whole listing."""

    company_id: int
    rows: int
    declared: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A listing was read to its end, whole or not."""

    company_id: int
    certificate: Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The comparison is done. `chunks`: bulk requests that follow, 0 in a dry run."""

    company_id: int
    evidence: str
    unchanged: int
    creates: int
    updates: int
    held: int
    chunks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkSettled:
    """A chunk was answered and its outcome is in the ledger. `chunk`: as in `RequestAnswered`."""

    company_id: int
    chunk: str = ""
    created: int
    updated: int
    rejected: int
    uncertain: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSent:
    """A request is about to go out. `kind`: a field of `Requests`."""

    account: str
    company_id: int | None  # None: it belongs to the account (a token)
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestAnswered:
    """A request that was sent is answered, or will not be. It is told only where somebody listens to it."""

    account: str
    company_id: int | None  # None: it belongs to the account (a token)
    kind: str  # of its first send, also where this one is a repeat, which `Requests` counts under `retry`
    attempt: int  # from 1
    status: int | None  # None: no whole answer came
    seconds: float  # from the moment it was let go
    request_id: str | None = None  # the server's name for it
    chunk: str | None = None  # the idempotency key of a bulk request: equal for all sends of one chunk
    is_timeout: bool = False
    is_unsent: bool = False  # there was no connection: it is counted no more


WaitKind: TypeAlias = Literal["throttle", "repeat", "batch", "landing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A wait begins. The seconds of one kind add up to the time waited, unless the run is stopped meanwhile.

    `throttle`: the API asks the whole key to wait; of a pause that is lengthened, the seconds that come on top.
    `repeat`: one request waits before it is sent again. `batch`: a chunk that was accepted is asked after later.
    `landing`: a dead run's request may still arrive. To keep to the rate is no wait.
    """

    account: str
    company_id: int | None = None  # None: the whole account
    seconds: float
    reason: str
    kind: WaitKind = "throttle"


@dataclass(frozen=True, slots=True, kw_only=True)
class WidthChanged:
    """An account may now have notably more or fewer requests out at once. `places`: how many."""

    account: str
    places: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """An account was stopped in this run; its companies are deferred."""

    account: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyFinished:
    """Work on a company ended; its result is final."""

    result: CompanyResult


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """The last event of a run."""

    result: RunResult


Event: TypeAlias = (
    RunStarted
    | Scheduled
    | CompanyStarted
    | SourceRead
    | PageRead
    | Listed
    | Planned
    | ChunkSettled
    | RequestSent
    | RequestAnswered
    | Waiting
    | WidthChanged
    | Parked
    | CompanyFinished
    | RunFinished
)

Emit: TypeAlias = Callable[[Event], Awaitable[None]]
"""Takes each event of a run as it happens; it may wait, and the run waits with it."""
