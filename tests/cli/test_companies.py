"""What the API user sees beside what the settings name, and where a company's settings come from."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Here
from tests.cli.program import Fleet

HOSTILE = "\x1b[31mred \u202ename"


def test_what_is_seen_and_what_is_named(fleet: Fleet) -> None:
    fleet.door.ask("companies", {"companies": [{"id": 901, "name": "Harbor Grill"}, {"id": 902, "name": HOSTILE}]})
    fleet.configure(901, 999)
    done = fleet.run("companies", "--refresh", "--locations")
    assert done.returncode == 1  # 999 is named and not there
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    assert done.stdout.startswith("account main (racc_demo): ")
    assert "companies seen just now" in done.stdout
    assert lines["901"].split()[1:3] == ["Harbor", "Grill"]
    assert lines["901"].endswith("named")
    assert lines["902"].endswith("not named")
    assert "\\x1b[31mred \\u202ename" in lines["902"]
    assert "\x1b" not in done.stdout
    assert "NOT VISIBLE  999 Company 999: configured, and this account does not see it" in done.stdout

    document = json.loads(fleet.run("companies", "--output", "json").stdout)
    (account,) = document["accounts"]
    assert (document["schema"], account["error"], account["not_visible"]) == ("dimsync.companies/1", None, [999])
    seen = {company["id"]: company for company in account["companies"]}
    assert seen[901]["configured"] == {"name": "Company 901", "mapping": None, "groups": [], "write": True}
    assert (seen[902]["name"], seen[902]["configured"]) == (HOSTILE, None)
    assert {location["company"] for location in account["locations"]} >= {"Harbor Grill", HOSTILE}
    assert [one["id"] for one in account["accounts"]] == ["racc_demo"]


def test_it_is_remembered_until_refresh(fleet: Fleet) -> None:
    fleet.door.place(911)
    fleet.configure(911)
    before = len(fleet.door.ask("log")["requests"])
    assert fleet.run("companies").returncode == 0
    asked = len(fleet.door.ask("log")["requests"])
    fleet.door.place(912)
    assert "912" not in fleet.run("companies").stdout
    assert len(fleet.door.ask("log")["requests"]) == asked > before
    assert "912" in fleet.run("companies", "--refresh").stdout


def test_an_account_that_is_refused_is_told(fleet: Fleet) -> None:
    fleet.configure(921)
    fleet.door.faults({"effect": "status", "status": 403, "match": {"operation": "companies"}})
    done = fleet.run("companies", "--refresh")
    assert (done.returncode, "could not be listed" in done.stdout) == (8, True)


def test_each_setting_names_who_decided_it(fleet: Fleet, here: Here, tmp_path: Path) -> None:
    fleet.configure(931)
    path = tmp_path / "dimsync.toml"
    path.write_text(
        path.read_text("utf-8") + 'groups = ["west"]\n[groups.west]\nwrite = false\nverify = { probe_after = "2h" }\n',
        encoding="utf-8",
    )
    done = here("companies", "show", "931")
    assert done.returncode == 0
    rows = {line.split()[0]: line.split(maxsplit=1)[1] for line in done.stdout.splitlines()[2:]}
    assert rows["write"].split(maxsplit=1) == ["false", "[groups.west]"]
    assert rows["verify.probe_after"].split(maxsplit=1) == ["2h", "[groups.west]"]
    assert rows["verify.mode"].split() == ["auto", "default"]
    assert rows["source"].split() == ["931.csv", "companies[0]"]
    assert rows["limits.chunk_rows"].split() == ["10", "[limits]"]

    document = json.loads(here("companies", "show", "931", "--output", "json").stdout)
    assert {"key": "write", "value": "false", "origin": "[groups.west]"} in document["settings"]
    path.rename(tmp_path / "other.toml")
    before, after = (
        here(*words)
        for words in (
            ("companies", "-c", "other.toml", "show", "931"),
            ("companies", "show", "931", "-c", "other.toml"),
        )
    )
    assert before.stdout == after.stdout == done.stdout
    wrong = here("companies", "-c", "other.toml", "show", "932")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "names no company 932" in wrong.stderr


def test_states_of_the_last_sync_select(fleet: Fleet, here: Here) -> None:
    fleet.door.place(941, 942)
    fleet.configure(941, 942, 943)
    for one in (941, 942, 943):
        fleet.source(one, ["Cash"])
    none = fleet.run("sync", "--select", "state:failed")  # a scheduled retry when all is well
    assert (none.returncode, "no company is selected" in none.stdout) == (0, True)
    assert fleet.run("sync").returncode == 1
    _, document = fleet.result("plan", "--select", "state:failed")
    assert [one["company_id"] for one in document["companies"]] == [943]
    _, document = fleet.result("plan", "--select", "state:synced", "--exclude", "company:942")
    assert [one["company_id"] for one in document["companies"]] == [941]
    assert "did you mean state:failed" in here("sync", "--select", "state:faild").stderr
