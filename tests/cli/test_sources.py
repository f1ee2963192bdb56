"""Several sources of one company, and rows that a mapping leaves out, as a person and a program see them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.program import SETTINGS, Fleet

HEADER = "unique_key,type,name,erp_dimension_id,Inactive\n"
LISTS = """
[mapping.accounts]
type_code = "account"
where = { Inactive = ["F"] }
[mapping.departments]
type_code = "department"
[fleet]
sources = [
    { source = "{company_id}/accounts.csv", mapping = "accounts" },
    { source = "{company_id}/departments.csv", mapping = "departments", optional = true },
]
"""


def write(path: Path, *rows: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8")


def accounts(inactive: str, count: int = 3) -> list[str]:
    return [f"a{n},Account,Account {n},{4000 + n},{inactive}" for n in range(count)]


def configure(fleet: Fleet) -> None:
    text = SETTINGS.format(base_url=fleet.door.base_url, max_concurrency=8) + LISTS
    (fleet.folder / "dimsync.toml").write_text(text, encoding="utf-8")


def test_two_lists_of_a_company_are_one_source_and_what_is_left_out_is_told(fleet: Fleet) -> None:
    fleet.door.place(101, 102)
    configure(fleet)
    write(fleet.folder / "101/accounts.csv", *accounts("F"), "z1,Account,Closed,4999,T")
    write(fleet.folder / "101/departments.csv", "d1,Department,Kitchen,10,")
    write(fleet.folder / "102/accounts.csv", *accounts("F"))

    told = fleet.run("validate").stdout
    assert "sources    {company_id}/accounts.csv (mapping accounts, 2 companies, [fleet])\n" in told
    assert "           {company_id}/departments.csv (mapping departments, optional, 2 companies, [fleet])\n" in told

    plan = fleet.run("plan", "--details")
    assert "101  101  1 left out by the mapping\n" in plan.stdout
    assert "read      8 = 7 of the sources + 1 left out" in plan.stdout
    code, document = fleet.result("sync")
    first, second = document["companies"]
    assert (code, first["created"], second["created"]) == (0, 4, 3)
    assert (first["read_rows"], first["left_out"], first["source_rows"]) == (5, 1, 4)
    assert [entry["rows"] for entry in first["left_out_by"]] == [1]
    assert (second["left_out"], "left_out_by" in second) == (0, False)
    assert {row["dimension_type_code"] for row in fleet.door.rows(101)} == {"account", "department"}

    life = fleet.run("explain", "101", "z1", "--offline")
    assert life.returncode == 0
    assert "source    left out: Inactive is 'T' (101/accounts.csv:5)\n" in life.stdout
    assert fleet.run("explain", "101", "closed", "--offline").stdout == life.stdout
    assert fleet.run("explain", "101", "z2", "--offline").returncode == 1

    for company_id in (101, 102):
        write(fleet.folder / f"{company_id}/accounts.csv", *accounts("Yes"))
    code, document = fleet.result("sync")
    assert (code, [company["state"] for company in document["companies"]]) == (4, ["held", "held"])
    first, _ = document["companies"]
    assert first["problems"][0]["code"] == "left-out"
    assert "every row of type account" in first["problems"][0]["message"]
    assert f"--allow left-out:{101}" in first["problems"][0]["message"]
    assert first["requests"]["total"] == 0
    helped = fleet.run("help", "left-out")
    assert "--allow left-out:ID" in " ".join(helped.stdout.split())


def test_a_missing_list_fails_its_company_alone_and_is_told_by_validate(fleet: Fleet) -> None:
    fleet.door.place(101, 102)
    configure(fleet)
    write(fleet.folder / "101/accounts.csv", *accounts("F"))
    write(fleet.folder / "102/departments.csv", "d1,Department,Kitchen,10,")
    told = fleet.run("validate")
    assert (told.returncode, "102/accounts.csv is missing" in told.stdout) == (2, True)
    code, document = fleet.result("sync")
    first, second = document["companies"]
    assert (code, first["state"], second["state"]) == (1, "synced", "failed")
    assert [problem["code"] for problem in second["problems"]] == ["missing-source"]
    assert "optional = true" in second["problems"][0]["message"]
    assert second["source_rows"] is None
    shown = json.loads(fleet.run("companies", "show", "102", "--output", "json").stdout)
    values = {setting["key"]: (setting["value"], setting["origin"]) for setting in shown["settings"]}
    assert values["sources[0].source"] == ("102/accounts.csv", "[fleet]")
    assert values["sources[1].optional"] == ("true", "[fleet]")


BY_COLUMN = """
[mapping.all]
type_code = "account"
company_column = "Company"
where = { Inactive = ["F"] }
[fleet]
source = "all.csv"
mapping = "all"
"""


def test_one_file_of_many_companies_is_dealt_out_by_its_column(fleet: Fleet) -> None:
    fleet.door.place(101, 102)
    settings = SETTINGS.format(base_url=fleet.door.base_url, max_concurrency=8)
    (fleet.folder / "dimsync.toml").write_text(
        f'companies_file = "companies.csv"\n{settings}{BY_COLUMN}', encoding="utf-8"
    )
    (fleet.folder / "companies.csv").write_text("id,name\n101,One\n102,Two\n", encoding="utf-8")
    rows = [f"{number},{key}" for number, key in zip((101, 101, 102), accounts("F"), strict=True)]
    text = "\n".join([f"Company,{HEADER.strip()}", *rows, "102,z,Account,Closed,9,T", "105,q,Account,Strange,7,F", ""])
    (fleet.folder / "all.csv").write_text(text, encoding="utf-8")

    told = fleet.run("validate")
    assert (told.returncode, "all.csv (mapping all, 2 companies, [fleet])" in told.stdout) == (0, True)
    done = fleet.run("sync", "--output", "json")
    document = json.loads(done.stdout)
    first, second = document["companies"]
    assert (done.returncode, first["state"], second["state"]) == (3, "synced", "synced")
    (stray,) = (problem for problem in document["problems"] if problem["code"] == "unknown-company")
    assert (stray["file"].endswith("all.csv"), stray["line"], stray["key"]) == (True, 6, None)
    assert [(one["read_rows"], one["left_out"], one["created"]) for one in (first, second)] == [(2, 0, 2), (2, 1, 1)]
    assert "1 row names no company that has this source" in " ".join(done.stderr.split())
    assert "they name 105; the first is line 6" in " ".join(done.stderr.split())
    assert len(fleet.door.rows(101)) == 2

    (fleet.folder / "all.csv").write_text(text.replace("105,q,Account,Strange,7,F\n", ""), encoding="utf-8")
    code, document = fleet.result("sync")
    assert (code, document["totals"]["requests"]["total"]) == (0, 0)
    assert [one["state"] for one in document["companies"]] == ["unchanged", "unchanged"]
    assert "unknown-company" in fleet.run("help", "unknown-company").stdout
