"""Parquet, Excel and SQL as sources: the same rows as from a CSV, numbers refused as ids, and each way to go wrong."""

from __future__ import annotations

import csv
import os
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing, closing
from datetime import date
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote

import anyio
import orjson
import pyarrow as pa
import pytest
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet
from pyarrow import parquet

from engine.errors import SourceError
from engine.model.dimension import Dimension
from engine.model.settings import Secret, SourceRows
from engine.model.wanted import Wanted
from engine.sources.base import read
from engine.sources.files import FileSource
from engine.sources.mapping import ColumnMap
from engine.sources.presets import PRESETS
from engine.sources.sql import SqlSource, _hidden

TYPES = frozenset({"account", "location", "department", "project", "task", "cost_type", "item"})
COLUMNS = ("unique_key", "type", "dimension_type_code", "name", "code", "erp_dimension_id")
QUERY = "select * from dims"

Rows = Sequence[Sequence[object]]


async def wanted(source: SourceRows, company_id: int = 7) -> Wanted:
    found = await read(source, company_id=company_id, type_codes=TYPES)
    assert found.source_rows == len(found.rows) + found.invalid
    assert found.file == getattr(source, "name", None)
    return found


def write_csv(path: Path, columns: Sequence[str], rows: Rows) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([columns, *rows])


def objects(columns: Sequence[str], rows: Rows) -> list[dict[str, object]]:
    return [dict(zip(columns, row, strict=True)) for row in rows]


def write_json(path: Path, columns: Sequence[str], rows: Rows) -> None:
    path.write_bytes(orjson.dumps(objects(columns, rows)))


def write_ndjson(path: Path, columns: Sequence[str], rows: Rows) -> None:
    path.write_bytes(b"\n".join(map(orjson.dumps, objects(columns, rows))))


def write_parquet(path: Path, columns: Sequence[str], rows: Rows) -> None:
    arrays = [pa.array(values) for values in zip(*rows, strict=True)] if rows else [pa.array([], pa.string())] * 6
    parquet.write_table(pa.table(arrays, names=list(columns)), path)


def fill(sheet: Worksheet, rows: Rows) -> None:
    for number, row in enumerate(rows, 1):
        for column, value in enumerate(row, 1):
            cell = sheet.cell(number, column, value)
            if isinstance(value, str):
                cell.data_type = "s"  # text that begins with = is no formula


def write_xlsx(path: Path, columns: Sequence[str], rows: Rows) -> None:
    workbook = Workbook()
    fill(workbook.active, [columns, *rows])
    workbook.save(path)


def write_db(path: Path, columns: Sequence[str], rows: Rows) -> None:
    names = ", ".join(f'"{name}"' for name in columns)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"create table dims ({names})")
        connection.executemany(f"insert into dims values ({', '.join('?' * len(columns))})", rows)  # noqa: S608  ours


WRITERS: Mapping[str, Callable[[Path, Sequence[str], Rows], None]] = {
    "csv": write_csv,
    "json": write_json,
    "ndjson": write_ndjson,
    "parquet": write_parquet,
    "xlsx": write_xlsx,
    "db": write_db,
}
TYPED = ("parquet", "xlsx", "db")


def made(
    folder: Path,
    kind: str,
    rows: Rows,
    mapping: ColumnMap | None = None,
    columns: Sequence[str] = COLUMNS,
) -> FileSource | SqlSource:
    path = folder / f"rows.{kind}"
    WRITERS[kind](path, columns, rows)
    return SqlSource(f"sqlite:///{path}", QUERY, mapping) if kind == "db" else FileSource(path, mapping)


GOOD = ("k1", "GL Account", "account", "Cash", "1000", "0100")
CASH = Dimension("k1", "account", "GL Account", "Cash", "0100", "1000")
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    '=HYPERLINK("http://x","y")',
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "'0100",
    "\u202eevil\u202c \u05d0\u05d1",
    "\U0001f9fe\U00020000",
    "x" * 10_000,
    'a,b;c "quoted"',
    "Cafe\u0301",
    "{company_id} %s :x",
    "_x0041_",
    "1e5",
    "TRUE",
    "null",
)
ROWS: Rows = (
    GOOD,
    ("k2", "Cost", "costtype", " Nut ", None, "007"),
    ("k3", "Item", "item", None, None, "3"),
    ("k4", "Item", "item", "Bolt", "", "4"),
    ("k4", "Item", "item", "Rod", "", "5"),
    ("k6", "Item", "gadget", "Pin", "", "6"),
    (None, "Item", "item", "Key", "", "8"),
    *((f"h{n}", "Item", "item", text, text, f"0{n}") for n, text in enumerate(HOSTILE)),
)


@pytest.mark.parametrize("kind", WRITERS)
async def test_the_same_rows_whatever_they_stand_in(tmp_path: Path, kind: str) -> None:
    found = await wanted(made(tmp_path, kind, ROWS))
    expected = await wanted(made(tmp_path, "csv", ROWS))
    assert found.rows == expected.rows
    assert len(found.rows) == 2 + len(HOSTILE)
    assert [(p.code, p.key) for p in found.problems] == [(p.code, p.key) for p in expected.problems]
    assert (found.source_rows, found.invalid) == (expected.source_rows, 5)
    assert (found.invalid_keys, found.invalid_natural) == (expected.invalid_keys, expected.invalid_natural)


@pytest.mark.parametrize("kind", WRITERS)
async def test_the_same_mapping_whatever_it_maps(tmp_path: Path, kind: str) -> None:
    columns = ("Type", "No.", "Name", "Blocked")
    rows = [("GLAccount", "0100", "Cash", "No"), ("Job", "7", "Dam", ""), ("Item", "8", "Nut", "Yes")]
    found = await wanted(made(tmp_path, kind, rows, PRESETS["business-central"], columns))
    assert [(row.key, row.erp_id) for row in found.rows] == [("7:account:0100", "0100"), ("7:project:7", "7")]


@pytest.mark.parametrize("kind", TYPED)
@pytest.mark.parametrize(("value", "shown"), [(1, "1"), (1.0, "1"), (2.5, "2.5"), (None, "")])
async def test_a_filter_compares_what_a_csv_would_hold(tmp_path: Path, kind: str, value: object, shown: str) -> None:
    rows = [(*GOOD, value), ("k2", *GOOD[1:], 9)]
    found = await wanted(made(tmp_path, kind, rows, ColumnMap(where={"Active": [shown]}), (*COLUMNS, "Active")))
    assert found.rows == [CASH]


@pytest.mark.parametrize("kind", ["parquet", "xlsx"])
async def test_a_filter_knows_switches(tmp_path: Path, kind: str) -> None:
    rows = [(*GOOD, True), ("k2", *GOOD[1:], False)]
    found = await wanted(made(tmp_path, kind, rows, ColumnMap(where={"Active": ["true"]}), (*COLUMNS, "Active")))
    assert found.rows == [CASH]


@pytest.mark.parametrize("kind", TYPED)
@pytest.mark.parametrize(("number", "shown"), [(100, "100"), (100.0, "100"), (0.5, "0.5")])
async def test_a_number_is_no_id(tmp_path: Path, kind: str, number: float, shown: str) -> None:
    found = await wanted(made(tmp_path, kind, [(*GOOD[:5], number)]))
    (problem,) = found.problems
    assert (problem.code, problem.key) == ("not-text", "k1")
    assert f"erp_dimension_id is the number {shown}, not text" in problem.message
    assert "has lost its leading zero" in problem.message
    assert problem.line == (2 if kind == "xlsx" else None)


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("xlsx", True, "true or false"),
        ("xlsx", date(2026, 1, 31), "of type datetime"),
        ("xlsx", "#REF!", "of type FormulaError"),
        ("parquet", date(2026, 1, 31), "of type date"),
        ("parquet", Decimal("100.00"), "the number 100"),
        ("parquet", b"0100", "of type bytes"),
        ("parquet", ["0100"], "an array"),
        ("db", b"0100", "of type bytes"),
    ],
)
async def test_what_is_no_text_is_no_name(tmp_path: Path, kind: str, value: object, shown: str) -> None:
    found = await wanted(made(tmp_path, kind, [(*GOOD[:3], value, *GOOD[4:])]))
    (problem,) = found.problems
    assert f"name is {shown}, not text" in problem.message


@pytest.mark.parametrize("kind", TYPED)
async def test_columns_that_nobody_wants_may_hold_anything(tmp_path: Path, kind: str) -> None:
    found = await wanted(made(tmp_path, kind, [(*GOOD, 4.5)], columns=(*COLUMNS, " Balance ")))
    assert found.rows == [CASH]


@pytest.mark.parametrize("kind", TYPED)
async def test_control_characters_are_refused(tmp_path: Path, kind: str) -> None:
    text = "Ca_x000D_sh" if kind == "xlsx" else "Ca\rsh"  # as Excel stores it
    found = await wanted(made(tmp_path, kind, [(*GOOD[:3], text, *GOOD[4:])]))
    assert [problem.code for problem in found.problems] == ["control-characters"]


@pytest.mark.parametrize("kind", TYPED)
async def test_no_rows_are_an_empty_source_and_columns_are_missed_all_the_same(tmp_path: Path, kind: str) -> None:
    source = made(tmp_path, kind, [])
    assert (await wanted(source)).source_rows == 0
    source.mapping = ColumnMap(columns={"name": "Title"})
    with pytest.raises(SourceError, match=r"missing columns: Title; there are: unique_key, type") as caught:
        await wanted(source)
    assert caught.value.file == source.name


@pytest.mark.parametrize("kind", TYPED)
async def test_a_doubled_column_is_refused(tmp_path: Path, kind: str) -> None:
    source = made(tmp_path, kind, [(*GOOD, "k")], columns=(*COLUMNS, "reference_id"))
    with pytest.raises(SourceError, match=r"twice: unique_key and reference_id"):
        await wanted(source)


@pytest.mark.parametrize("kind", TYPED)
async def test_rows_come_in_batches_and_leaving_early_closes(tmp_path: Path, kind: str) -> None:
    rows = [(f"k{n}", *GOOD[1:]) for n in range(4_501)]
    source = made(tmp_path, kind, rows)
    assert [len(batch) async for batch in source] == [0, 2_000, 2_000, 501]
    assert not opened(tmp_path)
    batches = aiter(source)
    assert [len(await anext(batches)) for _ in range(2)] == [0, 2_000]
    assert opened(tmp_path)
    await batches.aclose()
    assert not opened(tmp_path)
    with anyio.CancelScope() as scope:
        async with aclosing(aiter(source)) as batches:
            await anext(batches)
            assert opened(tmp_path)
            scope.cancel()
            assert [len(batch) async for batch in batches] == []
    assert scope.cancelled_caught
    assert not opened(tmp_path)
    assert len((await wanted(source)).rows) == 4_501


def opened(folder: Path) -> list[Path]:
    """Return the files of a folder that this process holds open (an empty list where there is no /proc)."""
    links = [link.readlink() for link in Path("/proc/self/fd").glob("*") if link.exists()]
    return [path for path in links if path.is_relative_to(folder)] if links else []


@pytest.mark.parametrize(
    ("kind", "module", "extra"),
    [("parquet", "pyarrow", "parquet"), ("xlsx", "openpyxl", "excel"), ("db", "sqlalchemy", "sql")],
)
async def test_a_missing_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, module: str, extra: str
) -> None:
    source = made(tmp_path, kind, [GOOD])
    assert source.absence() is None
    monkeypatch.setitem(sys.modules, module, None)
    message = f"{source.name} cannot be read without {module}: pip install 'dimsync[{extra}]'"
    with pytest.raises(SourceError) as caught:
        await wanted(source)
    assert str(caught.value) == source.absence() == message
    assert (await wanted(made(tmp_path, "csv", [GOOD]))).rows == [CASH]


def test_who_reads_a_csv_loads_none_of_the_extras(tmp_path: Path) -> None:
    write_csv(tmp_path / "rows.csv", COLUMNS, [GOOD])
    code = """
import asyncio, sys, engine, engine.config
from engine.sources.base import read
assert engine.SqlSource("sqlite://", "select 1").name
found = asyncio.run(read(engine.FileSource("rows.csv"), company_id=7, type_codes=frozenset({"account"})))
assert len(found.rows) == 1
sys.exit(any(name in sys.modules for name in ("pyarrow", "openpyxl", "sqlalchemy")))
"""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=False)
    assert done.returncode == 0


# Parquet


BAD_PARQUET: Mapping[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda _: b"", "cannot be read as Parquet"),
    "something else": (lambda _: b"unique_key,type\n" * 9, "cannot be read as Parquet"),
    "cut off": (lambda content: content[:-20], "cannot be read as Parquet"),
    "encrypted": (lambda content: content[:-4] + b"PARE", "cannot be read"),
    "damaged": (lambda content: content[:4] + bytes(len(content) // 4) + content[4 + len(content) // 4 :], "be read"),
}


@pytest.mark.parametrize(("spoil", "message"), BAD_PARQUET.values(), ids=BAD_PARQUET)
async def test_a_bad_parquet_file_is_refused(tmp_path: Path, spoil: Callable[[bytes], bytes], message: str) -> None:
    source = made(tmp_path, "parquet", [(f"k{n}", *GOOD[1:]) for n in range(500)])
    path = tmp_path / "rows.parquet"
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(SourceError, match=message) as caught:
        await wanted(source)
    assert caught.value.file == str(path)


async def test_text_of_parquet_that_is_no_utf_8_is_refused(tmp_path: Path) -> None:
    source = made(tmp_path, "parquet", [GOOD])
    path = tmp_path / "rows.parquet"
    path.write_bytes(path.read_bytes().replace(b"Cash", b"Ca\xe9h"))
    with pytest.raises(SourceError, match="not UTF-8"):
        await wanted(source)


@pytest.mark.parametrize("kind", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())], ids=str)
async def test_every_kind_of_text_of_parquet_is_text(tmp_path: Path, kind: pa.DataType) -> None:
    path = tmp_path / "rows.parquet"
    arrays = [pa.array([value], pa.string()).cast(kind) for value in GOOD]
    parquet.write_table(pa.table(arrays, names=list(COLUMNS)), path)
    assert (await wanted(FileSource(path))).rows == [CASH]


async def test_times_of_parquet_that_python_has_no_word_for_are_in_nobodys_way(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    times = pa.array([1, None], pa.timestamp("ns"))
    rows = [GOOD, ("k2", *GOOD[1:])]
    arrays = [*map(pa.array, zip(*rows, strict=True)), times]
    parquet.write_table(pa.table(arrays, names=[*COLUMNS, "changed"]), path)
    assert len((await wanted(FileSource(path))).rows) == 2
    (problem, _) = (await wanted(FileSource(path, ColumnMap(columns={"name": "changed"})))).problems
    assert "name is of type Unreadable, not text" in problem.message
    unset = ColumnMap(where={"changed": [""]})
    assert [row.key for row in (await wanted(FileSource(path, unset))).rows] == ["k2"]


# Excel


def book(path: Path, sheets: Mapping[str, Rows], hidden: Sequence[str] = ()) -> None:
    workbook = Workbook()
    workbook.remove(workbook.active)
    for title, rows in sheets.items():
        sheet = workbook.create_sheet(title)
        fill(sheet, rows)
        sheet.sheet_state = "hidden" if title in hidden else "visible"
    workbook.active = list(sheets).index(next(title for title in sheets if title not in hidden))
    workbook.save(path)


def sheet_of(name: str) -> list[Sequence[object]]:
    return [COLUMNS, ("k", "Item", "item", name, None, "1")]


@pytest.mark.parametrize(
    ("named", "name"),
    [("", "second"), ("#Second one", "second"), ("#Notes", "hidden"), ("#a.xlsx#b", "marked")],
)
async def test_a_sheet_is_the_first_that_people_see_or_the_one_that_is_named(
    tmp_path: Path, named: str, name: str
) -> None:
    path = tmp_path / "rows#1.XLSX"
    sheets = {"Notes": "hidden", "Second one": "second", "Third": "third", "a.xlsx#b": "marked"}
    book(path, {title: sheet_of(text) for title, text in sheets.items()}, hidden=["Notes"])
    if named == "#a.xlsx#b":  # a mark inside the sheet's name is the path's
        with pytest.raises(SourceError, match="cannot be read: No such file"):
            await wanted(FileSource(f"{path}{named}"))
        return
    source = FileSource(f"{path}{named}")
    assert (source.path, source.name) == (path, f"{path}{named}")
    assert [row.name for row in (await wanted(source)).rows] == [name]


async def test_a_sheet_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    book(tmp_path / "rows.xlsx", {"One": [COLUMNS], "Two": [COLUMNS]})
    with pytest.raises(SourceError, match=r"rows\.xlsx#Tow: there is no such sheet; there are: 'One', 'Two'"):
        await wanted(FileSource(tmp_path / "rows.xlsx#Tow"))


async def test_lines_are_the_sheets_rows_and_blank_ones_are_none(tmp_path: Path) -> None:
    rows: list[Sequence[object]] = [(), COLUMNS, (), GOOD, (None, " "), ("k2", "T", "item"), (*[None] * 6, "a note")]
    book(tmp_path / "rows.xlsx", {"S": rows})
    found = await wanted(FileSource(tmp_path / "rows.xlsx"))
    assert found.lines == {"k1": 4}
    assert [(problem.line, problem.code) for problem in found.problems] == [(6, "missing-field")]


@pytest.mark.parametrize("rows", [[], [(), (None, " ")]], ids=["empty", "blank"])
async def test_a_sheet_without_a_header_is_refused(tmp_path: Path, rows: Rows) -> None:
    book(tmp_path / "rows.xlsx", {"Dims": rows})
    with pytest.raises(SourceError, match=r"rows\.xlsx#Dims is empty: not even a row of column names"):
        await wanted(FileSource(tmp_path / "rows.xlsx"))


def respell(path: Path, old: str, new: str) -> None:
    """Change a workbook's only sheet as it is stored."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = "xl/worksheets/sheet1.xml"
    assert old.encode() in parts[name]
    parts[name] = parts[name].replace(old.encode(), new.encode())
    with zipfile.ZipFile(path, "w") as archive:
        for part, content in parts.items():
            archive.writestr(part, content)


FORMULA = '<c r="A2"><f>"k"&amp;1</f><v /></c>'


def with_formula(folder: Path, stored: str, rows_after: int = 0) -> FileSource:
    """Return a workbook whose first key is a formula, stored as given."""
    workbook = Workbook()
    fill(workbook.active, [COLUMNS, GOOD, *[(f"n{n}", *GOOD[1:]) for n in range(rows_after)]])
    workbook.active["A2"] = '="k"&1'
    path = folder / "rows.xlsx"
    workbook.save(path)
    respell(path, FORMULA, stored)
    return FileSource(path)


async def test_a_formula_is_what_it_came_to(tmp_path: Path) -> None:
    source = with_formula(tmp_path, '<c r="A2" t="str"><f>"k"&amp;1</f><v>k1</v></c>', rows_after=2_500)
    found = await wanted(source)
    assert found.rows[0] == CASH
    assert len(found.rows) == 2_501
    assert not opened(tmp_path)


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ('<c r="A2" t="str"><f>""</f><v></v></c>', "unique_key is empty"),
        ('<c r="A2" t="e"><f>1/0</f><v>#DIV/0!</v></c>', "unique_key is of type FormulaError, not text"),
        ('<c r="A2"><f t="array" ref="A2">1</f><v>1</v></c>', "unique_key is the number 1, not text"),
    ],
)
async def test_what_a_formula_came_to_may_be_no_key(tmp_path: Path, stored: str, message: str) -> None:
    (problem,) = (await wanted(with_formula(tmp_path, stored))).problems
    assert message in problem.message


async def test_a_formula_that_was_never_calculated_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"#Sheet, cell A2: the formula has no result: open the workbook") as caught:
        await wanted(with_formula(tmp_path, FORMULA))
    assert caught.value.line == 2


async def test_dimensions_that_a_program_got_wrong_cut_nothing_off(tmp_path: Path) -> None:
    source = made(tmp_path, "xlsx", [GOOD])
    respell(tmp_path / "rows.xlsx", '<dimension ref="A1:F2"', '<dimension ref="A1:A1"')
    assert (await wanted(source)).rows == [CASH]


async def test_a_row_number_beyond_excels_last_is_refused(tmp_path: Path) -> None:
    source = made(tmp_path, "xlsx", [GOOD])
    respell(tmp_path / "rows.xlsx", 'r="2"', 'r="999999999"')
    with pytest.raises(SourceError, match="1,048,576 rows at most"):
        await wanted(source)


async def test_more_text_than_memory_should_hold_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "rows.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/sharedStrings.xml", b"")
        archive.getinfo("xl/sharedStrings.xml").file_size = 256_000_001  # so it says
    with pytest.raises(SourceError, match="more than 256,000,000 bytes of text: save it as CSV"):
        await wanted(FileSource(path))


BAD_WORKBOOKS: Mapping[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda _: b"", "cannot be read as an Excel workbook"),
    "something else": (lambda _: b"unique_key,type\n", "cannot be read as an Excel workbook"),
    "utf-16": (lambda _: "unique_key".encode("utf-16"), "cannot be read as an Excel workbook"),
    "cut off": (lambda content: content[:-40], "cannot be read as an Excel workbook"),
    "encrypted": (lambda _: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "is encrypted, or an .xls workbook"),
    "another archive": (lambda _: b"PK\x05\x06" + bytes(18), "cannot be read as an Excel workbook"),
    "damaged": (lambda content: content.replace(b"worksheets/sheet1.xml", b"worksheets/sheet2.xml"), "no such sheet"),
}


@pytest.mark.parametrize(("spoil", "message"), BAD_WORKBOOKS.values(), ids=BAD_WORKBOOKS)
async def test_a_bad_workbook_is_refused(tmp_path: Path, spoil: Callable[[bytes], bytes], message: str) -> None:
    source = made(tmp_path, "xlsx", [GOOD])
    path = tmp_path / "rows.xlsx"
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(SourceError, match=message) as caught:
        await wanted(source)
    assert caught.value.file == str(path)
    assert not opened(tmp_path)


# SQL


def database(folder: Path, query: str, options: str = "") -> SqlSource:
    path = folder / "rows.db"
    write_db(path, (*COLUMNS, "client"), [(*GOOD, 7), ("k8", *GOOD[1:], 8)])
    return SqlSource(Secret(f"sqlite:///{path}{options}"), query, name="sql:erp")


async def test_a_query_is_told_whose_rows_are_wanted(tmp_path: Path) -> None:
    source = database(tmp_path, "select * from dims where client = :company_id and name <> '\\:x'")
    assert source.absence() is None
    assert [row.key for row in (await wanted(source, 7)).rows] == ["k1"]
    assert [row.key for row in (await wanted(source, 8)).rows] == ["k8"]
    assert (await wanted(source, 9)).source_rows == 0
    with pytest.raises(SourceError, match="sql:erp: the query wants :company_id"):
        _ = [batch async for batch in source]


async def test_labels_are_the_columns(tmp_path: Path) -> None:
    query = (
        "select 'k1' as reference_id, type, dimension_type_code, name, code, '01' || '00' as erp_dimension_id from dims"
    )
    assert (await wanted(database(tmp_path, f"{query} limit 1"))).rows == [CASH]


async def test_whatever_a_query_does_is_undone(tmp_path: Path) -> None:
    source = database(tmp_path, "delete from dims returning *")
    assert len((await wanted(source)).rows) == 2
    assert len((await wanted(source)).rows) == 2
    with pytest.raises(SourceError, match="gives no rows: it must be a SELECT"):
        await wanted(SqlSource(f"sqlite:///{tmp_path / 'rows.db'}", "delete from dims"))
    assert len((await wanted(source)).rows) == 2


BAD_QUERIES = {
    "no such table": ("select * from nowhere", "sql:erp cannot be read: OperationalError: no such table: nowhere"),
    "no sql": ("selct", 'near "selct": syntax error'),
    "another parameter": (
        "select :company",
        r"wants :company; what it can be given is a company's :company_id \(a colon",
    ),
    "column twice": ("select *, name from dims", "twice: name"),
}


@pytest.mark.parametrize(("query", "message"), BAD_QUERIES.values(), ids=BAD_QUERIES)
async def test_a_bad_query_fails_the_company(tmp_path: Path, query: str, message: str) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        await wanted(database(tmp_path, query))
    assert caught.value.file == "sql:erp"
    assert "[SQL" not in str(caught.value)
    assert not opened(tmp_path)


BAD_URLS = {
    "no url": ("hush-hush", "cannot be read: ArgumentError"),
    "unknown database": ("hushql://me:hush@db/erp", "cannot be read: NoSuchModuleError"),
    "no driver": ("mysql+mysqlconnector://me:hush@db/erp", "the Python module 'mysql', is not installed: install it"),
    "not for this driver": ("sqlite://me:hush@db/erp", "cannot be read: ArgumentError"),
}


@pytest.mark.parametrize(("url", "message"), BAD_URLS.values(), ids=BAD_URLS)
async def test_a_bad_url_is_told_without_showing_it(url: str, message: str) -> None:
    source = SqlSource(url, QUERY, name="sql:erp")
    with pytest.raises(SourceError, match=message) as caught:
        await wanted(source)
    assert caught.value.__cause__ is None
    for text in (str(caught.value), source.absence() or repr(source), repr(source), repr(vars(source))):
        assert "hush" not in text.replace("hushql", "")
        assert url not in text


HIDDEN = {
    "option": ("&token=hush", "hush"),
    "escaped": ("&password=hu%24h+x", '"hu$h x"'),
    "inside odbc_connect": ("&odbc_connect=DRIVER%3Dx%3BPWD%3Dhush%3BUID%3Dme", "hush"),
}


@pytest.mark.parametrize(("options", "table"), HIDDEN.values(), ids=HIDDEN)
async def test_passwords_are_hidden_by_value(tmp_path: Path, options: str, table: str) -> None:
    path = tmp_path / "rows.db"
    write_db(path, COLUMNS, [])
    source = SqlSource(f"sqlite:///file:{path}?uri=true{options}", f"select * from {table}")  # noqa: S608  ours
    with pytest.raises(SourceError, match=r"no such table: \*\*\*$"):
        await wanted(source)


@pytest.mark.parametrize(
    ("password", "parts"),
    [
        ("hush", {"hush"}),
        ("hu%40sh", {"hu%40sh", "hu@sh"}),
        ("hu@sh", {"hu@sh", "hu", "sh"}),  # not escaped: drivers take "sh" for part of the host
        ("hu:sh/x#y", {"hu:sh/x#y"}),
    ],
)
def test_a_password_is_hidden_however_it_is_cut(password: str, parts: set[str]) -> None:
    url = f"postgresql://me:{password}@db/erp?sslmode=require"
    hidden = _hidden(url)
    assert set(hidden) == {url, unquote(url), *parts}
    assert [len(part) for part in hidden] == sorted(map(len, hidden), reverse=True)  # a part of it not before the whole


async def test_a_database_that_is_not_there_is_told(tmp_path: Path) -> None:
    source = SqlSource(f"sqlite:///{tmp_path}/none/rows.db", QUERY, name="sql:erp")
    assert source.absence() is None
    with pytest.raises(SourceError, match="sql:erp cannot be read: OperationalError: unable to open database file"):
        await wanted(source)
