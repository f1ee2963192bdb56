"""The page that a worker has for Prometheus."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import timedelta
from urllib.request import urlopen

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from engine.distributed.company_job import CompanyJob
from engine.distributed.metrics import WorkerMetrics, metrics_server
from engine.distributed.overview import Queue
from engine.errors import ConfigError, LedgerError
from engine.model.events import RequestAnswered, Waiting
from tests.ledger.values import NOON, ORIGIN, a_result
from tests.tables import each_of

JOB = CompanyJob(origin=ORIGIN, account_id="racc_1", company_id=4711)


def nothing() -> Queue:
    return Queue()


def away() -> Queue:
    raise LedgerError("the ledger cannot be reached")


def values(page: bytes) -> dict[str, float]:
    """Return the values of a page, without the times at which counters began."""
    told = (line.rpartition(" ") for line in page.decode().splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in told if "_created" not in name}


def page_of(look: Callable[[], Queue], *, takes_jobs: bool = True) -> bytes:
    registry = CollectorRegistry()
    WorkerMetrics(registry, look, lambda: takes_jobs)
    return generate_latest(registry)


def test_a_page_tells_of_jobs_and_the_queue() -> None:
    queue = Queue(at=NOON, waiting=12, oldest_at=NOON - timedelta(seconds=90.5), later=3)
    with metrics_server("127.0.0.1:0", lambda: queue) as metrics:
        for result in (a_result(), a_result(), None):
            metrics.began(JOB)
            metrics.ended(JOB, result)
        metrics.began(JOB)
        answered = RequestAnswered(account="main", company_id=4711, kind="bulk", attempt=1, status=207, seconds=0.2)
        metrics.telemetry.take(answered, "run-1")
        waiting = Waiting(account="main", company_id=4711, seconds=1.5, reason="asked to", kind="throttle")
        metrics.telemetry.take(waiting, "run-1")
        with urlopen(f"http://{metrics.address}/metrics", timeout=5) as answer:
            found = values(answer.read())
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
    assert values(page_of(nothing, takes_jobs=False))["dimsync_worker_up"] == 0


def test_a_database_that_is_away_is_told_and_hidesnothing_else() -> None:
    found = values(page_of(away))
    assert (found["dimsync_queue_up"], found["dimsync_worker_up"]) == (0, 1)
    assert "dimsync_jobs_waiting" not in found


def test_an_address_that_is_taken_is_told_in_words_and_free_again_when_the_worker_ends() -> None:
    with metrics_server("127.0.0.1:0", nothing) as metrics:
        address = metrics.address
        with pytest.raises(ConfigError) as caught, metrics_server(address, nothing):
            pass
    assert str(caught.value) == (
        f"metrics cannot be served at {address}: Address already in use; give --metrics another HOST:PORT"
    )
    host, _, port = address.rpartition(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=5)


@each_of(
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
    ]
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with (
        pytest.raises(ConfigError, match=r"is no HOST:PORT, such as 127\.0\.0\.1:9464"),
        metrics_server(address, nothing),
    ):
        pass


def test_an_address_of_another_machine_is_told_in_words() -> None:
    with (
        pytest.raises(ConfigError, match=r"cannot be served at 192\.0\.2\.1:9464: Cannot assign requested address"),
        metrics_server("192.0.2.1:9464", nothing),
    ):
        pass


def test_each_name_keeps_to_the_conventions_of_prometheus() -> None:
    """Counters end in `_total`, others do not, and each metric has help."""
    lines = page_of(nothing).decode().splitlines()
    kinds = dict(line.split()[2:4] for line in lines if line.startswith("# TYPE"))
    helps = {line.split()[2] for line in lines if line.startswith("# HELP") and len(line.split()) > 3}
    assert kinds.keys() == helps
    for name, kind in kinds.items():
        assert name.startswith("dimsync_")
        assert name.endswith("_total") == (kind == "counter") or name.endswith("_created")
