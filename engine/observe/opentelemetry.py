"""Spans and metrics for OpenTelemetry (the extra `telemetry`): `Engine(settings, telemetry=OpenTelemetry())`.

Spans: a run, below it its companies, below these their listings and chunks, and below these their requests. A run is a
child of the span in which it was begun. Waits and stopped accounts are events of these spans. They hold counts, codes,
and ids of companies, chunks and requests, and no values of rows, no names and no credentials. Metrics: `Meters`.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.errors import ConfigError
from engine.model.events import (
    ChunkSettled,
    CompanyFinished,
    CompanyStarted,
    Event,
    Listed,
    Parked,
    RequestAnswered,
    RunFinished,
    RunStarted,
    Waiting,
)
from engine.observe.meters import Meters

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, TracerProvider

NAME = "dimsync"
NS = 1_000_000_000


@dataclass(slots=True, kw_only=True)
class _Under:
    """An open span, and the requests that wait until the span of their listing or chunk is made between."""

    span: Span
    inside: Context  # the context in which its child spans are made
    listing: list[_Request] = field(default_factory=list)
    chunks: defaultdict[str, list[_Request]] = field(default_factory=lambda: defaultdict(list))


@dataclass(frozen=True, slots=True)
class _Request:
    """A request that was answered, with its time, in nanoseconds since 1970."""

    event: RequestAnswered
    begun: int
    ended: int


@dataclass(slots=True)
class _Run:
    """The spans of one run that are open."""

    whole: _Under
    companies: dict[int, _Under] = field(default_factory=dict)


class OpenTelemetry:
    """Tells OpenTelemetry what engines do; one object may serve several engines.

    `tracer_provider`, `meter_provider`: None is the process's own, as `set_tracer_provider` and `set_meter_provider`
    set it. Raises `ConfigError` where `opentelemetry-api` is not installed.
    """

    def __init__(
        self, *, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
    ) -> None:
        try:
            from opentelemetry import metrics, trace  # noqa: PLC0415  the extra is loaded by who uses it
        except ImportError as error:
            raise ConfigError("OpenTelemetry is not installed: pip install 'dimsync[telemetry]'") from error
        self._trace: Any = trace
        self._tracer = trace.get_tracer(NAME, tracer_provider=tracer_provider)
        self._meters = Meters(metrics.get_meter(NAME, meter_provider=meter_provider))
        self._runs: dict[str, _Run] = {}

    def take(self, event: Event, run_id: str | None) -> None:
        """Take an event."""
        self._meters.take(event)
        if run_id is None:
            if isinstance(event, RequestAnswered):
                self._add(_request(event), None)
        elif isinstance(event, RunStarted):
            whole = self._open("dimsync.run", {"dimsync.run_id": run_id}, None)
            if whole.span.is_recording():  # otherwise it is sampled out, or nobody takes spans: none are made below it
                self._runs[run_id] = _Run(whole)
        elif (run := self._runs.get(run_id)) is not None:
            self._take(event, run)

    def ended(self, run_id: str, error: BaseException | None) -> None:
        """End the spans of a run that are still open."""
        run = self._runs.pop(run_id, None)
        if run is None:
            return
        for company in run.companies.values():
            self._close(company)
        if error is not None:
            run.whole.span.set_status(self._trace.StatusCode.ERROR, type(error).__name__)
        self._close(run.whole)

    def lagged(self, seconds: float) -> None:
        """Take by how much the event loop was late."""
        self._meters.lagged(seconds)

    def _take(self, event: Event, run: _Run) -> None:
        match event:
            case RequestAnswered():
                self._take_request(_request(event), run)
            case CompanyStarted():
                company = {"dimsync.company_id": event.company_id}
                run.companies[event.company_id] = self._open("dimsync.company", company, run.whole.inside)
            case Listed():
                self._take_listing(event, run.companies[event.company_id])
            case ChunkSettled():
                self._take_chunk(event, run.companies[event.company_id])
            case Waiting():
                under = self._under(event.company_id, run)
                under.span.add_event("dimsync.wait", {"dimsync.kind": event.kind, "dimsync.seconds": event.seconds})
            case Parked():
                run.whole.span.add_event("dimsync.parked", {"dimsync.account": event.account})
            case CompanyFinished():
                self._finish_company(event, run)
            case RunFinished():
                self._finish_run(event, run)
            case _:
                pass

    def _take_request(self, request: _Request, run: _Run) -> None:
        """Add a request to the run (a token, the directory), to its company, or to a listing or chunk that waits."""
        event = request.event
        under = self._under(event.company_id, run)
        if event.chunk is not None and under is not run.whole:
            under.chunks[event.chunk].append(request)
        elif event.kind == "list" and under is not run.whole:
            under.listing.append(request)
        else:
            self._add(request, under.inside)

    def _under(self, company_id: int | None, run: _Run) -> _Under:
        """Return the open span of a company; the run's, if there is no company or its span has ended."""
        return run.whole if company_id is None else run.companies.get(company_id, run.whole)

    def _take_listing(self, event: Listed, company: _Under) -> None:
        told = event.certificate
        figures = {"rows": told.rows, "pages": told.pages, "declared": told.declared, "whole": told.whole}
        self._group("dimsync.listing", figures, company.listing, company)
        company.listing.clear()

    def _take_chunk(self, event: ChunkSettled, company: _Under) -> None:
        columns = ("created", "updated", "rejected", "uncertain")
        figures = {column: getattr(event, column) for column in columns} | {"chunk": event.chunk}
        self._group("dimsync.chunk", figures, company.chunks.pop(event.chunk, []), company)

    def _group(self, name: str, figures: dict[str, Any], requests: list[_Request], company: _Under) -> None:
        """Add a span over requests: it begins with the first of them and ends now."""
        attributes = {f"dimsync.{key}": value for key, value in figures.items()}
        begun = min((each.begun for each in requests), default=None)
        span = self._tracer.start_span(name, context=company.inside, attributes=attributes, start_time=begun)
        inside = self._trace.set_span_in_context(span)
        for each in requests:
            self._add(each, inside)
        span.end()

    def _add(self, request: _Request, inside: Context | None) -> None:
        """Add the span of one request; `inside` None: below the span that the caller is in."""
        event = request.event
        attributes: dict[str, Any] = {
            "dimsync.account": event.account,
            "dimsync.kind": event.kind,
            "dimsync.attempt": event.attempt,
            "dimsync.company_id": event.company_id,
            "dimsync.request_id": event.request_id,
            "http.response.status_code": event.status,
        }
        told = {key: value for key, value in attributes.items() if value is not None}
        kind = self._trace.SpanKind.CLIENT
        span = self._tracer.start_span(
            "dimsync.request", context=inside, kind=kind, attributes=told, start_time=request.begun
        )
        if event.status is None or event.status >= 400:
            why = f"HTTP {event.status}" if event.status else "timeout" if event.is_timeout else "no answer"
            span.set_status(self._trace.StatusCode.ERROR, why)
        span.end(request.ended)

    def _finish_company(self, event: CompanyFinished, run: _Run) -> None:
        result = event.result
        company = run.companies.pop(result.company_id, None)
        if company is None:  # the run ended before the company began
            return
        company.span.set_attributes(
            {
                "dimsync.account": result.account,
                "dimsync.state": str(result.state),
                "dimsync.requests": result.requests.total,
                "dimsync.problems": sorted({problem.code for problem in result.problems}),
            }
        )
        if result.exit_code:
            company.span.set_status(self._trace.StatusCode.ERROR, f"exit code {int(result.exit_code)}")
        self._close(company)

    def _finish_run(self, event: RunFinished, run: _Run) -> None:
        result = event.result
        run.whole.span.set_attributes(
            {
                "dimsync.verb": result.verb,
                "dimsync.companies": len(result.companies),
                "dimsync.requests": result.requests.total,
                "dimsync.exit_code": int(result.exit_code),
            }
        )
        if result.exit_code:
            run.whole.span.set_status(self._trace.StatusCode.ERROR, f"exit code {int(result.exit_code)}")

    def _open(self, name: str, attributes: dict[str, Any], inside: Context | None) -> _Under:
        span = self._tracer.start_span(name, context=inside, attributes=attributes)
        return _Under(span=span, inside=self._trace.set_span_in_context(span))

    def _close(self, under: _Under) -> None:
        """End a span. Requests that belong to no listing and no chunk become its children."""
        for request in (*under.listing, *(each for chunk in under.chunks.values() for each in chunk)):
            self._add(request, under.inside)
        under.span.end()


def _request(event: RequestAnswered) -> _Request:
    now = time.time_ns()
    return _Request(event, now - int(event.seconds * NS), now)
