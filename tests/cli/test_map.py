"""`dimsync map preview` and `dimsync map guess` as typed: offline, and without credentials."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Here
from tests.cli.program import Fleet
from tests.nursery import CREDENTIALS

FIELD = Path(__file__).parents[1] / "field"

MAPPING = """\
[mapping.erp]
type_code = "account"
type = "Account"
key = "{company_id}:{type_code}:{erp_dimension_id}"
columns = { erp_dimension_id = "Number", name = "Name" }
where = { Inactive = "No" }
"""
ROWS = "Number,Name,Notes,Inactive\n1000,Cash,x,No\n2000,Old,,Yes\n3000,,,No\n1000,Twice,,No\n"

COMPANY = """
[api]
base_url = "https://api.example.com/v1"
[accounts.main]
account_id = "racc_1"
api_key = "env:NOT_SET_1"
client_id = "env:NOT_SET_2"
client_secret = "file:not-there.txt"
[[companies]]
id = 7
source = "exports/chart.csv"
mapping = "erp"
"""


@pytest.fixture
def export(tmp_path: Path) -> Path:
    (tmp_path / "exports").mkdir()
    file = tmp_path / "exports" / "chart.csv"
    file.write_text(ROWS, encoding="utf-8")
    (tmp_path / "dimsync.toml").write_text(MAPPING, encoding="utf-8")
    return file


def test_rows_before_and_after(export: Path, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CREDENTIALS:
        monkeypatch.delenv(name)
    shown = here("map", "preview", "exports/chart.csv", "--mapping", "erp")
    assert shown.stderr == ""
    assert shown.returncode == 3
    assert shown.stdout.splitlines() == [
        "exports/chart.csv, read with the mapping erp",
        "",
        "line 2     Number=1000  Name=Cash  Inactive=No  Notes=x",
        "  invalid  unique_key '1:account:1000' is not unique: it also stands in line 5;…",
        "line 3     Number=2000  Name=Old  Inactive=Yes",
        "  out      Inactive is 'Yes'",
        "line 4     Number=3000  Inactive=No",
        "  invalid  name is empty",
        "line 5     Number=1000  Name=Twice  Inactive=No",
        "  invalid  unique_key '1:account:1000' is not unique: it also stands in line 2;…",
        "",
        "rows       4 read = 0 to send + 1 left out + 3 invalid",
        "left out   1  Inactive is 'Yes', account",
        "invalid    2  duplicate-key, first line 2: unique_key '1:account:1000' is not",
        "           unique: it also stands in line 5; none of its rows is sent",
        "           1  missing-field, first line 4: name is empty",
        "next       correct these rows in the ERP, or leave them out with `where` in the",
        "           mapping; then look again",
    ]


def test_a_file_is_read_as_its_company_reads_it(export: Path, here: Here) -> None:
    settings = export.parents[1] / "dimsync.toml"
    settings.write_text(MAPPING + COMPANY, encoding="utf-8")
    export.write_text("Number,Name,Inactive\n1000,Cash,No\n", encoding="utf-8")
    shown = here("map", "preview", "exports/chart.csv")
    assert (shown.returncode, shown.stderr) == (0, "")
    lines = shown.stdout.splitlines()
    assert lines[0] == "exports/chart.csv, as company 7 reads it"
    assert lines[-1] == "next       dimsync plan --select company:7"
    document = json.loads(here("map", "preview", "exports/chart.csv", "--output", "json").stdout)
    assert document["rows"][0]["after"]["unique_key"] == "7:account:1000"


def test_the_document_has_all_of_it(export: Path, here: Here) -> None:
    shown = here("map", "preview", "exports/chart.csv", "--mapping", "erp", "--rows", "2", "--output", "json")
    document: dict[str, Any] = json.loads(shown.stdout)
    assert shown.returncode == 3
    assert document["schema"] == "dimsync.preview/1"
    counts = {name: document[name] for name in ("read_rows", "source_rows", "left_out", "invalid", "types", "error")}
    assert counts == {"read_rows": 4, "source_rows": 3, "left_out": 1, "invalid": 3, "types": {}, "error": None}
    assert [row["line"] for row in document["rows"]] == [2, 3]
    assert document["rows"][1] == {
        "line": 3,
        "before": {"Number": "2000", "Name": "Old", "Notes": "", "Inactive": "Yes"},
        "after": None,
        "left_out": "Inactive is 'Yes'",
        "invalid": None,
    }
    assert [(each["column"], each["value"], each["rows"]) for each in document["left_out_by"]] == [
        ("Inactive", "Yes", 1)
    ]
    assert sorted(each["line"] for each in document["problems"]) == [2, 4, 5]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--mapping", "eerp"), 2, "did you mean 'erp'?"),
        ((), 2, "is the source of no company in dimsync.toml: name a mapping"),
        (("--company", "8"), 2, "is the source of company 8 in dimsync.toml: name a mapping"),
        (("--mapping", "bad"), 2, "mapping.bad.columns.name"),
    ],
)
def test_what_cannot_be_read_says_why(
    words: tuple[str, ...], code: int, message: str, export: Path, here: Here
) -> None:
    bad = '\n[mapping.bad]\ncolumns = { name = { column = "Name", match = "(" } }\n'
    settings = MAPPING + (bad if "bad" in words else "") + COMPANY.replace("chart", "other")
    (export.parents[1] / "dimsync.toml").write_text(settings, encoding="utf-8")
    shown = here("map", "preview", "exports/chart.csv", *words)
    assert (shown.returncode, shown.stdout) == (code, "")
    assert message in " ".join(shown.stderr.split())
    assert "Traceback" not in shown.stderr


def test_a_file_that_cannot_be_read_is_told_once_with_what_to_do(export: Path, here: Here) -> None:
    export.write_text("Nr,Label\n1,x\n", encoding="utf-8")
    shown = here("map", "preview", "exports/chart.csv", "--mapping", "erp")
    assert shown.returncode == 1
    text = " ".join(shown.stdout.split())
    assert "missing columns: Name, Number, Inactive; there are: Nr, Label" in text
    assert "dimsync map guess exports/chart.csv" in text
    document = json.loads(here("map", "preview", "exports/chart.csv", "--mapping", "erp", "--output", "json").stdout)
    assert "missing columns" in document["error"]


@pytest.mark.parametrize("name", ["exports/none.csv", "exports/chart.doc"])
def test_a_file_that_is_not_there_or_of_an_unknown_kind(name: str, export: Path, here: Here) -> None:
    if name.endswith("doc"):
        shutil.copy(export, export.with_suffix(".doc"))
    for verb in (("preview", name, "--mapping", "erp"), ("guess", name)):
        shown = here("map", *verb)
        assert shown.returncode == 1
        assert name in shown.stdout + shown.stderr
        assert "Traceback" not in shown.stderr


def test_strange_habits_of_ids_are_doubts(export: Path, here: Here) -> None:
    rows = "".join(f"{n}.000,Account {n},,No\n" for n in range(4, 9))
    export.write_text("Number,Name,Notes,Inactive\n" + rows, encoding="utf-8")
    text = here("map", "preview", "exports/chart.csv", "--mapping", "erp").stdout
    assert "doubt      5 ids like '4.000': ids may be numbers that are shown with" in text


GUESSED = {
    "gnucash-tree/accounts.csv": (
        {"erp_dimension_id": "Account Code", "name": "Full Account Name"},
        {"Hidden": "F", "Placeholder": "F", "Account Code": {"empty": False}},
        "first_of",
    ),
    "zoho-books/Chart_of_Accounts.csv": (
        {"erp_dimension_id": "Account ID", "name": "Account Name", "code": "Account Code"},
        None,
        "",
    ),
    "datev-kontenbeschriftungen/EXTF_Kontenbeschriftungen.csv": (
        {"erp_dimension_id": "Konto", "name": "Kontenbeschriftung"},
        None,
        "cp1252 is a guess",
    ),
    "number-name-one-column/accounts.csv": (
        {
            "erp_dimension_id": {"column": "Account", "split": " · ", "part": 1},
            "name": {"column": "Account", "split": " · ", "part": -1},
        },
        None,
        "",
    ),
    "odoo-french-booleans/accounts.csv": ({"erp_dimension_id": "Code", "name": "Account Name"}, None, ""),
    "where-case/accounts.csv": ({"erp_dimension_id": "Number", "name": "Name"}, {"Active": "TRUE"}, ""),
    "xlsx-numeric-ids/accounts.xlsx": ({"erp_dimension_id": "Number", "name": "Name"}, None, ""),
    "xlsx-merged-title/accounts.xlsx": ({"erp_dimension_id": "Number", "name": "Name"}, None, ""),
    "keep-and-out/accounts.csv": (
        {"erp_dimension_id": "Number", "name": "Name"},
        {"Kind": {"not": ["Heading", "Total"]}},
        "Heading or Total are left out as headings",
    ),
    "a-whole-type-is-left-out/run1-lists.csv": (
        {"erp_dimension_id": "ID", "name": "Name", "type": "Type", "dimension_type_code": "Type"},
        None,
        "",
    ),
    "header-with-line-break/accounts.csv": ({"erp_dimension_id": "Number\n(GL)", "name": "Name"}, None, ""),
    "pipes/accounts.txt": ({"erp_dimension_id": "Number", "name": "Name"}, None, ""),
    "duplicate-per-subsidiary/accounts.csv": (
        {"erp_dimension_id": "Number", "name": "Name"},
        None,
        "Number '4000' stands in 2 rows",
    ),
    "nested-values/accounts.json": (
        {"erp_dimension_id": "AccountCD.value", "name": "Description.value"},
        {"Active.value": "true", "AccountCD.value": {"empty": False}},
        "is empty in 1 row",
    ),
}
"""File -> columns, filter, and words of a doubt."""


@pytest.mark.parametrize("file", GUESSED)
def test_a_mapping_is_proposed_that_can_be_pasted(file: str, tmp_path: Path, here: Here) -> None:
    columns, where, doubt = GUESSED[file]
    name = Path(shutil.copy(FIELD / file, tmp_path)).name
    proposed = here("map", "guess", name)
    assert (proposed.returncode, proposed.stderr) == (0, "")
    settings = tomllib.loads(proposed.stdout)["mapping"]["erp"]
    assert (settings["columns"], settings.get("where")) == (columns, where)
    said = " ".join(line.removeprefix("#").strip() for line in proposed.stdout.splitlines() if line.startswith("#"))
    assert doubt in said
    assert f"dimsync map preview {name} --mapping erp" in said
    (tmp_path / "dimsync.toml").write_text(proposed.stdout, encoding="utf-8")
    shown = here("map", "preview", name, "--mapping", "erp", "--output", "json")
    document = json.loads(shown.stdout)
    assert document["error"] is None
    assert document["rows"]
    assert f"{document['read_rows']:,} read = " in said


def test_a_preset_is_tried_first(tmp_path: Path, here: Here) -> None:
    shutil.copy(FIELD / "netsuite-accounts" / "accounts.csv", tmp_path)
    proposed = here("map", "guess", "accounts.csv")
    assert (proposed.returncode, proposed.stderr) == (0, "")
    assert tomllib.loads(proposed.stdout) == {"mapping": "netsuite.accounts"}
    assert "3 read = 2 to send + 1 left out" in proposed.stdout
    assert "dimsync map preview accounts.csv --mapping netsuite.accounts" in proposed.stdout
    document = json.loads(here("map", "guess", "accounts.csv", "--output", "json").stdout)
    assert (document["schema"], document["preset"], document["left_out"]) == (
        "dimsync.guess/1",
        "netsuite.accounts",
        1,
    )


def test_of_presets_with_the_same_columns_the_file_s_name_decides(tmp_path: Path, here: Here) -> None:
    for name in ("locations", "departments"):
        (tmp_path / f"{name}.csv").write_text("Internal ID,Name,Inactive\n7,Kitchen,No\n", encoding="utf-8")
        proposed = here("map", "guess", f"{name}.csv")
        assert tomllib.loads(proposed.stdout) == {"mapping": f"netsuite.{name}"}
        assert "It also has those of netsuite." in proposed.stdout


def test_a_file_with_the_columns_of_dimensions_needs_no_mapping(tmp_path: Path, here: Here) -> None:
    rows = "unique_key,type,dimension_type_code,name,code,erp_dimension_id\nk1,Account,account,Cash,,1000\n"
    (tmp_path / "rows.csv").write_text(rows, encoding="utf-8")
    proposed = here("map", "guess", "rows.csv")
    assert (proposed.returncode, tomllib.loads(proposed.stdout)) == (0, {})
    assert "needs no mapping.\n# 1 read = 1 to send\n" in proposed.stdout


def test_a_proposal_as_a_document(tmp_path: Path, here: Here) -> None:
    shutil.copy(FIELD / "where-case" / "accounts.csv", tmp_path)
    document = json.loads(here("map", "guess", "accounts.csv", "--name", "mine", "--output", "json").stdout)
    assert document["preset"] is None
    assert tomllib.loads(document["toml"]) == {"mapping": {"mine": document["mapping"]}}
    assert (document["read_rows"], document["invalid"]) == (3, 0)


def test_a_file_without_anything_to_go_by(tmp_path: Path, here: Here) -> None:
    (tmp_path / "numbers.csv").write_text("1,2\n3,4\n", encoding="utf-8")
    proposed = here("map", "guess", "numbers.csv")
    assert (proposed.returncode, proposed.stdout) == (1, "")
    assert "no line of column names is found" in proposed.stderr


CREDENTIALED = """
[api]
base_url = "https://api.example.com/v1"
[accounts.main]
account_id = "racc_1"
api_key = "env:API_KEY"
client_id = "env:CLIENT_ID"
client_secret = "env:CLIENT_SECRET"
[[companies]]
id = 7
source = "exports/chart.csv"
mapping = "erp"
[[companies]]
id = 8
source = "exports/other.csv"
mapping = "erp"
"""


def test_validate_reads_the_files_if_asked(export: Path, here: Here) -> None:
    (export.parents[1] / "dimsync.toml").write_text(MAPPING + CREDENTIALED, encoding="utf-8")
    (export.parent / "other.csv").write_text("Number,Name,Inactive\n1,A,No\n2,B,Yes\n", encoding="utf-8")
    assert here("validate").returncode == 0
    told = here("validate", "--files")
    assert (told.returncode, told.stderr) == (3, "")
    *_, first, second, last = told.stdout.splitlines()
    assert first.startswith("company 7: exports/chart.csv: 2  duplicate-key, first line 2: ")
    assert second == "company 7: exports/chart.csv: 1  missing-field, first line 4: name is empty"
    assert last == "files      of 2 of 2 companies can be read: 6 read = 1 to send + 2 left out + 3 invalid"
    (export.parent / "other.csv").write_text("Nr,Name\n1,A\n", encoding="utf-8")
    told = here("validate", "--files")
    assert told.returncode == 2
    assert "companies[1].source: exports/other.csv: missing columns: Number, Inactive" in told.stdout
    assert "1 fault to put right" in told.stdout
    (export.parent / "other.csv").unlink()
    document = json.loads(here("validate", "--files", "--output", "json").stdout)
    assert [error["key"] for error in document["errors"]] == ["companies[1].source"]
    assert [(each["company_id"], each.get("invalid"), bool(each["error"])) for each in document["files"]] == [
        (7, 3, False),
        (8, None, True),
    ]


def test_a_file_against_what_the_ledger_knows(fleet: Fleet, here: Here) -> None:
    fleet.door.place(901)
    fleet.configure(901)
    fleet.source(901, ["Cash", "Rent", "Fuel", "Old"])
    assert fleet.run("sync", "-q").returncode == 0
    rows = (fleet.folder / "901.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    changed = [*rows[:2], rows[2].replace("Rent", "Office rent"), rows[3], rows[4].replace("k3", "k9")]
    (fleet.folder / "901.csv").write_text("".join(changed), encoding="utf-8")
    shown = here("map", "preview", "901.csv", "--rows", "0", "--diff")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.splitlines()[-5:] == [
        "ledger     1 new, 1 changed, 1 gone, 2 the same",
        "  new      account 1003  Old",
        "  changed  account 1001  name: Rent -> Office rent",
        "  gone     account 1003  Old",
        "next       dimsync plan --select company:901",
    ]
    document = json.loads(here("map", "preview", "901.csv", "--diff", "--output", "json").stdout)
    assert document["diff"]["changed"] == [
        {"unique_key": "k1", "field": "name", "before": "Rent", "after": "Office rent"}
    ]
    assert (len(document["diff"]["new"]), len(document["diff"]["gone"]), document["diff"]["same"]) == (1, 1, 2)


def test_without_a_ledger_all_rows_are_new(export: Path, here: Here) -> None:
    (export.parents[1] / "dimsync.toml").write_text(MAPPING + COMPANY, encoding="utf-8")
    export.write_text("Number,Name,Inactive\n1000,Cash,No\n", encoding="utf-8")
    shown = here("map", "preview", "exports/chart.csv", "--diff")
    assert "ledger     1 new, 0 changed, 0 gone, 0 the same" in shown.stdout
    assert not (export.parents[1] / "dimsync.db").exists()
    shown = here("map", "preview", "exports/chart.csv", "--mapping", "erp", "--diff")
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "name one of dimsync.toml with --company ID" in " ".join(shown.stderr.split())
    shown = here("map", "preview", "exports/chart.csv", "--mapping", "erp", "--company", "7", "--diff")
    assert "ledger     1 new" in shown.stdout


def test_a_file_that_many_companies_share(export: Path, here: Here) -> None:
    rows = "Number,Name,Company,Inactive\n1,A,7,No\n2,B,8,No\n3,C,9,No\n4,D,8,Yes\n"
    export.write_text(rows, encoding="utf-8")
    settings = (MAPPING + 'company_column = "Company"\n' + CREDENTIALED).replace("other.csv", "chart.csv")
    (export.parents[1] / "dimsync.toml").write_text(settings, encoding="utf-8")
    told = here("validate", "--files")
    assert (told.returncode, told.stderr) == (3, "")
    *_, stray, last = told.stdout.splitlines()
    assert stray.startswith("exports/chart.csv: 1 row names no company that has this source")
    assert last == "files      of 2 of 2 companies can be read: 3 read = 2 to send + 1 left out"
    document = json.loads(here("validate", "--files", "--output", "json").stdout)
    assert [each["company_id"] for each in document["files"]] == [7, 8, None]
    shown = here("map", "preview", "exports/chart.csv", "--mapping", "erp")
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "has rows of many companies (Company): name one with --company ID" in " ".join(shown.stderr.split())
    shown = here("map", "preview", "exports/chart.csv", "--mapping", "erp", "--company", "8")
    assert "rows       2 read = 1 to send + 1 left out" in shown.stdout
    assert "  out      another company's row" in shown.stdout


def test_a_mapping_for_many_companies_is_tried_as_the_first_of_them(tmp_path: Path, here: Here) -> None:
    shutil.copy(FIELD / "one-file-for-two-companies" / "all.csv", tmp_path)
    proposed = here("map", "guess", "all.csv")
    assert tomllib.loads(proposed.stdout)["mapping"]["erp"]["company_column"] == "Company"
    assert "# With it, for company 2104: 2 read = 2 to send" in proposed.stdout
    assert "#   dimsync map preview all.csv --mapping erp --company 2104" in proposed.stdout


def test_what_stands_around_a_report_is_told_for_each_line(tmp_path: Path, here: Here) -> None:
    shutil.copy(FIELD / "qbo-account-list" / "account_list.csv", tmp_path)
    words = ("account_list.csv", "--mapping", "quickbooks-online.report-accounts", "--rows", "20")
    shown = here("map", "preview", *words)
    assert shown.returncode == 0
    lines = shown.stdout.splitlines()
    outs = [line.split(None, 1)[1] for line in lines if line.startswith("  out")]
    assert outs == ["Account # is empty"] * 3 + ["total", "an empty row", "footer"]
    assert lines[-5:-1] == [
        "types      account 4",
        "left out   3  Account # is empty, account",
        "           1  footer",
        "           1  total",
    ]
    assert max(map(len, lines)) <= 80


def test_rows_of_a_document_are_shown_without_lines(tmp_path: Path, here: Here) -> None:
    shutil.copy(FIELD / "qbo-api-array" / "accounts.json", tmp_path)
    shown = here("map", "preview", "accounts.json", "--mapping", "quickbooks-online.accounts")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "becomes  account 35  Checking  (code 1000)" in shown.stdout
    assert "out      Active is 'false'" in shown.stdout
