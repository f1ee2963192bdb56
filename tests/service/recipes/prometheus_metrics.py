"""Metrics for Prometheus: one object, handed in as `telemetry`, and a page that Prometheus reads."""

from __future__ import annotations

from dimsync import CompanyFinished, Event, RequestAnswered, RunFinished, Waiting
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

COLUMNS = ("unchanged", "created", "updated", "rejected", "held", "deferred", "uncertain", "invalid")


class PrometheusMetrics:
    """Counts what engines do. `Engine(settings, telemetry=PrometheusMetrics(registry))`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter("dimsync_requests", "Requests", ["account", "kind", "status"], registry=registry)
        self.seconds = Histogram("dimsync_request_seconds", "Until the answer", ["account", "kind"], registry=registry)
        self.waited = Counter("dimsync_waited_seconds", "Waits", ["account", "kind"], registry=registry)
        self.rows = Counter("dimsync_rows", "Rows of sources", ["account", "column"], registry=registry)
        self.companies = Counter("dimsync_companies", "Companies of runs", ["account", "state"], registry=registry)
        self.quota_left = Gauge("dimsync_quota_left", "Requests left of the day", ["account"], registry=registry)
        self.lag = Histogram("dimsync_loop_lag_seconds", "How late the event loop is", registry=registry)

    def take(self, event: Event, run_id: str | None) -> None:
        match event:
            case RequestAnswered(account=account, kind=kind):
                self.requests.labels(account, kind, str(event.status)).inc()
                self.seconds.labels(account, kind).observe(event.seconds)
            case Waiting():
                self.waited.labels(event.account, event.kind).inc(event.seconds)
            case CompanyFinished(result=company):
                self.companies.labels(company.account, company.state).inc()
                for column in COLUMNS:
                    self.rows.labels(company.account, column).inc(getattr(company.balance, column) or 0)
            case RunFinished():
                for day in event.result.days:
                    self.quota_left.labels(day.account).set(day.left)
            case _:
                pass

    def ended(self, run_id: str, error: BaseException | None) -> None:
        pass

    def lagged(self, seconds: float) -> None:
        self.lag.observe(seconds)


def page(registry: CollectorRegistry) -> bytes:
    """Return what a route such as `/metrics` answers, as `text/plain; version=0.0.4`."""
    return generate_latest(registry)
