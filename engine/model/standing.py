"""How a fleet stands between runs, as the ledger remembers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from engine.model.balance import State
from engine.model.outcome import Problem
from engine.model.result import CompanyResult, LastSync
from engine.model.settings import NamedCompany

CLOCKS_APART = timedelta(minutes=5)
"""How far the clocks of machines that share a ledger may be apart: a time that lies ahead by more is a wrong clock's.
"""


def lies_ahead(moment: datetime, now: datetime) -> bool:
    """Return whether a wrong clock wrote a moment down: it does not tell what came last, or how long ago."""
    return moment - now > CLOCKS_APART


class RunTimes(NamedTuple):
    """When a run began and ended."""

    run_id: str
    verb: str
    started_at: datetime
    finished_at: datetime | None  # None: it is under way, or died
    exit_code: int | None


SEEN_TO = frozenset({State.SYNCED, State.UNCHANGED, State.PARTIAL, State.HELD})
"""States after which a company waits for the next point of its schedule.

A company that failed or was deferred, or that another run had locked, is due at once: its rows are not in order yet,
and what rests costs no request.
"""


class LastBegun(NamedTuple):
    """The run that gave a company its last state."""

    verb: str  # "sync" or "apply"
    state: State
    started_at: datetime

    @property
    def seen_to_at(self) -> datetime | None:
        """When the last run began, if it was a sync that left nothing to do before the next point; None: it was not.

        Only a sync counts: an `apply` or a `retry` has not sent what the source says now. It counts from its start,
        since nobody knows when during a run a source was read.
        """
        return self.started_at if self.verb == "sync" and self.state in SEEN_TO else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How things stand."""

    last: RunTimes | None = None  # the sync that finished last; None: none did
    problems: tuple[Problem, ...] = ()  # of that sync as a whole
    running: tuple[RunTimes, ...] = ()  # runs that send rows and are under way, the newest first
    died: tuple[RunTimes, ...] = ()  # such runs that began after the last sync did, and ended without a word
    syncs: Mapping[NamedCompany, LastSync] = field(default_factory=dict)
    companies: Mapping[NamedCompany, CompanyResult] = field(default_factory=dict)  # what each told in its last sync
    rests: Mapping[NamedCompany, datetime] = field(default_factory=dict)  # not read again before then, if nothing moves
