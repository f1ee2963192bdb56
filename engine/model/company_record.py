"""What the ledger knows of one company: the values last acknowledged, the links to remote ids, and the last listing.

Together they are an image of the remote side, good enough to compare with when nothing has to be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from engine.model.dimension import Dimension, NaturalKey, RemoteRow, as_dimension
from engine.model.listing import Certificate
from engine.model.outcome import Outcome
from engine.model.table import Column, Keyed, Table, transposed

KEY_MISMATCH = "key-mismatch"
"""A company's trouble that no time, listing or other source mends: keys led nowhere, and each try would double rows."""

OVERWRITTEN = "overwritten"
"""A company's trouble that a listing mends: creates met rows that were there, and nobody could look at these since."""

RESTS = (timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))
"""How long what failed is left alone: after the first failure, the second, and every later one."""


class Agreement(NamedTuple):
    """How the server spells a row, where that is otherwise than it was sent. Fields are called as in `Dimension`."""

    shown: Mapping[str, str] = {}  # by field: as listings show it, which is taken for what was sent
    answered: str | None = None  # the name in the answer that acknowledged the row, where it was another one
    is_open: bool = False  # a listing showed it otherwise than it was pushed, and nothing is settled yet
    pushed_again: Mapping[str, str] | None = None  # by field: what was shown before it was pushed once more
    told_by: str | None = None  # the run that told it; None: it has been told for good
    is_allowed: bool = False  # a person lets a spelling of an ERP id or type be
    is_doubted: bool = False  # what was sent and shown may be of long ago (`dimsync ledger distrust`)


class RowRecord(NamedTuple):
    """What is known of the remote row behind one key."""

    row: Dimension  # values last acknowledged to us, or as a listing showed them when the row was adopted
    remote_id: str | None  # None: not known yet (bulk answers give names only)
    confirmed: bool  # an answer has shown that this key leads to this row
    outcome_known: (
        bool  # False: something was sent and its outcome is unknown, so `row` proves nothing and is sent again
    )
    code_known: bool  # False: `row.code` is not observable (adopted from a listing that shows no codes)
    seen: RemoteRow | None = (
        None  # what the last listing showed, where that is otherwise than agreed: somebody changed it there
    )
    is_fresh: bool = False  # acknowledged since the last listing
    agreement: Agreement | None = None  # how the server spells it, and what of that is open; None: as sent, nothing is
    before: Mapping[str, str] | None = None  # what was shown before the last push, of the fields that it changed


CONFIRMED, SETTLED, CODE_KNOWN, FRESH = 1, 2, 4, 8
"""Bits of an entry's flags: `confirmed`, `outcome_known`, `code_known` and `is_fresh` of its record."""

SURE = CONFIRMED | SETTLED | CODE_KNOWN
"""Flags of an entry of which nothing is in doubt."""


class Entry(NamedTuple):
    """A row's record as one row of the ledger's table: the fields of its `Dimension`, and the others."""

    key: str
    type_code: str
    type_label: str
    name: str
    erp_id: str
    code: str | None
    remote_id: str | None
    flags: int
    seen: RemoteRow | None
    agreement: Agreement | None
    before: Mapping[str, str] | None


_FLAGS = tuple((bool(bits & CONFIRMED), bool(bits & SETTLED), bool(bits & CODE_KNOWN)) for bits in range(16))
_record = partial(tuple.__new__, RowRecord)


def _as_record(values: tuple[Any, ...]) -> RowRecord:
    """Return the record that an entry's values tell of."""
    *row, remote_id, flags, seen, agreement, before = values
    return _record((as_dimension(row), remote_id, *_FLAGS[flags], seen, flags >= FRESH, agreement, before))


def entries(columns: Iterable[Column]) -> Keyed[RowRecord]:
    """Return row records by key over their table: a column for each field of `Entry`."""
    return Keyed(Table(Entry._fields, columns, _as_record), "key")


def as_entry(key: str, record: RowRecord) -> Entry:
    """Return a row's record as a row of the ledger's table."""
    flags = CONFIRMED * record.confirmed + SETTLED * record.outcome_known + CODE_KNOWN * record.code_known
    flags += FRESH * record.is_fresh
    row = record.row
    return Entry(
        key=key,
        type_code=row.type_code,
        type_label=row.type_label,
        name=row.name,
        erp_id=row.erp_id,
        code=row.code,
        remote_id=record.remote_id,
        flags=flags,
        seen=record.seen,
        agreement=record.agreement,
        before=record.before,
    )


def as_entries(rows: Mapping[str, RowRecord]) -> Keyed[RowRecord]:
    """Return row records over their table, where they may be already."""
    if isinstance(rows, Keyed):
        return rows
    return entries(transposed((as_entry(key, record) for key, record in rows.items()), len(Entry._fields)))


def linked_id(key: str, known: RowRecord) -> str:
    """Return the remote id behind a key, or the name under which it is compared while the id is not known."""
    return known.remote_id or f"?{key}"


class Rejection(NamedTuple):
    """A row that the server refused. It is not sent again while unchanged, for a day."""

    fingerprint: bytes
    at: datetime
    message: str


NOT_LISTED = "not-listed"
"""A row that was acknowledged and that the next listing did not show."""

MADE_ANEW = "made-anew"
"""A row that an earlier run had acknowledged, that the first listing after it did not show, and that was sent again."""

KEY_COLLISION = "key-collision"
"""Rows whose keys lead to one remote row: each overwrites what the other one sent."""

NOT_APPLIED = "not-applied"
"""An update that was acknowledged and is not carried out."""

STORED_OTHERWISE = "stored-otherwise"
"""A value that the server spells its own way."""

UNCERTAIN = "uncertain"
"""A row whose outcome is not known."""


class RestingRow(NamedTuple):
    """A row that rests: it is not sent for now, because to send it again would change nothing."""

    code: str  # NOT_LISTED, MADE_ANEW, KEY_COLLISION, NOT_APPLIED or UNCERTAIN
    fingerprint: bytes  # of what was sent, or of all rows of a collision; when it changes, the rest is over
    message: str
    since: datetime
    tries: int = 0  # look-ups by id that did not find it; or how often it was sent again with the same outcome
    next_at: datetime | None = None  # when it is looked up or sent again; None: a listing or the source ends the rest
    others: tuple[str, ...] = ()  # of a collision: the other keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A wait that the API asked of a whole key and that was too long for the run that met it."""

    at: datetime  # when it was asked for
    until: datetime
    reason: str

    def holds(self, now: datetime) -> bool:
        """Return whether it is still to be kept; a clock that went back to before it tells nothing."""
        return self.at <= now < self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """Something that failed for an account as a whole and rests, and when it is tried again."""

    failures: int  # in a row
    retry_at: datetime
    message: str
    settings: str = ""  # digest of the settings that it failed under: other ones are tried at once
    code: str = ""  # the problem code that it was told under; empty: none is needed

    def holds(self, now: datetime, settings: str = "") -> bool:
        """Return whether the rest lasts. A clock that was set back to before its beginning ends it."""
        return self.settings == settings and self.retry_at - RESTS[-1] <= now < self.retry_at


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyState:
    """The ledger's notes on a company as a whole."""

    listed_at: datetime | None = None  # the last whole listing
    listed_before: tuple[datetime, ...] = ()  # whole listings of up to two runs before that one, newest first
    checked_at: datetime | None = None  # the last whole listing, or probe that agreed
    remote_count: int | None = None  # rows in the last whole listing, plus creates acknowledged since
    failures: int = 0  # listings in a row that failed or were held
    retry_at: datetime | None = None  # not read again before then, unless the source changed
    failed_source: bytes | None = None  # digest of the source at that failure
    failure: str | None = None  # problem code of that failure
    failure_message: str | None = None
    last_good_rows: int | None = None  # source rows at the last run that ended unchanged or synced
    passed: bytes | None = None  # marks of a plan that passed the guards and is not finished (`guards.volume`)
    clean: bytes | None = None  # digest of the source, and all that a comparison rests on, when nothing was to do
    clean_rows: int | None = None  # its source rows
    clean_adopted: int | None = None  # its adopted rows


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyRecord:
    """Everything that one range read of the ledger brings for a company."""

    rows: Mapping[str, RowRecord] = field(default_factory=dict)  # by key
    keyless: tuple[RemoteRow, ...] = ()  # remote rows of the last whole listing that no key leads to
    rejections: dict[str, Rejection] = field(default_factory=dict)  # by key
    reverts: tuple[tuple[str, datetime], ...] = ()  # keys that were pushed back, and when
    resting: dict[str, RestingRow] = field(default_factory=dict)  # by key
    may_be_there: Mapping[str, NaturalKey] = field(default_factory=dict)  # sent under these keys, and not listed since
    unfinished: frozenset[str | None] = frozenset()  # runs that told of a spelling, and are not closed in the journal
    tried: frozenset[str] = frozenset()  # keys that were sent for rows that were there before us, outcome unknown
    wire_keys: dict[str, str] = field(default_factory=dict)  # source key -> the key that it keeps on the wire
    state: CompanyState = CompanyState()
    left_over: datetime | None = None  # the youngest intent of a run that died; None: none is left over
    lost_at: datetime | None = None  # when something was last sent whose answer never came
    is_as_listed: bool = False  # nothing was sent, or changed by a command, since the last whole listing

    @property
    def entries(self) -> Keyed[RowRecord]:
        """The rows, over a table of `Entry`."""
        return as_entries(self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What a whole listing taught: written to the ledger in one transaction, before anything is sent."""

    certificate: Certificate
    at: datetime
    rows: dict[str, RowRecord] = field(default_factory=dict)  # new or changed entries, whole
    gone: tuple[str, ...] = ()  # keys whose remote row is no longer there: forgotten
    keyless: tuple[RemoteRow, ...] | None = None  # all of them; None: as before
    run_id: str | None = None  # the run that listed
    resting: dict[str, RestingRow] = field(default_factory=dict)  # rows that it did not show, new or looked for again
    rested: tuple[str, ...] = ()  # keys whose rest is over: shown again, or forgotten
    may_be_there: Mapping[str, NaturalKey] | None = None  # all of `CompanyRecord.may_be_there`; None: as before


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """The note that some keys are about to be sent: committed before the request, deleted with its outcome."""

    id: str  # also the request's Idempotency-Key: unique per chunk and run
    run_id: str
    keys: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What one chunk's answer changes in the ledger, in one transaction with the end of its intent."""

    intent_id: str
    at: datetime
    rows: Mapping[str, RowRecord] = field(default_factory=dict)  # acknowledged rows
    rejected: dict[str, Rejection] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()  # keys whose outcome is not known: they lose their acknowledged state
    may_be_there: Mapping[str, NaturalKey] = field(default_factory=dict)  # what rows of these may have become
    created: int = 0  # added to the company's `remote_count`
    lost_at: datetime | None = None  # when a send was made whose answer never came: the server may still be at it
    outcomes: tuple[Outcome, ...] = ()  # of each row that has one, for the audit trail
    sends: int = 0  # how often the request was sent
    status: int | None = None  # of its last answer
    request_id: str | None = None  # the server's name for that
