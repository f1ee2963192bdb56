from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Callable

import pytest

from tests.cli.program import PROGRAM, Fleet, start, until
from tests.nursery import PATIENCE_S, environment

NAMES = [f"Account {n}" for n in range(60)]


def bulk_in_work(fleet: Fleet, company_id: int) -> Callable[[], bool]:
    def at_work() -> bool:
        return any(one["operation"] == "bulk" for one in fleet.door.requests(company_id))

    return at_work


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_what_is_in_flight_and_prints_the_result(fleet: Fleet, number: signal.Signals) -> None:
    company = 200 + number
    fleet.door.place(company)
    fleet.door.faults({"effect": "latency", "seconds": 0.4, "match": {"operation": "bulk", "company": company}})
    fleet.configure(company, max_concurrency=1)
    fleet.source(company, NAMES)
    with fleet.start("sync", "--output", "json") as program:
        until(bulk_in_work(fleet, company))
        program.send(number)
        code = program.wait()
    document = json.loads(program.stdout)
    assert (code, document["exit_code"]) == (128 + number, 128 + number)
    assert "stopping: finishing requests in flight" in program.stderr
    (result,) = document["companies"]
    assert result["created"] + result["deferred"] == len(NAMES)
    assert 0 < result["created"] == len(fleet.door.rows(company)) < len(NAMES)

    fleet.door.faults()
    code, document = fleet.result("sync")
    assert (code, document["totals"]["created"]) == (0, len(NAMES) - result["created"])
    assert sorted(row["unique_key"] for row in fleet.door.rows(company)) == sorted(f"k{n}" for n in range(60))


@pytest.mark.parametrize(
    ("company", "first", "second", "code"),
    [
        (246, signal.SIGINT, signal.SIGINT, 130),
        (247, signal.SIGINT, signal.SIGTERM, 130),
        (248, signal.SIGTERM, signal.SIGINT, 143),
    ],
)
def test_a_second_signal_leaves_at_once_and_the_ledger_stays_true(
    fleet: Fleet, company: int, first: signal.Signals, second: signal.Signals, code: int
) -> None:
    fleet.door.place(company)
    hang = {"effect": "hang", "commit": True, "match": {"operation": "bulk", "company": company}}
    fleet.door.faults(hang)
    fleet.configure(company, max_concurrency=1)
    fleet.source(company, NAMES)
    with fleet.start("sync") as program:
        until(bulk_in_work(fleet, company))
        assert fleet.run("sync").returncode == 9  # the first one holds the company
        program.send(first)
        until(lambda: "stopping" in program.stderr)
        program.send(second)
        assert program.wait() == code
        assert "Traceback" not in program.stderr
    assert len(fleet.door.rows(company)) == 10  # sent, stored, and never heard of
    fleet.door.faults()
    again, document = fleet.result("sync")
    assert (again, document["totals"]["source_rows"]) == (0, 60)
    assert len(fleet.door.rows(company)) == 60


SCRIPT = """
import asyncio, sys
from engine import Account, Api, Company, Engine, FileSource, Limits, Secret, Settings

limits = Limits(chunk_rows=10, max_concurrency=1, server_timeout_s=0.2)
account = Account(name="main", account_id="racc_demo", api_key=Secret("demo-key"), client_id=Secret("demo-client"),
                  client_secret=Secret("demo-secret"), limits=limits)
settings = Settings(accounts=(account,), api=Api(base_url=sys.argv[1]))

async def tell(task):
    while not task.cancelling():
        await asyncio.sleep(0.01)
    print("cancelled", file=sys.stderr, flush=True)

async def main():
    telling = asyncio.create_task(tell(asyncio.current_task()))
    async with Engine(settings) as engine:
        await engine.sync([Company(id=int(sys.argv[2]), source=FileSource(f"{sys.argv[2]}.csv"))]).result()

asyncio.run(main())
"""
"""A program that leaves signals to asyncio: the first Ctrl-C cancels its main task, the second every task."""


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_in_a_program_that_embeds_the_engine(fleet: Fleet, times: int) -> None:
    company = 252 + times
    fleet.door.place(company)
    effect = {"effect": "latency", "seconds": 0.4} if times == 1 else {"effect": "hang", "commit": True}
    fleet.door.faults({**effect, "match": {"operation": "bulk", "company": company}})
    fleet.configure(company, max_concurrency=1)
    fleet.source(company, NAMES)
    program = [PROGRAM[0], "-c", SCRIPT, fleet.door.base_url, str(company)]
    with subprocess.Popen(
        program, cwd=fleet.folder, env=environment(), stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        until(bulk_in_work(fleet, company))
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert process.stderr.readline() == "cancelled\n"
        if times == 2:
            process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=PATIENCE_S)
    assert process.returncode in (1, -signal.SIGINT)
    assert stderr.rstrip().endswith("KeyboardInterrupt")
    strays = re.findall(r"never retrieved\nfuture: (.*)", stderr)  # the second Ctrl-C may hit the program's own task
    assert all("coro=<tell()" in stray for stray in strays)
    stored = len(fleet.door.rows(company))
    assert stored == 10
    if times == 1:
        (run,) = json.loads(fleet.run("history", "--output", "json").stdout)["runs"]
        assert (run["exit_code"], run["created"]) == (5, stored)
    fleet.door.faults()
    code, document = fleet.result("sync")
    assert (code, document["totals"]["source_rows"], len(fleet.door.rows(company))) == (0, 60, 60)


def test_sigterm_waits_no_longer_than_for_what_is_out(fleet: Fleet) -> None:
    """The API does not answer: the one request ends by its own timeout, and none of five repeats begins."""
    fleet.door.place(255)
    fleet.door.faults({"effect": "hang", "match": {"operation": "bulk", "company": 255}})
    fleet.configure(255, max_concurrency=1)
    settings = fleet.folder / "dimsync.toml"
    settings.write_text(settings.read_text().replace("[limits]", '[limits]\ntimeout = "1s"'))
    fleet.source(255, NAMES)
    with fleet.start("sync", "--output", "json") as program:
        until(bulk_in_work(fleet, 255))
        program.send(signal.SIGTERM)
        code = program.wait()
    document = json.loads(program.stdout)
    assert (code, document["exit_code"]) == (143, 143)
    totals = document["totals"]
    assert (totals["uncertain"], totals["deferred"]) == (10, len(NAMES) - 10)
    assert sum(one["operation"] == "bulk" for one in fleet.door.requests(255)) == 1
    fleet.door.faults()
    code, document = fleet.result("sync")
    assert (code, document["totals"]["created"], len(fleet.door.rows(255))) == (0, len(NAMES), len(NAMES))


def test_an_interrupted_look_at_the_directory_shows_what_was_seen(fleet: Fleet) -> None:
    def asked() -> int:
        return sum(one["operation"] == "companies" for one in fleet.door.ask("log")["requests"])

    fleet.configure(256)
    fleet.door.faults({"effect": "latency", "seconds": 0.4, "match": {"operation": "companies"}})
    before = asked()
    with fleet.start("companies", "--refresh", "--output", "json") as program:
        until(lambda: asked() > before)
        program.send(signal.SIGTERM)
        code = program.wait()
    assert (code, program.stderr) == (143, "")
    assert json.loads(program.stdout)["schema"] == "dimsync.companies/1"


def test_an_interrupted_demo_takes_its_sandbox_with_it(fleet: Fleet) -> None:
    with start("demo", "--companies", "20", "--keep", "kept", cwd=fleet.folder) as process:
        ledger = fleet.folder / "kept" / "dimsync.db"
        until(ledger.exists)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=PATIENCE_S)  # ends only when the sandbox has left our stderr
    assert process.returncode == 130
    assert "Traceback" not in stderr
    assert "exit 130" in stdout
