"""Outcomes: problems for people, decoded bulk answers, and the outcome of a chunk and of each of its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import NamedTuple

from engine.model.change import Change, Changes, change_table, table_of, values_of
from engine.model.dimension import Dimension
from engine.model.table import Column as TableColumn
from engine.model.table import Table, constant, transposed


class Column(StrEnum):
    """The column of the trial balance that a source row is counted in: exactly one."""

    UNCHANGED = "unchanged"
    CREATED = "created"
    UPDATED = "updated"
    REJECTED = "rejected"
    HELD = "held"
    DEFERRED = "deferred"
    UNCERTAIN = "uncertain"
    INVALID = "invalid"


STORED = frozenset({Column.CREATED, Column.UPDATED})
"""Columns of rows that this run stored as the source wants them."""

_NAMES = {column: column.value for column in Column}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something a person should know, with its place. `message` also says what to do, if anything."""

    code: str  # a stable slug: "duplicate-key", "look-alike", "rejected" ...
    message: str
    key: str | None = None  # of the row; None: it is about the whole company
    file: str | None = None
    line: int | None = None
    since: datetime | None = None  # when a finished run first showed it; None: it is not known
    is_news: bool = True  # no finished run had shown it, or it is told once more after weeks (`model.known`)


class Reject(NamedTuple):
    """A row that the server refused, with all that a person needs to correct it."""

    row: Dimension  # under the source's key
    message: str  # the server's words
    file: str | None = None
    line: int | None = None


class BulkError(NamedTuple):
    """One entry of a bulk answer's `errors`. Contracts differ in what they give. None: not given."""

    message: str
    kind: str  # "validation_error" ...
    key: str | None = None
    name: str | None = None
    position: int | None = None  # `index` on the wire, from 0 or from 1
    remote_id: str | None = None  # `id` on the wire: of a row that exists already


class Entries(Table[tuple[str, str]]):
    """Entries of a bulk answer, (remote id, name) each, by columns."""

    __slots__ = ()

    def __init__(self, ids: TableColumn, names: TableColumn) -> None:
        super().__init__(("id", "name"), (ids, names), tuple)


def _column(entries: Sequence[tuple[str, str]], name: str) -> TableColumn:
    return (entries if isinstance(entries, Table) else Entries(*transposed(entries, 2))).column(name)


class BulkAnswer(NamedTuple):
    """The body of a bulk answer, decoded and not yet checked against what was sent."""

    success_count: int
    created_count: int
    updated_count: int
    error_count: int
    created: Sequence[tuple[str, str]]  # (remote id, name); an id that was not given is empty
    updated: Sequence[tuple[str, str]]
    errors: list[BulkError]

    @property
    def ids(self) -> TableColumn:
        """The remote ids of created rows, then those of updated rows."""
        return [*_column(self.created, "id"), *_column(self.updated, "id")]

    @property
    def names(self) -> TableColumn:
        """The names of the same rows."""
        return [*_column(self.created, "name"), *_column(self.updated, "name")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One bulk request: rows of one company, and the exact bytes that are sent, and sent again where needed."""

    changes: Sequence[Change]
    body: bytes
    rows: tuple[bytes, ...]  # each change's row as it stands in `body`, so that halves need no second encoding

    @property
    def creates(self) -> int:
        """How many of the rows are meant to be created."""
        return values_of(self.changes, "remote_id").count(None)


class ItemResult(NamedTuple):
    """The outcome of one row that was sent, with its change: answers are never matched to rows by position."""

    change: Change
    column: Column  # CREATED, UPDATED, REJECTED or UNCERTAIN
    remote_id: str | None = None  # None: not known until the next listing
    message: str = ""  # the server's words, or why the outcome is not known


as_result = partial(tuple.__new__, ItemResult)
"""Make an `ItemResult` of a tuple of all of its fields."""


class Results(Table[ItemResult]):
    """Outcomes of rows as a table, a column for each field of `ItemResult`. One is made when it is looked at."""

    __slots__ = ("_counts", "changes")

    def __init__(self, changes: Changes, columns: TableColumn, remote_ids: TableColumn, messages: TableColumn) -> None:
        self.changes = changes
        self._counts: Counter[Column] | None = None  # made when it is asked for
        super().__init__(ItemResult._fields, (changes, columns, remote_ids, messages), as_result)

    @property
    def keys(self) -> TableColumn:
        """The keys of the rows."""
        return self.changes.column("key")

    @property
    def counts(self) -> Counter[Column]:
        """How many rows ended in each column."""
        if self._counts is None:
            self._counts = Counter(self.column("column"))
        return self._counts

    @property
    def are_stored(self) -> bool:
        """Whether each row was stored."""
        return STORED.issuperset(self.counts)


def result_table(results: Sequence[ItemResult]) -> Results:
    """Return outcomes as a table; returns the argument if it is one."""
    if isinstance(results, Results):
        return results
    changes = table_of([result.change for result in results]) if results else change_table(())
    columns, remote_ids, messages = transposed([tuple(rest) for _, *rest in results], len(ItemResult._fields) - 1)
    return Results(changes, columns, remote_ids, messages)


class Withheld(NamedTuple):
    """A row that differs and is not sent in this run."""

    change: Change
    column: Column  # REJECTED or UNCERTAIN
    code: str  # of its problem
    message: str
    words: str = ""  # the server's message, if it refused the row


class Outcome(NamedTuple):
    """The outcome of one row in one request, as the audit trail keeps it."""

    key: str
    column: str  # a value of `Column`
    remote_id: str | None = None
    message: str = ""
    fields: tuple[tuple[str, str | None, str | None], ...] = ()  # `Change.moves_to`


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkOutcome:
    """The outcome of one chunk: each of its rows exactly once."""

    results: Sequence[ItemResult]
    explained: bool  # counters, arrays and rows sent agree, and each error was joined to its row
    doubt: str = ""  # why it is not explained; empty: it is
    unexpected_creates: int = 0  # more rows created than planned: the key of an update led to no row
    creates_that_updated: int = 0  # planned creates that were answered as updated: their keys led to existing rows
    unjoined: bool = False  # an error could not be joined to a row; in smaller chunks it can
    answered: Mapping[str, str] = field(default_factory=dict)  # by key: names in the answer that differ from those sent


def trail(results: Sequence[ItemResult]) -> Sequence[Outcome]:
    """Return the outcomes of rows as the audit trail keeps them."""
    table = result_table(results)
    names = list(map(_NAMES.__getitem__, table.column("column")))
    moves: TableColumn = constant((), len(table))
    if any(table.changes.column("before")):
        moves = [change.moves_to if change.before else () for change in table.changes]
    columns = (table.keys, names, table.column("remote_id"), table.column("message"), moves)
    return Table(Outcome._fields, columns, _outcome)


def columns_of(results: Sequence[ItemResult]) -> Counter[Column]:
    """Return how many rows ended in each column."""
    return result_table(results).counts


_outcome = partial(tuple.__new__, Outcome)
