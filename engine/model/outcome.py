"""What became of rows: problems for people, bulk answers as decoded, and the outcome of a chunk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from operator import itemgetter
from typing import NamedTuple

from engine.model.change import Change
from engine.model.dimension import Dimension


class Column(StrEnum):
    """Where a source row ends in the trial balance: exactly one of these."""

    UNCHANGED = "unchanged"
    CREATED = "created"
    UPDATED = "updated"
    REJECTED = "rejected"
    HELD = "held"
    DEFERRED = "deferred"
    UNCERTAIN = "uncertain"
    INVALID = "invalid"


STORED = frozenset({Column.CREATED, Column.UPDATED})
"""Columns of rows that are as the source wants them, by this run."""

_NAMES = {column: column.value for column in Column}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something a person should know of, with its place. `message` says what to do where there is something to do."""

    code: str  # a stable slug: "duplicate-key", "look-alike", "rejected" ...
    message: str
    key: str | None = None  # the row's; None: the whole company's
    file: str | None = None
    line: int | None = None


class Reject(NamedTuple):
    """A row that the server refused, with all that it takes to correct it."""

    row: Dimension  # under the source's key
    message: str  # the server's words
    file: str | None = None
    line: int | None = None


class BulkError(NamedTuple):
    """One entry of a bulk answer's `errors`. Contracts differ in what they give: `None` is "not given"."""

    message: str
    kind: str  # "validation_error" ...
    key: str | None = None
    name: str | None = None
    position: int | None = None  # `index` on the wire, from 0 or from 1
    remote_id: str | None = None  # `id` on the wire: of a row that is there already


class BulkAnswer(NamedTuple):
    """The body of a bulk answer, decoded and not yet believed."""

    success_count: int
    created_count: int
    updated_count: int
    error_count: int
    created: list[tuple[str, str]]  # (remote id, name); an id that was not given is empty
    updated: list[tuple[str, str]]
    errors: list[BulkError]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One bulk request: rows of one company, and the exact bytes that are sent and, if need be, sent again."""

    changes: tuple[Change, ...]
    body: bytes
    rows: tuple[bytes, ...]  # each change's row as it stands in `body`, so that halves need no second encoding

    @property
    def creates(self) -> int:
        """How many of the rows are meant to be created."""
        return sum(change.remote_id is None for change in self.changes)


class ItemResult(NamedTuple):
    """What became of one sent row. It carries its own change: answers are never matched to requests by position."""

    change: Change
    column: Column  # CREATED, UPDATED, REJECTED or UNCERTAIN
    remote_id: str | None = None  # None: not known until the next listing
    message: str = ""  # the server's words, or why the outcome is not known


class Withheld(NamedTuple):
    """A row that differs and is not sent in this run."""

    change: Change
    column: Column  # REJECTED or UNCERTAIN
    code: str  # of its problem
    message: str
    words: str = ""  # the server's, where it refused the row


class Outcome(NamedTuple):
    """What became of one row in one request: a line of the audit trail."""

    key: str
    column: str  # a value of `Column`
    remote_id: str | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkOutcome:
    """The reconciled answer to one chunk: each of its rows exactly once."""

    results: tuple[ItemResult, ...]
    explained: bool  # counters, arrays and rows sent agree, and each error was joined to its row
    doubt: str = ""  # why not; empty when explained
    surplus: int = 0  # rows that the server created beyond those planned as creates: a key led nowhere
    met: int = 0  # planned creates that it answered as updated: their keys led to rows that were there
    unjoined: bool = False  # an error could not be told from the rows: sent in other company, it can
    answered: Mapping[str, str] = field(default_factory=dict)  # by key: names in the answer, where these are others


def trail(results: Iterable[ItemResult]) -> tuple[Outcome, ...]:
    """Return what the audit trail keeps of rows' results."""
    return tuple(
        [_outcome((change[0][0], _NAMES[column], remote_id, text)) for change, column, remote_id, text in results]
    )


def columns_of(results: Iterable[ItemResult]) -> Counter[Column]:
    """Return how many rows ended in each column."""
    return Counter(map(_column, results))


_column = itemgetter(1)  # of an `ItemResult`
_outcome = partial(tuple.__new__, Outcome)
as_result = partial(tuple.__new__, ItemResult)
"""Make one of a plain tuple of all of its fields, at half of the cost: there are several for each row that is sent."""
