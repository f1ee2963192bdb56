"""The trial balance: each source row is counted in one column. And the exit codes that follow from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class State(StrEnum):
    """How one company's part of a run ended."""

    SYNCED = "synced"
    UNCHANGED = "unchanged"
    PARTIAL = "partial"
    HELD = "held"
    FAILED = "failed"
    DEFERRED = "deferred"
    LOCKED = "locked"


class ExitCode(IntEnum):
    """The exit code of the process, for its scheduler. README.md has a table of what each means."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REJECTED = 3
    HELD = 4
    STOPPED = 5
    PENDING = 6
    STALE = 7
    AUTHENTICATION = 8
    LOCKED = 9
    UNCERTAIN = 10
    INTERRUPTED = 130
    TERMINATED = 143


SEVERITY = (130, 143, 2, 1, 10, 8, 7, 4, 3, 5, 9, 6, 0)
"""If several codes apply, the first of them here is used."""


def worst(codes: Iterable[int]) -> ExitCode:
    """Return the most severe code; `DONE` if there is none."""
    return ExitCode(min(codes, key=SEVERITY.index, default=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """The columns of one company or of a fleet. None: not known, as of a source that could not be read; never zero."""

    read_rows: int | None = None  # None also where it is not known how many rows were left out
    left_out: int | None = None  # by the mapping
    source_rows: int | None = None
    unchanged: int | None = None
    created: int | None = None
    updated: int | None = None
    rejected: int | None = None
    held: int | None = None
    deferred: int | None = None
    uncertain: int | None = None
    invalid: int | None = None
    adopted: int | None = None  # part of unchanged
    remote_rows: int | None = None  # None: not listed in this run
    matched: int | None = None
    contested: int | None = None
    orphans: int | None = None

    @property
    def adds_up(self) -> bool:
        """Whether each row that was read, each source row and each listed remote row is counted in exactly one column.

        `read_rows` and `left_out` may be unknown, both or neither.
        """
        outcomes = (
            self.unchanged,
            self.created,
            self.updated,
            self.rejected,
            self.held,
            self.deferred,
            self.uncertain,
            self.invalid,
        )
        remote = (self.matched, self.contested, self.orphans)
        return (
            (self.read_rows is self.left_out is None or _sums(self.read_rows, (self.source_rows, self.left_out)))
            and _sums(self.source_rows, outcomes)
            and _sums(self.remote_rows, remote)
            and (self.adopted or 0) <= (self.unchanged or 0)
            and min(filter(None, (*outcomes, *remote, self.left_out, self.adopted)), default=0) >= 0
        )


def _sums(total: int | None, parts: tuple[int | None, ...]) -> bool:
    """Return whether the parts add up to the total; if that is None, whether no part is known."""
    if total is None:
        return parts.count(None) == len(parts)
    return None not in parts and total == sum(filter(None, parts))


def add(balances: Iterable[Balance]) -> Balance:
    """Return the column sums. Unknown figures are left out; a column with no known figure is None."""
    listed = list(balances)
    sums: dict[str, int | None] = {}
    for column in Balance.__slots__:
        known = [count for count in (getattr(balance, column) for balance in listed) if count is not None]
        sums[column] = sum(known) if known else None
    return Balance(**sums)


def row_exit_codes(balance: Balance) -> list[ExitCode]:
    """Return the exit codes that follow from a balance's columns alone."""
    codes = []
    if not balance.adds_up:
        codes.append(ExitCode.FAILED)
    if balance.uncertain:
        codes.append(ExitCode.UNCERTAIN)
    if balance.held:
        codes.append(ExitCode.HELD)
    if balance.rejected or balance.invalid:
        codes.append(ExitCode.REJECTED)
    return codes
