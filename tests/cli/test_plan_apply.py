"""`dimsync plan -o FILE` and `dimsync apply FILE`: what scheduler and reviewer see of saved plans."""

from __future__ import annotations

import json
import re
import signal
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest

from engine.documents.plan_file import write_plan
from engine.model.change import Change
from engine.model.dimension import Dimension
from engine.model.origin import origin_of
from engine.model.row_history import Generation
from engine.model.saved_plan import CompanyPlan, SavedPlan
from tests.cli.conftest import Here
from tests.cli.program import Fleet, until
from tests.result_schema import SCHEMA

COLUMNS = ("source_rows", "unchanged", "created", "updated", "rejected", "held", "deferred", "uncertain", "invalid")
BULK = {"operation": "bulk"}
MAPPING = '\nmapping = "plain"\n[mapping.plain]\nwhere = {{dimension_type_code = [{}]}}\n'


def named(count: int, changed: int = 0) -> list[str]:
    return [f"{'New' if n < changed else 'Old'} {n}" for n in range(count)]


def counted(document: dict[str, Any]) -> dict[str, int]:
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    return {name: document["totals"][name] for name in COLUMNS if document["totals"][name]}


def append(fleet: Fleet, text: str) -> None:
    """Add settings of the company that was configured last."""
    with (fleet.folder / "dimsync.toml").open("a", encoding="utf-8") as file:
        file.write(text)


def words(text: str) -> str:
    """Return a text as if its lines were as long as they like."""
    return " ".join(text.split())


def test_a_plan_is_reviewed_applied_and_applied_once(fleet: Fleet) -> None:
    """The source vanishes in between; the plan does what it showed, to the last column."""
    fleet.door.place(501, 502)
    fleet.configure(501, 502)
    append(fleet, MAPPING.format('"account", "item"'))
    for company in (501, 502):
        fleet.source(company, named(8))
    assert fleet.run("sync", "-q").returncode == 0
    fleet.source(501, named(10, changed=2))

    shown = fleet.run("plan", "-o", "plan.json", "--details", "--detailed-exitcode", "-q")
    assert shown.returncode == 6
    assert "name: 'Old 1' -> 'New 1' changed in ERP" in words(shown.stdout)
    assert "dimsync apply plan.json" in shown.stdout
    kept = json.loads((fleet.folder / "plan.json").read_text("utf-8"))
    assert kept["totals"] == {"companies": 2, "held": 0, "creates": 2, "updates": 2, "requests": 2}
    assert kept["companies"][0]["updates"][1]["fields"] == {"name": {"from": "Old 1", "to": "New 1"}}

    (fleet.folder / "501.csv").unlink()
    before = len(fleet.door.requests(501)), len(fleet.door.requests(502))
    code, document = fleet.result("apply", "plan.json")
    assert (code, counted(document)) == (0, {"source_rows": 18, "unchanged": 14, "created": 2, "updated": 2})
    assert (len(fleet.door.requests(501)), len(fleet.door.requests(502))) == (before[0] + 2, before[1])
    assert [row["name"] for row in fleet.door.rows(501)] == named(10, changed=2)

    again = fleet.run("apply", "plan.json", "-q")
    assert again.returncode == 7
    assert "a plan is applied once" in words(again.stdout)
    assert "dimsync plan -o plan.json" in again.stdout
    assert len(fleet.door.requests(501)) == before[0] + 2


def test_what_is_held_and_what_is_stale_is_named_with_the_next_command(fleet: Fleet) -> None:
    fleet.door.place(511, 512)
    fleet.configure(511, 512)
    for company in (511, 512):
        fleet.source(company, named(40))
    assert fleet.run("sync", "-q").returncode == 0
    fleet.source(511, named(40, changed=1))
    fleet.source(512, named(40, changed=40))
    assert fleet.run("plan", "-o", "plan.json", "-q").returncode == 4
    assert fleet.run("sync", "-q", "--select", "company:511").returncode == 0
    done = fleet.run("apply", "plan.json", "-q")
    assert done.returncode == 7
    text = words(done.stdout)
    assert "what the ledger knows of the company has changed since the plan was made, by run 20" in text
    assert "held when the plan was made: would change 40 rows" in text
    assert "dimsync plan -o plan.json" in text

    held = fleet.run("apply", "plan.json", "--select", "company:512", "-q")
    assert (held.returncode, "dimsync plan --select company:512" in words(held.stdout)) == (4, True)
    assert fleet.run("plan", "--allow", "mass-update:512", "-o", "plan.json", "-q").returncode == 0
    code, document = fleet.result("apply", "plan.json")
    assert (code, counted(document)) == (0, {"source_rows": 80, "unchanged": 40, "updated": 40})
    runs = json.loads(fleet.run("history", "--output", "json").stdout)["runs"]
    assert [(run["verb"], run["allowed"]) for run in runs[:2]] == [
        (verb, "mass-update:512") for verb in ("apply", "plan")
    ]


def test_a_mapping_that_has_changed_makes_a_plan_stale(fleet: Fleet) -> None:
    fleet.door.place(521)
    fleet.configure(521)
    settings = (fleet.folder / "dimsync.toml").read_text("utf-8")
    append(fleet, MAPPING.format('"account"'))
    fleet.source(521, named(3))
    assert fleet.run("plan", "-o", "plan.json", "-q").returncode == 0
    (fleet.folder / "dimsync.toml").write_text(settings + MAPPING.format('"account", "item"'), encoding="utf-8")
    done = fleet.run("apply", "plan.json", "-q")
    assert (done.returncode, fleet.door.rows(521)) == (7, [])
    assert "settings have changed" in words(done.stdout)


def test_refused_rows_are_kept_for_correction(fleet: Fleet) -> None:
    fleet.door.place(531)
    fleet.configure(531)
    fleet.source(531, named(3))
    assert fleet.run("plan", "-o", "plan.json", "-q").returncode == 0
    fleet.door.faults({"effect": "reject-rows", "erp_id": "^1001$", "match": {"company": 531}})
    code, document = fleet.result("apply", "plan.json", "--rejects", "rejects.ndjson")
    assert (code, counted(document)) == (3, {"source_rows": 3, "created": 2, "rejected": 1})
    (line,) = (fleet.folder / "rejects.ndjson").read_text("utf-8").splitlines()
    assert (json.loads(line)["unique_key"], json.loads(line)["company_id"]) == ("k1", 531)


def test_an_apply_that_is_terminated_is_resumed(fleet: Fleet) -> None:
    """While it is at work, another one finds the company locked; afterwards only --resume goes on."""
    fleet.door.place(541)
    fleet.configure(541, max_concurrency=1)
    fleet.source(541, named(60))
    assert fleet.run("plan", "-o", "plan.json", "-q").returncode == 0
    fleet.door.faults({"effect": "latency", "seconds": 0.8, "match": {**BULK, "company": 541}})
    with fleet.start("apply", "plan.json", "--output", "json", "-q") as program:
        until(lambda: any(one["operation"] == "bulk" for one in fleet.door.requests(541)))
        assert fleet.run("apply", "plan.json", "--resume", "-q").returncode == 9
        program.send(signal.SIGTERM)
        code = program.wait()
    document = json.loads(program.stdout)
    assert (code, document["exit_code"], program.stderr) == (143, 143, "")
    first = counted(document)
    assert first["created"] + first["deferred"] == 60
    fleet.door.faults()
    refused = fleet.run("apply", "plan.json", "-q")
    assert refused.returncode == 7
    assert "begun here" in words(refused.stdout)
    assert "--resume" in words(refused.stdout)
    code, document = fleet.result("apply", "plan.json", "--resume")
    assert (code, counted(document)["unchanged"]) == (0, first["created"])
    assert sorted(row["unique_key"] for row in fleet.door.rows(541)) == sorted(f"k{n}" for n in range(60))


# What ends before a request


def kept(fleet: Fleet, company_id: int, **fields: Any) -> None:
    """Write a plan that creates one row."""
    row = Dimension("k0", "account", "Account", "Old 0", "1000", "c0")
    one = CompanyPlan(
        company_id=company_id,
        account=fields.pop("account", "main"),
        generation=Generation(),
        creates=(Change(row, None),),
        source_rows=1,
    )
    plan = SavedPlan(
        plan_id="plan",
        made_at=datetime.now(UTC),
        origin=fields.get("origin", origin_of(fleet.door.base_url)),
        contract=fields.get("contract", "guide"),
        companies=(one,),
    )
    (fleet.folder / "plan.json").write_text(write_plan(plan), encoding="utf-8")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"origin": "https://api.ottimate.com:443/v1"}, "the plan was made for https://api.ottimate.com:443/v1"),
        ({"contract": "reference"}, "in the contract 'reference', and the settings say"),
        ({"account": "other"}, "the settings do not name: 551 of account other"),
        ({"account": "\x1b[31m"}, r"551 of account \x1b[31m"),
    ],
)
def test_a_plan_of_something_else_is_a_usage_error(fleet: Fleet, here: Here, fields: dict[str, Any], told: str) -> None:
    fleet.door.place(551)
    fleet.configure(551)
    fleet.source(551, named(1))
    kept(fleet, 551, **fields)
    done = here("apply", "plan.json", "-q")
    assert (done.returncode, done.stdout, fleet.door.requests(551)) == (2, "", [])
    assert told in done.stderr


def test_a_plan_of_a_company_that_the_settings_do_not_name(fleet: Fleet, here: Here) -> None:
    fleet.configure(552)
    kept(fleet, 553)
    done = here("apply", "plan.json", "-q")
    assert (done.returncode, done.stdout) == (2, "")
    assert "the settings do not name: 553 of account main" in done.stderr


def test_a_plan_of_read_only_companies_alone(fleet: Fleet, here: Here) -> None:
    fleet.configure(554)
    append(fleet, "write = false\n")
    kept(fleet, 554)
    done = here("apply", "plan.json")
    assert (done.returncode, "read-only (write = false)" in done.stderr) == (2, True)


def test_changes_of_a_company_that_is_read_only_by_now_are_told(fleet: Fleet) -> None:
    fleet.door.place(555, 556)
    fleet.configure(555, 556)
    for company, count in ((555, 1), (556, 2)):
        fleet.source(company, named(count))
    assert fleet.run("plan", "-o", "plan.json", "-q").returncode == 0
    append(fleet, "write = false\n")
    done = fleet.run("apply", "plan.json", "-q")
    assert (done.returncode, len(fleet.door.requests(556)), "rows      1 = 1 created" in done.stdout) == (0, 1, True)
    assert "company 556 is read-only (write = false): 2 planned changes are not applied\n" in done.stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is no saved plan: `dimsync plan -o FILE` makes one"),
        (b"\xff\xfe", "is no saved plan: it is not UTF-8"),
        (b'{"schema": "dimsync.plan/9", "digest": "\x1b"}', "is no saved plan"),
        (b'{"schema": "dimsync.plan/9", "digest": ""}', "a plan in 'dimsync.plan/9', and this dimsync reads"),
        (b'{"schema": "dimsync.plan/1", "digest": ""}', "a plan is reviewed, never edited"),
        (b'{"schema": "\\u001b[31m", "digest": ""}', r"a plan in '\x1b[31m'"),
    ],
)
def test_what_is_no_plan_is_a_usage_error(fleet: Fleet, here: Here, content: bytes, told: str) -> None:
    fleet.configure(555)
    (fleet.folder / "plan.json").write_bytes(content)
    done = here("apply", "plan.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("plan", "-o", "nowhere/plan.json"), 1),
        (("plan", "-o", "."), 2),
        (("apply", "nowhere.json"), 2),
        (("apply", "."), 2),
        (("apply",), 2),
        (("apply", "dimsync.toml", "--fresh"), 2),
    ],
)
def test_a_file_that_cannot_be_is_told_before_a_request(
    fleet: Fleet, here: Here, words: tuple[str, ...], code: int
) -> None:
    fleet.door.place(556)
    fleet.configure(556)
    fleet.source(556, named(1))
    done = here(*words)
    assert (done.returncode, done.stdout, fleet.door.requests(556)) == (code, "", [])
    assert done.stderr
    assert "Traceback" not in done.stderr


# Found by attacking it


@pytest.mark.parametrize("where", ["--out", "--rejects"])
def test_a_full_disk_is_told_without_a_traceback_and_after_the_result(fleet: Fleet, where: str) -> None:
    company = 561 if where == "--out" else 562
    fleet.door.place(company)
    fleet.door.faults({"effect": "reject-rows", "erp_id": "^1001$", "match": {"company": company}})
    fleet.configure(company)
    fleet.source(company, named(3))
    done = fleet.run("plan" if where == "--out" else "sync", where, "/dev/full", "--output", "json", "-q")
    assert "Traceback" not in done.stderr
    assert "/dev/full" in done.stderr
    assert json.loads(done.stdout)["totals"]["source_rows"] == 3
    assert done.returncode == 1


def test_a_company_that_is_asked_for_and_not_in_the_plan_is_told(fleet: Fleet) -> None:
    fleet.door.place(571, 572)
    fleet.configure(571, 572)
    fleet.source(571, named(1))
    fleet.source(572, named(1))
    kept(fleet, 571)
    done = fleet.run("apply", "plan.json", "--select", "company:572", "-q")
    assert "every row is accounted for" not in done.stdout
    assert done.returncode != 0


def test_a_plan_says_what_the_sync_after_it_takes_of_the_day(fleet: Fleet) -> None:
    fleet.door.place(521, 522, 523)
    fleet.configure(521, 522, 523)
    for company in (521, 522, 523):
        fleet.source(company, named(8))
    assert fleet.run("sync", "-q").returncode == 0
    fleet.source(521, named(30))
    fleet.source(522, named(8, changed=2))

    told = words(fleet.run("plan", "-q").stdout)
    found = re.search(r"to write (\d+) requests = ([^;]+); ([\d,]+) left today", told)
    assert found is not None, told
    assert found[2] == "1 probe + 4 bulk"
    code, document = fleet.result("sync")
    requests = document["totals"]["requests"]
    assert (code, requests["total"] - requests["token"]) == (0, int(found[1]))
    used = 9_000 - int(found[3].replace(",", "")) + requests["total"]
    assert f"{used} of 10,000 requests today, 1,000 reserved" in words(fleet.run("status").stdout)
