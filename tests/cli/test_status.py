"""What the ledger remembers: how companies ended, and the runs."""

from __future__ import annotations

import json
import re

from tests.cli.program import Fleet


def test_status_and_history(fleet: Fleet) -> None:
    fleet.door.place(171, 172)
    fleet.configure(171, 172, 173)
    for one in (171, 172):
        fleet.source(one, [f"Account {n}" for n in range(40)])
    unused = "account main: 0 of 10,000 requests today, 1,000 reserved"
    assert fleet.run("status").stdout.splitlines()[0] == "No sync has finished yet"
    assert fleet.run("status").stdout.splitlines()[-2:] == [unused, "0 of 3 in order"]
    silent = fleet.run("status", "--max-age", "26h")
    assert (silent.returncode, silent.stderr) == (1, "Error: no sync has finished yet\n")
    at_first = len(fleet.door.ask("log")["requests"])
    assert fleet.run("sync", "--select", "company:171", "--select", "company:172").returncode == 0
    assert fleet.run("status", "--max-age", "26h", "--exit-code").returncode == 0
    fleet.source(172, [f"New {n}" for n in range(40)])
    assert fleet.run("sync", "--select", "company:172").returncode == 4
    assert fleet.run("plan", "--select", "company:171").returncode == 0
    before = len(fleet.door.ask("log")["requests"]) - at_first

    told = fleet.run("status")
    assert told.returncode == 0
    lines = told.stdout.splitlines()
    assert (lines[0].startswith("Last sync "), lines[0].endswith("(none running)")) == (True, True)
    assert lines[2].split() == ["1", "company", "needs", "you", "since"]
    assert re.fullmatch("  172 Company 172  mass-update, 40 rows: would change 40 rows .*  today     NEW", lines[3])
    assert "    if that is right: dimsync sync --select company:172 --allow mass-update:172" in lines
    assert "  1 company (173) never synced: dimsync sync --select state:never" in lines
    assert lines[-2:] == [
        f"account main: {before} of 10,000 requests today, 1,000 reserved",
        "1 of 3 in order",
    ]
    assert max(map(len, lines)) <= 80
    assert fleet.run("status", "--exit-code").returncode == 4
    assert "over 30% of them" in fleet.run("status", "172").stdout
    assert fleet.run("status", "171", "--exit-code").returncode == 0
    assert fleet.run("status", "999").returncode == 2
    (told_of,) = json.loads(fleet.run("status", "172", "--output", "json").stdout)["told"]
    assert (told_of["code"], told_of["since"] is not None) == ("mass-update", True)
    runs = json.loads(fleet.run("history", "--output", "json").stdout)["runs"]
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
    assert document["companies"][0]["problems"] == {"mass-update": 1}
    assert document["companies"][0]["rests_until"] > document["at"]
    assert document["last_sync"]["run_id"] == runs[1]["run_id"]
    (cause,) = document["causes"]
    assert (cause["code"], cause["companies"], cause["new"], cause["rows"]) == ("mass-update", [172], True, 40)
    assert cause["remedy"] == "dimsync sync --select company:172 --allow mass-update:172"

    lines = fleet.run("history").stdout.splitlines()
    assert [line.split()[2:5] for line in lines[1:4]] == [["plan", "0", "1"], ["sync", "4", "1"], ["sync", "0", "2"]]
    fleet.run("sync", "--select", "company:172", "--allow", "mass-update:172")
    (newest,) = json.loads(fleet.run("history", "--last", "1", "--output", "json").stdout)["runs"]
    assert (newest["allowed"], newest["updated"], newest["exit_code"]) == ("mass-update:172", 40, 0)
    assert len(fleet.door.ask("log")["requests"]) - at_first == before + 5  # that sync's token and four chunks


def test_a_sync_that_died_is_told_and_fails_a_monitor(fleet: Fleet) -> None:
    fleet.door.place(175)
    fleet.configure(175)
    fleet.source(175, ["Rent"])
    assert fleet.run("sync", "-q").returncode == 0
    began = fleet.kill_a_sync()
    told = fleet.run("status", "--max-age", "26h")
    assert (told.returncode, "died before its end" in told.stdout) == (1, True)
    assert told.stderr == f"Error: the sync that began {began:%Y-%m-%d %H:%M} UTC died before its end\n"


def test_a_swap_and_an_account_are_each_told_once(fleet: Fleet) -> None:
    """Both sides are held; the other account has no key: its companies wait, and no quota of it is told."""
    fleet.door.place(176, 177)
    fleet.configure(176, 177)
    settings = fleet.folder / "dimsync.toml"
    one, *_ = settings.read_text("utf-8").split("[limits]")
    account = one[one.index("[accounts.main]") :].replace("main", "third").replace("racc_demo", "racc_3")
    text = settings.read_text("utf-8").replace("[limits]", f"{account.replace('env:API_KEY', 'env:OTT_KEY_3')}[limits]")
    text = text.replace("[[companies]]\n", '[[companies]]\naccount = "main"\n')
    settings.write_text(f'{text}[[companies]]\nid = 178\naccount = "third"\nsource = "178.csv"\n', encoding="utf-8")
    for company_id in (176, 177, 178):
        fleet.source(company_id, [f"Account {n} of {company_id}" for n in range(40)])
    assert fleet.run("sync", "-q", "--exclude", "account:third").returncode == 0
    for company_id, owner in ((176, 177), (177, 176)):
        fleet.source(company_id, [f"Account {n} of {owner}" for n in range(40)])
    assert fleet.run("sync", "-q").returncode == 8
    lines = fleet.run("status").stdout.splitlines()
    until_main = next(number for number, line in enumerate(lines) if line.startswith("account main: "))
    assert [line.removesuffix("today     NEW").rstrip() for line in lines[2:9]] == [
        f"{'2 companies need you':67}since",
        "  176 Company 176  }  wrong-client: files swapped",
        "  177 Company 177  }  with each other: swap them back",
        "    then: dimsync sync --select company:176 --select company:177",
        "1 account needs you",
        "  third: the environment variable OTT_KEY_3 is not set; 1 waiting",
        "    set it, then: dimsync sync --select account:third",
    ]
    assert [line.partition(":")[0] for line in lines[until_main:]] == ["account main", "0 of 3 in order"]
    assert max(map(len, lines)) <= 80
    document = json.loads(fleet.run("status", "--output", "json").stdout)
    assert document["swapped"] == [[176, 177]]
    assert [each["account"] for each in document["accounts"]] == ["main"]
    told = {(cause["code"], tuple(cause["companies"])) for cause in document["causes"]}
    assert {("wrong-client", (176, 177)), ("authentication", (178,))} <= told
