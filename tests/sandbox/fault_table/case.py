"""How a case of the table is written down.

- `says`: what a scheduler sees of the company: its state, its exit code, and the different codes of its problems.
- `books`: the columns of its balance that are not zero.
- `sent`: what the sandbox recorded of its account, by operation, in the order of arrival; a plain token or directory
  is left out. `list 200x2 503` is two pages and a refusal. A bulk request is told by its idempotency key (a letter) and
  its rows: in `bulk A4 504+ 201=, B2 207+` four rows were sent twice under one key and two under another; `+` marks a
  request that was carried out, `=` one that was answered from the server's memory. 207 stands for "some rows were
  refused" in both contracts, although one of them answers 201 then.
- `reference`: what is otherwise under that contract.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import groupby
from typing import Any

from engine import Dimension
from tests.sandbox.conftest import dims

Fault = Mapping[str, Any]
"""One rule of a script, as `parse_rules` takes it."""

ELSEWHERE = "http://elsewhere.invalid"
"""Stands for another host that listens, until the case runs."""

PER_ACCOUNT = frozenset({"token", "companies"})
"""Operations that are no company's."""


class Then(Enum):
    """When the trouble is over: what heals the company."""

    AT_ONCE = "the next run"
    NEXT_NIGHT = "a run 25 hours later: it rests after a failed reading, and a refused row does, too"
    NEVER = "nothing but a person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What there is to do when the trouble strikes, and how that shows when all goes well."""

    placed: tuple[Dimension, ...] = ()  # there already, under the source's keys, and unknown to the ledger
    loaded: tuple[Dimension, ...] = ()  # there by an earlier run
    wanted: tuple[Dimension, ...]
    books: str
    bulk: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One trouble and what comes of it."""

    name: str
    task: Task
    faults: tuple[Fault, ...]
    says: str
    books: str
    sent: str
    reference: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)  # of the sandbox
    alone: bool = False  # the trouble is the whole account's: the neighbour has another one
    then: Then = Then.AT_ONCE
    strangers: int = 0  # rows that somebody else adds meanwhile


def _renamed(rows: Iterable[Dimension], count: int) -> tuple[Dimension, ...]:
    return tuple(row._replace(name=f"New {row.name}") if n < count else row for n, row in enumerate(rows))


LOAD = Task(wanted=tuple(dims(4)), books="created 4", bulk="list 200; bulk A4 201+")
TWINS = Task(
    wanted=tuple(row._replace(name="Twin") for row in dims(4)), books="created 4", bulk="list 200; bulk A4 201+"
)
MANY = Task(wanted=tuple(dims(16)), books="created 16", bulk="list 200; bulk A16 201+")
BUSY = Task(
    placed=tuple(dims(40)),
    wanted=tuple(dims(52)),
    books="unchanged 40, created 12",
    bulk="list 200x2; bulk A12 201+",
)
READ = Task(
    placed=tuple(dims(25)),
    wanted=tuple(dims(27)),
    books="unchanged 25, created 2",
    bulk="list 200x2; bulk A2 201+",  # 20 rows a page
)
GROW = Task(
    loaded=tuple(dims(6)),
    wanted=_renamed(dims(7), 2),
    books="unchanged 4, created 1, updated 2",
    bulk="list 200; bulk A3 201+",  # a create asks for a probe
)
RENAME = Task(loaded=tuple(dims(6)), wanted=_renamed(dims(6), 1), books="unchanged 5, updated 1", bulk="bulk A1 201+")
RECODE = Task(
    loaded=tuple(dims(6)),
    wanted=tuple(row._replace(code="NEW") if row.key < "K00002" else row for row in dims(6)),
    books="unchanged 4, updated 2",
    bulk="bulk A2 201+",
)

QUICKLY = {"timeout_s": 3.0, "body_bytes": 100_000}
TWICE = {**QUICKLY, "max_attempts": 2}
ONE_BY_ONE = {"chunk_rows": 2, "max_concurrency": 1}

UNAVAILABLE, OUT_OF_SCOPE, REFUSED = "failed 1 unavailable", "failed 1 out-of-scope", "failed 1 refused"
SENSELESS = "failed 1 bad-answer"
INCOMPLETE, LEAK, MISMATCH = "held 4 incomplete-listing", "held 4 tenant-leak", "held 4 key-mismatch"
PARKED, WRONG = "deferred 8 authentication", "failed 2 wrong-contract"
THROTTLED, QUOTA = "deferred 5 throttled", "deferred 5 quota"
REJECTED, UNCERTAIN = "partial 3 rejected", "partial 10 uncertain"


def at(operation: str, effect: str, *, page: int | None = None, **more: Any) -> Fault:
    """Return a rule that strikes one operation, of company 1 where it is a company's."""
    match: dict[str, Any] = {"operation": operation}
    if operation not in PER_ACCOUNT:
        match["company"] = 1
    if page is not None:
        match["page"] = page
    return {"effect": effect, "match": match, **more}


def answer(operation: str, code: int, words: str | None = None, **more: Any) -> Fault:
    """Return a rule that answers so: with the vendor's words, without them with the gateway's."""
    said: dict[str, Any] = {} if words is None else {"envelope": words}
    return at(operation, "status", status=code, **said, **more)


def good(task: Task, name: str, *faults: Fault, sent: str | None = None, **more: Any) -> Case:
    """Return a case that ends as if nothing had been."""
    return Case(name=name, task=task, faults=faults, says="synced 0", books=task.books, sent=sent or task.bulk, **more)


def bad(task: Task, name: str, *faults: Fault, says: str, sent: str, books: str = "", **more: Any) -> Case:
    """Return a case that does not; of a company that was stopped before it wrote, all rows have one column."""
    column = "held" if says.startswith("held") else "deferred"
    books = books or f"{column} {len(task.wanted)}"
    return Case(name=name, task=task, faults=faults, says=says, books=books, sent=sent, **more)


def told(*statuses: object) -> str:
    """Return statuses as `Case.sent` spells them: of equals in a row, the number."""
    runs = [(status, len(list(run))) for status, run in groupby(map(str, statuses))]
    return " ".join(status if count == 1 else f"{status}x{count}" for status, count in runs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A way to lose an answer: the fault, and how the record shows such a request."""

    fault: Fault
    shown: str
    at_get: str = ""  # where a GET's shows otherwise

    def at(self, operation: str, **more: Any) -> Fault:
        """Return it as a rule."""
        return at(operation, **self.fault, **more)

    @property
    def got(self) -> str:
        """How the record shows a request that is not a bulk one."""
        return self.at_get or self.shown


UNDONE: Mapping[str, Loss] = {
    **{str(code): Loss(fault={"effect": "status", "status": code}, shown=str(code)) for code in (500, 503, 504)},
    "502": Loss(fault={"effect": "status", "status": 502, "body": "<html>", "content_type": "text/html"}, shown="502"),
    "reset": Loss(fault={"effect": "reset"}, shown="reset"),
    "hang": Loss(fault={"effect": "hang"}, shown="hang"),
}
"""Whether the work was done cannot be known: it was not, unless the fault says `commit`."""

GARBLED: Mapping[str, Loss] = {
    "html": Loss(fault={"effect": "html"}, shown="200"),
    "malformed": Loss(fault={"effect": "malformed"}, shown="201", at_get="200"),
    "truncated": Loss(fault={"effect": "truncated"}, shown="truncated"),
    "huge": Loss(fault={"effect": "huge", "bytes": 150_000}, shown="201", at_get="200"),
    "slow-drip": Loss(fault={"effect": "slow-drip", "pieces": 8, "pause_s": 0.75}, shown="left"),
    "other-shape": Loss(fault={"effect": "status", "status": 200, "body": '{"ok": true}', "commit": True}, shown="200"),
    "error-in-a-200": Loss(
        fault={"effect": "status", "status": 200, "envelope": "Something went wrong.", "commit": True}, shown="200"
    ),
    "half-a-gzip": Loss(fault={"effect": "gzip", "cut": True}, shown="201", at_get="200"),
    "gzip-that-is-none": Loss(
        fault={
            "effect": "status",
            "status": 200,
            "body": '{"count": 0}',
            "headers": {"Content-Encoding": "gzip"},
            "commit": True,
        },
        shown="200",
    ),
    "gzip-bomb": Loss(fault={"effect": "gzip", "blanks": 5_000_000}, shown="201", at_get="200"),
}
"""The work was done, and the answer does not tell."""

LOSSES = {**UNDONE, **GARBLED}
