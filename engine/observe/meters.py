"""The metrics of OpenTelemetry: requests, waits, rows, companies and runs, by account. No company is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.events import (
    CompanyFinished,
    Event,
    RequestAnswered,
    RequestSent,
    RunFinished,
    Waiting,
    WidthChanged,
)
from engine.model.outcome import Column

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter


class Meters:
    """All instruments, and which event goes into which."""

    def __init__(self, meter: Meter) -> None:
        self._requests = meter.create_counter(
            "dimsync.requests", unit="{request}", description="Requests by account, kind, status, and whether repeated"
        )
        self._latency = meter.create_histogram(
            "dimsync.request.duration", unit="s", description="From a request's departure to its answer"
        )
        self._throttled = meter.create_counter(
            "dimsync.requests.throttled", unit="{request}", description="Requests answered with 429"
        )
        self._in_flight = meter.create_up_down_counter(
            "dimsync.requests.active", unit="{request}", description="Requests that are out"
        )
        self._width = meter.create_gauge(
            "dimsync.concurrency", unit="{request}", description="Requests that may be out at once, when that changes"
        )
        self._waits = meter.create_counter("dimsync.waits", unit="s", description="Seconds waited, by kind of wait")
        self._rows = meter.create_counter("dimsync.rows", unit="{row}", description="Rows of sources, by column")
        self._companies = meter.create_counter(
            "dimsync.companies", unit="{company}", description="Companies of runs, by state"
        )
        self._runs = meter.create_counter("dimsync.runs", unit="{run}", description="Runs, by verb and exit code")
        self._quota = meter.create_gauge(
            "dimsync.quota.left", unit="{request}", description="What is left of the day, at the end of a run"
        )
        self._lag = meter.create_histogram(
            "dimsync.loop.lag", unit="s", description="By how much the event loop woke too late, during runs"
        )

    def take(self, event: Event) -> None:
        """Count an event."""
        match event:
            case RequestSent():
                self._in_flight.add(1, {"account": event.account})
            case RequestAnswered():
                self._take_request(event)
            case Waiting():
                self._waits.add(event.seconds, {"account": event.account, "kind": event.kind})
            case WidthChanged():
                self._width.set(event.places, {"account": event.account})
            case CompanyFinished():
                self._take_company(event)
            case RunFinished():
                self._take_run(event)
            case _:
                pass

    def lagged(self, seconds: float) -> None:
        """Count by how much the event loop was late."""
        self._lag.record(seconds)

    def _take_request(self, event: RequestAnswered) -> None:
        account = {"account": event.account}
        self._in_flight.add(-1, account)
        kind = {**account, "kind": event.kind}
        status = "none" if event.status is None else str(event.status)
        self._requests.add(1, {**kind, "status": status, "repeated": event.attempt > 1})
        self._latency.record(event.seconds, kind)
        if event.status == 429:
            self._throttled.add(1, account)

    def _take_company(self, event: CompanyFinished) -> None:
        account = {"account": event.result.account}
        self._companies.add(1, {**account, "state": str(event.result.state)})
        for column in Column:
            if rows := getattr(event.result.balance, column.value):
                self._rows.add(rows, {**account, "column": column.value})

    def _take_run(self, event: RunFinished) -> None:
        self._runs.add(1, {"verb": event.result.verb, "exit_code": int(event.result.exit_code)})
        for day in event.result.days:
            self._quota.set(day.left, {"account": day.account})
