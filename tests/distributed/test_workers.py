"""Workers as programs: stopped, killed, frozen; and the verbs of the queue."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.cli.conftest import Here
from tests.cli.program import Fleet, until
from tests.nursery import Forked, environment
from tests.postgres_server import PostgresServer

ROWS = 30
QUICK = ("--heartbeat", "0.3")


@pytest.fixture
def queue_fleet(fleet: Fleet, queue_url: str) -> Fleet:
    """A fleet whose ledger and queue are in Postgres; `shared` writes its settings."""
    (fleet.folder / "ledger").write_text(f'[ledger]\nurl = "{queue_url}"\n', encoding="utf-8")
    return fleet


def shared(fleet: Fleet, *company_ids: int, more: str = "", max_concurrency: int = 1) -> None:
    """Place companies in the sandbox, and write settings and sources."""
    fleet.door.place(*company_ids)
    fleet.configure(*company_ids, max_concurrency=max_concurrency)
    path = fleet.folder / "dimsync.toml"
    ledger = (fleet.folder / "ledger").read_text("utf-8")
    path.write_text(path.read_text("utf-8") + more + ledger, encoding="utf-8")
    for one in company_ids:
        fleet.source(one, [f"Account {n} of {one}" for n in range(ROWS)])


@contextmanager
def worker(fleet: Fleet, *words: str, verb: str = "worker") -> Iterator[Forked]:
    """Run a worker, or a scheduler, beside the test; what it told is in `worker.err`."""
    with (fleet.folder / "worker.out").open("wb") as out, (fleet.folder / "worker.err").open("ab") as err:
        env = environment()
        process = fleet.nursery.start("engine", verb, *words, cwd=fleet.folder, stdout=out, stderr=err, env=env)
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)
            process.kill()


def told(fleet: Fleet) -> str:
    return (fleet.folder / "worker.err").read_text("utf-8")


def bulks(fleet: Fleet, company_id: int) -> Callable[[], bool]:
    return lambda: any(one["operation"] == "bulk" for one in fleet.door.requests(company_id))


def stored(fleet: Fleet, company_id: int, rows: int = ROWS) -> Callable[[], bool]:
    return lambda: len(fleet.door.rows(company_id)) == rows


def jobs(url: str) -> list[str]:
    """Return the states of the queue's jobs."""
    with psycopg.connect(url) as connection:
        found = connection.execute("select status::text from dimsync_jobs.procrastinate_jobs order by id").fetchall()
    return [status for (status,) in found]


def test_two_terminals(queue_fleet: Fleet) -> None:
    fleet = queue_fleet
    shared(fleet, 9001, 9002, 9003)
    done = fleet.run("enqueue", "--select", "company:9001", "--select", "company:9002")
    assert (done.returncode, done.stdout) == (0, "2 companies enqueued\n")
    done = fleet.run("enqueue")
    assert (done.returncode, done.stdout) == (0, "1 company enqueued; 2 were waiting already\n")
    done = fleet.run("enqueue", "--output", "json")
    assert json.loads(done.stdout) == {"schema": "dimsync.enqueue/1", "enqueued": 0, "hastened": 0, "waiting": 3}
    done = fleet.run("worker", "--until-empty")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    first, *ended = done.stderr.splitlines()
    assert ": 3 companies of http://127.0.0.1" in first
    assert sorted(line.split()[2] for line in ended) == ["9001", "9002", "9003"]
    assert all("synced, + 30" in line for line in ended)
    assert [len(fleet.door.rows(one)) for one in (9001, 9002, 9003)] == [30, 30, 30]
    assert "3 of 3 in order" in fleet.run("status").stdout
    assert fleet.run("history").stdout.splitlines()[1].split()[2:8] == ["sync", "0", "3", "x", "1", "90"]
    assert fleet.run("report").returncode == 0
    assert all(f"Company {one}" in (fleet.folder / "report.csv").read_text("utf-8") for one in (9001, 9002, 9003))


def test_a_worker_that_is_stopped_leaves_the_rest_to_others(queue_fleet: Fleet, queue_url: str) -> None:
    fleet = queue_fleet
    shared(fleet, 9011)
    fleet.door.faults({"effect": "latency", "seconds": 0.7, "match": {"operation": "bulk", "company": 9011}})
    fleet.run("enqueue")
    with worker(fleet) as process:
        until(bulks(fleet, 9011))
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait() == 0
    assert "stopping: finishing requests in flight" in told(fleet)
    assert "company 9011: stopped, and put into the queue again" in told(fleet)
    assert "todo" in jobs(queue_url)
    written = len(fleet.door.rows(9011))
    assert 0 < written < 30
    fleet.door.faults()
    done = fleet.run("worker", "--until-empty")
    assert (done.returncode, len(fleet.door.rows(9011))) == (0, 30)
    assert f"+ {30 - written}" in done.stderr


def test_the_job_of_a_killed_worker_is_done_by_another_one(queue_fleet: Fleet, queue_url: str) -> None:
    fleet = queue_fleet
    shared(fleet, 9021, max_concurrency=64)  # what the dead one has out keeps its part of them until it has timed out
    fleet.door.faults({"effect": "hang", "commit": True, "match": {"operation": "bulk", "company": 9021}})
    fleet.run("enqueue")
    with worker(fleet, *QUICK) as doomed:
        until(bulks(fleet, 9021))
        assert fleet.run("enqueue").stdout == "1 company enqueued\n", "it waits behind the one under way"
        doomed.kill()
        doomed.wait()
        fleet.door.faults()
        with worker(fleet, *QUICK) as other:
            until(stored(fleet, 9021))
            until(lambda: jobs(queue_url) == [])
            os.kill(other.pid, signal.SIGTERM)
            assert other.wait() == 0
    assert "company 9021: its worker has died, its job waits again" in told(fleet)
    keys = [row["unique_key"] for row in fleet.door.rows(9021)]
    assert sorted(keys) == sorted({f"k{n}" for n in range(30)})


def test_a_frozen_worker_that_wakes_does_no_harm(queue_fleet: Fleet, queue_url: str) -> None:
    fleet = queue_fleet
    shared(fleet, 9031)
    fleet.door.faults({"effect": "latency", "seconds": 0.2, "match": {"operation": "bulk", "company": 9031}})
    fleet.run("enqueue")
    with worker(fleet, *QUICK) as frozen:
        until(bulks(fleet, 9031))
        os.kill(frozen.pid, signal.SIGSTOP)
        asked = len(fleet.door.requests(9031))
        with worker(fleet, *QUICK) as other:
            until(lambda: "company 9031: its worker has died" in told(fleet))
            until(lambda: "company 9031 Company 9031: locked" in told(fleet))
            assert len(fleet.door.requests(9031)) == asked, "while the frozen one holds it, nobody sends"
            os.kill(frozen.pid, signal.SIGCONT)
            until(stored(fleet, 9031))
            until(lambda: jobs(queue_url) == [])
            for process in (frozen, other):
                os.kill(process.pid, signal.SIGTERM)
                assert process.wait() == 0
    bulk = [one for one in fleet.door.requests(9031) if one["operation"] == "bulk"]
    assert [one["rows"] for one in bulk] == [10, 10, 10], "nothing was written twice"
    assert "Traceback" not in told(fleet)


def test_a_database_that_goes_away_is_waited_for(queue_fleet: Fleet, queue_url: str, postgres: PostgresServer) -> None:
    fleet = queue_fleet
    shared(fleet, 9035, 9036)
    fleet.run("enqueue", "--select", "company:9035")
    with worker(fleet, *QUICK) as process:
        until(stored(fleet, 9035))
        with postgres.unreachable(queue_url):
            until(lambda: "It is tried again until it is there." in told(fleet))
        fleet.run("enqueue", "--select", "company:9036")
        until(stored(fleet, 9036))
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait() == 0
    assert "Traceback" not in told(fleet)


def test_of_many_jobs_one_message_is_sent(queue_fleet: Fleet) -> None:
    fleet, notify = queue_fleet, '[[notify]]\ncommand = ["/bin/sh", "-c", "cat >> told; echo >> told"]\n'
    shared(fleet, 9061, 9062, 9063, more=notify)
    texts = {one: (fleet.folder / f"{one}.csv").read_text("utf-8") for one in (9061, 9062)}

    def messages() -> list[tuple[list[int], list[int]]]:
        """Sync all companies; return who is told to be in trouble, and who to have recovered, in each message."""
        path = fleet.folder / "told"
        path.unlink(missing_ok=True)
        fleet.run("enqueue")
        done = fleet.run("worker", "--until-empty", "-q")
        assert (done.returncode, done.stderr) == (0, "")
        found = path.read_text("utf-8").splitlines() if path.exists() else []
        return [_who(json.loads(line)) for line in found]

    def _who(message: dict[str, Any]) -> tuple[list[int], list[int]]:
        trouble, recovered = (
            sorted(one["company_id"] for each in message[part] for one in each["companies"])
            for part in ("trouble", "recovered")
        )
        return trouble, recovered

    for one in texts:
        (fleet.folder / f"{one}.csv").unlink()
    assert messages() == [([9061, 9062], [])]
    assert messages() == []
    (fleet.folder / "9061.csv").write_text(texts[9061], encoding="utf-8")
    (fleet.folder / "9063.csv").unlink()
    assert messages() == [([9063], [9061])]


def test_a_scheduler_enqueues_who_is_due(queue_fleet: Fleet) -> None:
    fleet = queue_fleet
    shared(fleet, 9041, 9042, more='every = "1h"\n')
    done = fleet.run("schedule", "--once")
    assert (done.returncode, done.stdout) == (0, "1 due company enqueued\n"), done.stderr
    assert "1 without a schedule is left to `dimsync enqueue`" in done.stderr
    assert fleet.run("schedule", "--once", "-q").stdout == "0 due companies enqueued\n"
    assert "9042" in fleet.run("worker", "--until-empty").stderr
    assert fleet.run("schedule", "--once", "-q").stdout == "0 due companies enqueued\n"


def test_a_scheduler_goes_on_with_the_settings_that_it_has(queue_fleet: Fleet, queue_url: str) -> None:
    fleet = queue_fleet
    shared(fleet, 9045, more='every = "1h"\n')
    path = fleet.folder / "dimsync.toml"
    sound = path.read_text("utf-8")
    with worker(fleet, "--heartbeat", "0.1", verb="schedule") as process:
        until(lambda: "enqueued 1 company that is due" in told(fleet))
        path.write_text("[api", encoding="utf-8")
        until(lambda: "the settings cannot be read, and stay as they were" in told(fleet))
        path.write_text(sound.replace("127.0.0.1", "localhost"), encoding="utf-8")
        until(lambda: "they name another ledger or another API" in told(fleet))
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait() == 0
    assert (jobs(queue_url), told(fleet).count("enqueued")) == (["todo"], 1)


def test_without_a_schedule_there_is_nothing_to_keep(queue_fleet: Fleet) -> None:
    shared(queue_fleet, 9051)
    done = queue_fleet.run("schedule", "--once")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: no company has a schedule: give `every` or `cron`")


@pytest.mark.parametrize("words", [("worker",), ("schedule",), ("enqueue",)])
def test_the_queue_takes_a_ledger_in_postgres(fleet: Fleet, here: Here, words: Sequence[str]) -> None:
    fleet.configure(9061)
    done = here(*words)
    assert done.returncode == 2
    assert (
        "Error: workers share a ledger and a queue in Postgres, and `[ledger] url` in dimsync.toml names" in done.stderr
    )


@pytest.mark.parametrize("words", [("worker",), ("schedule", "--once"), ("enqueue",)])
def test_without_the_extra_a_sentence_says_so(
    fleet: Fleet, here: Here, words: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.configure(9062)
    path = fleet.folder / "dimsync.toml"
    text = path.read_text("utf-8") + '[ledger]\nurl = "postgresql://nobody@127.0.0.1:1/none"\n'
    path.write_text(text, encoding="utf-8")
    for name in [name for name in sys.modules if name.startswith(("engine.distributed.", "procrastinate"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "procrastinate", None)
    done = here(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "Error: workers and their queue take the extra `distributed`: pip install 'dimsync[distributed]'\n"
    )


def test_their_help_needs_no_extra(here: Here) -> None:
    assert "--until-empty" in here("worker", "--help").stdout
    assert Path("dimsync.toml").exists() is False
