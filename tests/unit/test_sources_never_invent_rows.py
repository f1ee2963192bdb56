"""Readers under any bytes: rows, rows left out, invalid rows or one `SourceError`; never a row that no file has."""

from __future__ import annotations

import asyncio
import csv
import json
import re
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from unicodedata import normalize

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.config import load
from engine.errors import SourceError
from engine.model.settings import Company
from engine.model.wanted import Wanted
from engine.sources.base import read
from engine.sources.files import FileSource
from engine.sources.preview import preview
from tests.unit.model_server import steady
from tests.unit.settings_file import ACCOUNT, ENV

TYPES = frozenset({"account", "location", "department", "project", "task", "cost_type", "item"})
ENDINGS = (".csv", ".tsv", ".txt", ".ndjson", ".jsonl", ".json", ".iif")
ONE_TYPE = 'type_code = "account"\ntype = "Account"\nkey = "{type_code}:{erp_dimension_id}"\n'
PLAIN = 'columns = { erp_dimension_id = "Number", name = "Name" }\n'

MAPPINGS = {
    "plain": ONE_TYPE + PLAIN,
    "code": ONE_TYPE + 'columns = { erp_dimension_id = "Number", name = "Name", code = "Code" }',
    "types": 'key = "{type_code}:{erp_dimension_id}"\ntype_codes = { A = "account", D = "department" }\n'
    'columns = { erp_dimension_id = "Number", name = "Name", type = "Type", dimension_type_code = "Type" }',
    "filter": ONE_TYPE + PLAIN + 'where = { Active = "true" }',
    "values": ONE_TYPE + PLAIN + 'where = { Active = ["a", "1", ""] }',
    "not": ONE_TYPE + PLAIN + 'where = { Active = { not = "No" }, Name = { not = { matches = "^Total" } } }',
    "filled": ONE_TYPE + PLAIN + "where = { Number = { empty = false } }",
    "keep": ONE_TYPE + PLAIN + 'where = { Active = { keep = ["a", "1"], out = ["b", ""] } }',
    "parts": ONE_TYPE + 'columns = { erp_dimension_id = { column = "Number", split = ":", part = -1 }, '
    'name = { first_of = ["Code", "Name"] } }',
    "match": ONE_TYPE + 'columns = { erp_dimension_id = { column = "Number", match = "([0-9]+)" }, name = "Name" }',
    "line 2": ONE_TYPE + PLAIN + "header = 2",
    "cp1252": ONE_TYPE + PLAIN + 'encoding = "cp1252"',
    "utf-16": ONE_TYPE + PLAIN + 'encoding = "utf-16-le"',
    "pipe": ONE_TYPE + PLAIN + 'delimiter = "|"',
    "rows": ONE_TYPE + PLAIN + 'rows = "data.rows"',
    "nested": ONE_TYPE + 'columns = { erp_dimension_id = "Number.value", name = "Name.value" }',
    "numbers": ONE_TYPE + PLAIN + "numbers_as_ids = true",
    "company": ONE_TYPE + PLAIN + 'company_column = "Type"',
}
"""One mapping for each word of the settings."""


class Place(NamedTuple):
    """Where files of a mapping are put, and the company that reads them."""

    path: Path
    company: Company


class Places(dict[tuple[str, str], Place]):
    """A place for each mapping and ending."""

    def __repr__(self) -> str:
        return f"{len(self)} places"


@pytest.fixture(scope="module")
def places() -> Iterator[Places]:
    """Give a company for each mapping and ending."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        text, pairs = ACCOUNT, [(mapping, ending) for mapping in MAPPINGS for ending in ENDINGS]
        for mapping, words in MAPPINGS.items():
            text += f"[mapping.{_slug(mapping)}]\n{words}\n"
        for number, (mapping, ending) in enumerate(pairs, 1):
            source = f"{_slug(mapping)}{ending}"
            text += f'[[companies]]\nid = {number}\nsource = "{source}"\nmapping = "{_slug(mapping)}"\n'
        (folder / "dimsync.toml").write_text(text, encoding="utf-8")
        companies = load(folder / "dimsync.toml", ENV).companies
        yield Places(
            (pair, Place(folder / f"{_slug(pair[0])}{pair[1]}", company))
            for pair, company in zip(pairs, companies, strict=True)
        )


def _slug(name: str) -> str:
    return name.replace(" ", "-")


def outcome(place: Place, content: bytes) -> Wanted | SourceError:
    """Read these bytes. Any exception but `SourceError` fails the test."""
    place.path.write_bytes(content)
    company = place.company
    assert company.source is not None
    try:
        return asyncio.run(read(company.source, company_id=company.id, type_codes=TYPES))
    except SourceError as error:
        return error


WORDS: Sequence[bytes] = (
    *(b"Number", b"Name", b"Code", b"Type", b"Active", b"Number,Name", b"Number;Name;Active", b"Number\tName"),
    *(b",", b";", b"\t", b"|", b"\n", b"\r\n", b"\r", b"\n\n", b'"', b'""', b" ", b"\xa0", b"\x00", b"\xff", b"\x1a"),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"sep=;\n", b"sep=,\r\n", b"a", b"b", b"1", b"0100", b"4.0", b"1E+5"),
    *(b"true", b"No", b"Total", b"A", b"D", b":", b"1:2", b"\xe2\x80\x8b", b"\xc3\x84", b"\xe4", b"1" * 20, b"='1"),
    *(b"!ACCNT\tNumber\tName\n", b"ACCNT\t1\ta\n", b"!HDR\n", b"{", b"}", b"[", b"]", b"null", b"1e999", b"NaN"),
    *(
        b'{"Number":"1","Name":"a"}\n',
        b'{"Number":2,"Name":"b"}',
        b'{"data":{"rows":[',
        b"]}}",
        b'"Number":',
        b'"Name":',
    ),
    *(b'{"value":"1"}', b'"\\ud800"', b'"\\u0000"', b"A\x00\n\x00", b"N\x00a\x00m\x00e\x00"),
)
"""Of what files, good and bad ones, are made."""

ANY_BYTES = st.one_of(st.binary(max_size=60), st.lists(st.sampled_from(WORDS), max_size=40).map(b"".join))


@steady(130)
@given(mapping=st.sampled_from(sorted(MAPPINGS)), ending=st.sampled_from(ENDINGS), content=ANY_BYTES)
@example(mapping="plain", ending=".csv", content=b'Number,Name\n1,"a\n2,b\n')
@example(mapping="plain", ending=".json", content=b"[" * 5_000)
@example(mapping="rows", ending=".json", content=b'{"data":{"rows":{"rows":[]}}}')
@example(mapping="rows", ending=".json", content=b'{"data":{"rows":[{"Number":"1","Name":"a"}],"rows":[]}}')
@example(mapping="plain", ending=".ndjson", content=b'{"Number":"1","Name":"a","Number":"2"}')
@example(mapping="plain", ending=".csv", content=b"sep=;")
@example(mapping="plain", ending=".csv", content=b"sep=;\nsep=;\nNumber;Name\n1;a\n")
@example(mapping="line 2", ending=".csv", content=b"Number,Name\n")
@example(mapping="plain", ending=".iif", content=b"!ACCNT\tNumber\tName\nACCNT\t1\ta\n!CLASS\tNumber\nCLASS\t2\n")
@example(mapping="utf-16", ending=".csv", content=b"N")
@example(mapping="cp1252", ending=".csv", content=b"\x81,Number,Name\n")
@example(mapping="plain", ending=".csv", content=b"\xff\xfe")
@example(mapping="plain", ending=".csv", content=b"\xff\xfeN")
@example(mapping="plain", ending=".json", content=b'{"Number":"1","Name":"a"}')
@example(mapping="numbers", ending=".json", content=b'[{"Number":1e999,"Name":"a"},{"Number":1.5,"Name":"b"}]')
@example(mapping="nested", ending=".ndjson", content=b'{"Number":{"value":{"value":"1"}},"Name":[]}')
def test_any_bytes_give_rows_or_one_error(mapping: str, ending: str, content: bytes, places: Places) -> None:
    found = outcome(places[mapping, ending], content)
    if isinstance(found, SourceError):
        assert str(found)
        assert found.file is not None
        return
    assert found.source_rows == len(found.rows) + found.invalid
    assert found.read_rows == found.source_rows + found.left_out
    assert all(each.rows > 0 for each in found.left_out_by)
    assert len({row.key for row in found.rows}) == len(found.rows)
    assert found.problems or not found.invalid
    text = everything(content)
    for row in found.rows:
        assert letters(row.erp_id) in text
        assert letters(row.name) in text
        assert letters(row.code or "") in text
    assert found.read_rows <= most_rows(content)


def everything(content: bytes) -> str:
    """Return the letters of a file under every encoding that the mappings name, with JSON's escapes undone."""
    texts = [content.decode(encoding, "replace") for encoding in ("utf-8", "utf-16", "utf-16-le", "cp1252")]
    escaped = re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), texts[0])
    return letters("".join([*texts, escaped]))


def letters(text: str) -> str:
    """Return what is left of a text without quotes, blanks, backslashes and the difference of normal forms."""
    return re.sub(r"[\s\"\\/]", "", normalize("NFC", text))


def most_rows(content: bytes) -> int:
    """Return a number of rows that no reading of these bytes can exceed: one for each line end or brace, and one."""
    return 1 + sum(content.count(mark) for mark in (b"\n", b"\r", b"{", b"[", b","))


@steady(65)
@given(mapping=st.sampled_from(sorted(MAPPINGS)), ending=st.sampled_from(ENDINGS), content=ANY_BYTES)
def test_any_bytes_can_be_previewed(mapping: str, ending: str, content: bytes, places: Places) -> None:
    place = places[mapping, ending]
    found = outcome(place, content)
    source = place.company.source
    assert isinstance(source, FileSource)
    if isinstance(found, SourceError):
        return
    seen = asyncio.run(preview(source, place.company.id, TYPES, 9))
    good = [row.after for row in seen.shown if row.after is not None]
    assert len(seen.shown) <= 9
    assert [row for row in good if row not in list(found.rows)] == []
    assert sum(seen.types.values()) == len(found.rows)


CELLS = st.text(st.sampled_from("aB1 0é,;|\"'\n:-"), max_size=5)
NUMBERS = st.text(st.sampled_from("0123456789AB-. "), max_size=4)
ACTIVE = st.sampled_from(["Yes", "no", "T", "FALSE", "wahr", "0", "", "maybe"])
TABLES = st.lists(st.tuples(NUMBERS, CELLS, ACTIVE), max_size=12)


@steady(50)
@given(
    rows=TABLES,
    title=st.lists(st.sampled_from(["Acme", "Chart, all", ""]), max_size=4),
    delimiter=st.sampled_from(",;\t"),
    line_end=st.sampled_from(["\n", "\r\n"]),
    mapping=st.sampled_from(["plain", "filter", "filled", "not"]),
)
def test_each_row_of_a_table_is_counted_once(
    rows: list[tuple[str, str, str]],
    title: list[str],
    delimiter: str,
    line_end: str,
    mapping: str,
    places: Places,
) -> None:
    text = StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line_end)
    writer.writerows([each, "", ""] for each in title)
    writer.writerow(["Number", "Name", "Active"])
    writer.writerows(rows)
    found = outcome(places[mapping, ".csv"], text.getvalue().encode())
    assert isinstance(found, Wanted), found
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    assert found.read_rows == len(filled)
    assert found.source_rows == len(found.rows) + found.invalid
    there = {(number.strip(), normalize("NFC", name.strip())) for number, name, _ in filled}
    assert {(row.erp_id, row.name) for row in found.rows} <= there


@steady(35)
@given(rows=TABLES, ending=st.sampled_from([".json", ".ndjson"]))
def test_each_object_is_counted_once(rows: list[tuple[str, str, str]], ending: str, places: Places) -> None:
    objects = [{"Number": number, "Name": name, "Active": active} for number, name, active in rows]
    text = json.dumps(objects) if ending == ".json" else "".join(f"{json.dumps(each)}\n" for each in objects)
    found = outcome(places["plain", ending], text.encode())
    assert isinstance(found, Wanted), found
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    assert len(filled) <= found.read_rows <= len(rows)  # an object of empty texts may be a row, or none
    assert found.source_rows == len(found.rows) + found.invalid
    there = {(number.strip(), normalize("NFC", name.strip())) for number, name, _ in filled}
    assert {(row.erp_id, row.name) for row in found.rows} <= there
