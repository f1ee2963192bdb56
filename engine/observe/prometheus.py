"""Metrics for Prometheus (the package `prometheus-client`): `Engine(settings, telemetry=PrometheusMetrics(registry))`.

Labels are accounts, kinds, states and the like, of which there are few. No company is named, and no value of a row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import ConfigError
from engine.model.events import CompanyFinished, Event, RequestAnswered, RunFinished, Waiting
from engine.model.outcome import Column

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


class PrometheusMetrics:
    """Counts what engines do; one object may serve several engines.

    A page such as `/metrics` is `prometheus_client.generate_latest(registry)`. Raises `ConfigError` where
    `prometheus-client` is not installed.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        try:
            from prometheus_client import Counter, Gauge, Histogram  # noqa: PLC0415  the extra is loaded by who uses it
        except ImportError as error:
            raise ConfigError("prometheus-client is not installed: pip install prometheus-client") from error
        self._requests = Counter(
            "dimsync_requests", "Requests that ended.", ["account", "kind", "status"], registry=registry
        )
        self._seconds = Histogram(
            "dimsync_request_duration_seconds", "From a request's departure to its answer.", ["kind"], registry=registry
        )
        self._waited = Counter("dimsync_waited_seconds", "Waits that began.", ["account", "kind"], registry=registry)
        self._rows = Counter("dimsync_rows", "Rows of sources, by column.", ["account", "column"], registry=registry)
        self._companies = Counter("dimsync_companies", "Companies that ended.", ["account", "state"], registry=registry)
        self._runs = Counter("dimsync_runs", "Runs that ended.", ["verb", "exit_code"], registry=registry)
        self._quota_left = Gauge(
            "dimsync_quota_left_requests", "Left of the day, when a run ended.", ["account"], registry=registry
        )
        self._lag = Histogram(
            "dimsync_loop_lag_seconds", "By how much the event loop woke too late.", registry=registry
        )

    def take(self, event: Event, run_id: str | None) -> None:  # noqa: ARG002  a run's name would be one label value more for each
        """Count an event."""
        match event:
            case RequestAnswered():
                status = "none" if event.status is None else str(event.status)
                self._requests.labels(event.account, event.kind, status).inc()
                self._seconds.labels(event.kind).observe(event.seconds)
            case Waiting():
                self._waited.labels(event.account, event.kind).inc(event.seconds)
            case CompanyFinished():
                self._take_company(event)
            case RunFinished():
                self._take_run(event)
            case _:
                pass

    def ended(self, run_id: str, error: BaseException | None) -> None:
        """Do nothing: `RunFinished` was counted, or the log has the error."""

    def lagged(self, seconds: float) -> None:
        """Count by how much the event loop was late."""
        self._lag.observe(seconds)

    def _take_company(self, event: CompanyFinished) -> None:
        company = event.result
        self._companies.labels(company.account, str(company.state)).inc()
        for column in Column:
            if rows := getattr(company.balance, column.value):
                self._rows.labels(company.account, column.value).inc(rows)

    def _take_run(self, event: RunFinished) -> None:
        self._runs.labels(event.result.verb, str(int(event.result.exit_code))).inc()
        for day in event.result.days:
            self._quota_left.labels(day.account).set(day.left)
