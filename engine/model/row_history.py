"""The life of one row, as the ledger tells it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from engine.model.company_record import Rejection, RestingRow, RowRecord


class RowAttempt(NamedTuple):
    """One request that carried the row."""

    at: datetime  # when its outcome was written down
    run_id: str
    attempt: str  # the request's Idempotency-Key
    sends: int  # how often it was sent; 0: it was read back, or refused without being sent
    status: int | None  # of the last answer; None: none came
    request_id: str | None  # the server's, of the last answer that bore one
    column: str
    remote_id: str | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """Everything that is known of one key of a company."""

    wire_key: str  # under which it is sent; another one after `dimsync rekey`
    known: RowRecord | None = None
    acked_at: datetime | None = None  # when an answer last acknowledged it
    acked_by: str | None = None  # the run that was answered so; None: nobody, or the audit trail is gone by now
    rejection: Rejection | None = None
    resting: RestingRow | None = None  # why it is not sent for now
    reverts: tuple[datetime, ...] = ()  # when it was pushed back lately
    in_flight: datetime | None = None  # a request with it was begun then and never settled
    attempts: tuple[RowAttempt, ...] = ()  # the newest first


class Generation(NamedTuple):
    """How often what is known of a company's rows has changed, and by whom last."""

    number: int = 0
    run_id: str | None = None  # None: by no run, but by a command such as `dimsync rekey`


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """That a saved plan was begun in a company."""

    at: datetime  # when, the last time
    run_ids: tuple[str, ...]  # the runs that did, the first first
    finished: bool
