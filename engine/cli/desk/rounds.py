"""Runs of one company each, as workers make them, told together as rounds. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import NamedTuple

from engine.model.balance import worst
from engine.model.result import PastRun

FEWEST = 3
"""How many runs it takes to tell them together; fewer are told one by one."""

APART = timedelta(minutes=30)
"""When no run begins for longer than this, a round ends; it also ends with the day."""


class Round(NamedTuple):
    """Runs of one verb and one company each, one soon after the other, the newest first; or one run by itself.

    How many companies a run without an end has is not known: it is taken for a run of one company, as those beside it.
    """

    runs: tuple[PastRun, ...]

    @property
    def newest(self) -> PastRun:
        """The run that began last."""
        return self.runs[0]

    @property
    def oldest(self) -> PastRun:
        """The run that began first."""
        return self.runs[-1]

    @property
    def is_many(self) -> bool:
        """Whether it is more than one run."""
        return len(self.runs) > 1

    @property
    def endless(self) -> int:
        """How many of its runs have no end: they are under way, or whoever carried them out has died."""
        return sum(run.finished_at is None for run in self.runs)

    @property
    def exit_code(self) -> int | None:
        """The worst exit code; None: no run has ended."""
        codes = [run.exit_code for run in self.runs if run.exit_code is not None]
        return int(worst(codes)) if codes else None

    def total(self, column: str) -> int:
        """Return the sum of one of the runs' figures."""
        return sum(getattr(run, column) for run in self.runs)


def rounds(runs: Sequence[PastRun]) -> list[Round]:
    """Return runs as rounds, in their order, the newest first."""
    found: list[list[PastRun]] = [[run] for run in runs[:1]]
    for newer, older in pairwise(runs):
        if _are_of_one(newer, older):
            found[-1].append(older)
        else:
            found.append([older])
    return [each for group in found for each in _told(group)]


def _are_of_one(newer: PastRun, older: PastRun) -> bool:
    return (
        _may_be_of_one(newer)
        and _may_be_of_one(older)
        and newer.verb == older.verb
        and not (newer.allowed or older.allowed)
        and newer.started_at - older.started_at <= APART
        and newer.started_at.date() == older.started_at.date()
    )


def _may_be_of_one(run: PastRun) -> bool:
    return run.companies == 1 or (run.finished_at is None and not run.companies)


def _told(group: Sequence[PastRun]) -> Iterable[Round]:
    is_round = len(group) >= FEWEST and any(run.companies == 1 for run in group)
    return [Round(tuple(group))] if is_round else [Round((run,)) for run in group]
