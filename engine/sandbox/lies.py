"""The kinds of trouble in what an answer says: moving listings, refused rows, miscounted bulk answers."""

# ruff: noqa: D102  the three methods are the base's, and each class says what it does with them

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Literal

from engine.sandbox.exchange import RowError, envelope, gateway
from engine.sandbox.tenant import Row, Values
from engine.sandbox.turn import Effect, Turn

LIST = frozenset({"list"})
BULK = frozenset({"bulk"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ClampLimit(Effect):
    """Grant fewer rows a page than asked for, and echo that."""

    operations: ClassVar[frozenset[str]] = LIST
    limit: int

    def admit(self, turn: Turn) -> None:
        turn.call.limit = min(turn.call.limit, self.limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseLimit(Effect):
    """Answer 400 to a page size above this."""

    operations: ClassVar[frozenset[str]] = LIST
    above: int

    def admit(self, turn: Turn) -> None:
        if turn.call.limit > self.above:
            turn.call.wrong = {"limit": [f"must be at most {self.above}"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class LyingCount(Effect):
    """Let a listing's `count` be off by so many rows."""

    operations: ClassVar[frozenset[str]] = LIST
    by: int

    def bend(self, turn: Turn) -> None:
        turn.page.count += self.by


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftedPage(Effect):
    """Let a page show rows of another place, so many rows further on (or back)."""

    operations: ClassVar[frozenset[str]] = LIST
    by: int

    def admit(self, turn: Turn) -> None:
        turn.offset_by += self.by


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift(Effect):
    """Let somebody add rows in front of all others, for good, just before a page is shown."""

    operations: ClassVar[frozenset[str]] = LIST
    rows: int = 1

    def admit(self, turn: Turn) -> None:
        company = turn.world.tenant.company(turn.call.company_id)
        if company is None:
            return
        for number in range(self.rows):
            mark = f"drift-{turn.call.number}-{number}"
            values = Values(mark, "account", "Account", f"Added meanwhile {mark}", mark)
            turn.world.tenant.insert(company, values, by=0, at=turn.now, front=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignRow(Effect):
    """Show another company's row as the last of a page."""

    operations: ClassVar[frozenset[str]] = LIST
    company: int  # the company that the row names as its own

    def bend(self, turn: Turn) -> None:
        theirs = turn.world.tenant.company(self.company)
        turn.page.rows[-1:] = [theirs.rows[0] if theirs and theirs.rows else self._made_up(turn)]

    def _made_up(self, turn: Turn) -> Row:
        values = Values(None, "account", "Account", "Someone else's account", "9999")
        return Row(id="dim_foreign", company_id=self.company, values=values, created_by=0, created_at=turn.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class LyingCounter(Effect):
    """Let one counter of a bulk answer be off by so many; the lists stay true."""

    operations: ClassVar[frozenset[str]] = BULK
    counter: Literal["success_count", "created_count", "updated_count", "error_count"]
    by: int

    def bend(self, turn: Turn) -> None:
        setattr(turn.done, self.counter, getattr(turn.done, self.counter) + self.by)


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingErrors(Effect):
    """Leave the last rows out of a bulk answer's `errors`; the counters stay true."""

    operations: ClassVar[frozenset[str]] = BULK
    rows: int = 1

    def bend(self, turn: Turn) -> None:
        del turn.done.errors[-self.rows :]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorStyle(Effect):
    """Spell a bulk answer's errors as other versions might: without keys, or counted from another first index."""

    operations: ClassVar[frozenset[str]] = BULK
    keyless: bool = False
    first: int = 0

    def bend(self, turn: Turn) -> None:
        turn.done.errors = [
            error._replace(at=error.at + self.first, key=None if self.keyless else error.key)
            for error in turn.done.errors
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectRows(Effect):
    """Refuse rows whose ERP id, name or key has a match of a pattern, as row errors."""

    operations: ClassVar[frozenset[str]] = frozenset({"create", "bulk"})
    erp_id: str | None = None  # regular expressions, searched for
    name: str | None = None
    key: str | None = None
    message: str = "rejected by a validation rule"
    kind: str = "validation_error"

    def __post_init__(self) -> None:
        """Raise ValueError, the field's name first, for a pattern that is none."""
        for column in ("erp_id", "name", "key"):
            try:
                re.compile(getattr(self, column) or "")
            except re.error as error:
                raise ValueError(f"{column}: {error}") from error

    def admit(self, turn: Turn) -> None:
        turn.call.items = [
            RowError(index, item.key, self.message, self.kind)
            if isinstance(item, Values) and self._concerns(item)
            else item
            for index, item in enumerate(turn.call.items)
        ]

    def _concerns(self, values: Values) -> bool:
        pairs = ((self.erp_id, values.erp_id), (self.name, values.name), (self.key, values.key or ""))
        return any(pattern is not None and re.search(pattern, text) for pattern, text in pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Poison(Effect):
    """Refuse a whole bulk request that holds a row with this key or ERP id."""

    operations: ClassVar[frozenset[str]] = BULK
    key: str | None = None
    erp_id: str | None = None
    status: int = 400

    def admit(self, turn: Turn) -> None:
        rows = [item for item in turn.call.items if isinstance(item, Values)]
        if any(row.key == self.key or row.erp_id == self.erp_id for row in rows):
            message = {"dimensions": ["a row could not be processed"]}
            turn.instead = envelope(turn.call, turn.now, self.status, "Bad request", message)
            turn.commit = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TooManyRows(Effect):
    """Refuse a whole bulk request of more than so many rows."""

    operations: ClassVar[frozenset[str]] = BULK
    above: int
    status: int = 413

    def admit(self, turn: Turn) -> None:
        if len(turn.call.items) > self.above:
            turn.instead = gateway(self.status, "Request Too Long")
            turn.commit = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoreKeys(Effect):
    """Make a new row of each that is sent, although its key is known: the upsert that does not."""

    operations: ClassVar[frozenset[str]] = BULK

    def admit(self, turn: Turn) -> None:
        turn.ignore_keys = True
