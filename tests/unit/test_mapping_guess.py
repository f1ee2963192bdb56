"""What a mapping is proposed by: the first rows of a file, doubts about ids and names, and TOML that can be pasted."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cli.show.toml import table
from engine.errors import SourceError
from engine.sources.doubts import doubts
from engine.sources.guess.first_rows import head_of
from engine.sources.guess.head import Head
from engine.sources.guess.propose import guess
from tests.tables import each_of
from tests.unit.model_server import STEADY, steady
from tests.unit.test_sources_never_invent_rows import ANY_BYTES, ENDINGS

TITLES = "Acme,,\nChart of accounts,,\n,,\n"
BODY = "Number,Name,Type\n1000,Cash,Bank\n2000,Rent,\n"
HEAD = (("Number", "Name", "Type"), [["1000", "Cash", "Bank"], ["2000", "Rent", ""]])

FILES: dict[str, tuple[str, bytes, dict[str, object]]] = {
    "plain": ("a.csv", BODY.encode(), {}),
    "title lines": ("a.csv", (TITLES + BODY).encode(), {}),
    "a header far down": ("a.csv", ("Acme,,\n" * 24 + BODY).encode(), {"header": 25}),
    "semicolons": ("a.csv", BODY.replace(",", ";").encode(), {}),
    "tabs": ("a.tsv", BODY.replace(",", "\t").encode(), {}),
    "pipes": ("a.txt", BODY.replace(",", "|").encode(), {"delimiter": "|"}),
    "a named delimiter": ("a.csv", ("sep=|\n" + BODY.replace(",", "|")).encode(), {}),
    "a mark": ("a.csv", b"\xef\xbb\xbf" + BODY.encode(), {}),
    "UTF-16": ("a.csv", BODY.encode("utf-16"), {}),
    "UTF-16 without mark": ("a.csv", BODY.encode("utf-16-le"), {"encoding": "utf-16-le"}),
    "metadata of another width": ("a.csv", ('"EXTF";700;;"";""\n' + BODY.replace(",", ";")).encode(), {}),
    "IIF": ("a.iif", b"!HDR\tA\nHDR\t1\n!ACCNT\tNumber\tName\tType\nACCNT\t1000\tCash\tBank\nACCNT\t2000\tRent\n", {}),
    "NDJSON": (
        "a.ndjson",
        b'{"Number":"1000","Name":"Cash","Type":"Bank"}\n{"Number":"2000","Name":"Rent","Type":null}\n',
        {},
    ),
    "JSON under a path": (
        "a.json",
        json.dumps({"a": {"rows": [dict(zip(HEAD[0], row, strict=True)) for row in HEAD[1]], "n": [1]}}).encode(),
        {"rows": "a.rows"},
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_the_first_rows_of_a_file(name: str, tmp_path: Path) -> None:
    file, content, reading = FILES[name]
    (tmp_path / file).write_bytes(content)
    head = head_of(str(tmp_path / file))
    assert (head.columns, [list(row) for row in head.rows]) == HEAD
    assert head.reading == reading


@steady(50)
@given(ending=st.sampled_from(ENDINGS), content=ANY_BYTES)
def test_any_bytes_have_a_head_or_give_one_error(ending: str, content: bytes) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"x{ending}"
        file.write_bytes(content)
        try:
            head = head_of(str(file))
        except SourceError:
            return
    assert all(len(row) == len(head.columns) for row in head.rows)
    made = guess(head, file.name)
    assert made is None or tomllib.loads("\n".join(table(("mapping", "erp"), made.settings, 80)))


VALUES = st.recursive(
    st.one_of(st.text(max_size=8), st.integers(-9, 9), st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)


@STEADY
@given(st.dictionaries(st.text(max_size=6), VALUES, max_size=4))
def test_what_is_printed_as_toml_is_read_as_it_was(values: dict[str, Any]) -> None:
    written = "\n".join(table(("mapping", "a b"), values, 30))
    assert tomllib.loads(written) == {"mapping": {"a b": values}}
    assert written.replace("\n", "").isprintable()


DOUBTS = {
    "none": (["1000", "2000", "3000"], ["Cash", "Bank", "Totally Fresh Ltd"], []),
    "decimals": (["1.0", "2.0", "3.0"], [], ["3 ids like '1.0'"]),
    "two decimals": (["1.0", "2.0"], [], []),
    "thousands": (["4.000", "4.010", "12.000"], [], ["3 ids like '4.000'"]),
    "thousands in Switzerland": (["4'000", "4'010", "12'000"], [], ['3 ids like "4\'000"']),
    "rounded": (["1000", "2.8E+18"], [], ["1 id like '2.8E+18'"]),
    "number and name": (["1 - Cash", "2 - Bank", "3 - Rent"], [], ["3 ids like '1 - Cash'"]),
    "a total": (["1", "2"], ["Cash", "Total Cash"], ["1 name like 'Total Cash'"]),
    "lost zeros": (["100", "1000", "1001", "1002", "1003", "1004", "1005"], [], ["1 id like '100' has 3 digits"]),
    "numbers of any length": (["1", "20", "300", "4000", "50000", "60000"], [], []),
    "zeros that are there": (["0100", "100", "1001", "1002", "1003", "1004"], [], []),
}


@each_of(list(DOUBTS))
def test_habits_that_are_rarely_meant_are_doubts(name: str) -> None:
    ids, names, told = DOUBTS[name]
    found = list(doubts(ids, names))
    assert len(found) == len(told)
    assert all(text.startswith(begin) for text, begin in zip(found, told, strict=True))


def head(columns: str, *rows: str, title: str = "") -> Head:
    return Head(tuple(columns.split(",")), [row.split(",") for row in rows], {}, title)


LISTS = {
    "by the file": ("Departments.csv", head("ID,Name", "1,Kitchen"), "department"),
    "by the title": ("export.csv", head("ID,Name", "1,Kitchen", title="Location list of Acme"), "location"),
    "by a column": ("export.csv", head("Account,Label", "1,Kitchen"), "account"),
    "by nothing": ("export.csv", head("ID,Name", "1,Kitchen"), "account"),
    "cost codes": ("CostCodes.csv", head("ID,Name", "1,Kitchen"), "cost_type"),
}


@pytest.mark.parametrize("name", LISTS)
def test_which_list_a_file_is(name: str) -> None:
    file, first, type_code = LISTS[name]
    made = guess(first, file)
    assert made is not None
    assert made.settings["type_code"] == type_code
    assert any("nothing tells which list" in doubt for doubt in made.doubts) == (name == "by nothing")


FILTERS: dict[str, tuple[Head, object]] = {
    "inactive": (head("ID,Name,Inactive", "1,a,No", "2,b,Yes"), {"Inactive": "No"}),
    "inactive, empty for no": (head("ID,Name,Inactive", "1,a,", "2,b,Yes"), {"Inactive": {"not": "Yes"}}),
    "active": (head("ID,Name,Is Active", "1,a,wahr", "2,b,falsch"), {"Is Active": "wahr"}),
    "active in words that nobody knows": (head("ID,Name,Active", "1,a,x", "2,b,"), None),
    "a status": (
        head("ID,Name,Status", "1,a,Active", "2,b,Inactive", "3,c,Archived"),
        {"Status": {"keep": ["Active"], "out": ["Archived", "Inactive"]}},
    ),
    "headings": (head("ID,Name,Type", "1,a,Heading", "2,b,Posting"), {"Type": {"not": ["Heading"]}}),
    "ids that are empty": (head("ID,Name", "1,a", ",b"), {"ID": {"empty": False}}),
}


@pytest.mark.parametrize("name", FILTERS)
def test_which_rows_are_left_out(name: str) -> None:
    first, where = FILTERS[name]
    made = guess(first, "accounts.csv")
    assert made is not None
    assert made.settings.get("where") == where


def test_one_file_of_many_companies_and_lists() -> None:
    first = head("Company,Type,ID,Name", "7,Account,1,a", "7,Department,1,b", "8,Account,1,c")
    made = guess(first, "all.csv")
    assert made is not None
    assert made.doubts == ()
    assert made.settings == {
        "key": "{company_id}:{type_code}:{erp_dimension_id}",
        "type_codes": {"Account": "account", "Department": "department"},
        "columns": {"erp_dimension_id": "ID", "name": "Name", "type": "Type", "dimension_type_code": "Type"},
        "company_column": "Company",
    }


def test_no_mapping_is_proposed_without_an_id_or_a_name() -> None:
    assert guess(head("A,B", "1,2", "3,4"), "numbers.csv") is None
