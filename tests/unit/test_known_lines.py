"""Rows that are told by their lines are those that reading the whole file gives; in doubt, it is read whole."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from random import Random
from typing import Any

import pytest

from engine.errors import SourceError
from engine.ledger.jobs import entries as stored
from engine.model.dimension import DIMENSIONS, Dimension
from engine.model.ledger_writes import SourceLines
from engine.model.row_record import SURE, RowRecord, entries
from engine.model.table import Keyed, transposed
from engine.model.wanted import Wanted
from engine.sources.base import read
from engine.sources.files import FileSource, OtherLines, has_rows_in_lines
from engine.sources.known_lines import MOST_BYTES, KnownLines, with_hashes, with_known
from engine.sources.mapping import ColumnMap

TYPES = frozenset({"account", "department"})
SEED = b"the settings"
HEADER = "unique_key,dimension_type_code,type,erp_dimension_id,name"
GUIDE = ColumnMap()
MAPPED = ColumnMap(
    columns={"erp_dimension_id": "Number", "name": "Name", "code": {"first_of": ["Code", "Number"]}},
    type_code="account",
    type_label="GL Account",
    key="{type_code}:{erp_dimension_id}",
)


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """The entries of a company, and the hashes of the lines that tell them."""

    entries: Keyed[RowRecord]
    lines: Sequence[int]


async def whole(path: Path, mapping: ColumnMap = GUIDE, *, seed: bytes = SEED) -> tuple[Wanted, Sequence[int]]:
    """Return a file's rows, which are all read, and the hashes of its lines."""
    others = OtherLines(FileSource(path, mapping), seed, ())
    wanted = await read(others, company_id=1, type_codes=TYPES)
    return with_hashes(wanted, others.lines), others.lines.hashes


def noted(wanted: Wanted, *, without: Sequence[str] = ()) -> Ledger:
    """Return a ledger that has a source's rows, as it notes them at a good end. `without`: keys of changed entries."""
    rows = sorted(row._replace(name="Changed") if row.key in without else row for row in wanted.rows)
    columns: list[Any] = transposed(rows, len(Dimension._fields))
    columns += [[f"id-{row.key}" for row in rows], [SURE] * len(rows), *([None] * len(rows) for _ in range(3))]
    part, lines = [*columns, [0] * len(rows)], SourceLines(wanted.rows, wanted.line_hashes)
    positions = Keyed(DIMENSIONS.wanted_table(wanted.rows), "key").positions
    told = stored._lines_of(part, DIMENSIONS, lines, positions) if wanted.line_hashes else [0] * len(rows)
    return Ledger(entries=entries(columns), lines=told)


async def by_lines(
    path: Path, ledger: Ledger, mapping: ColumnMap = GUIDE, *, seed: bytes = SEED
) -> tuple[Wanted | None, KnownLines]:
    """Return a file's rows, as far as possible by what the ledger knows of its lines."""
    others = OtherLines(FileSource(path, mapping), seed, ledger.lines)
    lines = others.lines
    try:
        wanted = await read(others, company_id=1, type_codes=TYPES)
    except SourceError:
        return None, lines
    if not lines.entries:
        return with_hashes(wanted, lines), lines
    return with_known(wanted, lines, ledger.entries), lines


def told(wanted: Wanted) -> dict[str, object]:
    """Return all that is known of a source."""
    found = {each.name: getattr(wanted, each.name) for each in fields(wanted)}
    del found["known_lines"]
    return found | {name: dict(found[name]) for name in ("lines", "files")} | {"line_hashes": list(wanted.line_hashes)}


async def same_as_whole(path: Path, ledger: Ledger, mapping: ColumnMap = GUIDE) -> int | None:
    """Assert that rows told by their lines are those of the whole file; return how many were; None: it is read whole.

    A file that cannot be read is not told by its lines.
    """
    found, lines = await by_lines(path, ledger, mapping)
    if found is None:
        return None
    expected, _ = await whole(path, mapping)
    assert told(found) == told(expected)
    plain = await read(FileSource(path, mapping), company_id=1, type_codes=TYPES)
    assert told(expected) | {"line_hashes": []} == told(plain)
    return len(lines.entries) - len(lines.others)


def line(number: int, name: str | None = None) -> str:
    """Return a line of CSV under `HEADER`."""
    return f"k{number},account,GL Account,{number},{name or f'Name {number}'}"


def a_file(tmp_path: Path, lines: Sequence[str], *, ending: str = ".csv", end: str = "\n") -> Path:
    path = tmp_path / f"source{ending}"
    path.write_bytes(end.join([*lines, ""]).encode())
    return path


LINES = [HEADER, *map(line, range(1, 9))]


async def test_only_other_lines_are_read(tmp_path: Path) -> None:
    ledger = noted((await whole(a_file(tmp_path, LINES)))[0])
    path = a_file(tmp_path, [*LINES[:4], line(4, "New"), *LINES[5:], line(9)])
    assert await same_as_whole(path, ledger) == 6  # one known line is read all the same
    assert OtherLines(FileSource(path), SEED, ledger.lines).lines.left(path.read_bytes()).decode().splitlines() == [
        HEADER,
        line(1),
        line(4, "New"),
        line(9),
    ]


async def test_entries_that_have_changed_since_tell_no_line(tmp_path: Path) -> None:
    ledger = noted((await whole(a_file(tmp_path, LINES)))[0], without=["k3", "k5"])
    assert await same_as_whole(a_file(tmp_path, LINES), ledger) == 5


SAME: dict[str, tuple[list[str], int]] = {
    "nothing has changed": (LINES, 7),
    "lines in another order": ([HEADER, *reversed(LINES[1:])], 7),
    "rows that are gone": ([HEADER, *LINES[4:]], 4),
    "a quoted cell": ([*LINES[:3], line(3, '"Name, with ""quotes"""'), *LINES[4:]], 6),
    "a quote inside a cell": ([*LINES[:3], line(3, '5" pipe'), *LINES[4:]], 6),
}
WHOLE: dict[str, list[str]] = {
    "a quote that takes in the next line": [*LINES[:3], line(3, '"Name'), *LINES[4:]],
    "quotes of a line that fit in number alone": [*LINES[:3], 'k3,account,GL Account,5" pipe,"Name', *LINES[4:]],
    "a quote that takes in two lines": [*LINES[:3], line(3, '"Name'), line(4, '4"'), *LINES[5:]],
    "a line twice": [*LINES, LINES[2]],
    "another row of a known key": [*LINES, line(2, "Other")],
    "a blank line": [*LINES[:3], "", *LINES[3:]],
    "a blank line at the end": [*LINES, ""],
    "an invalid row": [*LINES, "k9,unheard of,,9,Name 9"],
    "a row without a name": [*LINES, "k9,account,GL Account,9,"],
    "a ragged row": [*LINES, "k9,account"],
    "the column names again": [*LINES, HEADER],
    "a lone carriage return": [*LINES[:3], line(3, "Name\rk4,account,GL Account,44,Name 4"), *LINES[4:]],
    "a NUL": [*LINES[:3], line(3, "Na\0me"), *LINES[4:]],
}


@pytest.mark.parametrize("case", SAME)
async def test_rows_are_those_of_the_whole_file(tmp_path: Path, case: str) -> None:
    lines, known = SAME[case]
    ledger = noted((await whole(a_file(tmp_path, LINES)))[0])
    assert await same_as_whole(a_file(tmp_path, lines), ledger) == known


@pytest.mark.parametrize("case", WHOLE)
async def test_in_doubt_the_whole_file_is_read(tmp_path: Path, case: str) -> None:
    ledger = noted((await whole(a_file(tmp_path, LINES)))[0])
    assert not await same_as_whole(a_file(tmp_path, WHOLE[case]), ledger)


async def test_lines_under_another_header_are_others(tmp_path: Path) -> None:
    """Two columns have changed places, over the same lines."""
    ledger = noted((await whole(a_file(tmp_path, LINES)))[0])
    other = "unique_key,dimension_type_code,type,name,erp_dimension_id"
    assert await same_as_whole(a_file(tmp_path, [other, *LINES[1:]]), ledger) == 0


@pytest.mark.parametrize("end", ["\r\n", "\n"])
async def test_lines_with_another_line_end_are_others(tmp_path: Path, end: str) -> None:
    ledger = noted((await whole(a_file(tmp_path, LINES, end="\n" if end == "\r\n" else "\r\n")))[0])
    assert await same_as_whole(a_file(tmp_path, LINES, end=end), ledger) == 0


async def test_a_last_line_without_its_end_is_the_same(tmp_path: Path) -> None:
    path = a_file(tmp_path, LINES)
    ledger = noted((await whole(path))[0])
    path.write_bytes(path.read_bytes().removesuffix(b"\n"))
    assert await same_as_whole(path, ledger) == 7


async def test_a_byte_order_mark_belongs_to_the_header(tmp_path: Path) -> None:
    path = a_file(tmp_path, LINES)
    ledger = noted((await whole(path))[0])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert await same_as_whole(path, ledger) == 0


async def test_lines_that_are_read_in_another_way_are_others(tmp_path: Path) -> None:
    path = a_file(tmp_path, ["Number,Name", "1,One", "2,Two", "3,Three"])
    ledger = noted((await whole(path, MAPPED))[0])
    assert await same_as_whole(path, ledger, MAPPED) == 2
    department = ColumnMap(columns=MAPPED.columns, type_code="department", type_label="D", key=MAPPED.key)
    assert await same_as_whole(path, ledger, department) == 0
    assert (await by_lines(path, ledger, MAPPED, seed=b"other settings"))[1].entries == []


async def test_entries_that_are_others_than_the_lines_gave_tell_nothing(tmp_path: Path) -> None:
    """One known line is read all the same, so that an error in how lines are told would show."""
    path = a_file(tmp_path, LINES)
    wanted, _ = await whole(path)
    ledger = noted(wanted)
    others = noted(wanted, without=[row.key for row in wanted.rows])
    assert (await by_lines(path, Ledger(entries=others.entries, lines=ledger.lines)))[0] is None


@pytest.mark.parametrize("data", ["\n".join(LINES).encode("utf-16"), "\r".join(LINES).encode()])
def test_files_in_which_a_line_feed_is_no_line_end(data: bytes) -> None:
    lines = KnownLines(seed=SEED, known=[1, 2], has_header=True)
    assert lines.left(data) == data
    assert not lines.hashes


async def test_rows_below_a_title_are_not_told_by_lines(tmp_path: Path) -> None:
    found, hashes = await whole(a_file(tmp_path, ["List of accounts", *LINES]))
    assert len(found.rows) == len(hashes) - 1
    assert found.line_hashes == ()


def objects(*numbers: int, more: str = "") -> list[str]:
    names = ["unique_key", "dimension_type_code", "type", "erp_dimension_id", "name"]
    rows = (dict(zip(names, line(number).split(","), strict=True)) for number in numbers)
    return ["{" + ", ".join(f'"{name}": "{value}"' for name, value in row.items()) + more + "}" for row in rows]


async def test_objects_are_told_by_their_lines(tmp_path: Path) -> None:
    ledger = noted((await whole(a_file(tmp_path, objects(*range(8)), ending=".ndjson")))[0])
    path = a_file(tmp_path, objects(9, 3, 1, 2, 7, 6), ending=".ndjson")
    assert await same_as_whole(path, ledger) == 4
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert await same_as_whole(path, ledger) == 4


@pytest.mark.parametrize("more", [', "code": "c9"', ', "reference_id": "k10"'])
async def test_objects_with_columns_of_their_own_are_read_among_all(tmp_path: Path, more: str) -> None:
    """Which columns the fields are made of is told by all objects together."""
    ledger = noted((await whole(a_file(tmp_path, objects(*range(8)), ending=".ndjson")))[0])
    assert not await same_as_whole(
        a_file(tmp_path, objects(*range(8)) + objects(9, more=more), ending=".ndjson"), ledger
    )
    mixed, _ = await whole(a_file(tmp_path, objects(1, 2) + objects(9, more=more), ending=".ndjson"))
    assert mixed.line_hashes == ()


@pytest.mark.parametrize(
    ("name", "mapping"),
    [
        ("a.xlsx", GUIDE),
        ("a.json", GUIDE),
        ("a.iif", GUIDE),
        ("a.csv", ColumnMap(where={"Active": "yes"})),
        ("a.csv", ColumnMap(company_column="Company")),
        ("a.csv", ColumnMap(header=2)),
        ("a.csv", ColumnMap(encoding="utf-16")),
        ("a.csv", ColumnMap(encoding="shift_jis")),
        ("a.csv", ColumnMap(encoding="unheard of")),
    ],
)
def test_files_whose_lines_do_not_stand_for_themselves(name: str, mapping: ColumnMap) -> None:
    assert not has_rows_in_lines(FileSource(name, mapping))
    assert has_rows_in_lines(FileSource("a.csv", ColumnMap(encoding="Latin-1")))


def test_a_file_that_is_too_large_is_read_row_by_row(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    path.write_bytes(b"")
    assert has_rows_in_lines(FileSource(path))
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    assert not has_rows_in_lines(FileSource(path))


WORDS = ("Name", '"Na,me"', '"Na""me"', '5" pipe', '"open', 'shut"', "", " Name ", "Total", "Zoë", "a\tb")


def drawn_line(rng: Random, ending: str) -> str:
    """Return a line: mostly a plain row, sometimes anything."""
    number, name = rng.randrange(30), rng.choice(WORDS)
    if ending == ".ndjson":
        plain = objects(number)[0]
        others = [
            plain.replace("Name", "Zoë"),
            objects(number, more=', "code": "c"')[0],
            "",
            "[]",
            "{",
            plain + " ",
            "null",
        ]
        return plain if rng.random() < 0.9 else rng.choice(others)
    if rng.random() < 0.9:
        return line(number)
    others = [line(number, name), "", HEADER, f"Total,,,,{number}", line(number) + "\r", ",,,,", f"k{number}"]
    return rng.choice(others)


def edited(rng: Random, lines: Sequence[str], ending: str) -> list[str]:
    """Return lines after a few edits."""
    found = list(lines)
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
        at = rng.randrange(len(found) + 1)
        what = rng.randrange(5)
        if what == 0:
            found.insert(at, drawn_line(rng, ending))
        elif what == 1:
            found[at : at + 1] = [drawn_line(rng, ending)]
        elif what == 2:
            del found[at : at + rng.randrange(3)]
        elif what == 3:
            rng.shuffle(found)
        else:
            found[at : at + 1] = [each.replace("Name", "New name") for each in found[at : at + 1]]
    return found


@pytest.mark.parametrize("ending", [".csv", ".ndjson"])
def test_whatever_is_drawn_is_as_in_the_whole_file(tmp_path: Path, ending: str) -> None:
    """Files are edited, and entries changed, one after another; what is told by lines is compared with the whole."""
    by_them = 0

    async def play(rng: Random) -> int:
        head = [HEADER] * (ending == ".csv")
        first = [line(n) if head else objects(n)[0] for n in rng.sample(range(30), rng.randint(1, 12))]
        drawn = [*head, *(first if rng.random() < 0.8 else edited(rng, first, ending))]
        try:
            wanted, _ = await whole(a_file(tmp_path, drawn, ending=ending))
        except SourceError:
            return 0
        keys = [row.key for row in wanted.rows]
        ledger = noted(wanted, without=rng.sample(keys, rng.randint(0, len(keys) // 3)))
        after = edited(rng, drawn[len(head) :], ending)
        if head and rng.random() < 0.1:
            head = [HEADER.replace("type,", "kind,")] if rng.random() < 0.5 else [HEADER.upper()]
        return await same_as_whole(a_file(tmp_path, [*head, *after], ending=ending), ledger) or 0

    async def all_of_them() -> None:
        nonlocal by_them
        for seed in range(int(os.environ.get("DIMSYNC_WORLDS", "0")) or 150):
            by_them += bool(await play(Random(f"{ending} {seed}")))

    asyncio.run(all_of_them())
    assert by_them > 40
