"""L6: an export of a fleet that does not come is missed; L1: what shares a file is told."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.program import SETTINGS, Fleet


def configure(fleet: Fleet, more: str = "", fleet_keys: str = "") -> None:
    text = SETTINGS.format(base_url=fleet.door.base_url, max_concurrency=8)
    text += f'[fleet]\nsource = "exports/{{company_id}}.csv"\n{fleet_keys}{more}'
    (fleet.folder / "dimsync.toml").write_text(text, encoding="utf-8")
    (fleet.folder / "exports").mkdir(exist_ok=True)


def export(fleet: Fleet, *company_ids: int) -> None:
    for company_id in company_ids:
        fleet.source(company_id, [f"Account {n} of {company_id}" for n in range(3)])
        (fleet.folder / f"{company_id}.csv").rename(fleet.folder / "exports" / f"{company_id}.csv")


def test_l6_an_export_that_does_not_come_is_missed_until_its_company_is_named_as_gone(fleet: Fleet) -> None:
    fleet.door.place(1101, 1102, 1103)
    listed = '[[companies]]\nid = 1103\nsource = "1103.csv"\n'
    configure(fleet, listed)
    export(fleet, 1101, 1102)
    fleet.source(1103, ["Cash"])
    code, document = fleet.result("sync")
    assert (code, document["totals"]["created"]) == (0, 7)

    (fleet.folder / "exports" / "1102.csv").unlink()
    code, document = fleet.result("sync")
    by_id = {each["company_id"]: each for each in document["companies"]}
    assert (code, list(by_id)) == (1, [1103, 1101, 1102])
    missing = by_id[1102]
    (problem,) = missing["problems"]
    assert (missing["state"], problem["code"]) == ("failed", "missing-source")
    assert "gone = [1102] under [fleet]" in problem["message"]
    assert (missing["source_rows"], missing["deferred"], missing["requests"]["total"]) == (None, None, 0)
    assert (by_id[1101]["state"], document["totals"]["requests"]["total"]) == ("unchanged", 0)

    code, document = fleet.result("sync", "--select", "company:1101")
    assert (code, [each["company_id"] for each in document["companies"]]) == (0, [1101])
    code, document = fleet.result("plan", "--select", "company:1102")
    assert (code, len(document["companies"])) == (1, 1)
    states = {
        each["company_id"]: each["state"]
        for each in json.loads(fleet.run("status", "--output", "json").stdout)["companies"]
    }
    assert states[1102] == "failed"

    configure(fleet, listed, "gone = [1102]\n")
    code, document = fleet.result("sync")
    assert (code, [each["company_id"] for each in document["companies"]]) == (0, [1103, 1101])
    export(fleet, 1102)  # it comes again, and nobody has taken it out of `gone`
    told = fleet.run("validate")
    assert (told.returncode, "company 1102 has a file, and is named under fleet.gone" in told.stdout) == (2, True)

    configure(fleet)  # a company that is listed no more was never the fleet's
    code, document = fleet.result("sync")
    assert (code, [each["company_id"] for each in document["companies"]]) == (0, [1101, 1102])


def test_l6_another_fleet_on_the_same_ledger_misses_nothing_of_this_one(fleet: Fleet, tmp_path: Path) -> None:
    fleet.door.place(1111, 1112)
    configure(fleet)
    export(fleet, 1111)
    assert fleet.result("sync")[0] == 0
    other = (fleet.folder / "dimsync.toml").read_text("utf-8").replace("exports/", "other/")
    (fleet.folder / "other.toml").write_text(other, encoding="utf-8")
    (fleet.folder / "other").mkdir()
    (fleet.folder / "exports" / "1111.csv").rename(fleet.folder / "other" / "1112.csv")
    export(fleet, 1111)
    code, document = fleet.result("sync", "-c", "other.toml")
    assert (code, [each["company_id"] for each in document["companies"]]) == (0, [1112])
    assert fleet.result("sync")[0] == 0


def test_l1_one_file_for_two_companies_is_told_by_validate_and_by_a_run_of_one_of_them(fleet: Fleet) -> None:
    fleet.door.place(1121, 1122)
    fleet.configure(1121, 1122)
    settings = fleet.folder / "dimsync.toml"
    settings.write_text(settings.read_text("utf-8").replace('"1122.csv"', '"./1121.csv"'), encoding="utf-8")
    fleet.source(1121, ["Cash"])
    told = fleet.run("validate")
    assert (told.returncode, told.stdout.count("shares_source = true")) == (2, 2)
    before = len(fleet.door.ask("log")["requests"])
    code, document = fleet.result("sync", "--select", "company:1121")
    assert (code, document["companies"][0]["problems"][0]["code"]) == (1, "shared-source")
    assert len(fleet.door.ask("log")["requests"]) == before


def test_a_client_off_the_list_whose_file_still_arrives_is_one_notice_of_a_run(fleet: Fleet) -> None:
    """It was synced by its file before; now it costs nothing, is no trouble, and is not missed when its file ends."""
    fleet.door.place(1171, 1172)
    fleet.configure()
    path = fleet.folder / "dimsync.toml"
    section = '[fleet]\nsource = "{company_id}.csv"\n'
    head = path.read_text("utf-8")
    path.write_text(head + section, encoding="utf-8")
    for company_id in (1171, 1172):
        fleet.source(company_id, ["Cash"])
    assert fleet.run("sync", "--quiet").returncode == 0
    path.write_text(f'companies_file = "companies.csv"\n{head}{section}', encoding="utf-8")
    (fleet.folder / "companies.csv").write_text("id\n1171\n", encoding="utf-8")
    fleet.source(1172, ["Cash", "Bank"])
    told = "1 file is of a company that no list names (1172), and left out: "
    validated = fleet.run("validate")
    assert (validated.returncode, f"Note: {told}" in validated.stdout) == (0, True)
    examined = " ".join(fleet.run("doctor", "--offline").stdout.split())
    assert "warn files 1 file is of a company that no list names (1172), and left out" in examined
    (notice,) = json.loads(fleet.run("validate", "--output", "json").stdout)["notices"]
    assert notice["code"] == "unlisted-files"
    code, document = fleet.result("sync")
    assert (code, [each["company_id"] for each in document["companies"]]) == (0, [1171])
    assert [(each["code"], each["message"].startswith(told)) for each in document["problems"]] == [
        ("unlisted-files", True)
    ]
    assert document["problems"][0]["since"] == document["finished_at"]
    (note,) = [line for line in fleet.run("sync", "--quiet").stderr.splitlines() if "left out" in line]
    assert f"Z Note: {told}" in note
    assert len(fleet.door.rows(1172)) == 1
    path.write_text(path.read_text("utf-8").replace("[fleet]\n", "[fleet]\ngone = [1172]\n"), encoding="utf-8")
    assert fleet.run("sync", "--quiet").stderr == ""
    (fleet.folder / "1172.csv").unlink()
    code, document = fleet.result("sync")
    assert (code, [each["company_id"] for each in document["companies"]]) == (0, [1171])
