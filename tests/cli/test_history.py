"""`history` as typed: the list of runs, one run's story, one company's runs, and words for mistakes."""

from __future__ import annotations

import json
from typing import Any

from tests.cli.program import Fleet


def lines(fleet: Fleet, *words: str, code: int = 0) -> list[str]:
    done = fleet.run("history", *words)
    assert done.returncode == code, done.stderr
    told = done.stdout.splitlines()
    assert max(map(len, told), default=0) <= 80
    return told


def document(fleet: Fleet, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(fleet.run("history", *words, "--output", "json").stdout)
    assert found["schema"] == "dimsync.history/1"
    return found


def three_runs(fleet: Fleet, one: int, two: int) -> list[str]:
    """Run a plan and two syncs over two companies, of which the second is held in the last; return the runs' ids."""
    fleet.door.place(one, two)
    fleet.configure(one, two)
    for company_id in (one, two):
        fleet.source(company_id, [f"Account {n}" for n in range(40)])
    assert fleet.run("plan", "-q").returncode == 0
    assert fleet.run("sync", "-q").returncode == 0
    fleet.source(two, [f"New {n}" for n in range(40)])
    assert fleet.run("sync", "-q").returncode == 4
    return [run["run_id"] for run in reversed(document(fleet)["runs"])]


def test_the_list_tells_plans_apart_from_what_was_written(fleet: Fleet) -> None:
    plan, first, second = three_runs(fleet, 3781, 3782)
    head, *told = lines(fleet)
    assert head.split() == ["STARTED,", "UTC", "VERB", "EXIT", "COMPANIES", "CREATED", "UPDATED", "TROUBLE", "RUN"]
    assert [line.split()[2:] for line in told[:3]] == [
        ["sync", "4", "2", "0", "0", "40", second[-8:]],
        ["sync", "0", "2", "80", "0", "0", first[-8:]],
        ["plan", "0", "2", "(80)", "(0)", "(0)", plan[-8:]],
    ]
    assert told[3:] == ["(N): of a plan or check, which writes nothing: what a sync would have done"]
    assert fleet.run("history", COLUMNS="120").stdout.splitlines()[0].endswith("  REQUESTS")
    runs = document(fleet)["runs"]
    assert [(run["verb"], run["writes"], run["created"]) for run in runs] == [
        ("sync", True, 0),
        ("sync", True, 80),
        ("plan", False, 80),
    ]
    each = fleet.run("history", "--output", "ndjson").stdout.splitlines()
    assert [json.loads(line) for line in each] == [*runs, {"schema": "dimsync.history/1"}]


def test_a_run_is_told_as_it_ended(fleet: Fleet) -> None:
    _, first, second = three_runs(fleet, 3783, 3784)
    told = lines(fleet, second)
    for word in (second[:-1], second[-8:], second[-8:-1], "last"):
        assert lines(fleet, word) == told
    assert told[0] == f"sync {second}"
    assert told[1].startswith("began 20")
    assert " UTC, ended " in told[1]
    assert told[2:6] == ["exit 4: A guard holds a company, or rows", "", "1 company needed a person", told[5]]
    assert told[5].startswith("held       mass-update  3784 Company 3784  # 40")
    assert "    dimsync sync --select company:3784 --allow mass-update:3784" in told
    assert "companies 2 = 1 unchanged + 1 held" in told
    assert "rows      80 = 40 unchanged + 40 held" in told
    assert any(line.startswith("requests  0") for line in told)
    assert "companies 2 = 2 synced" in lines(fleet, first)

    found = document(fleet, "last")
    assert (found["run"]["run_id"], found["run"]["exit_code"], found["run"]["writes"]) == (second, 4, True)
    assert found["totals"]["companies"] == 2
    (company,) = found["companies"]
    assert (company["company_id"], company["state"], company["held"]) == (3784, "held", 40)
    (cause,) = found["causes"]
    assert (cause["code"], cause["remedy"]) == (
        "mass-update",
        "dimsync sync --select company:3784 --allow mass-update:3784",
    )
    *companies, rest = fleet.run("history", "last", "--output", "ndjson").stdout.splitlines()
    assert [json.loads(line) for line in companies] == [company]
    assert json.loads(rest)["run"] == found["run"]


def test_a_plan_says_that_nothing_was_written_and_a_run_what_was_let_pass(fleet: Fleet) -> None:
    plan, *_ = three_runs(fleet, 3785, 3786)
    told = lines(fleet, plan)
    assert "A plan writes nothing: the figures are what a sync would have done." in told
    assert "companies 2 = 2 to change" in told
    assert fleet.run("sync", "-q", "--select", "company:3786", "--allow", "mass-update:3786").returncode == 0
    assert "let pass: mass-update:3786" in lines(fleet, "last")
    assert lines(fleet)[2] == "    let pass: mass-update:3786"


def test_the_runs_of_a_company(fleet: Fleet) -> None:
    plan, first, second = three_runs(fleet, 3787, 3788)
    told = lines(fleet, "company:3788")
    assert told[0] == "3788 Company 3788, account main"
    assert told[1].split() == ["ENDED,", "UTC", "VERB", "STATE", "EVIDENCE", "RUN", "ROWS"]
    assert told[2].split()[2:] == ["sync", "held", "ledger", second[-8:], "#", "40"]
    assert told[3].startswith("    mass-update, 40 rows: ")
    assert told[4].split()[2:] == ["sync", "synced", "probe", first[-8:], "+", "40"]
    assert told[5].split()[2:] == ["plan", "synced", "listing", plan[-8:], "(+", "40)"]
    quiet = lines(fleet, "company:3787")
    assert quiet[2].split()[2:] == ["sync", "unchanged", "-", second[-8:], "=", "40"]
    assert quiet[-1] == "Runs that found nothing changed are not told one by one, but for the newest."
    found = document(fleet, "company:3788", "--last", "2")
    assert (found["company_id"], found["name"]) == (3788, "Company 3788")
    assert [(run["run_id"], run["verb"], run["state"], run["held"], run["exit_code"]) for run in found["runs"]] == [
        (second, "sync", "held", 40, 4),
        (first, "sync", "synced", 0, 0),
    ]
    assert [each["code"] for each in found["runs"][0]["problems"]] == ["mass-update"]
    fleet.configure(3787)  # the settings do not name it any more, and the ledger knows it
    assert lines(fleet, "company:3788")[0] == "3788 Company 3788, account main"


def test_a_run_that_died_has_no_figures(fleet: Fleet) -> None:
    _, first, _ = three_runs(fleet, 3789, 3790)
    began = fleet.kill_a_sync(allowed="fleet")
    assert lines(fleet)[1].split() == [*f"{began:%Y-%m-%d %H:%M}".split(), "sync", "none", "0", "0", "0", "0", "killed"]
    told = lines(fleet, "killed")
    assert told[:4] == ["sync killed", f"began {began:%Y-%m-%d %H:%M:%S} UTC", "let pass: fleet", told[3]]
    assert told[3].startswith("It died before its end, so its counts are not known. Nothing")
    found = document(fleet, "last")
    assert (found["run"]["run_id"], found["run"]["is_under_way"], found["companies"]) == ("killed", False, [])
    assert first != "killed"


def test_what_nobody_knows_is_an_error_that_says_what_to_type(fleet: Fleet) -> None:
    fleet.configure(3791)
    none = fleet.run("history", "last")
    assert (none.returncode, "no run yet: `dimsync sync` makes the first" in none.stderr) == (2, True)
    assert lines(fleet) == ["no run yet: `dimsync sync` makes the first"]
    assert lines(fleet, "company:3791")[1:] == ["no finished run has told of it yet"]
    fleet.door.place(3791)
    fleet.source(3791, ["Cash"])
    for _ in range(2):
        assert fleet.run("sync", "-q").returncode == 0
    several = fleet.run("history", "20")
    assert (several.returncode, "several runs are meant by '20': type more of one of 20" in several.stderr) == (2, True)
    unknown = fleet.run("history", "\x1b[31m")
    assert (unknown.returncode, "`dimsync history` lists the newest" in unknown.stderr) == (2, True)
    assert "\x1b" not in unknown.stderr
    for what, words in (
        ("company:999", "know a company 999"),
        ("company:abc", "such as company:123"),
        (f"company:{'9' * 30}", "such as company:123"),
    ):
        wrong = fleet.run("history", what)
        assert (wrong.returncode, wrong.stdout, words in " ".join(wrong.stderr.split())) == (2, "", True)
