"""What is written to the ledger: what a listing taught, what is about to be sent, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from engine.model.dimension import Dimension, NaturalKey, RemoteRow
from engine.model.listing import Certificate
from engine.model.outcome import Outcome
from engine.model.resting import Rejection, RestingRow
from engine.model.row_record import RowRecord
from engine.model.sketch import Sketch
from engine.model.wanted import GoodCounts, LeftOut


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What a whole listing taught: written to the ledger in one transaction, before anything is sent."""

    certificate: Certificate
    at: datetime
    rows: dict[str, RowRecord] = field(default_factory=dict)  # new or changed entries, whole
    gone: tuple[str, ...] = ()  # keys whose remote row is no longer there: their entries are deleted
    keyless: tuple[RemoteRow, ...] | None = None  # all of them; None: as before
    run_id: str | None = None  # the run that listed
    resting: dict[str, RestingRow] = field(default_factory=dict)  # rows that it did not show, new or looked for again
    rested: tuple[str, ...] = ()  # keys whose rest is over: shown again, or forgotten
    may_be_there: Mapping[str, NaturalKey] | None = None  # all of `CompanyRecord.may_be_there`; None: as before

    @property
    def is_news(self) -> bool:
        """Whether it taught anything of rows."""
        of_rows = self.rows, self.gone, self.resting, self.rested
        return any(of_rows) or self.keyless is not None or self.may_be_there is not None


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
    rejected_as: Mapping[str, NaturalKey] = field(default_factory=dict)  # by key: what a rejected row would have become
    unknown: tuple[str, ...] = ()  # keys whose outcome is not known: their acknowledged values prove nothing any more
    may_be_there: Mapping[str, NaturalKey] = field(default_factory=dict)  # by key: what its remote row may be
    created: int = 0  # added to the company's `remote_count`
    lost_at: datetime | None = None  # when something was sent whose answer never came: the server may yet carry it out
    outcomes: Sequence[Outcome] = ()  # of each row that has one, for the audit trail
    sends: int = 0  # how often the request was sent
    status: int | None = None  # of its last answer
    request_id: str | None = None  # the server's name for that


NO_LINE = 0
"""In place of the hash of a line: none is known."""


class SourceLines(NamedTuple):
    """Rows of a source, each of which is told by its line."""

    rows: Sequence[Dimension]
    hashes: Sequence[int]  # of their lines (`sources.known_lines`)


class Clean(NamedTuple):
    """The note that there was nothing to do, and what was counted."""

    digest: bytes  # of all that this finding depends on
    rows: int  # of the source
    adopted: int
    left_out: tuple[LeftOut, ...] = ()  # why the mapping left rows out
    listing: bytes | None = None  # what was listed then (`run.memo`); empty: nothing was; None: not usable
    source: bytes | None = None  # like `digest`, of the source's rows; None: not known


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodEnd:
    """What a company's good run leaves behind: written in one transaction. What is None stays as it was."""

    sketch: Sketch | None = None  # of the source's rows
    is_trouble_over: bool = False  # the notes on earlier failures end
    source_rows: int | None = None  # `CompanyState.last_good_rows`; given where trouble is over
    counts: GoodCounts | None = None
    clean: Clean | None = None
    gathers: bool = False  # the memo of all entries is written (`Rows.gather`)
    lines: SourceLines | None = None  # with it: rows that are told by their lines
