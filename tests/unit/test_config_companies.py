"""The companies file: hundreds of companies, a line each."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config import explained, source_problems
from engine.sources.files import FileSource
from tests.unit.settings_file import ACCOUNT, MINIMAL, WEST, configured, faults

BASE = f"""
companies_file = "companies.csv"
{ACCOUNT}
[mapping.erp]
preset = "netsuite"
[groups.east]
[groups.west]
write = false
"""


def listed(folder: Path, text: str | bytes) -> None:
    (folder / "companies.csv").write_bytes(text.encode() if isinstance(text, str) else text)


def test_a_line_gives_what_a_section_gives(tmp_path: Path) -> None:
    listed(
        tmp_path,
        "\ufeffid, name ,account,source,mapping,groups,write,relabel\r\n"
        '5,"Harbor ""H"" Grill\nand Bar",main,exports/5.csv,erp,east; west,TRUE,false\r\n'
        "\r\n"
        ",,,,,,,\r\n"
        "6,,,6.json,,east west,,true\r\n"
        "7,Élan,,7.csv,,,,\r\n",
    )
    found = configured(tmp_path, BASE)
    first, second, third = found.companies
    assert (first.id, first.name, first.account) == (5, 'Harbor "H" Grill\nand Bar', "main")
    assert (first.write, first.relabel, second.write, second.relabel) == (True, False, False, True)
    assert (third.name, third.account, third.write, third.relabel, third.verify) == ("Élan", None, True, False, None)
    assert isinstance(first.source, FileSource)
    assert first.source.path == tmp_path / "exports/5.csv"
    assert found.groups == {5: ("east", "west"), 6: ("east", "west")}
    assert (found.mappings, found.erps) == ({5: ("erp",)}, {5: ("netsuite",)})
    told = {key: origin for key, _, origin in explained(found, 6)}
    assert told["source"] == f"line 6 of {tmp_path / 'companies.csv'}"
    assert told["write"] == "[groups.west]"


@pytest.mark.parametrize("mark", [";", "\t"])
def test_the_header_tells_the_delimiter(tmp_path: Path, mark: str) -> None:
    listed(tmp_path, f'id{mark}source{mark}groups\n5{mark}a,b.csv{mark}"east;west"\n')
    found = configured(tmp_path, BASE)
    assert found.groups == {5: ("east", "west")}
    assert isinstance(found.companies[0].source, FileSource)
    assert found.companies[0].source.name.endswith("a,b.csv")


def test_companies_of_both_places_stand_in_their_order(tmp_path: Path) -> None:
    listed(tmp_path, "id,source\n7,7.csv\n6,6.csv\n")
    found = configured(tmp_path, f'{BASE}[[companies]]\nid = 9\nsource = "9.csv"\n')
    assert [company.id for company in found.companies] == [9, 7, 6]


FAULTS = {
    "unknown column": ("id,sauce\n5,a\n", "line 1", "unknown column 'sauce'; did you mean 'source'?"),
    "column without a name": (
        "id,source,\n5,5.csv,\n",
        "line 1",
        "unknown column ''; known: account, cron, every, groups, id",
    ),
    "column twice": ("id,source,source\n5,5.csv,\n", "line 1", "there are 2 columns 'source'"),
    "no id column": ("\nsource\n5.csv\n", "line 2", "there is no column 'id'; known: id, name"),
    "no header": ("", "line 1", "there is no column 'id'"),
    "no company": ("id,source\n", "", "names no company"),
    "empty id": ("id,source\n,5.csv\n", "line 2, column id", "is required"),
    "id in words": ("id,source\nfive,5.csv\n", "line 2, column id", "'five' is no company id"),
    "leading zeros": ("id,source\n0123,5.csv\n", "line 2, column id", "without leading zeros"),
    "id of nothing": ("id,source\n0,5.csv\n", "line 2, column id", "'0' is no company id"),
    "other digits": ("id,source\n٣,5.csv\n", "line 2, column id", "'٣' is no company id"),
    "id of too many digits": (f"id,source\n{'9' * 19},5.csv\n", "line 2, column id", "is no company id"),
    "id twice": ("id,source\n5,5.csv\n5,6.csv\n", "line 3, column id", "5 is already the id of line 2"),
    "source of another kind": ("id,source\n5,5.xls\n", "line 2, column source", "one of .csv"),
    "unknown database": ("id,source\n5,sql:erp\n", "line 2, column source", "there is no [databases.erp]; none is"),
    "no source": ("id\n5\n", "line 2, column source", "is required: there is no [fleet]"),
    "a switch": ("id,source,write\n5,5.csv,no\n", "line 2, column write", "'no' is neither true nor false"),
    "unknown account": ("id,source,account\n5,5.csv,maim\n", "line 2, column account", "did you mean 'main'?"),
    "unknown mapping": ("id,source,mapping\n5,5.csv,epr\n", "line 2, column mapping", "there is no [mapping.epr]; did"),
    "unknown group": ("id,source,groups\n5,5.csv,west;eas\n", "line 2, column groups", "did you mean 'east'?"),
    "ragged": ("id,source\n5,5.csv,x\n", "line 2", "has 3 cells, the header 2"),
    "open quote": ('id,source\n5,"5.csv\n', "line 2", "close quotes"),
    "encoding": (b"id,source,name\n5,5.csv,a\n6,6.csv,\xe9\n", "line 3", "0xE9 is not UTF-8: save the file as UTF-8"),
    "NUL": ("id,source\n5,\x005.csv\n", "line 2, column source", "it holds NUL"),
}


@pytest.mark.parametrize(("text", "key", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_named_by_file_line_and_column(tmp_path: Path, text: str | bytes, key: str, message: str) -> None:
    listed(tmp_path, text)
    ((place, said),) = faults(tmp_path, BASE)
    assert place == f"companies.csv: {key}"
    assert message in said


def test_all_faults_of_all_places_are_told_at_once(tmp_path: Path) -> None:
    listed(tmp_path, "id,source,write\nx,5.doc,maybe\n123,123.csv,\n7\n8,,\n")
    text = f'companies_file = "companies.csv"\n{MINIMAL}[limits]\ntimeout = "x"\n'
    assert [key for key, _ in faults(tmp_path, text)] == [
        "limits.timeout",
        "companies.csv: line 2, column id",
        "companies.csv: line 2, column source",
        "companies.csv: line 2, column write",
        "companies.csv: line 4",
        "companies.csv: line 3, column id",
        "companies.csv: line 5, column source",
    ]


def test_an_id_in_both_places_is_told_with_both(tmp_path: Path) -> None:
    listed(tmp_path, "id,source\n123,5.csv\n")
    ((place, said),) = faults(tmp_path, f'companies_file = "companies.csv"\n{MINIMAL}')
    assert place == "companies.csv: line 2, column id"
    assert said.startswith(f"123 is already the id of companies[0] of {tmp_path / 'dimsync.toml'}; ")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert faults(tmp_path, BASE) == [("companies.csv: ", "cannot be read: No such file or directory")]
    ((_, said),) = faults(tmp_path, BASE.replace("companies.csv", r"\u0000"))
    assert said == "cannot be read: its path holds an embedded null byte"


def test_an_account_that_is_left_out_is_told_by_line(tmp_path: Path) -> None:
    listed(tmp_path, "id,source,account\n5,5.csv,main\n6,6.csv,\n")
    assert faults(tmp_path, BASE + WEST) == [
        ("companies.csv: line 3, column account", "is required: there are main, west")
    ]


def test_a_missing_source_is_told_by_line(tmp_path: Path) -> None:
    listed(tmp_path, "id,source\n5,5.csv\n6,6.csv\n")
    (tmp_path / "5.csv").touch()
    (problem,) = source_problems(configured(tmp_path, BASE))
    assert str(problem).startswith(f"{tmp_path / 'companies.csv'}: line 3, column source: ")
    assert problem.message.endswith("6.csv cannot be read: No such file or directory")


def test_a_thousand_lines(tmp_path: Path) -> None:
    listed(tmp_path, "id,source,mapping,groups\n" + "".join(f"{n},{n}.csv,erp,west\n" for n in range(1, 1_001)))
    found = configured(tmp_path, BASE)
    assert [company.id for company in found.companies] == list(range(1, 1_001))
    assert not any(company.write for company in found.companies)
