"""The page that a worker has for Prometheus."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.request import urlopen

import pytest

from engine.distributed.company_job import CompanyJob
from engine.distributed.metrics import WorkerMetrics, metrics_server
from engine.distributed.overview import Queue
from engine.errors import ConfigError, LedgerError
from engine.model.events import RequestAnswered, Waiting
from tests.ledger.values import NOON, ORIGIN, a_result

JOB = CompanyJob(origin=ORIGIN, account_id="racc_1", company_id=4711)


@contextmanager
def served(queue: Queue | None) -> Iterator[tuple[WorkerMetrics, str]]:
    """Serve metrics at a free port. `queue`: what is seen of it; None: the database is away."""

    def look() -> Queue:
        if queue is None:
            raise LedgerError("the ledger cannot be reached")
        return queue

    with metrics_server("127.0.0.1:0", look) as metrics:
        yield metrics, f"http://{metrics.address}/metrics"


def values(url: str) -> dict[str, float]:
    """Return the values of a page, without the times at which counters began."""
    with urlopen(url, timeout=5) as answer:  # noqa: S310  our own address
        lines = answer.read().decode().splitlines()
    told = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in told if "_created" not in name}


def test_a_page_tells_of_jobs_and_the_queue() -> None:
    queue = Queue(at=NOON, waiting=12, oldest_at=NOON - timedelta(seconds=90.5), later=3)
    with served(queue) as (metrics, url):
        for result in (a_result(), a_result(), None):
            metrics.began(JOB)
            metrics.ended(JOB, result)
        metrics.began(JOB)
        answered = RequestAnswered(account="main", company_id=4711, kind="bulk", attempt=1, status=207, seconds=0.2)
        metrics.telemetry.take(answered, "run-1")
        waiting = Waiting(account="main", company_id=4711, seconds=1.5, reason="asked to", kind="throttle")
        metrics.telemetry.take(waiting, "run-1")
        found = values(url)
        for name, value in {
            "dimsync_worker_up": 1,
            "dimsync_jobs_running": 1,
            'dimsync_jobs_total{state="synced"}': 2,
            'dimsync_jobs_total{state="none"}': 1,
            "dimsync_queue_up": 1,
            "dimsync_jobs_waiting": 12,
            "dimsync_jobs_later": 3,
            "dimsync_oldest_job_waiting_seconds": 90.5,
            'dimsync_requests_total{account="main",kind="bulk",status="207"}': 1,
            'dimsync_waited_seconds_total{account="main",kind="throttle"}': 1.5,
        }.items():
            assert found[name] == value, name
        assert not [name for name in found if "4711" in name], "a company is named"


def test_a_worker_that_is_about_to_end_says_so() -> None:
    with metrics_server("127.0.0.1:0", _nothing, lambda: False) as metrics:
        assert values(f"http://{metrics.address}/")["dimsync_worker_up"] == 0


def test_a_database_that_is_away_is_told_and_hides_nothing_else() -> None:
    with served(None) as (_, url):
        found = values(url)
    assert (found["dimsync_queue_up"], found["dimsync_worker_up"]) == (0, 1)
    assert "dimsync_jobs_waiting" not in found


def test_the_address_is_free_again_when_the_worker_ends() -> None:
    with served(None) as (metrics, _):
        address = metrics.address
    host, _, port = address.rpartition(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=5)


def test_an_address_that_is_taken_is_told_in_words() -> None:
    with served(None) as (metrics, _), pytest.raises(ConfigError) as caught, metrics_server(metrics.address, _nothing):
        pass
    assert str(caught.value) == (
        f"metrics cannot be served at {metrics.address}: Address already in use; give --metrics another HOST:PORT"
    )


def _nothing() -> Queue:
    return Queue()


@pytest.mark.parametrize(
    "address",
    [
        "",
        "9464",
        ":9464",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:http",
        "127.0.0.1:70000",
        "a b:1",
        "http://a:1",
        "a@b:1",
    ],
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with (
        pytest.raises(ConfigError, match=r"is no HOST:PORT, such as 127\.0\.0\.1:9464"),
        metrics_server(address, _nothing),
    ):
        pass


def test_a_host_that_is_unknown_is_told_in_words() -> None:
    with (
        pytest.raises(ConfigError, match=r"cannot be served at nowhere\.invalid:1: "),
        metrics_server("nowhere.invalid:1", _nothing),
    ):
        pass


def test_each_name_keeps_to_the_conventions_of_prometheus() -> None:
    """Counters end in `_total`, units are whole words in the plural, and each metric has help."""
    with served(_nothing()) as (_, url), urlopen(url, timeout=5) as answer:  # noqa: S310  our own address
        lines = answer.read().decode().splitlines()
    kinds = dict(line.split()[2:4] for line in lines if line.startswith("# TYPE"))
    helps = {line.split()[2] for line in lines if line.startswith("# HELP") and len(line.split()) > 3}
    assert kinds.keys() == helps
    assert all(
        name.startswith("dimsync_") and name.endswith("_total") == (kind == "counter")
        for name, kind in kinds.items()
        if not name.endswith("_created")
    )
