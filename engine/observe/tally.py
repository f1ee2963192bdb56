"""A few figures on a run, updated with each event."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from engine.model.events import (
    ChunkSettled,
    CompanyFinished,
    Event,
    PageRead,
    Parked,
    RequestSent,
    RunStarted,
    Waiting,
    WidthChanged,
)
from engine.model.result import CompanyResult
from engine.observe.terminal import needs_person

LAST_TROUBLES = 4
"""Companies in trouble that are kept for the display: the result lists all of them."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """What has happened so far. One thread writes, another may read: two figures may be of two moments."""

    companies: int = 0
    finished: int = 0
    rows_read: int = 0
    rows_written: int = 0
    requests: int = 0
    troubled: int = 0
    waiting: dict[str, tuple[float, str]] = field(default_factory=dict)  # account or company -> (until, reason)
    widths: dict[str, int] = field(default_factory=dict)  # account -> requests that it may have out at once
    parked: dict[str, str] = field(default_factory=dict)  # account -> reason
    last: deque[CompanyResult] = field(default_factory=lambda: deque(maxlen=LAST_TROUBLES))

    def take(self, event: Event, now: float) -> None:
        """Count one event. `now`: seconds, on the same clock as `waiting`."""
        match event:
            case RequestSent():
                self.requests += 1
            case PageRead():
                self.rows_read += event.rows
            case ChunkSettled():
                self.rows_written += event.created + event.updated
            case CompanyFinished():
                self.finished += 1
                if needs_person(event.result):
                    self.troubled += 1
                    self.last.append(event.result)
            case RunStarted():
                self.companies = event.companies
            case Waiting(kind="throttle" | "landing"):
                who = event.account if event.company_id is None else f"company {event.company_id}"
                self.waiting[who] = (now + event.seconds, event.reason)
            case WidthChanged():
                self.widths[event.account] = event.places
            case Parked():
                self.parked[event.account] = event.reason
            case _:
                pass

    def line(self, rate: str = "") -> str:
        """Return the figures as one line. `rate`: the request rate, such as " (12/s)"; empty: it is not known."""
        figures = [
            f"{self.finished:,}/{self.companies:,} companies",
            f"{self.rows_read:,} rows read",
            f"{self.rows_written:,} written",
            f"{self.requests:,} requests{rate}",
        ]
        if self.widths:
            figures.append(f"{sum(self.widths.copy().values()):,} at once")
        if self.troubled:
            figures.append(f"{self.troubled:,} in trouble")
        return " · ".join(figures)

    def standstills(self, now: float) -> list[str]:
        """Return a line for each account or company that waits, and each account that can do no more."""
        waits = [
            f"{who} waits {until - now:,.0f} s: {reason}"
            for who, (until, reason) in list(self.waiting.items())
            if until > now and who not in self.parked
        ]
        return waits + [f"{account} stopped: {reason}" for account, reason in list(self.parked.items())]
