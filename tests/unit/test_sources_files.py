"""Files as sources: good ones, bad rows named by line, bad files refused."""

from __future__ import annotations

import csv
import os
import threading
from collections.abc import Generator
from pathlib import Path

import anyio
import anyio.to_thread
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import SourceError
from engine.model.dimension import Dimension, clean
from engine.model.wanted import Wanted
from engine.sources.base import read
from engine.sources.batch import Batch
from engine.sources.files import SMALL_BYTES, FileSource
from engine.sources.mapping import ColumnMap
from engine.sources.reading import Feed
from tests.unit.model_server import steady

TYPES = frozenset({"account", "location", "department", "project", "task", "cost_type", "item"})
HEADER = "unique_key,type,dimension_type_code,name,code,erp_dimension_id"
GOOD = "k1,GL Account,account,Cash,1000,0100"
CASH = Dimension("k1", "account", "GL Account", "Cash", "0100", "1000")


async def wanted(path: Path, mapping: ColumnMap | None = None) -> Wanted:
    found = await read(FileSource(path, mapping), company_id=7, type_codes=TYPES)
    assert found.source_rows == len(found.rows) + found.invalid
    assert found.invalid == len(found.problems)
    assert {problem.file for problem in found.problems} <= {str(path)}
    return found


def write(folder: Path, content: str | bytes, name: str = "rows.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        f"{HEADER}\n{GOOD}\n",
        f"{HEADER}\n{GOOD}",
        f"{HEADER}\r\n{GOOD}\r\n",
        f"{HEADER}\r{GOOD}\r",
        f"\ufeff{HEADER}\n{GOOD}\n",
        f"{HEADER}\n{GOOD}\n".encode("utf-16"),
        b"\xfe\xff" + f"{HEADER}\r\n{GOOD}\r\n".encode("utf-16-be"),
        f"{HEADER}\n{GOOD}\n".replace(",", ";"),
        f"{HEADER}\n{GOOD}\n".replace(",", "\t"),
        f"{HEADER},Notes,Notes,\n{GOOD},x,y,\n",
        f"\n{HEADER}\n\n  \n{GOOD}\n\n",
        f" {HEADER.replace(',', ' , ')}\n {GOOD.replace(',', ' , ')} \n",
        HEADER.replace("type,", '"type", ', 1) + '\nk1, "GL Account",account,Cash,1000,"0100"\n',
        "reference_id,erp_type,ottimate_type,name,code,erp_dimension_id\nk1,GL Account,account,Cash,1000,0100\n",
    ],
    ids=[
        "plain",
        "no last newline",
        "crlf",
        "cr",
        "bom",
        "utf-16",
        "utf-16, big end first",
        "semicolon",
        "tab",
        "extra",
        "blank",
        "spaces",
        "quoted",
        "ref",
    ],
)
async def test_one_row_however_the_csv_is_written(tmp_path: Path, content: str | bytes) -> None:
    assert (await wanted(write(tmp_path, content))).rows == [CASH]


async def test_a_missing_or_empty_code_is_none_and_types_are_spelled_one_way(tmp_path: Path) -> None:
    bare = write(tmp_path, "unique_key,type,dimension_type_code,name,erp_dimension_id\nk,Cost,costtype,A,1\n")
    empty = write(tmp_path, f"{HEADER}\nk,Cost,costtype,A, ,1\n", "empty.CSV")
    row = Dimension("k", "cost_type", "Cost", "A", "1", None)
    assert (await wanted(bare)).rows == (await wanted(empty)).rows == [row]


async def test_a_header_alone_is_an_empty_source(tmp_path: Path) -> None:
    found = await wanted(write(tmp_path, HEADER))
    assert (found.source_rows, found.file) == (0, str(tmp_path / "rows.csv"))


async def test_text_is_trimmed_and_composed(tmp_path: Path) -> None:
    found = await wanted(write(tmp_path, f"{HEADER}\nk1,T,account,\u00a0Cafe\u0301 ,1000,0100\n"))
    assert found.rows[0].name == "Caf\u00e9"


BAD_ROWS = {
    "empty key": (",T,account,Cash,,1", "missing-field", "unique_key is empty"),
    "empty label": ("k,,account,Cash,,1", "missing-field", "type is empty"),
    "empty type": ("k,T,,Cash,,1", "missing-field", "dimension_type_code is empty"),
    "empty name": ("k,T,account, ,,1", "missing-field", "name is empty"),
    "empty id": ("k,T,account,Cash,,", "missing-field", "erp_dimension_id is empty"),
    "nearly all empty": (",,,,x,", "missing-field", "dimension_type_code is empty; type is empty; name is empty"),
    "unknown type": ("k,T,Account,Cash,,1", "unknown-type", "'Account' is not one of: account, cost_type"),
    "too few": ("k,T,account,Cash", "ragged-row", "has 4 cells, the header 6"),
    "too many": ("k,T,account,Cash,,1,2", "ragged-row", "has 7 cells, the header 6"),
    "tab": ("k,T,account,Ca\tsh,,1", "control-characters", "U+0009 after 2 characters"),
    "newline": ('k,T,account,"Ca\nsh",,1', "control-characters", "U+000A"),
    "delete": ("k,T,account,Ca\x7fsh,,1", "control-characters", "U+007F"),
    "C1": ("k,T,account,Ca\x9bsh,,1", "control-characters", "U+009B"),
    "control in a code": ("k,T,account,Cash,1\x1b0,1", "control-characters", "code '1\\x1b0'"),
    "long": (f"k,T,account,{'x' * 65_537},,1", "too-long", "name has 65,537 bytes; at most 65,536"),
    "long in bytes": (f"k,T,account,{'é' * 32_769},,1", "too-long", "65,538 bytes"),
    "endless": (f"k,T,account,{'x' * 200_000},,1", "too-long", "field larger than field limit"),
    "bad quotes": ('k,T,account,"5" x "6",,1', "bad-quoting", "double a quote"),
}


@pytest.mark.parametrize(("row", "code", "message"), BAD_ROWS.values(), ids=BAD_ROWS)
async def test_a_bad_row_is_named_and_the_others_go_on(tmp_path: Path, row: str, code: str, message: str) -> None:
    found = await wanted(write(tmp_path, f"{HEADER}\n{GOOD}\n{row}\nk3,T,item,Nut,,3\n"))
    (problem,) = found.problems
    assert (problem.code, problem.line) == (code, 3)
    assert message in problem.message
    assert [row.key for row in found.rows] == ["k1", "k3"]
    assert found.lines == {"k1": 2, "k3": 4 + row.count("\n")}


async def test_an_invalid_row_tells_whose_it_is_where_it_can(tmp_path: Path) -> None:
    found = await wanted(write(tmp_path, f"{HEADER}\nk1,T,account,,,0100\n,T,item,Nut,,3\nk3,T,gadget,Nut,,3\n"))
    assert found.invalid_keys == {"k1", "k3"}
    assert found.invalid_natural == {("account", "0100"), ("item", "3")}
    assert [problem.key for problem in found.problems] == ["k1", None, "k3"]


async def test_all_rows_of_a_repeated_key_are_invalid(tmp_path: Path) -> None:
    text = (
        f"{HEADER}\n{GOOD}\nk2,T,item,Nut,,2\n k1 ,T,item,Bolt,,3\nk1,T,item,Rod,,4\nk2,T,item,,,5\nk6,T,item,Pin,,6\n"
    )
    found = await wanted(write(tmp_path, text))
    assert [row.key for row in found.rows] == ["k6"]
    assert found.lines == {"k6": 7}
    told = [(problem.line, problem.code, problem.key) for problem in found.problems]
    assert told == [
        (2, "duplicate-key", "k1"),
        (3, "duplicate-key", "k2"),
        (4, "duplicate-key", "k1"),
        (5, "duplicate-key", "k1"),
        (6, "missing-field", "k2"),
    ]
    others = [problem.message.partition("stands in ")[2].partition(";")[0] for problem in found.problems]
    assert others == ["line 4", "line 6", "line 2", "line 2", ""]
    assert ("account", "0100") in found.invalid_natural


async def test_lines_are_those_of_the_file_not_numbers_of_rows(tmp_path: Path) -> None:
    text = f'\n{HEADER},Notes\r\nk1,T,item,Nut,,1,"two\r\nlines"\r\n\r\nk2,T,item,Bolt,,2,"a\nb\rc"\nk3,T,item,,,3,\n'
    found = await wanted(write(tmp_path, text))
    assert found.lines == {"k1": 3, "k2": 6}
    assert found.problems[0].line == 9


BAD_FILES = {
    "empty": (b"", None, "not even a line of column names"),
    "blank": (b"\n \n", None, "not even a line of column names"),
    "missing columns": (b"unique_key,Name\nk,x\n", None, "missing columns: dimension_type_code or ottimate_type"),
    "names what is there": (b"unique_key,Name\nk,x\n", None, "there are: unique_key, Name"),
    "doubled column": (f"{HEADER},name\n".encode(), None, "twice: name"),
    "both spellings": (f"{HEADER},reference_id\n".encode(), None, "unique_key and reference_id"),
    "utf-16, cut off": (f"{HEADER}\n{GOOD}".encode("utf-16")[:-1], None, "is not utf-16 throughout"),
    "utf-16 unmarked": (f"{HEADER}\n{GOOD}".encode("utf-16-le"), 1, "NUL"),
    "utf-32": (f"{HEADER}\n{GOOD}".encode("utf-32-be"), 1, "UTF-8"),
    "latin-1": (f"{HEADER}\n{GOOD}\nk2,T,item,Café,,2\n".encode("latin-1"), 3, "line 3, byte 14: 0xE9 is not UTF-8"),
    "open quote at the end": (f'{HEADER}\n{GOOD}\nk2,T,item,"Nut,,2\n'.encode(), 3, "a quote is opened in this row"),
    "open quote": (f'{HEADER}\nk2,T,item,"Nut,,2\nk3,T,item,"Bolt",,3\n'.encode(), 2, "a quote is opened in this row"),
    "open quote and one more": (f'{HEADER}\nk2,T,item,"5" x",,2\n{GOOD}\n'.encode(), 2, "double quotes inside"),
    "open quote, long file": (f'{HEADER}\nk2,T,"item\n{GOOD * 9_000}'.encode(), 2, "a quote is opened"),
    "open quote in the header": (f'"{HEADER}\n'.encode(), 1, "a quote is opened"),
    "no line ends": (f"{HEADER}\n{'x' * 1_000_001}".encode(), 2, "longer than 1,000,000 characters"),
}


@pytest.mark.parametrize(("content", "line", "message"), BAD_FILES.values(), ids=BAD_FILES)
async def test_a_bad_file_is_refused_whole(tmp_path: Path, content: bytes, line: int | None, message: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(SourceError) as caught:
        await wanted(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert (caught.value.file, caught.value.line) == (str(path), line)


async def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    cases = {
        folder: "is not a file",
        pipe: "is not a file",
        tmp_path / "none.csv": "cannot be read: No such file",
        tmp_path / "rows.xls": "one of .csv",
    }
    for path, message in cases.items():
        with pytest.raises(SourceError, match=message):
            await wanted(path)
    assert FileSource(folder).absence() == f"{folder} is not a file"
    assert "No such file" in (FileSource(tmp_path / "none.csv").absence() or "")
    assert FileSource(write(tmp_path, "")).absence() is None


CASH_JSON = '{"unique_key": "k1", "type": "GL Account", "dimension_type_code": "account", "name": "Cash", "code": "1000", "erp_dimension_id": "0100"}'  # noqa: E501  one line is the format


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.ndjson", f"{CASH_JSON}\n"),
        ("rows.jsonl", f"\n  \r\n{CASH_JSON}\r\n\n"),
        ("rows.json", f"[{CASH_JSON}]"),
        ("rows.json", f'{{"count": 1, "dimensions": [{CASH_JSON}]}}'),
        ("rows.ndjson", CASH_JSON.replace('"type"', '"erp_type"').replace("unique_key", "reference_id")),
    ],
)
async def test_one_row_however_the_json_is_written(tmp_path: Path, bom: str, name: str, content: str) -> None:
    assert (await wanted(write(tmp_path, bom + content, name))).rows == [CASH]


BAD_OBJECTS = {
    "not json": ("{", "bad-json", "not JSON", None),
    "not an object": ("[1]", "bad-json", "an object is wanted", None),
    "lone surrogate": (CASH_JSON.replace("Cash", "\\ud800"), "bad-json", "surrogate", None),
    "number as id": (
        CASH_JSON.replace('"0100"', "100"),
        "not-text",
        "the number 100, not text: write it in quotes",
        "k1",
    ),
    "number as code": (CASH_JSON.replace('"1000"', "1000"), "not-text", "code is the number 1000", "k1"),
    "boolean": (CASH_JSON.replace('"Cash"', "true"), "not-text", "name is true or false", "k1"),
    "object": (CASH_JSON.replace('"Cash"', "{}"), "not-text", "name is an object", "k1"),
    "array": (CASH_JSON.replace('"k1"', "[]"), "not-text", "unique_key is an array", None),
    "null": (CASH_JSON.replace('"Cash"', "null"), "missing-field", "name is empty", "k1"),
    "absent": (CASH_JSON.replace('"name": "Cash", ', ""), "missing-field", "name is empty", "k1"),
    "escaped nul": (CASH_JSON.replace("Cash", "\\u0000x"), "control-characters", "U+0000", "k1"),
    "both spellings": (CASH_JSON.replace("{", '{"erp_type": "x", '), "doubled-column", "type and erp_type", None),
}


@pytest.mark.parametrize(("text", "code", "message", "key"), BAD_OBJECTS.values(), ids=BAD_OBJECTS)
async def test_a_bad_object_is_named(tmp_path: Path, text: str, code: str, message: str, key: str | None) -> None:
    other = CASH_JSON.replace("k1", "k2").replace('"1000"', "null")
    found = await wanted(write(tmp_path, f"\n{text}\n{other}\n", "rows.ndjson"))
    (problem,) = found.problems
    assert (problem.code, problem.line, problem.key) == (code, 2, key)
    assert message in problem.message
    assert found.rows == [CASH._replace(key="k2", code=None)]


async def test_an_array_has_rows_rather_than_lines(tmp_path: Path) -> None:
    found = await wanted(write(tmp_path, f'[{CASH_JSON}, 1, {{"unique_key": "k9"}}]', "rows.json"))
    assert [(problem.line, problem.message.partition(":")[0]) for problem in found.problems] == [
        (None, "row 2"),
        (None, "row 3"),
    ]
    assert found.lines == {}


BAD_JSON_FILES = {
    "cut off": ("rows.json", b"[{}", "not JSON"),
    "empty": ("rows.json", b"", "not JSON"),
    "no array": ("rows.json", b'{"rows": []}', "under `dimensions`"),
    "nested": ("rows.json", b"[" * 5_000 + b"]" * 5_000, "nested more than 1,000 levels deep"),
    "nested objects": ("rows.json", b'{"dimensions": ' * 5_000 + b"[]" + b"}" * 5_000, "nested more than 1,000 levels"),
    "latin-1": ("rows.json", '[\n"é"]'.encode("latin-1"), "line 2, byte 2: 0xE9"),
    "latin-1 lines": ("rows.ndjson", b'{}\n{"a": "\xe9"}\n', "line 2, byte 8: 0xE9"),
    "nul": ("rows.ndjson", b"{}\n\0\n", "line 2: NUL bytes"),
    "utf-16": ("rows.ndjson", "{}".encode("utf-16"), "UTF-16"),
    "no line ends": ("rows.ndjson", b"[" + b" " * 4_000_001, "more than 4,000,000 bytes"),
}


@pytest.mark.parametrize(("name", "content", "message"), BAD_JSON_FILES.values(), ids=BAD_JSON_FILES)
async def test_a_bad_json_file_is_refused_whole(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        await wanted(write(tmp_path, content, name))


async def test_brackets_in_texts_nest_nothing(tmp_path: Path) -> None:
    rows = ",".join(CASH_JSON.replace("k1", f"k{n}").replace("Cash", "Cash [{") for n in range(5_000))
    assert (await wanted(write(tmp_path, f"[{rows}]", "rows.json"))).source_rows == 5_000


def open_files() -> set[str]:
    return {str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.exists()}


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
async def test_the_file_is_closed_however_reading_ends(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + "\n" + "".join(f"k{n},T,item,Nut,,{n}\n" for n in range(20_000)))
    batches = FileSource(path).__aiter__()
    first = await anext(batches)
    assert (len(first), first[0]["unique_key"], first[1:2][0]["unique_key"]) == (2_000, "k0", "k1")
    assert str(path) in open_files()
    await batches.aclose()
    assert str(path) not in open_files()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await wanted(path)
    assert scope.cancelled_caught
    assert str(path) not in open_files()
    assert (await wanted(path)).source_rows == 20_000
    assert str(path) not in open_files()


async def test_a_file_is_closed_although_its_reader_was_cancelled_in_a_thread() -> None:
    reading, going_on, closed = threading.Event(), threading.Event(), threading.Event()

    def batches() -> Generator[Batch, None, None]:
        try:
            reading.set()
            going_on.wait()
            yield Batch([], columns=None, lines=None, mapping=ColumnMap())
        finally:
            closed.set()

    feed = Feed(batches())
    async with anyio.create_task_group() as group:
        group.start_soon(anyio.to_thread.run_sync, feed.next)
        await anyio.to_thread.run_sync(reading.wait)
        feed.close()
        assert not closed.is_set()
        going_on.set()
    assert closed.is_set()


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12)
ids = st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), max_size=12).filter(
    lambda text: not set(text) & set("\u115f\u1160\u3164\uffa0")  # letters that nobody sees
)
rows = st.lists(st.tuples(ids, texts, st.sampled_from(sorted(TYPES)), texts, texts, ids), max_size=8)


@settings(steady(30), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=rows, bom=st.booleans(), delimiter=st.sampled_from(",;\t"))
def test_what_a_csv_writer_wrote_comes_back(
    tmp_path: Path, rows: list[tuple[str, ...]], *, bom: bool, delimiter: str
) -> None:
    path = tmp_path / "rows.csv"
    with path.open("w", encoding="utf-8-sig" if bom else "utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([HEADER.split(","), *rows])
    found = anyio.run(wanted, path)
    assert found.source_rows == len(rows)
    cleaned = [tuple(map(clean, row)) for row in rows]
    keys = [row[0] for row in cleaned]
    good = [row for row in cleaned if all(row[:4]) and row[5] and keys.count(row[0]) == 1]
    assert [(r.key, r.type_label, r.type_code, r.name, r.code or "", r.erp_id) for r in found.rows] == good


cells = st.one_of(
    st.none(), st.integers(0, 99), st.booleans(), texts, st.sampled_from(["k1", "item", "a\tb", "x" * 70_000])
)
objects = st.lists(st.dictionaries(st.sampled_from([*HEADER.split(","), "erp_type"]), cells), max_size=40)


@settings(steady(30), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(objects=objects)
def test_every_object_is_counted_once(tmp_path: Path, objects: list[dict[str, object]]) -> None:
    objects = [orjson.loads(CASH_JSON), *objects]  # there is no column that no object has
    path = write(tmp_path, b"\n".join(map(orjson.dumps, objects)), "rows.ndjson")
    found = anyio.run(wanted, path)
    assert found.source_rows == len(objects)
    assert sorted([problem.line or 0 for problem in found.problems] + list(found.lines.values())) == list(
        range(1, len(objects) + 1)
    )
    assert not found.invalid_keys & found.lines.keys()


BY_SIZE: dict[str, tuple[str, int, bool]] = {
    "a small table": ("rows.csv", SMALL_BYTES, False),
    "small objects, by line": ("rows.ndjson", SMALL_BYTES, False),
    "a table that is not small": ("rows.csv", SMALL_BYTES + 1, True),
    "a small list of an ERP, which takes longer": ("rows.iif", 300, True),
    "a small document, which takes longer": ("rows.json", 300, True),
}


@pytest.mark.parametrize(("name", "size", "in_thread"), BY_SIZE.values(), ids=BY_SIZE)
async def test_only_a_small_file_of_lines_is_read_and_digested_without_a_thread(
    tmp_path: Path, name: str, size: int, in_thread: bool
) -> None:
    heads = {".csv": HEADER, ".ndjson": "{}", ".iif": "!ACCNT\tNAME", ".json": "[]"}
    head = heads[Path(name).suffix]
    path = write(tmp_path, head.ljust(size, "\n"), name)
    before = set(threading.enumerate())
    _ = [batch async for batch in FileSource(path)]
    await FileSource(path).digest()
    assert bool(set(threading.enumerate()) - before) is in_thread
