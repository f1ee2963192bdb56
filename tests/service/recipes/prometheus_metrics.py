"""Metrics for Prometheus: one object, handed in as `telemetry`."""

import dimsync
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

COLUMNS = (
    "unchanged created updated rejected held deferred uncertain invalid"
)


class PrometheusMetrics:
    """Counts what engines do.

    A page such as `/metrics` is `prometheus_client.generate_latest(to)`.
    """

    def __init__(self, to: CollectorRegistry) -> None:
        calls = ["account", "kind"]
        self.requests = Counter(
            "dimsync_requests", "Requests", [*calls, "status"], registry=to
        )
        self.seconds = Histogram(
            "dimsync_request_seconds", "Latency", calls, registry=to
        )
        self.waited = Counter(
            "dimsync_waited_seconds", "Waits", calls, registry=to
        )
        self.rows = Counter(
            "dimsync_rows", "Rows", ["account", "column"], registry=to
        )
        self.companies = Counter(
            "dimsync_companies",
            "Companies",
            ["account", "state"],
            registry=to,
        )
        self.quota_left = Gauge(
            "dimsync_quota_left",
            "Left of the day",
            ["account"],
            registry=to,
        )
        self.lag = Histogram(
            "dimsync_loop_lag_seconds", "Lag of the event loop", registry=to
        )

    def take(self, event: dimsync.Event, run_id: str | None) -> None:
        match event:
            case dimsync.RequestAnswered(account=account, kind=kind):
                self.requests.labels(account, kind, str(event.status)).inc()
                self.seconds.labels(account, kind).observe(event.seconds)
            case dimsync.Waiting(account=account, kind=kind):
                self.waited.labels(account, kind).inc(event.seconds)
            case dimsync.CompanyFinished(result=company):
                account = company.account
                self.companies.labels(account, company.state).inc()
                for column in COLUMNS.split():
                    rows = getattr(company.balance, column) or 0
                    self.rows.labels(account, column).inc(rows)
            case dimsync.RunFinished(result=result):
                for day in result.days:
                    self.quota_left.labels(day.account).set(day.left)
            case _:
                pass

    def ended(self, run_id: str, error: BaseException | None) -> None:
        pass

    def lagged(self, seconds: float) -> None:
        self.lag.observe(seconds)
