"""What the ledger knows of one company: its rows, what rests, and the notes on the company as a whole.

Together they are a view of the remote side, good enough to compare with when nothing has to be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from engine.model.dimension import DIMENSIONS, NaturalKey, RemoteRow
from engine.model.resource import Resource
from engine.model.resting import Rejection, RestingRow
from engine.model.row_record import RowRecord, as_entries
from engine.model.table import Keyed
from engine.model.wanted import GoodCounts, LeftOut

KEY_MISMATCH = "key-mismatch"
"""A company's trouble that no time, listing or other source mends: keys led nowhere, and each try would double rows."""

OVERWRITTEN = "overwritten"
"""A company's trouble that a listing mends: creates met rows that were there, and nobody could look at these since."""


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
    passed: bytes | None = None  # marks of a plan that passed the guards and is not finished (`guards.approved_plan`)
    clean: bytes | None = None  # digest of the source and of all else that is compared, when nothing was to be done
    clean_rows: int | None = None  # its source rows
    clean_adopted: int | None = None  # its adopted rows
    clean_left_out: tuple[LeftOut, ...] = ()  # why its mapping left rows out
    clean_source: bytes | None = None  # digest of the source's rows, and of all else that is compared; None: not known
    clean_listing: bytes | None = None  # what was listed then (`run.memo`); empty: nothing was; None: not usable


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyRecord:
    """Everything that one range read of the ledger brings for a company."""

    rows: Mapping[str, RowRecord] = field(default_factory=dict)  # by key
    keyless: tuple[RemoteRow, ...] = ()  # rows of the last whole listing that no key leads to
    rejections: dict[str, Rejection] = field(default_factory=dict)  # by key
    reverts: tuple[tuple[str, datetime], ...] = ()  # keys that were pushed back, and when
    resting: dict[str, RestingRow] = field(default_factory=dict)  # by key
    may_be_there: Mapping[str, NaturalKey] = field(default_factory=dict)  # sent under these keys, and not listed since
    unfinished: frozenset[str | None] = frozenset()  # runs that reported a spelling and are not closed in the journal
    tried: frozenset[str] = frozenset()  # keys sent, outcome unknown, for rows that an earlier listing showed
    wire_keys: dict[str, str] = field(default_factory=dict)  # source key -> the key that it keeps on the wire
    state: CompanyState = CompanyState()
    good: GoodCounts | None = None  # what the sources of the last good run were like; None: it is not known
    left_over: datetime | None = None  # the youngest intent of a run that died; None: none is left over
    lost_at: datetime | None = None  # when something was last sent whose answer never came
    is_as_listed: bool = False  # nothing was sent, or changed by a command, since the last whole listing
    scattered: int = field(default=0, compare=False)  # entries that were read one by one, for want of a memo of them
    lines: Sequence[int] | None = field(default=None, compare=False)
    """By the position of an entry: the hash of the source's line that told its row when the memo of all entries was
    written; 0: none did, or the entry has changed since. None: no memo tells it."""
    resource: Resource = DIMENSIONS  # what its rows are

    @property
    def entries(self) -> Keyed[RowRecord]:
        """The rows, over a table of entries."""
        return as_entries(self.rows, self.resource)
