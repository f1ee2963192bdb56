"""The effects on what an answer says: moving listings, refused rows, miscounted bulk answers."""

# ruff: noqa: D102  the three methods are the base's, and each class says what it does with them

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Literal

from engine.sandbox.exchange import Accepted, Answer, RowError, envelope, gateway
from engine.sandbox.faults.scheduled_fault import Effect, ScheduledFault
from engine.sandbox.tenant import Row, Values

LIST = frozenset({"list"})
BULK = frozenset({"bulk"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ClampLimit(Effect):
    """Return at most `limit` rows a page, and name that limit in the answer."""

    operations: ClassVar[frozenset[str]] = LIST
    limit: int

    def admit(self, turn: ScheduledFault) -> None:
        turn.call.limit = min(turn.call.limit, self.limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseLimit(Effect):
    """Answer 400 to a page size above `above`."""

    operations: ClassVar[frozenset[str]] = LIST
    above: int

    def admit(self, turn: ScheduledFault) -> None:
        if turn.call.limit > self.above:
            turn.call.wrong = {"limit": [f"must be at most {self.above}"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class LyingCount(Effect):
    """Add `by` to a listing's `count`."""

    operations: ClassVar[frozenset[str]] = LIST
    by: int

    def bend(self, turn: ScheduledFault) -> None:
        turn.page.count += self.by


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyListing(Effect):
    """Show a company as if it had no rows."""

    operations: ClassVar[frozenset[str]] = LIST

    def bend(self, turn: ScheduledFault) -> None:
        turn.page.count, turn.page.rows = 0, []


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftedPage(Effect):
    """Let a page show the rows that are `by` rows further on (or back, if negative)."""

    operations: ClassVar[frozenset[str]] = LIST
    by: int

    def admit(self, turn: ScheduledFault) -> None:
        turn.offset_by += self.by


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatPage(Effect):
    """Let a page show the rows of page 1 again; its page number and count stay right."""

    operations: ClassVar[frozenset[str]] = LIST

    def admit(self, turn: ScheduledFault) -> None:
        turn.offset_by -= turn.call.page * turn.call.limit  # to before the first row; a listing begins at the first


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift(Effect):
    """Add rows in front of all others just before a page is shown; they stay."""

    operations: ClassVar[frozenset[str]] = LIST
    rows: int = 1

    def admit(self, turn: ScheduledFault) -> None:
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

    def bend(self, turn: ScheduledFault) -> None:
        theirs = turn.world.tenant.company(self.company)
        turn.page.rows[-1:] = [theirs.rows[0] if theirs and theirs.rows else self._made_up(turn)]

    def _made_up(self, turn: ScheduledFault) -> Row:
        values = Values(None, "account", "Account", "Someone else's account", "9999")
        return Row(id="dim_foreign", company_id=self.company, values=values, created_by=0, created_at=turn.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class LyingCounter(Effect):
    """Add `by` to one counter of a bulk answer; its lists stay right."""

    operations: ClassVar[frozenset[str]] = BULK
    counter: Literal["success_count", "created_count", "updated_count", "error_count"]
    by: int

    def bend(self, turn: ScheduledFault) -> None:
        setattr(turn.done, self.counter, getattr(turn.done, self.counter) + self.by)


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingErrors(Effect):
    """Leave the last rows out of a bulk answer's `errors`; its counters stay right."""

    operations: ClassVar[frozenset[str]] = BULK
    rows: int = 1

    def bend(self, turn: ScheduledFault) -> None:
        del turn.done.errors[-self.rows :]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorStyle(Effect):
    """Write a bulk answer's errors as other API versions might: without keys, with another first index, shuffled.

    `shape`: their fields, in any contract: those of the guide, or only `id` and `name`.
    """

    operations: ClassVar[frozenset[str]] = BULK
    keyless: bool = False
    first: int = 0
    shuffled: bool = False
    shape: Literal["guide", "bare"] | None = None  # None: the contract's own

    def bend(self, turn: ScheduledFault) -> None:
        done = turn.done
        done.errors = [error._replace(at=error.at + self.first) for error in done.errors]
        if self.keyless:
            done.errors = [error._replace(key=None, id=None) for error in done.errors]
        done.error_shape = self.shape or done.error_shape
        if self.shuffled:
            honest = done.errors.copy()
            turn.world.random.shuffle(done.errors)
            if done.errors == honest:  # a shuffle may change nothing, often with two rows
                done.errors.reverse()


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
        """Raise ValueError, the field's name first, for a bad pattern or without any pattern."""
        if self.erp_id is None and self.name is None and self.key is None:
            raise ValueError("erp_id: is required, or name, or key")
        for column in ("erp_id", "name", "key"):
            try:
                re.compile(getattr(self, column) or "")
            except re.error as error:
                raise ValueError(f"{column}: {error}") from error

    def admit(self, turn: ScheduledFault) -> None:
        turn.call.items = [
            RowError(index, item.key, self.message, self.kind, item.name)
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

    def __post_init__(self) -> None:
        """Raise ValueError, the field's name first, when neither key nor ERP id is given."""
        if self.key is None and self.erp_id is None:
            raise ValueError("key: is required, or erp_id")

    def admit(self, turn: ScheduledFault) -> None:
        rows = [item for item in turn.call.items if isinstance(item, Values)]
        if any(row.key == self.key or row.erp_id == self.erp_id for row in rows):
            message = {"dimensions": ["a row could not be processed"]}
            _refuse(turn, envelope(turn.call, turn.now, self.status, "Bad request", message))


@dataclass(frozen=True, slots=True, kw_only=True)
class TooManyRows(Effect):
    """Refuse a whole bulk request of more than `above` rows."""

    operations: ClassVar[frozenset[str]] = BULK
    above: int
    status: int = 413

    def admit(self, turn: ScheduledFault) -> None:
        if len(turn.call.items) > self.above:
            _refuse(turn, gateway(self.status, "Request Too Long"))


@dataclass(frozen=True, slots=True, kw_only=True)
class TooManyBytes(Effect):
    """Refuse a whole bulk request whose body has more than `above` bytes."""

    operations: ClassVar[frozenset[str]] = BULK
    above: int
    status: int = 413

    def admit(self, turn: ScheduledFault) -> None:
        if len(turn.call.body) > self.above:
            _refuse(turn, gateway(self.status, "Request Too Long"))


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoreKeys(Effect):
    """Create a row for each that is sent, even if its key exists: an upsert that never updates."""

    operations: ClassVar[frozenset[str]] = BULK

    def admit(self, turn: ScheduledFault) -> None:
        turn.ignore_keys = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch(Effect):
    """Answer a bulk request with 202; its outcome can be read after `polls` progress calls.

    `style`: what the results contain: the bulk answer, an entry for each row, or nothing that tells rows apart.
    """

    operations: ClassVar[frozenset[str]] = BULK
    polls: int = 1
    style: Literal["answer", "rows", "opaque"] = "answer"

    def admit(self, turn: ScheduledFault) -> None:
        turn.accepted = Accepted(polls=self.polls, style=self.style)


def _refuse(turn: ScheduledFault, answer: Answer) -> None:
    """Answer the request with `answer`, and do not do its work."""
    turn.instead, turn.commit = answer, False
