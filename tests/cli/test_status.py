"""What the ledger remembers: how companies ended, and the runs."""

from __future__ import annotations

import json

from tests.cli.program import Fleet


def test_status_and_history(fleet: Fleet) -> None:
    fleet.door.place(171, 172)
    fleet.configure(171, 172, 173)
    for one in (171, 172):
        fleet.source(one, [f"Account {n}" for n in range(40)])
    unused = "account main: 0 of 10,000 requests today, 1,000 reserved"
    assert fleet.run("status").stdout.splitlines()[-2:] == ["3 companies", unused]
    at_first = len(fleet.door.ask("log")["requests"])
    assert fleet.run("sync", "--select", "company:171", "--select", "company:172").returncode == 0
    fleet.source(172, [f"New {n}" for n in range(40)])
    assert fleet.run("sync", "--select", "company:172").returncode == 4
    assert fleet.run("plan", "--select", "company:171").returncode == 0
    before = len(fleet.door.ask("log")["requests"]) - at_first

    told = fleet.run("status")
    assert told.returncode == 0
    head, held, never, calm, used = told.stdout.splitlines()
    assert head.split()[:3] == ["STATE", "ID", "NAME"]
    assert (held.split()[:2], held.split()[-1]) == (["held", "172"], "40")
    runs = json.loads(fleet.run("history", "--output", "json").stdout)["runs"]
    first, second = (f"{run['finished_at']:.16}".replace("T", " ") for run in (runs[-1], runs[1]))
    assert held.split()[4:8] == [*second.split(), *first.split()]  # the last sync; when it was last in order
    assert never.split()[:2] == ["never", "173"]
    assert calm == f"3 companies: 1 synced, last found in order at {first} UTC"
    assert used == f"account main: {before} of 10,000 requests today, 1,000 reserved"
    document = json.loads(fleet.run("status", "--output", "json").stdout)
    (account,) = document["accounts"]
    limits = {"limit": 10_000, "reserve": 1_000, "closed_until": None}
    assert account == {"account": "main", "day": account["day"], "used": before, **limits}
    assert document["companies"][0]["well_at"] == document["companies"][2]["at"] == runs[-1]["finished_at"]
    assert [(one["company_id"], one["state"]) for one in document["companies"]] == [
        (172, "held"),
        (173, "never"),
        (171, "synced"),
    ]

    lines = fleet.run("history").stdout.splitlines()
    assert [line.split()[2:5] for line in lines[1:]] == [["plan", "0", "1"], ["sync", "4", "1"], ["sync", "0", "2"]]
    fleet.run("sync", "--select", "company:172", "--allow", "mass-update:172")
    (newest,) = json.loads(fleet.run("history", "--last", "1", "--output", "json").stdout)["runs"]
    assert (newest["allowed"], newest["updated"], newest["exit_code"]) == ("mass-update:172", 40, 0)
    assert len(fleet.door.ask("log")["requests"]) - at_first == before + 5  # that sync's token and four chunks
