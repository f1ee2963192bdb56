"""`pull`, `lookup`, `get` and `companies export` as typed: files, documents, exit codes, words."""

from __future__ import annotations

import csv
import json
import stat
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Here
from tests.cli.program import Fleet

HOSTILE = "=1+1\x1b[31mred \u202ename"
COLUMNS = "unique_key,type,dimension_type_code,name,code,erp_dimension_id\n"


def place(fleet: Fleet, company_id: int, *rows: tuple[str, str, str]) -> None:
    """Make a company with rows of (type code, name, ERP id) that somebody else made."""
    made = [
        {
            "unique_key": f"k{n}",
            "type": code.title(),
            "dimension_type_code": code,
            "name": name,
            "erp_dimension_id": one,
        }
        for n, (code, name, one) in enumerate(rows)
    ]
    fleet.door.ask("companies", {"companies": [{"id": company_id, "name": f"Company {company_id}", "rows": made}]})


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def left(folder: Path) -> set[str]:
    """Return the names of files that are no settings, sources or ledgers."""
    return {
        path.name
        for path in folder.iterdir()
        if path.name != "dimsync.toml" and not path.name.startswith("dimsync.db") and not path.name[0].isdigit()
    }


def operations(fleet: Fleet, company_id: int) -> list[str]:
    return [entry["operation"] for entry in fleet.door.requests(company_id)]


# pull


def test_pull_writes_rows_and_their_certificate(fleet: Fleet, here: Here, tmp_path: Path) -> None:
    """A read-only company is there, too; a spreadsheet is given no formula."""
    place(fleet, 1401, ("account", HOSTILE, "0100"), ("department", "Kitchen", "-7"))
    place(fleet, 1402, ("account", "Cash", "1"))
    fleet.configure(1401, 1402)
    settings = tmp_path / "dimsync.toml"
    settings.write_text(f"{settings.read_text('utf-8')}write = false\n", encoding="utf-8")
    done = here("pull", "rows.csv")
    assert (done.returncode, done.stdout) == (0, "3 rows in rows.csv\n")
    with (tmp_path / "rows.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    told = [
        (row["ottimate_company_id"], row["dimension_type_code"], row["name"], row["erp_dimension_id"]) for row in rows
    ]
    assert told == [
        ("1401", "account", f"'{HOSTILE}", "0100"),
        ("1401", "department", "Kitchen", "'-7"),
        ("1402", "account", "Cash", "1"),
    ]
    proof = json.loads((tmp_path / "rows.csv.certificate.json").read_text("utf-8"))
    assert proof["sha256"] == sha256((tmp_path / "rows.csv").read_bytes()).hexdigest()
    assert [(one["company_id"], one["rows_written"]) for one in proof["companies"]] == [(1401, 2), (1402, 1)]
    assert proof["companies"][0]["certificate"] == {
        "whole": True,
        "declared": 2,
        "unique": 2,
        "pages": 1,
        "repeats": 0,
    }
    assert {mode(tmp_path / name) for name in left(tmp_path)} == {0o600}
    assert left(tmp_path) == {"rows.csv", "rows.csv.certificate.json"}


@pytest.mark.parametrize("form", ["ndjson", "parquet"])
def test_pull_writes_other_formats_with_texts_as_they_are(fleet: Fleet, here: Here, tmp_path: Path, form: str) -> None:
    place(fleet, 1403, ("account", HOSTILE, "0100"), ("department", "Kitchen", "7"))
    fleet.configure(1403)
    assert here("pull", f"rows.{form}", "--type", "ACCOUNT").returncode == 0
    assert here("pull", "other", "--format", form, "--type", "account").returncode == 0
    if form == "parquet":
        from pyarrow import parquet  # noqa: PLC0415  it takes a third of a second

        (row,) = parquet.read_table(tmp_path / "rows.parquet").to_pylist()
    else:
        (row,) = (json.loads(line) for line in (tmp_path / "rows.ndjson").read_text("utf-8").splitlines())
    assert (row["ottimate_company_id"], row["name"], row["erp_dimension_id"]) == (1403, HOSTILE, "0100")
    assert (tmp_path / "other").read_bytes() == (tmp_path / f"rows.{form}").read_bytes()


def test_pull_of_a_type_that_is_not_there_names_those_that_are(fleet: Fleet, here: Here) -> None:
    place(fleet, 1404, ("account", "Cash", "1"))
    fleet.configure(1404)
    done = here("pull", "rows.csv", "--type", "class")
    assert "no row is of type class; the types there are: Account" in done.stdout


def test_a_listing_that_is_not_whole_leaves_no_file(fleet: Fleet, here: Here, tmp_path: Path) -> None:
    """The file of an earlier pull stays as it was, and the others' files are written where each has its own."""
    for number in (1405, 1406):
        place(fleet, number, ("account", "Cash", "1"))
    fleet.configure(1405, 1406)
    assert here("pull", "rows.csv").returncode == 0
    before = (tmp_path / "rows.csv").read_bytes(), (tmp_path / "rows.csv.certificate.json").read_bytes()
    fleet.door.faults({"effect": "lying-count", "by": 1, "match": {"operation": "list", "company": 1405}})
    done = here("pull", "rows.csv")
    assert (done.returncode, "1405 Company 1405: incomplete-listing:" in done.stdout) == (4, True)
    assert "no file was written" in done.stdout
    assert "next: dimsync help incomplete-listing" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert before == ((tmp_path / "rows.csv").read_bytes(), (tmp_path / "rows.csv.certificate.json").read_bytes())
    done = here("pull", "of-{company_id}.csv", "--output", "json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["exit_code"], [one["file"] for one in found["files"]]) == (4, 4, ["of-1406.csv"])
    assert [(one["company_id"], one["code"]) for one in found["failed"]] == [(1405, "incomplete-listing")]
    assert left(tmp_path) >= {"of-1406.csv", "of-1406.csv.certificate.json"}
    assert not any("1405" in name or name.startswith(".") for name in left(tmp_path))


def test_an_account_that_is_refused_is_asked_once(fleet: Fleet, here: Here, tmp_path: Path) -> None:
    fleet.configure(1407, 1408)
    fleet.door.faults({"effect": "status", "status": 401, "match": {"operation": "token"}, "envelope": "no"})
    done = here("pull", "rows.csv")
    assert (done.returncode, done.stdout.count("authentication:")) == (8, 2)
    assert not left(tmp_path)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("rows.xlsx",), "the ending tells no format; add --format"),
        (("nowhere/rows.csv",), "the folder nowhere does not exist"),
        (("rows.csv", "--select", "company:7"), "there is no company '7'"),
    ],
)
def test_mistakes_are_told_before_any_request(fleet: Fleet, here: Here, words: Sequence[str], said: str) -> None:
    fleet.configure(1409)
    done = here("pull", *words)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr


# lookup


def bill(company_id: int, *accounts: str, **more: Any) -> dict[str, Any]:
    lines = [{"dimensions": {"Account": one}} for one in accounts]
    return {"ottimate_company_id": company_id, "invoice_number": "X-1", "line_items": lines, **more}


def write(folder: Path, name: str, document: object) -> str:
    text = document if isinstance(document, str) else json.dumps(document)
    (folder / name).write_text(text, encoding="utf-8")
    return name


def test_lookup_tells_what_is_not_there_and_what_is_near(fleet: Fleet, here: Here, tmp_path: Path) -> None:
    place(fleet, 1411, ("account", "Food sales", "0100"), ("department", "Kitchen", "D-7"))
    fleet.configure(1411)
    good = write(tmp_path, "good.json", bill(1411, "0100", dimensions={"Department": "D-7"}))
    done = here("lookup", good, "--require", "account,department")
    assert (done.returncode, "X-1: company 1411, 2 dimensions, all there (by a listing, 20" in done.stdout) == (0, True)
    assert done.stdout.endswith("1 of 1 invoice in order\n")
    bad = write(tmp_path, "bad.json", [bill(1411, "100"), bill(1411), bill(7)])
    done = here("lookup", bad, "--require", "account")
    assert done.returncode == 3
    assert "  no-such-dimension: no Account has the ERP id '100'" in done.stdout
    assert "nearest: 0100 Food sales" in done.stdout
    assert "0 of 3 invoices in order\nnext: dimsync help no-such-dimension\n" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    found = json.loads(here("lookup", bad, "--output", "json").stdout)
    assert (found["schema"], found["exit_code"]) == ("dimsync.lookup/1", 3)
    assert [one["ok"] for one in found["invoices"]] == [False, True, False]
    assert found["invoices"][0]["findings"][0]["nearest"] == ["0100 Food sales"]


def test_one_cause_is_told_once(fleet: Fleet, here: Here, tmp_path: Path) -> None:
    place(fleet, 1410, ("account", "Food sales", "0100"))
    fleet.configure(1410)
    done = here("lookup", write(tmp_path, "bill.json", bill(1410, *["0100"] * 5)), "--require", "department")
    assert done.stdout.count("missing-dimension") == 2  # and once in the last line
    assert "line_items[2] and 2 more)" in " ".join(done.stdout.split())


def test_lookup_after_a_sync_costs_nothing(fleet: Fleet, here: Here, tmp_path: Path) -> None:
    fleet.door.place(1412)
    fleet.configure(1412)
    fleet.source(1412, ["Cash", "Bank"])
    assert here("sync", "-q").returncode == 0
    before = operations(fleet, 1412)
    done = here("lookup", write(tmp_path, "bill.json", bill(1412, "1000", "1001")))
    assert (done.returncode, "all there (by what the ledger" in done.stdout) == (0, True)
    assert operations(fleet, 1412) == before


def test_lookup_reads_csv_and_says_which_columns_it_left_out(fleet: Fleet, here: Here, tmp_path: Path) -> None:
    place(fleet, 1413, ("account", "Food sales", "0100"), ("department", "Kitchen", "D-7"))
    fleet.configure(1413)
    head = "invoice_number,amount,Account,dimensions.Department,Remark\n"
    table = write(tmp_path, "bills.csv", f"{head}X-1,10,0100,D-7,urgent\nX-1,11,0100,,\nX-2,12,0101,D-8,\n")
    found = json.loads(here("lookup", table, "--company", "1413", "--output", "json").stdout)
    assert [(one["invoice"], one["dimensions"], one["ok"]) for one in found["invoices"]] == [
        ("X-1", 4, True),
        ("X-2", 2, False),
    ]
    assert [(one["code"], one["where"]) for one in found["invoices"][1]["findings"]] == [
        ("column-ignored", ""),
        ("no-such-dimension", "line 4"),
        ("no-such-dimension", "line 4"),
    ]
    done = here("lookup", table, "--company", "1413")
    assert "column-ignored: column 'Remark' is no type of this company" in done.stdout


def test_one_company_that_cannot_be_looked_at_leaves_the_others(fleet: Fleet, here: Here, tmp_path: Path) -> None:
    for number in (1414, 1415):
        place(fleet, number, ("account", "Cash", "1"))
    fleet.configure(1414, 1415)
    fleet.door.faults({"effect": "lying-count", "by": 1, "match": {"operation": "list", "company": 1414}})
    done = here("lookup", write(tmp_path, "bills.json", [bill(1414, "1"), bill(1415, "1")]))
    assert (done.returncode, "company 1414: incomplete-listing:" in done.stdout) == (4, True)
    assert "X-1: company 1415, 1 dimension, all there" in done.stdout


@pytest.mark.parametrize(
    ("name", "document", "said"),
    [
        ("a.json", "{", "a.json: not JSON"),
        ("b.json", '{"dimensions": {"Account": "1", "Account": "2"}}', "'Account' stands twice in one object"),
        ("c.json", {"dimensions": {"Account": 7}}, "c.json: dimensions.Account: an ERP id is text in quotes"),
        ("d.csv", "Account,Account\n1,2\n", "d.csv:1: the column 'Account' is there twice"),
        ("e.csv", "Account,Department\n1\n", "e.csv:2: the row has 1 cells, and the header has 2"),
        ("f.csv", "ottimate_company_id,Account\nx,1\n", "line 2: ottimate_company_id is 'x'"),
        ("g.ndjson", '{"items": []}\n{\n', "g.ndjson:2: not JSON"),
        ("h.csv", "", "h.csv: holds no invoice"),
    ],
)
def test_what_is_no_invoice_is_told_with_its_place(
    fleet: Fleet, here: Here, tmp_path: Path, name: str, document: object, said: str
) -> None:
    fleet.configure(1416)
    done = here("lookup", write(tmp_path, name, document))
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_hostile_texts_are_shown_escaped(fleet: Fleet, here: Here, tmp_path: Path) -> None:
    place(fleet, 1417, ("account", HOSTILE, "1"))
    fleet.configure(1417)
    done = here("lookup", write(tmp_path, "bill.json", bill(1417, "01", invoice_number=HOSTILE)))
    assert (done.returncode, "\x1b" in done.stdout, r"\x1b[31mred" in done.stdout) == (3, False, True)
    shown = here("get", "1417", next(row["id"] for row in fleet.door.rows(1417)))
    assert (shown.returncode, "\x1b" in shown.stdout, r"\x1b[31mred" in shown.stdout) == (0, False, True)


# get


def test_get_shows_one_row_as_it_is_now(fleet: Fleet, here: Here) -> None:
    fleet.door.place(1421)
    fleet.configure(1421)
    fleet.source(1421, ["Cash", "Bank"])
    assert here("sync", "-q").returncode == 0
    assert here("sync", "-q", "--verify", "full").returncode == 0  # which shows the ids
    fleet.door.rename(1421, "k1", "Bank account")
    for what in ("k1", "1001"):
        (row,) = json.loads(here("get", "1421", what, "--output", "json").stdout)["rows"]
        assert (row["name"], row["erp_dimension_id"], row["dimension_type_code"]) == ("Bank account", "1001", "account")
    assert "Bank account" in here("get", "1421", row["id"]).stdout
    done = here("get", "1421", "nothing")
    assert (done.returncode, "dimsync pull rows.csv --select company:1421" in done.stdout) == (3, True)


# companies export


def test_the_mapping_of_ids_is_written(fleet: Fleet, here: Here, tmp_path: Path) -> None:
    fleet.door.ask("companies", {"companies": [{"id": 1431, "name": "=Grill"}, {"id": 1432, "name": "Bakery"}]})
    fleet.configure(1431, 1439, names={1431: "Ours"})
    listed = json.loads(here("companies", "--refresh", "--output", "json").stdout)["accounts"][0]["locations"]
    own = [one for one in listed if one["company"] == "=Grill"]
    (tmp_path / "1431.csv").write_text(f"{COLUMNS}k1,Location,location,{own[0]['name']},,L-1\n", encoding="utf-8")
    assert here("sync", "-q", "--select", "company:1431").returncode == 0
    done = here("companies", "export", "map.csv")
    assert done.returncode == 0, done.stderr
    with (tmp_path / "map.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["ottimate_company_id"].startswith("143")]
    grill = [row for row in rows if row["ottimate_company_id"] == "1431"]
    assert [row["ottimate_location_id"] for row in grill] == [str(one["id"]) for one in own]
    assert (grill[0]["name"], grill[0]["name_in_settings"], grill[0]["erp_location_id"]) == ("'=Grill", "Ours", "L-1")
    assert {row["configured"] for row in rows if row["ottimate_company_id"] == "1432"} == {"no"}
    assert [row["configured"] for row in rows if row["ottimate_company_id"] == "1439"] == ["yes"]
    assert mode(tmp_path / "map.csv") == 0o600


def test_an_account_that_is_not_listed_leaves_no_mapping(fleet: Fleet, here: Here, tmp_path: Path) -> None:
    fleet.configure(1433)
    fleet.door.faults({"effect": "status", "status": 403, "match": {"operation": "companies"}})
    done = here("companies", "export", "map.csv", "--refresh")
    assert (done.returncode, "no file was written" in done.stdout) == (8, True)
    assert not (tmp_path / "map.csv").exists()
