"""One request on its way through the sandbox: what was asked, what the work did, and what is answered.

Between `Call` and `Answer` no value depends on the contract, so that a fault changes the same values under both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

import orjson

from engine.sandbox.tenant import Row, Values

JSON = "application/json"
Respell = Callable[[dict[str, Any], int], dict[str, Any]]
"""Changes a decoded row or answer that is about to be sent to a company: takes the object and the company's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A complete HTTP answer."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


class RowError(NamedTuple):
    """Why one row of a bulk request was not stored."""

    at: int  # the row's index in the request, from 0
    key: str | None
    message: str
    kind: str = "validation_error"
    name: str | None = None  # the row's name as it was sent
    id: str | None = None  # of the stored row, where the key leads to one


@dataclass(slots=True, kw_only=True)
class Call:
    """A request as read from the wire. `wrong`: its faults by the contract's rules, which are answered with 400."""

    number: int
    method: str
    path: str
    api_key: str = ""
    authorization: str = ""
    version: str | None = None  # of the API, as the header asks for it
    idempotency_key: str | None = None
    body: bytes = b""
    operation: str = "unknown"  # "unknown", or one of `scheduled_fault.OPERATIONS`
    company_id: int | None = None
    page: int = 1
    limit: int = 20
    label: str | None = None  # the type label to filter by
    basic: bool = False  # `detail=basic`: a listing's rows are to have fewer columns
    search: str = ""  # text that names in the directory must contain
    path_id: str = ""  # the id in the path: of a row, an account or a batch
    items: list[Values | RowError] = field(default_factory=list)
    grant: Mapping[str, str] = field(default_factory=dict)  # the token request's fields
    wrong: object = None


@dataclass(slots=True, kw_only=True)
class PageMade:
    """What a listing is about to show."""

    count: int = 0
    tells_count: bool = True
    page: int = 1
    limit: int = 0
    rows: list[Row] = field(default_factory=list)
    basic: bool = False
    respell: Respell | None = None  # of each row; None: as the contract has it


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A bulk request that is answered 202 and reported as a batch, although its work is done at once."""

    polls: int = 1  # progress calls that still say "processing"
    style: Literal["answer", "rows", "opaque"] = (
        "answer"  # results: one task with the bulk answer, one task a row, or a task that tells nothing
    )


@dataclass(slots=True, kw_only=True)
class BulkDone:
    """What a bulk request did. Counters are separate from the lists, so that a fault can make them contradict these."""

    created: list[Row] = field(default_factory=list)
    updated: list[Row] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    success_count: int = 0
    created_count: int = 0
    updated_count: int = 0
    error_count: int = 0
    error_shape: Literal["guide", "bare"] | None = None  # None: as the contract's documents show them
    company_id: int = 0
    respell: Respell | None = None  # of the answer as a whole; None: as the contract has it

    def add_up(self) -> None:
        """Set the counters to the lengths of the lists."""
        self.created_count, self.updated_count = len(self.created), len(self.updated)
        self.success_count, self.error_count = self.created_count + self.updated_count, len(self.errors)


def envelope(call: Call, now: datetime, status: int, code: str, message: object) -> Answer:
    """Return the vendor's error body, as its error reference shows it; it is the same in both contracts."""
    body = {"code": code, "message": message, "request_id": request_id(call), "timestamp": instant(now)}
    return Answer(status=status, body=orjson.dumps(body))


def gateway(status: int, message: str) -> Answer:
    """Return an error body of the API gateway, which is AWS's and does not have the vendor's envelope."""
    return Answer(status=status, body=orjson.dumps({"message": message}))


def request_id(call: Call) -> str:
    """Return the request id in the answer, which is the request's number in the log."""
    return f"req-{call.number:08d}"


def instant(moment: datetime) -> str:
    """Return a time as the vendor writes it: in whole seconds, with `Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
