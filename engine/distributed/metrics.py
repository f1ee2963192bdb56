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
"""The state of a job that ended without a run, as its company was put off."""


class WorkerMetrics(Watcher):
    """Counts what a worker does.

    `telemetry`: for its engine. `look`: reads the queue, whenever Prometheus asks, in a thread. The queue is that of
    all workers, and all tell the same of it. `takes_jobs`: whether the worker is not about to end, asked in a thread.
    """

    def __init__(self, registry: CollectorRegistry, look: Callable[[], Queue], takes_jobs: Callable[[], bool]) -> None:
        self.telemetry = PrometheusMetrics(registry)
        self.address = ""  # where it is served
        from prometheus_client import Counter, Gauge  # noqa: PLC0415  the extra is loaded by who uses it

        up = Gauge("dimsync_worker_up", "1: it takes jobs. 0: it ends those that it has.", registry=registry)
        up.set_function(lambda: float(takes_jobs()))
        self._running = Gauge("dimsync_jobs_running", "Jobs that this worker is at.", registry=registry)
        self._jobs = Counter(
            "dimsync_jobs", "Jobs that this worker has ended, by how the company did.", ["state"], registry=registry
        )
        registry.register(_QueueCollector(look))

    def registered(self, worker_id: int) -> None:
        """Take the number of the worker, which is no label: each start would be a series more."""

    def began(self, job: CompanyJob) -> None:  # noqa: ARG002  no company is named
        """Count a job that begins."""
        self._running.inc()

    def ended(self, job: CompanyJob, result: RunResult | None) -> None:  # noqa: ARG002  as said
        """Count a job that ended, by how its company did."""
        self._running.dec()
        self._jobs.labels(next((str(each.state) for each in result.companies), NO_RUN) if result else NO_RUN).inc()


class _QueueCollector:
    """Looks at the queue when Prometheus does."""

    def __init__(self, look: Callable[[], Queue]) -> None:
        self._look = look

    def describe(self) -> Iterable[Metric]:
        """Name nothing beforehand: to register it must not take a look."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield what is known of the queue: nothing but that it cannot be read, while the database is away."""
        from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415  as said

        try:
            queue = self._look()
        except EngineError:
            yield GaugeMetricFamily("dimsync_queue_up", "Whether the queue could be read.", value=0)
            return
        yield GaugeMetricFamily("dimsync_queue_up", "Whether the queue could be read.", value=1)
        yield GaugeMetricFamily("dimsync_jobs_waiting", "Jobs that could begin now.", value=queue.waiting)
        yield GaugeMetricFamily("dimsync_jobs_later", "Jobs that are put off.", value=queue.later)
        oldest = GaugeMetricFamily(
            "dimsync_oldest_job_waiting_seconds", "How long the job that waits longest could have begun."
        )
        oldest.add_metric([], queue.oldest_s)
        yield oldest


@contextmanager
def metrics_server(
    address: str, look: Callable[[], Queue], takes_jobs: Callable[[], bool] = lambda: True
) -> Iterator[WorkerMetrics]:
    """Serve a worker's metrics at `address` (HOST:PORT; port 0: a free one) until the block is left.

    Any path shows them, and whoever reaches the address reads them: they name accounts. Raises `ConfigError` for an
    address that is none or is taken, and without the extra `distributed`.
    """
    host, port = parsed(address)
    try:
        from prometheus_client import CollectorRegistry, start_http_server  # noqa: PLC0415  as said
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
