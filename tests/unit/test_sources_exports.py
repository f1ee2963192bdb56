"""Exports as ERPs write them: with titles, totals, several lists, other encodings, and values of their own."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from openpyxl import Workbook

from engine.errors import SourceError
from engine.model.wanted import LeftOut, Wanted
from engine.sources.base import read
from engine.sources.encodings import probable
from engine.sources.files import FileSource, ending_fault
from engine.sources.mapping import ColumnMap
from engine.sources.presets import PRESETS

TYPES = frozenset({"account", "location", "department", "project", "task", "cost_type", "item"})
KEY = "{company_id}:{type_code}:{erp_dimension_id}"


def accounts(erp_id: object, name: object, **more: Any) -> ColumnMap:
    """Return a map of a list of accounts."""
    columns = {"erp_dimension_id": erp_id, "name": name} | more.pop("columns", {})
    return ColumnMap(columns=columns, type_code="account", type_label="Account", key=KEY, **more)


NUMBERS = accounts("Number", "Name")


async def wanted(folder: Path, content: str | bytes, mapping: ColumnMap = NUMBERS, name: str = "list.csv") -> Wanted:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    found = await read(FileSource(path, mapping), company_id=7, type_codes=TYPES)
    assert found.read_rows == found.source_rows + found.left_out
    assert found.source_rows == len(found.rows) + found.invalid
    return found


def pairs(found: Wanted) -> list[tuple[str, str]]:
    return [(row.erp_id, row.name) for row in found.rows]


REPORT = """Acme Services Inc,,,
Account List,,,
,,,
Account #,Full name,Type,Total balance
10100,Checking,Bank,"1,200.00"
15110,FIXED ASSETS:Vehicles:2019 Van,Fixed Assets,"9,000.00"
,Money Market,Bank,"123,424.21"
TOTAL,,,"$126,624.21"
,,,
" Friday, Jul 03, 2026 10:12 AM GMT-05:00",,,
"""


async def test_a_report_is_read_from_its_column_names_to_its_total(tmp_path: Path) -> None:
    mapping = accounts({"first_of": ["Account #", "Full name"]}, {"column": "Full name", "split": ":", "part": -1})
    found = await wanted(tmp_path, REPORT, mapping)
    assert pairs(found) == [("10100", "Checking"), ("15110", "2019 Van"), ("Money Market", "Money Market")]
    assert found.lines == {"7:account:10100": 5, "7:account:15110": 6, "7:account:Money Market": 7}
    assert (found.invalid, found.read_rows, found.left_out) == (0, 5, 2)
    assert set(found.left_out_by) == {LeftOut("total", "", "", None, 1), LeftOut("footer", "", "", None, 1)}


async def test_a_total_is_left_out_whatever_column_it_stands_in_and_however_wide_it_is(tmp_path: Path) -> None:
    text = 'Name,Type,Balance\nChecking,Bank,500.00\nTotal,Income,\nTOTAL,,500.00\nGrand Total,"1.234,00"\n'
    found = await wanted(tmp_path, text, accounts("Name", "Name"))
    assert pairs(found) == [("Checking", "Checking"), ("Total", "Total")]
    assert found.left_out_by == (LeftOut("total", "", "", None, 2),)


async def test_column_names_may_stand_on_the_line_that_the_mapping_names(tmp_path: Path) -> None:
    text = "Number,Name\n" + "title\n" * 30 + "Number,Name\n1,Cash\n"
    with pytest.raises(SourceError, match="column names stand here again"):
        await wanted(tmp_path, text)
    found = await wanted(tmp_path, text, accounts("Number", "Name", header=32))
    assert (pairs(found), found.lines) == ([("1", "Cash")], {"7:account:1": 33})
    with pytest.raises(SourceError, match="missing columns: Name, Number; there are: title"):
        await wanted(tmp_path, text, accounts("Number", "Name", header=2))
    with pytest.raises(SourceError, match="has no line 99 with column names"):
        await wanted(tmp_path, text, accounts("Number", "Name", header=99))


async def test_a_missing_column_is_named_once_with_what_the_likeliest_line_has(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        await wanted(tmp_path, REPORT, accounts("Number", "Full name", columns={"code": "Number"}))
    assert str(caught.value).endswith("missing columns: Number; there are: Account #, Full name, Type, Total balance")


async def test_a_file_of_one_column_asks_whether_the_names_stand_further_down(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no line of the first 20 holds them all.*header = N"):
        await wanted(tmp_path, "Acme Inc\n" * 25 + "Number,Name\n1,Cash\n")


SEPARATED = {
    "a line for Excel": ("sep=;\r\nNumber;Name\r\n0100;Food, drinks\r\n", None),
    "a line for Excel with another mark": ("SEP=|\nNumber|Name\n0100|Food, drinks\n", None),
    "a named one": ("Number|Name\n0100|Food, drinks\n", "|"),
    "more of another in the titles": ("a,b,c,d,e\nNumber;Name\n0100;Food, drinks\n", None),
}


@pytest.mark.parametrize(("text", "delimiter"), SEPARATED.values(), ids=SEPARATED)
async def test_what_separates_cells(tmp_path: Path, text: str, delimiter: str | None) -> None:
    found = await wanted(tmp_path, text, accounts("Number", "Name", delimiter=delimiter))
    assert pairs(found) == [("0100", "Food, drinks")]


async def test_a_header_with_line_breaks_is_found_below_titles(tmp_path: Path) -> None:
    found = await wanted(tmp_path, 'a title,\n"Number\n(GL)","Na""me"\n0100,Cash\n', accounts("Number\n(GL)", 'Na"me'))
    assert (pairs(found), found.lines) == ([("0100", "Cash")], {"7:account:0100": 4})


async def test_rows_of_empty_cells_are_no_rows_and_surplus_empty_cells_are_none(tmp_path: Path) -> None:
    text = "Number,Name,,\r\n0100,Food,,,,\r\n,,,\r\n , ,,,,,\r\n0200,Rent,,,x\r\n"
    found = await wanted(tmp_path, text)
    assert (pairs(found), found.read_rows) == ([("0100", "Food")], 2)
    assert [(problem.code, problem.line) for problem in found.problems] == [("ragged-row", 5)]


SECOND_HEADERS = {
    "the same": "Number,Name,Type\n1,Cash,Bank\nNumber,Name,Type\n2,Rent,Expense\n",
    "in another order": "Number,Name,Type\n1,Cash,Bank\nName,Number,Type\nRent,2,Expense\n",
    "of another width": "Number,Name,Type\n1,Cash,Bank\nNumber,Name\n2,Rent\n",
    "of a wider list": "Number,Name\n1,Cash\nID,Name,Number,Inactive\n7,Bar,x,No\n",
}


@pytest.mark.parametrize("text", SECOND_HEADERS.values(), ids=SECOND_HEADERS)
async def test_two_lists_in_one_file_fail_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(SourceError, match=r"line 3: column names stand here again") as caught:
        await wanted(tmp_path, text)
    assert caught.value.line == 3


async def test_one_cell_that_is_a_name_is_no_header(tmp_path: Path) -> None:
    assert pairs(await wanted(tmp_path, "Number,Name\n1,Name\n2,Number\n")) == [("1", "Name"), ("2", "Number")]


UMLAUTS = "Konto;Name\n8400;Erlöse 19 %\n8500;Getränke für Gäste\n"


@pytest.mark.parametrize("encoding", ["cp1252", "cp850", "mac-roman"])
async def test_another_encoding_is_read_once_it_is_named_and_the_message_names_it(
    tmp_path: Path, encoding: str
) -> None:
    content = UMLAUTS.encode(encoding)
    mapping = accounts("Konto", "Name", encoding=encoding)
    assert pairs(await wanted(tmp_path, content, mapping))[0] == ("8400", "Erlöse 19 %")
    with pytest.raises(SourceError) as caught:
        await wanted(tmp_path, content, accounts("Konto", "Name"))
    assert f"line 2, byte 9: 0x{'ö'.encode(encoding)[0]:02X} is not UTF-8" in str(caught.value)
    assert f'encoding = "{encoding}"' in str(caught.value)


def test_what_cannot_be_told_is_not_guessed() -> None:
    assert probable("Żółć gęślą jaźń".encode("cp1250")) == "cp1250"
    assert probable("Основные счета".encode("cp1251")) == "cp1251"
    assert probable(b"plain") is None


async def test_an_encoding_that_does_not_fit_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is not ascii throughout: name the right `encoding`"):
        await wanted(tmp_path, "Number,Name\n1,é\n", accounts("Number", "Name", encoding="ascii"))


async def test_a_mark_decides_before_the_mapping(tmp_path: Path) -> None:
    content = "Number\tName\r\n0100\tGetränke\r\n".encode("utf-16")
    found = await wanted(tmp_path, content, accounts("Number", "Name", encoding="cp1252"), "list.txt")
    assert pairs(found) == [("0100", "Getränke")]


IIF = """!HDR\tPROD\tVER
HDR\tQuickBooks Pro\tVersion 22.0D
!ACCNT\tNAME\tREFNUM\tACCNUM\tHIDDEN\tUSEID
ACCNT\tChecking\t3\t1000\tN\tN
ACCNT\tAuto:Fuel\t4\t6010\tN
ACCNT\tOld\t5\t6999\tY\tN
!CUST\tNAME\tHIDDEN
CUST\tHarbor Grill\tN
"""


async def test_an_iif_file_is_read_for_the_list_with_the_mapped_columns(tmp_path: Path) -> None:
    mapping = accounts("ACCNUM", "NAME", where={"HIDDEN": "N"})
    found = await wanted(tmp_path, IIF, mapping, "Chart.IIF")
    assert pairs(found) == [("1000", "Checking"), ("6010", "Auto:Fuel")]
    assert found.lines == {"7:account:1000": 4, "7:account:6010": 5}
    assert found.left_out_by == (LeftOut("filter", "HIDDEN", "Y", "account", 1),)
    with pytest.raises(SourceError, match="line 7: the lists ACCNT and CUST both have all mapped columns"):
        await wanted(tmp_path, IIF, accounts("NAME", "NAME"), "Chart.IIF")
    with pytest.raises(SourceError, match="missing columns: NUMBER; there are: NAME, REFNUM, ACCNUM, HIDDEN, USEID"):
        await wanted(tmp_path, IIF, accounts("NUMBER", "NAME", columns={"code": "REFNUM"}), "Chart.IIF")
    with pytest.raises(SourceError, match="no line that begins with !"):
        await wanted(tmp_path, "Number\tName\n1\tCash\n", NUMBERS, "Chart.iif")


API = {
    "QueryResponse": {
        "startPosition": 1,
        "Account": [
            {"Name": "Checking", "Active": True, "AcctNum": "1000", "Id": "35"},
            {"Name": "Fuel", "Active": True, "Id": "56"},
            {"Name": "Closed", "Active": False, "Id": "57"},
        ],
    },
    "time": "2026-01-01T00:00:00Z",
}
QBO = accounts("Id", "Name", columns={"code": "AcctNum"}, where={"Active": True}, rows="QueryResponse.Account")


async def test_rows_of_a_document_are_found_at_their_path(tmp_path: Path) -> None:
    for document in (API, API["QueryResponse"]["Account"]):  # type: ignore[index]  # it is a dict
        found = await wanted(tmp_path, orjson.dumps(document), QBO, "list.json")
        assert pairs(found) == [("35", "Checking"), ("56", "Fuel")]
        assert found.left_out_by == (LeftOut("filter", "Active", "false", "account", 1),)
    with pytest.raises(SourceError, match=r"there are arrays at: QueryResponse.Account; .* rows = \"QueryResponse.Acc"):
        await wanted(tmp_path, orjson.dumps(API), accounts("Id", "Name"), "list.json")
    with pytest.raises(SourceError, match="wanted, at `value`; there are arrays at: none"):
        await wanted(tmp_path, b'{"value": {"a": 1}}', accounts("Id", "Name", rows="value"), "list.json")
    assert (await wanted(tmp_path, b'{"value": []}', accounts("Id", "Name", rows="value"), "list.json")).read_rows == 0


@pytest.mark.parametrize("text", ["\\ud800", "\\udc00x", "\\ud800\\u0041", "a" * 70_000 + "\\udfff"], ids=range(4))
async def test_half_a_surrogate_pair_of_a_document_is_no_question_mark(tmp_path: Path, text: str) -> None:
    content = f'[{{"Number": "1", "Name": "{text}"}}]'
    with pytest.raises(SourceError, match="is half of a surrogate pair"):
        await wanted(tmp_path, content, name="list.json")


@pytest.mark.parametrize("before", range(65_400, 65_420))
async def test_a_whole_surrogate_pair_is_one_character_wherever_a_reading_ends(tmp_path: Path, before: int) -> None:
    content = f'[{{"Number": "1", "Name": "{"a" * before}\\ud83d\\ude00", "x": "\\\\ud800"}}]'
    assert (await wanted(tmp_path, content, name="list.json")).rows[0].name.endswith("a\U0001f600")


async def test_values_in_objects_are_found_by_their_path(tmp_path: Path) -> None:
    rows = [
        {"AccountCD": {"value": "10100"}, "Description": {"value": "Cash"}, "Active": {"value": True}},
        {"AccountCD": {"value": "10200"}, "Description": {}, "Active": {"value": False}},
    ]
    mapping = accounts("AccountCD.value", "Description.value", where={"Active.value": True})
    for name, content in (("list.json", orjson.dumps(rows)), ("list.ndjson", b"\n".join(map(orjson.dumps, rows)))):
        found = await wanted(tmp_path, content, mapping, name)
        assert pairs(found) == [("10100", "Cash")]
        assert found.left_out == 1


async def test_a_column_that_no_object_has_fails_the_file_once(tmp_path: Path) -> None:
    lines = b'{"Id":"35","Name":"Checking","AccountNumber":"1000","Active":true}\n' * 2
    with pytest.raises(SourceError) as caught:
        await wanted(tmp_path, lines, PRESETS["quickbooks-online"], "list.ndjson")
    assert "missing columns: Type, AcctNum; there are: Id, Name, AccountNumber, Active" in str(caught.value)
    assert 'code = { constant = "" }' in str(caught.value)
    optional = accounts("Id", "Name", columns={"code": {"first_of": ["AcctNum", {"constant": ""}]}})
    assert (await wanted(tmp_path, b'{"Id":"1","Name":"A"}\n', optional, "list.ndjson")).rows[0].code is None


IDS = {
    "a zero-width space": ("0100\u200b", "invisible-characters"),
    "a mark in the middle": ("01\ufeff00", "invisible-characters"),
    "a bidirectional mark": ("\u202e0100", "invisible-characters"),
    "a filler": ("01\u3164", "invisible-characters"),
    "a long number": ("2.87796E+18", "rounded-id"),
    "a long number of a program": ("2e+18", "rounded-id"),
    "a long number without a sign": ("5.57183E18", "rounded-id"),
    "a place in a building": ("1E5", None),
    "a version": ("1.2.E3", None),
    "spaces that are seen": ("\u00a0 02 00\u00a0", None),
}


@pytest.mark.parametrize(("text", "code"), IDS.values(), ids=IDS)
async def test_ids_that_people_and_spreadsheets_cannot_keep(tmp_path: Path, text: str, code: str | None) -> None:
    found = await wanted(tmp_path, f"Number,Name\n{text},A\u200bB\n")
    assert [problem.code for problem in found.problems] == ([code] if code else [])


async def test_a_joined_list_without_a_known_type_names_the_preset_for_one_list(tmp_path: Path) -> None:
    text = "No.,Name,Type,Blocked\n1,Cash,Posting,No\n2,Assets,Heading,No\n"
    with pytest.raises(SourceError) as caught:
        await wanted(tmp_path, text, PRESETS["business-central"])
    assert re.search(r'no row is of a type that .*"business-central" knows \("Heading", "Posting"\)', str(caught.value))
    assert 'such as "business-central.accounts" (dimsync help sources)' in str(caught.value)
    netsuite = "Type,Internal ID,Number,Name,Inactive\nBank,1,1,Cash,No\n"
    with pytest.raises(SourceError, match=r'use preset = "netsuite.accounts" or preset = "netsuite.departments" or'):
        await wanted(tmp_path, netsuite, PRESETS["netsuite"])
    assert (
        await wanted(tmp_path, "No.,Name,Type,Blocked\n1,Cash,GLAccount,No\n2,A,x,\n", PRESETS["business-central"])
    ).invalid
    assert (await wanted(tmp_path, "No.,Name,Type,Blocked\n", PRESETS["business-central"])).read_rows == 0


async def test_what_a_filter_does_not_know_is_invalid_and_what_it_leaves_out_is_counted(tmp_path: Path) -> None:
    head = "Type,Internal ID,Number,Name,Inactive\n"
    text = f"{head}Account,1,10,A,FALSE\nAccount,2,11,B,T\nItem,3,,C,No\nX,4,,D,Yes\nItem,5,,E,?\n"
    found = await wanted(tmp_path, text, PRESETS["netsuite"])
    assert [row.key for row in found.rows] == ["7:account:1", "7:item:3"]
    assert set(found.left_out_by) == {
        LeftOut("filter", "Inactive", "T", "account", 1),
        LeftOut("filter", "Inactive", "Yes", None, 1),
    }
    assert [(problem.code, problem.line) for problem in found.problems] == [("unclear-filter", 6)]


async def test_rows_of_other_companies_are_not_this_companys(tmp_path: Path) -> None:
    text = "Company,Number,Name\n7,1,A\n8,1,B\n7.0,2,C\n,3,D\n"
    found = await wanted(tmp_path, text, accounts("Number", "Name", company_column="Company"))
    assert (pairs(found), found.read_rows, found.left_out) == ([("1", "A"), ("2", "C")], 2, 0)


def book(path: Path, rows: list[list[object]], formats: dict[str, str]) -> None:
    workbook = Workbook()
    sheet = workbook.active
    for row in rows:
        sheet.append(row)
    for cell, form in formats.items():
        sheet[cell].number_format = form
    workbook.save(path)


async def test_whole_numbers_are_ids_once_the_mapping_says_so(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["A list"],
        [],
        ["Number", "Name", "x"],
        [100, "Food", 1],
        [200.0, "Rent"],
        [1.5, "Odd"],
    ]
    book(tmp_path / "list.xlsx", rows, {"A4": "00000"})
    source = FileSource(tmp_path / "list.xlsx", NUMBERS)
    found = await read(source, company_id=7, type_codes=TYPES)
    assert [problem.code for problem in found.problems] == ["not-text"] * 3
    found = await read(
        FileSource(source.path, accounts("Number", "Name", numbers_as_ids=True)), company_id=7, type_codes=TYPES
    )
    assert (pairs(found), found.lines) == (
        [("00100", "Food"), ("200", "Rent")],
        {"7:account:00100": 4, "7:account:200": 5},
    )
    assert [(problem.code, problem.line) for problem in found.problems] == [("not-text", 6)]
    padded = accounts({"column": "Id", "pad": 4}, "Name", numbers_as_ids=True)
    lines = b'{"Id": 7, "Name": "A"}\n{"Id": true, "Name": "B"}\n'
    found = await wanted(tmp_path, lines, padded, "list.ndjson")
    assert (pairs(found), found.invalid) == ([("0007", "A")], 1)


@pytest.mark.parametrize(("age_s", "fault"), [(1, "try again later"), (60, None), (7_200, "have the list exported")])
async def test_a_file_may_be_too_young_or_too_old(tmp_path: Path, age_s: float, fault: str | None) -> None:
    path = tmp_path / "list.csv"
    path.write_text("Number,Name\n1,A\n", encoding="utf-8")
    now = path.stat().st_mtime
    os.utime(path, (now - age_s, now - age_s))
    source = FileSource(path, accounts("Number", "Name", min_age_s=30.0, max_age_s=3_600.0))
    assert (await source.digest() is None) is (fault is not None)  # so that no run takes it for unchanged
    if fault is None:
        assert (await read(source, company_id=7, type_codes=TYPES)).source_rows == 1
    else:
        with pytest.raises(SourceError, match=fault):
            await read(source, company_id=7, type_codes=TYPES)


OTHER_FILES = {
    "SpreadsheetML": ("list.csv", b'<?xml version="1.0"?>\n<Workbook/>', "is XML"),
    "a page": ("list.txt", b"\xef\xbb\xbf\n<HTML><table>", "is a web page"),
    "a workbook": ("list.csv", b"PK\x03\x04" + bytes(20), "is an Excel workbook"),
    "an old workbook": ("list.csv", b"\xd0\xcf\x11\xe0" + bytes(20), "is an old Excel workbook"),
    "a document": ("list.json", b"%PDF-1.7", "is a PDF"),
}


@pytest.mark.parametrize(("name", "content", "message"), OTHER_FILES.values(), ids=OTHER_FILES)
async def test_files_of_another_kind_are_told_with_what_to_export(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        await wanted(tmp_path, content, name=name)


def test_an_ending_that_is_not_read_says_what_to_export() -> None:
    assert "export the list as CSV, or save it as .xlsx" in (ending_fault("a/list.XLS") or "")
    assert "one of .csv" in (ending_fault("list.doc") or "")
    assert ending_fault("a/List.IIF") is None


async def test_a_file_of_one_list_under_a_joined_preset_names_the_presets_that_fit_it(tmp_path: Path) -> None:
    text = "No.,Name,Account Type,Account Category,Account Subcategory\n10100,Cash,Posting,Assets,Cash\n"
    with pytest.raises(SourceError) as caught:
        await wanted(tmp_path, text, PRESETS["business-central"])
    named = re.findall(r'preset = "(business-central\.[a-z-]+)"', str(caught.value))
    assert "missing columns: Type" in str(caught.value)
    assert named
    for name in named:
        assert (await wanted(tmp_path, text, PRESETS[name])).source_rows == 1
