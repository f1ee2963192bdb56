"""What the ledger knows of the history of one row, and of other things that were done to a company."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from engine.model.resting import Rejection, RestingRow
from engine.model.row_record import RowRecord


class RowAttempt(NamedTuple):
    """One request that carried the row."""

    at: datetime  # when its outcome was written down
    run_id: str
    attempt: str  # the request's Idempotency-Key
    sends: int  # how often it was sent; 0: it was read back, or refused without being sent
    status: int | None  # HTTP status of the last answer; None: none came
    request_id: str | None  # the server's, of the last answer that had one
    column: str
    remote_id: str | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """All that the ledger knows of one row of a company."""

    wire_key: str  # the key that it is sent under; not the source's after `dimsync rekey`
    known: RowRecord | None = None
    acknowledged_at: datetime | None = None  # when an answer last acknowledged it
    acknowledged_by: str | None = None  # the run that got that answer; None: none, or the audit trail was pruned
    rejection: Rejection | None = None
    resting: RestingRow | None = None  # why it is not sent for now
    reverts: tuple[datetime, ...] = ()  # when it was last pushed back, oldest first
    in_flight: datetime | None = None  # when a request with it was begun that is not settled; None: there is none
    attempts: tuple[RowAttempt, ...] = ()  # the newest first


class Generation(NamedTuple):
    """How often what is known of a company's rows has changed, and which run changed it last."""

    number: int = 0
    run_id: str | None = None  # None: no run did, but a command such as `dimsync rekey`


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The note that a saved plan was begun in a company."""

    at: datetime  # when it was last begun
    run_ids: tuple[str, ...]  # the runs that began it, oldest first
    finished: bool
