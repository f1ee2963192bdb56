"""Metrics for Prometheus: one object, handed in as `telemetry`."""

import dimsync
from prometheus_client import CollectorRegistry, generate_latest

REGISTRY = CollectorRegistry()
METRICS = dimsync.PrometheusMetrics(REGISTRY)  # of all engines


def engine(settings: dimsync.Settings) -> dimsync.Engine:
    return dimsync.Engine(settings, telemetry=METRICS)


def page() -> bytes:
    """Return the text that `/metrics` answers with."""
    return generate_latest(REGISTRY)
