"""What a worker tells Prometheus: a page at HOST:PORT with what its engine does, its jobs, and the queue."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from engine.distributed.company_job import CompanyJob
from engine.distributed.overview import Queue
from engine.distributed.watching import Watcher
from engine.errors import ConfigError, EngineError
from engine.model.result import RunResult
from engine.observe.prometheus import PrometheusMetrics

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric

EXAMPLE = "127.0.0.1:9464"
NO_RUN = "none"
"""The state of a job that ended without a run."""


class WorkerMetrics(Watcher):
    """Counts what a worker does.

    `telemetry`: for its engine. `look`: reads the queue, in a thread, whenever Prometheus asks; all workers tell the
    same of the queue. `takes_jobs`: returns False once the worker is about to end; called in a thread.
    """

    def __init__(self, registry: CollectorRegistry, look: Callable[[], Queue], takes_jobs: Callable[[], bool]) -> None:
        self.telemetry = PrometheusMetrics(registry)
        self.address = ""  # where it is served
        from prometheus_client import Counter, Gauge  # noqa: PLC0415  the extra is loaded by who uses it

        up = Gauge("dimsync_worker_up", "1: takes jobs. 0: ends those that it has, takes no more.", registry=registry)
        up.set_function(lambda: float(takes_jobs()))
        self._running = Gauge("dimsync_jobs_running", "Jobs that this worker is doing.", registry=registry)
        self._jobs = Counter(
            "dimsync_jobs", "Jobs that this worker has ended, by how the company did.", ["state"], registry=registry
        )
        registry.register(_QueueCollector(look))

    def registered(self, worker_id: int) -> None:
        """Ignore the worker's number: as a label, it would make new series at each start."""

    def began(self, job: CompanyJob) -> None:  # noqa: ARG002  metrics name no company
        """Count a job that begins."""
        self._running.inc()

    def ended(self, job: CompanyJob, result: RunResult | None) -> None:  # noqa: ARG002  metrics name no company
        """Count a job that ended, by how its company did."""
        self._running.dec()
        self._jobs.labels(next((str(each.state) for each in result.companies), NO_RUN) if result else NO_RUN).inc()


class _QueueCollector:
    """Reads the queue whenever Prometheus asks."""

    def __init__(self, look: Callable[[], Queue]) -> None:
        self._look = look

    def describe(self) -> Iterable[Metric]:
        """Name no metrics beforehand: registering must not read the queue."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield what is known of the queue; while the database is away, only that the queue cannot be read."""
        from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415  loaded only where metrics are served

        try:
            queue = self._look()
        except EngineError:
            yield GaugeMetricFamily("dimsync_queue_up", "Whether the queue could be read.", value=0)
            return
        yield GaugeMetricFamily("dimsync_queue_up", "Whether the queue could be read.", value=1)
        yield GaugeMetricFamily("dimsync_jobs_waiting", "Jobs that could begin now.", value=queue.waiting)
        yield GaugeMetricFamily("dimsync_jobs_later", "Jobs that are put off.", value=queue.later)
        oldest = GaugeMetricFamily(
            "dimsync_oldest_job_waiting_seconds", "For how long the job that waits longest could have begun."
        )
        oldest.add_metric([], queue.oldest_s)
        yield oldest


@contextmanager
def metrics_server(
    address: str, look: Callable[[], Queue], takes_jobs: Callable[[], bool] = lambda: True
) -> Iterator[WorkerMetrics]:
    """Serve a worker's metrics at `address` (HOST:PORT; port 0: a free one) until the block is left.

    Every path shows the metrics, to whoever can reach the address; they name accounts. Raises `ConfigError` for an
    address that is no HOST:PORT or is in use, and if the extra `distributed` is not installed.
    """
    host, port = parsed(address)
    try:
        from prometheus_client import CollectorRegistry, start_http_server  # noqa: PLC0415  loaded only where served
    except ImportError as error:
        raise ConfigError("--metrics needs prometheus-client: pip install 'dimsync[distributed]'") from error
    registry = CollectorRegistry()
    metrics = WorkerMetrics(registry, look, takes_jobs)
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigError(f"metrics cannot be served at {address}: {why}; give --metrics another HOST:PORT") from error
    metrics.address = f"{f'[{host}]' if ':' in host else host}:{server.server_port}"
    try:
        yield metrics
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def parsed(address: str) -> tuple[str, int]:
    """Return host and port. Raises `ConfigError`."""
    try:
        parts = urlsplit(f"//{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or port is None or parts.netloc != address or re.search(r"[@\s]", address):
        raise ConfigError(f"--metrics {address!r} is no HOST:PORT, such as {EXAMPLE}")
    return host, port
