"""What is read whole - columns of rows, blocks of lines - is what reading each row and line would give."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from io import BytesIO, StringIO
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import SourceError
from engine.model.dimension import Dimension
from engine.model.settings import RawRow
from engine.model.wanted import Wanted
from engine.sources.batch import Batch, Broken, Grid
from engine.sources.delimited import csv_batches
from engine.sources.intake import Intake
from engine.sources.jsonfile import BLOCK_BYTES, ndjson_batches
from engine.sources.lines import BLOCK_CHARACTERS
from engine.sources.mapping import PLAIN, ColumnMap
from tests.unit.model_server import STEADY

TYPES = frozenset({"account", "item", "cost_type"})
OTHER_ROW = re.compile("(?<=also stands in )(row|line) [0-9,]+")
COLUMNS = ("unique_key", "type", "dimension_type_code", "name", "code", "erp_dimension_id")


def taken(intake: Intake, batches: Iterable[Batch]) -> Wanted | str:
    """Return what an intake makes of batches, or why it refuses them.

    Of a key that stands more than twice, which other row a message names depends on where batches end.
    """
    try:
        for batch in batches:
            intake.take_batch(batch)
        wanted = intake.wanted()
        problems = tuple(replace(each, message=OTHER_ROW.sub("", each.message)) for each in wanted.problems)
        return replace(wanted, problems=problems)
    except SourceError as error:
        return str(error)


def alone(batch: Batch) -> Iterable[Batch]:
    """Yield a batch's rows as batches of their own."""
    if not len(batch):
        yield batch
    for at in range(len(batch)):
        lines = None if batch.lines is None else batch.lines[at : at + 1]
        yield Batch(batch.cells[at : at + 1], columns=batch.columns, lines=lines, mapping=batch.mapping)


def both(batches: Sequence[Batch]) -> tuple[Wanted | str, Wanted | str]:
    """Return what comes of batches that are taken whole, and row by row."""
    whole, single = (Intake(company_id=7, type_codes=TYPES, file="rows") for _ in range(2))
    return taken(whole, batches), taken(single, [one for batch in batches for one in alone(batch)])


MAPS = (
    ColumnMap(),
    ColumnMap(key="{{%}}{company_id}:{type_code}:{erp_dimension_id}"),
    ColumnMap(key=" {unique_key}/{code}"),
    ColumnMap(key="\u0301{erp_dimension_id}"),  # an accent that composes with what stands before it
    ColumnMap(type_code="costtype", labels={"cost_type": "Phase"}),
    ColumnMap(type_codes={"Konto": "account"}, labels={"account": "GL \u00e9", "item": " Item "}),
    ColumnMap(type_label=" All ", labels={"item": "x"}, where={"name": ("Nut", "Caf\u00e9", "true", "1")}),
    ColumnMap(where={"off": ("false", "1")}),
    ColumnMap(type_codes={"Konto": " item"}, columns={"code": "name"}, where={"name": ("Nut",), "code": ("1", "")}),
)
few = {
    "unique_key": ["k1", "k2", " k3", "k4\u00a0", "k5", "k6", "k7", "k8"],
    "dimension_type_code": ["account", "item", " item ", "costtype", "Konto"],
    "type": ["GL", "Item", " Item"],
    "name": ["Nut", "Bolt", " Nut ", "Caf\u00e9", "Cafe\u0301", "\u4e2d\u6587", "a\u2028b"],
    "erp_dimension_id": ["1", "01", " 2", "3"],
    "code": ["", " ", "1", "c"],
}
LONG = {"too long": "x" * 70_000, "too long in bytes": "\u00e9" * 40_000, "rather long": "\u00e9" * 20_000}
odd = st.sampled_from(["", " ", "gadget", "a\tb", "\x7f", "\x9b", "\ud800", *LONG])
strange: st.SearchStrategy[object] = st.sampled_from([None, True, 1, 1.0, {}, []])


@st.composite
def rows_of(draw: st.DrawFn, values: st.SearchStrategy[object]) -> list[list[object]]:
    """Return rows that are good, but for a field or two that may be any of the values."""
    keys = draw(st.lists(st.sampled_from(few["unique_key"]), max_size=6, unique=True))
    rows: list[list[object]] = [
        [key, *(draw(st.sampled_from(few[column])) for column in COLUMNS[1:])]  # the key stands first
        for key in keys
    ]
    for _ in range(draw(st.sampled_from([0, 0, 1, 2])) if rows else 0):
        rows[draw(st.integers(0, len(rows) - 1))][draw(st.integers(0, len(COLUMNS) - 1))] = draw(values)
    return rows


def spelled(row: Sequence[object]) -> list[Any]:
    """Return a row with its long texts written out."""
    return [LONG.get(cell, cell) if isinstance(cell, str) else cell for cell in row]


tables = rows_of(odd)
documents = rows_of(st.one_of(odd, strange))
maps = st.sampled_from(MAPS)


@STEADY
@given(st.lists(tables, max_size=3), maps, st.booleans())
def test_a_table_is_taken_as_its_rows_are(
    parts: list[list[tuple[str, ...]]], mapping: ColumnMap, is_flat: bool
) -> None:
    batches, line = [], 1
    for rows in parts:
        cells: Sequence[list[str]] = list(map(spelled, rows))
        if is_flat:
            cells = Grid([cell for row in cells for cell in row], len(COLUMNS))
        batches.append(Batch(cells, columns=COLUMNS, lines=range(line, line + len(rows)), mapping=mapping))
        line += len(rows)
    whole, single = both(batches)
    assert whole == single


@st.composite
def objects_of(draw: st.DrawFn) -> list[dict[str, object]]:
    """Return rows as objects; some or all of them lack a column, have one more, or have theirs in another order."""
    found: list[dict[str, object]] = [dict(zip(COLUMNS, row, strict=True)) for row in draw(documents)]
    more = draw(st.sampled_from(["off", "erp_type", "other"]))
    for row in draw(st.sampled_from([found, found[:1], found[-1:]])):
        match draw(st.sampled_from([None, None, "lacks", "has more", "has another", "turned"])):
            case "lacks" | "has another" as how:
                del row[draw(st.sampled_from(COLUMNS))]
                row.update({more: "x"} if how == "has another" else {})
            case "has more":
                row[more] = draw(st.sampled_from(["1", True, False, 1]))
            case "turned":
                row["name"] = row.pop("name")
    if draw(st.booleans()):
        for row in found:
            row.setdefault(more, draw(st.sampled_from(["1", "1", "0"])))
    return found


@STEADY
@given(st.lists(objects_of(), max_size=3), maps)
def test_objects_are_taken_as_each_is(parts: list[list[dict[str, object]]], mapping: ColumnMap) -> None:
    batches = []
    for rows in parts:
        objects: list[RawRow] = [dict(zip(row, spelled([*row.values()]), strict=True)) for row in rows]
        batches.append(Batch(objects, columns=None, lines=None, mapping=mapping))
    whole, single = both(batches)
    assert whole == single


@pytest.mark.parametrize("names", [COLUMNS[::-1], ("k", *COLUMNS[1:]), COLUMNS[:5]], ids=str)
def test_a_row_of_other_columns_is_read_by_its_own(names: tuple[str, ...]) -> None:
    rows = [("k1", "Item", "item", "Nut", "a", "1"), ("k2", "account", "account", "account", "k3", "account")]
    objects: list[RawRow] = [
        dict(zip(COLUMNS, rows[0], strict=True)),
        dict(zip(names, rows[1][: len(names)], strict=True)),
    ]
    whole, single = both([Batch(objects, columns=None, lines=None, mapping=PLAIN)])
    assert whole == single


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ([True, 1, 1.0, "1", "true"], [False, True, False, True, False]),
        ([1, True], [True, False]),
        (["1", " 1 ", "2"], [True, True, False]),
        ([True, False], [False, True]),
    ],
    ids=str,
)
def test_a_filter_tells_apart_what_python_does_not(values: list[object], kept: list[bool]) -> None:
    good = dict(zip(COLUMNS, ("k", "Item", "item", "Nut", "", "1"), strict=True))
    rows: list[RawRow] = [good | {"unique_key": f"k{n}", "off": value} for n, value in enumerate(values)]
    whole, single = both([Batch(rows, columns=None, lines=None, mapping=ColumnMap(where={"off": ("false", "1")}))])
    assert whole == single
    assert isinstance(whole, Wanted)
    assert [row.key for row in whole.rows] == [f"k{n}" for n, is_kept in enumerate(kept) if is_kept]


@STEADY
@given(st.lists(documents, max_size=3), st.sampled_from(["dimensions", "mappings", "both"]))
def test_a_programs_rows_are_taken_as_each_is(parts: list[list[list[object]]], kind: str) -> None:
    whole, single = (Intake(company_id=7, type_codes=TYPES, file=None) for _ in range(2))
    for rows in parts:
        found: list[object] = [dict(zip(COLUMNS, spelled(row), strict=True)) for row in rows]
        if kind != "mappings":
            found[kind == "both" :] = [Dimension(*spelled(row)) for row in rows][kind == "both" :]
        whole.take_rows(found)
        for row in found:
            single.take_rows([row])
    assert whole.wanted() == single.wanted()


class Text(str):
    """A text that is more than a text."""

    __slots__ = ()


def test_what_is_taken_is_plain_whatever_was_given() -> None:
    intake = Intake(company_id=7, type_codes=TYPES, file=None)
    intake.take_rows([Dimension(*map(Text, ("k1", "item", "Item", "Nut", "01", "C")))])
    (row,) = intake.wanted().rows
    assert set(map(type, row)) == {str}


def test_types_and_labels_are_one_object_each() -> None:
    rows = [[f"k{n}", "".join(["It", "em"]), "".join(["it", "em"]), "Nut", "", str(n)] for n in range(50)]
    whole, _ = both([Batch(rows, columns=COLUMNS, lines=None, mapping=ColumnMap())])
    assert isinstance(whole, Wanted)
    assert {len({id(row[at]) for row in whole.rows}) for at in (1, 2)} == {1}


def lay(filler: str, random: str, before: int, size: int) -> str:
    """Return lines of a filler with something random among them, where a block of that size is about to end."""
    count = max(0, (size - before) // len(filler))
    return filler * count + random + filler * 2


mess = st.lists(
    st.sampled_from(
        ['"', '""', ",", ",,", "\n", "\r\n", "\r", " ", "a", '"b"', "x,y\n", "x,y\r\n", '"p,q",z\n', "\u00e9", "\0"]
    )
).map("".join)


def by_csv(text: str) -> list[tuple[int, list[str] | str]] | None:
    """Return the rows of a CSV text of two columns with the lines they start on; None: it ends with an open quote."""
    lines = list(StringIO(text, newline=""))
    reader = csv.reader(lines, skipinitialspace=True, strict=True)
    found: list[tuple[int, list[str] | str]] = []
    start = 1
    while reader.line_num < len(lines):
        start = reader.line_num + 1
        try:
            row = next(reader)
        except csv.Error:
            if reader.line_num > start or lines[start - 1].count('"') % 2:
                return None
            found.append((start, "bad-quoting"))
            continue
        if len(row) == 2 or (len(row) > 2 and not "".join(row[2:]).strip() and "".join(row).strip()):
            found.append((start, row[:2]))
        elif "".join(row).strip():
            found.append((start, "ragged-row"))
    return found


RAGGED = {
    "rows that make up for one another": "a\nb,c,d\n",
    "the other way round": "b,c,d\na\n",
    "two rows on a line": "a,b,c,d,e\n",
    "blank lines": "a,b\n\nc,d\n\n",
    "a lone carriage return": "a,b\rc,d\r\n",
    "line ends of both kinds": "a,b\r\nc,d\ne,f\r\n",
    "a carriage return within": "a\r\nb,c\r\n",
}


@pytest.mark.parametrize("text", RAGGED.values(), ids=RAGGED)
def test_rows_of_other_widths_are_never_joined(text: str) -> None:
    assert csv_rows(f"c,d\n{text}") == (by_csv(f"c,d\n{text}") or [])[1:]


def test_a_file_of_one_column_has_no_row_on_a_blank_line() -> None:
    assert csv_rows("c\na\n\nb\n\n") == [(2, ["a"]), (4, ["b"])]


def csv_rows(text: str) -> list[tuple[int, list[str] | str]]:
    """Return the rows of a CSV file, those that are broken by their codes, with their lines."""
    return [
        (line, cells.code if isinstance(cells, Broken) else list(cells))
        for batch in csv_batches(BytesIO(text.encode()), "x", ColumnMap())
        for line, cells in zip(batch.lines or (), batch.cells, strict=True)
    ]


@STEADY
@given(mess, st.integers(0, 40), st.sampled_from([0, BLOCK_CHARACTERS]), st.sampled_from(["\n", "\r\n", "\r"]))
def test_blocks_of_a_csv_are_what_csv_reads(random: str, before: int, size: int, end: str) -> None:
    text = f"c,d{end}" + lay(f"some text,and more{end}" * 4, random, before, size)
    try:
        found: list[tuple[int, list[str] | str]] | None = csv_rows(text)
    except SourceError as error:
        if "NUL" in str(error):
            return
        found = None
    expected = by_csv(text)
    assert found == (expected and expected[1:])


pieces = st.lists(
    st.sampled_from(
        [
            "{}",
            '{"a":1}',
            '{"a":"b"}',
            '{"a":[1',
            "2]}",
            '{"a":"',
            '"}',
            "[",
            "]",
            "1",
            "{},{}",
            "{},{},{}",
            "{},1,{}",
            ",",
            "",
            " \t",
            "\r",
            "\x0c",
            "null",
            "\ufeff",
        ]
    ),
    max_size=8,
)


@STEADY
@given(pieces, st.integers(0, 40), st.sampled_from([0, BLOCK_BYTES]), st.booleans())
def test_blocks_of_ndjson_are_what_each_line_is(random: list[str], before: int, size: int, is_marked: bool) -> None:
    text = "\ufeff" * is_marked + lay('{"a":"some text","b":"and more"}\n', "\n".join([*random, ""]), before, size)
    text = text.removesuffix("\n") if before % 2 else text
    assert ndjson_rows(text) == by_line(text)


JOINED = {
    "a value that goes on in the next line": ['{"a":[1', "2]}"],
    "and a line that makes up for it": ['{"a":[1', "2]}", "{},1,{}"],
    "a text that goes on": ['{"a":"', '"}'],
    "several on a line": ["{},{},{}"],
    "none, and two": ["", "{},{}"],
    "the end of the array": ["{}]", "[{}"],
}


@pytest.mark.parametrize("lines", JOINED.values(), ids=JOINED)
def test_lines_are_never_joined(lines: list[str]) -> None:
    text = "\n".join(["{}", *lines, '{"a":"b"}'])
    assert ndjson_rows(text) == by_line(text)


def by_line(text: str) -> list[tuple[int, object]]:
    """Return the objects of an NDJSON text, or why there is none, with their lines."""
    expected: list[tuple[int, object]] = []
    for number, line in enumerate(BytesIO(text.removeprefix("\ufeff").encode()), 1):
        if line.isspace():
            continue
        try:
            value = orjson.loads(line)
            message = f"an object is wanted, this is of type {type(value).__name__}"
        except orjson.JSONDecodeError as error:
            value, message = None, f"the line is not JSON: {error}"
        expected.append((number, value if type(value) is dict else message))
    return expected


def ndjson_rows(text: str) -> list[tuple[int, object]]:
    """Return the objects that `ndjson_batches` reads of a text, or the faults, by line number."""
    return [
        (line, row.message if isinstance(row, Broken) else row)
        for batch in ndjson_batches(BytesIO(text.encode()), "x", ColumnMap())
        for line, row in zip(batch.lines or (), batch, strict=True)
    ]
