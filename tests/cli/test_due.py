"""`sync --due`: only companies that are due are synced, and nothing is sent for the others."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import jsonschema

from tests.cli.program import Fleet, undated
from tests.result_schema import SCHEMA

YEARLY = 'cron = "0 0 1 1 *"\ntimezone = "America/New_York"\n'


def scheduled(fleet: Fleet, *company_ids: int, lines: str = YEARLY) -> None:
    """Configure companies, and give the last one a schedule."""
    fleet.door.place(*company_ids)
    fleet.configure(*company_ids)
    for one in company_ids:
        fleet.source(one, [f"Account {n}" for n in range(3)])
    path = fleet.folder / "dimsync.toml"
    path.write_text(path.read_text("utf-8") + lines, encoding="utf-8")


def began(fleet: Fleet, moment: str) -> None:
    """Let all runs have begun at a moment."""
    (path,) = fleet.folder.glob("*.db")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("update runs set started_at = ?", (moment,))


def test_a_company_is_synced_once_for_each_point_of_its_schedule(fleet: Fleet) -> None:
    scheduled(fleet, 961, 962)
    code, document = fleet.result("sync", "--due")
    assert (code, document["totals"]["companies"], "problems" in document) == (0, 2, True)
    assert [problem["code"] for problem in document["problems"]] == ["new-ledger"]

    done = fleet.run("sync", "--due", "--output", "json")
    document = json.loads(done.stdout)
    assert [company["company_id"] for company in document["companies"]] == [961]
    (notice,) = document["problems"]
    assert notice["code"] == "not-due"
    assert notice["message"].startswith("1 of 2 companies is not due; the next is company 962, at ")
    assert undated(done.stderr).splitlines()[-1] == f"Note: {notice['message']}"

    assert json.loads(fleet.run("status", "--output", "json").stdout)["overdue"] == []
    began(fleet, "2020-01-01T00:00:00.000000Z")
    told = fleet.run("status").stdout
    assert "Company 962 has been due since 2020-01-01 05:00 UTC: does the scheduler run" in told
    assert json.loads(fleet.run("status", "--output", "json").stdout)["overdue"] == [
        {"company_id": 962, "since": "2020-01-01T05:00:00+00:00"}
    ]
    assert fleet.result("sync", "--due")[1]["totals"]["companies"] == 2
    assert fleet.result("sync", "--due")[1]["totals"]["companies"] == 1


def test_nothing_due_is_no_run_and_no_request(fleet: Fleet) -> None:
    scheduled(fleet, 963)
    assert fleet.run("sync", "--due").returncode == 0
    requests = len(fleet.door.ask("log")["requests"])
    code, document = fleet.result("sync", "--due")
    assert (code, document["companies"], document["totals"]["companies"]) == (0, [], 0)
    assert document["totals"]["requests"]["total"] == 0
    jsonschema.validate(document, SCHEMA)
    (notice,) = document["problems"]
    assert notice["message"].startswith("the company is not due; the next is company 963, at ")
    told = fleet.run("sync", "--due")
    assert (told.returncode, undated(told.stderr)) == (0, f"Note: {notice['message']}\n")
    assert told.stdout == "no company is due: no run was begun, and nothing was read or sent\n"
    assert len(fleet.door.ask("log")["requests"]) == requests
    assert fleet.run("history").stdout.count(" sync ") == 1
    assert fleet.run("sync", "--due", "--select", "company:963", "-q").returncode == 0


def test_plans_do_not_count_and_what_failed_is_due_at_once(fleet: Fleet) -> None:
    scheduled(fleet, 964, 965)
    assert fleet.run("plan").returncode == 0
    assert fleet.result("sync", "--due")[1]["totals"]["companies"] == 2
    assert fleet.run("check").returncode == 0
    (fleet.folder / "965.csv").rename(fleet.folder / "965.away")
    began(fleet, "2020-01-01T00:00:00.000000Z")
    for _ in range(2):
        assert fleet.result("sync", "--due")[0] == 1
    (fleet.folder / "965.away").rename(fleet.folder / "965.csv")
    assert fleet.result("sync", "--due")[1]["totals"]["companies"] == 2
    assert fleet.result("sync", "--due")[1]["totals"]["companies"] == 1


def test_without_due_schedules_change_nothing(fleet: Fleet) -> None:
    scheduled(fleet, 966)
    for _ in range(2):
        assert fleet.result("sync")[1]["totals"]["companies"] == 1
