"""What `dimsync workers` shows, from values alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from rich.cells import cell_len

from engine.cli.show.worker_list import Names, worker_lines
from engine.distributed.overview import AtWork, Overview, Queue, SeenWorker

NOW = datetime(2026, 11, 30, 16, 58, tzinfo=UTC)
NAMES = Names(accounts={"racc_1": "main"}, companies={123: "Harbor Grill", 124: "Anchor", 125: "L\u200b" + "ong" * 40})

LONG = "since 16:17 UTC (41 min): it is dead, or frozen"
LATER = "another worker takes that over within a minute or two"


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def at_work(company_id: int, run_id: str | None = "20261130T165601Z-8a3f09b1", since: datetime = NOW) -> AtWork:
    return AtWork(account_id="racc_1", company_id=company_id, since=since, run_id=run_id)


def worker(
    number: int | None, *companies: AtWork, heard_at: datetime | None = NOW, host: str | None = "app-1"
) -> SeenWorker:
    silent = heard_at is None or heard_at < ago(seconds=30)
    pid = 4711 if host else None
    return SeenWorker(number=number, host=host, pid=pid, heard_at=heard_at, is_silent=silent, companies=companies)


def told(queue: Queue, *workers: SeenWorker, width: int = 80) -> list[str]:
    lines = [line.plain for line in worker_lines(Overview(queue=queue, workers=workers), NAMES, width)]
    assert max(map(cell_len, lines)) <= width
    return lines


def test_each_company_has_a_line_below_its_worker() -> None:
    queue = Queue(at=NOW, waiting=12, oldest_at=ago(minutes=3), later=4, next_at=NOW + timedelta(minutes=32))
    assert told(
        queue,
        worker(1, at_work(123, since=ago(minutes=2)), at_work(124, None, ago(seconds=4))),
        worker(2, host=None),
        worker(3, at_work(9), host="app-2"),
    ) == [
        "3 workers at 3 companies; 12 jobs wait, the oldest since 16:55 UTC (3 min); 4",
        "for later, the first at 17:30 UTC",
        "",
        "WORKER  HOST   PID   COMPANY           SINCE, UTC     RUN",
        "1       app-1  4711  123 Harbor Grill  16:56 (2 min)  8a3f09b1",
        "                     124 Anchor        16:57 (4 s)    -",
        "2       -      -     none",
        "3       app-2  4711  9                 16:58 (0 s)    8a3f09b1",
    ]


def test_long_names_are_cut_and_shown_without_what_cannot_be_seen() -> None:
    lines = told(Queue(at=NOW), worker(1, at_work(125), host="a-machine-with-a-long-name"))
    assert lines[0] == "1 worker at 1 company; no job waits"
    assert lines[-1].startswith("1       a-machine-wit…  4711  125 L\\u200bongong")


@pytest.mark.parametrize(
    ("silent", "text"),
    [
        (
            worker(5, at_work(123), at_work(124), heard_at=ago(minutes=41), host="app-3"),
            f"worker 5 (app-3, process 4711) was not heard of {LONG}. It was at 123 Harbor Grill, 124 Anchor: {LATER}",
        ),
        (
            worker(5, heard_at=ago(days=3), host=None),
            "worker 5 was not heard of since Nov 27 16:58 UTC (3 days): it is dead, or frozen",
        ),
        (
            worker(None, *map(at_work, (1, 2, 3, 4, 5)), heard_at=None, host=None),
            f"a worker has died and was struck out. It was at 1, 2, 3 and 2 more: {LATER}",
        ),
    ],
    ids=["with companies", "idle", "struck out"],
)
def test_a_worker_that_is_not_heard_of_is_told_in_a_sentence(silent: SeenWorker, text: str) -> None:
    lines = told(Queue(at=NOW, waiting=1, oldest_at=ago(minutes=50)), silent)
    queue = "no worker is at work: `dimsync worker` starts one; 1 job waits, the oldest since 16:08 UTC (50 min)"
    assert " ".join(line.strip() for line in lines if line) == f"{queue} {text}"


def test_a_database_without_a_queue_says_what_starts_one() -> None:
    assert told(Queue()) == ["no worker is at work: `dimsync worker` starts one; no job waits"]
