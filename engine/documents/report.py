"""What a report says, as plain values: of a fleet or of one company, about one run or several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

Moves = tuple[tuple[str, str | None, str | None], ...]
"""(field, value before, value after)."""


class Line(NamedTuple):
    """One row of a company and what became of it: a line of the CSV, and of the page as far as there is room."""

    company_id: int
    account: str  # as the settings call it; empty in a client's report
    company: str
    run_id: str
    at: str  # ISO 8601; empty: as the run's
    what: str  # "created", "updated", "rejected", "held" ...: a column of the balance, or a problem's code
    key: str
    row: str  # the row's natural key in words: "account '6000'"; empty: not known
    name: str
    fields: Moves = ()
    undid: bool = False  # it undid what somebody had changed in Ottimate
    reason: str = ""  # the server's words, or a guard's
    file: str = ""
    line: int | None = None
    remote_id: str = ""
    since: str = ""  # ISO 8601: the end of the first run that showed what is wrong with it; empty: it is not known


class Note(NamedTuple):
    """Something about a company as a whole, or about the run."""

    code: str
    message: str
    since: str = ""  # as of a line


class LeftOutRows(NamedTuple):
    """Rows that a mapping leaves out for one reason."""

    reason: str  # in words
    rows: int


class ToldCause(NamedTuple):
    """One cause of trouble over all companies, with what to do about it."""

    code: str
    what: str  # what the code means; empty: nobody knows
    next: str  # what to do; commands are in backticks, with `ID` in the place of a company's id
    command: str  # what to paste
    companies: tuple[tuple[int, str], ...]  # (id, name)
    rows: int  # 0: it is about companies as a whole
    example: str  # one message
    since: str = ""  # ISO 8601: the end of the first run that showed it; empty: it is not known
    is_new: bool = False  # no run before those of the report had shown any of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What is told of one company."""

    company_id: int
    name: str
    account: str  # empty in a client's report
    state: str
    needs_person: bool
    balance: Mapping[str, int | None]  # of its newest run
    requests: int  # of all runs
    created: int  # of all runs
    updated: int
    notes: tuple[Note, ...] = ()
    changed: tuple[Line, ...] = ()  # as many as there is room for
    changed_rows: int = 0  # all
    troubled: tuple[Line, ...] = ()  # refused, held, invalid and uncertain ones: as many as there is room for
    troubled_rows: int = 0
    undone: tuple[Line, ...] = ()  # rows that somebody had changed in Ottimate: as many as there is room for
    undone_rows: int = 0
    orphans: tuple[Line, ...] = ()  # where the run listed them
    left_out: tuple[LeftOutRows, ...] = ()

    @property
    def unkept(self) -> int:
        """How many rows were written that no line tells of any more: the audit trail was pruned."""
        return max(0, self.created + self.updated - self.changed_rows)


class ReportRun(NamedTuple):
    """One run that the report is about."""

    run_id: str
    verb: str
    started_at: datetime
    finished_at: datetime
    exit_code: int | None  # None: in a client's report, where the run's own is about others, too
    companies: int
    allowed: tuple[str, ...]
    writes: bool  # False: `plan` and `check`, whose figures are what a sync would do


class Day(NamedTuple):
    """How many requests of its day an account had used."""

    account: str
    day: str
    used: int
    usable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that a page says."""

    title: str
    level: str  # "good", "wait" or "bad"
    verdict: str  # one sentence
    made_at: datetime
    version: str
    csv_name: str
    runs: tuple[ReportRun, ...]  # the oldest first
    balance: Mapping[str, int | None]
    requests: Mapping[str, int | None]  # by kind
    parts: tuple[Part, ...]  # companies with something to tell: those that need a person first
    quiet: int  # companies with nothing to tell
    causes: tuple[ToldCause, ...] = ()
    notes: tuple[Note, ...] = ()  # on the run as a whole
    days: tuple[Day, ...] = ()
    is_fleet: bool = True

    @property
    def began(self) -> str:
        """When the first of the runs began, as ISO 8601: what was shown since then is new."""
        return as_text(self.runs[0].started_at) if self.runs else ""

    @property
    def writes(self) -> bool:
        """Whether any of the runs sent rows."""
        return any(run.writes for run in self.runs)


def as_text(moment: datetime) -> str:
    """Return a moment as results spell it, so that texts compare as the moments do."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
