"""What has stopped one company so far, and so in which state it ends."""

from __future__ import annotations

from dataclasses import replace

from engine.model.balance import State, worst
from engine.model.outcome import Column
from engine.run.endings import STOPPED, Ending, Stop
from engine.run.row_counts import RowCounts


class CompanyEnding:
    """Keeps what stops a company, and adds the problems to the counts of its rows."""

    def __init__(self, counts: RowCounts) -> None:
        self._counts = counts
        self.stopped: Ending | None = STOPPED  # until it has run to its end; None: nothing stopped it

    def take(self, stop: Stop) -> None:
        """Note why the company ends here. Rows that have no outcome yet are deferred, or held with the company.

        The first stop decides the company's state, the gravest one the exit code.
        """
        self._counts.fault(stop.problem)
        if self.stopped is None or self.stopped is STOPPED:
            self.stopped = stop.ending
        else:
            self.stopped = replace(self.stopped, exit_code=worst((self.stopped.exit_code, stop.ending.exit_code)))
        if self.stopped.state is State.HELD:
            self._counts.rest = Column.HELD

    def reached(self) -> None:
        """Note that all steps were taken. Anything that stopped one of them still counts."""
        if self.stopped is STOPPED:
            self.stopped = None

    @property
    def is_held(self) -> bool:
        """Whether a guard stopped it."""
        return self.stopped is not None and self.stopped.state is State.HELD
