"""Columns of codes that rows need not have: a source tells when no row has one, so that codes are not erased by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.sources.base import read
from engine.sources.files import FileSource
from engine.sources.mapping import ColumnMap
from engine.sources.several import Several

ANY = {"first_of": ["Code", "No", {"constant": ""}]}

CASES: dict[str, tuple[str, str, object, tuple[str, ...]]] = {
    "no object has one": ("a.ndjson", '{"Id":"1","Name":"a"}\n{"Id":"2","Name":"b"}\n', ANY, ("Code", "No")),
    "one object has one": ("a.ndjson", '{"Id":"1","Name":"a"}\n{"Id":"2","Name":"b","No":"x"}\n', ANY, ()),
    "one is there and empty": ("a.ndjson", '{"Id":"1","Name":"a","No":null}\n', ANY, ()),
    "no table has one": ("a.csv", "Id,Name\n1,a\n", ANY, ("Code", "No")),
    "a table has one": ("a.csv", "Id,Name,No\n1,a,\n", ANY, ()),
    "no codes are wanted": ("a.csv", "Id,Name\n1,a\n", {"constant": ""}, ()),
    "codes are not mapped": ("a.csv", "Id,Name\n1,a\n", None, ()),
}


def mapped(code: object) -> ColumnMap:
    columns: dict[str, object] = {"erp_dimension_id": "Id", "name": "Name"} | ({} if code is None else {"code": code})
    return ColumnMap(columns=columns, type_code="account", type_label="Account", key="{erp_dimension_id}")


@pytest.mark.parametrize("name", CASES)
async def test_what_no_row_has(name: str, tmp_path: Path) -> None:
    file, text, code, absent = CASES[name]
    (tmp_path / file).write_text(text, encoding="utf-8")
    found = await read(FileSource(tmp_path / file, mapped(code)), company_id=7, type_codes=frozenset({"account"}))
    assert found.absent_columns == ({"code": absent} if absent else {})
    assert not found.invalid


async def test_of_several_sources_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Id,Name,Code\n1,a,x\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("Id,Name\n2,b\n", encoding="utf-8")
    source = Several([FileSource(tmp_path / file, mapped(ANY)) for file in ("a.csv", "b.csv")])
    found = await read(source, company_id=7, type_codes=frozenset({"account"}))
    assert found.absent_columns == {"code": ("Code", "No")}
