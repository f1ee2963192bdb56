"""Memory that reading takes is bounded by what a batch holds: not by a file's size, its width, or its longest cell.

Peaks are those of `tracemalloc`: bytes of Python objects, the same on every machine. What is asserted is several times
less than the whole file takes as objects, and at least a half more than was measured.
"""

from __future__ import annotations

import asyncio
import csv
import gc
import json
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TextIO

import pyarrow as pa
import pytest
from pyarrow import parquet
from sqlalchemy import Column, MetaData, Table, Text, create_engine

from engine.errors import SourceError
from engine.model.settings import Company, SourceRows
from engine.model.wanted import Wanted
from engine.sources.base import read
from engine.sources.files import FileSource
from engine.sources.filters import OneOf
from engine.sources.mapping import ColumnMap
from engine.sources.parquet import parquet_batches
from engine.sources.selection import MOST_REASONS
from engine.sources.spools import Spools
from engine.sources.sql import SqlSource
from engine.sources.table import MOST_CELLS

MB = 1_000_000
COLUMNS = ("unique_key", "type", "dimension_type_code", "name", "erp_dimension_id", "code")
TYPES = frozenset({"account"})


def row(number: int) -> dict[str, str]:
    """Return a row of the six columns."""
    values = (f"k{number}", "GL Account", "account", f"Account {number}", str(number), f"{number % 1000:03d}")
    return dict(zip(COLUMNS, values, strict=True))


def write(path: Path, rows: Iterable[Mapping[str, str]]) -> Path:
    """Write rows, in the format that the path's ending names."""
    made = iter(rows)
    if path.suffix == ".parquet":
        parquet.write_table(pa.Table.from_pylist(list(made)), path)
        return path
    with path.open("w", encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            _write_csv(file, made)
        elif path.suffix == ".iif":
            _write_iif(file, made)
        elif path.suffix == ".json":
            file.write('{"dimensions": [')
            file.writelines(("," if number else "") + json.dumps(one) for number, one in enumerate(made))
            file.write("]}")
        else:
            file.writelines(json.dumps(one) + "\n" for one in made)
    return path


def _write_csv(file: TextIO, rows: Iterator[Mapping[str, str]]) -> None:
    first = next(rows)
    writer = csv.writer(file)
    writer.writerow(first)
    writer.writerow(first.values())
    writer.writerows(one.values() for one in rows)


def _write_iif(file: TextIO, rows: Iterator[Mapping[str, str]]) -> None:
    first = next(rows)
    writer = csv.writer(file, delimiter="\t")
    writer.writerow(("!ACCNT", *first))
    writer.writerow(("ACCNT", *first.values()))
    writer.writerows(("ACCNT", *one.values()) for one in rows)


async def thrown_away(source: FileSource | SqlSource) -> int:
    """Read a source without keeping its rows; return how many there were."""
    rows = 0
    async for batch in source:
        rows += len(batch)
    return rows


async def kept(source: SourceRows) -> Wanted:
    """Read a source as a run does."""
    return await read(source, company_id=1, type_codes=TYPES)


def peak(work: Callable[[], object]) -> int:
    """Return the most bytes that Python objects took while something was done, above what there was before.

    What there was before is set aside, so that the garbage collector begins anew and does not walk what other tests
    left: a full collection takes half a second by then, and changes nothing, as only new objects are counted.
    """
    gc.freeze()
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def wide(count: int) -> Iterator[dict[str, str]]:
    """Yield rows of 10,000 columns: as text 90 kB each, as objects 500 kB or more."""
    more = {f"column {number}": f"cell{number}" for number in range(10_000 - len(COLUMNS))}
    return (row(number) | more for number in range(count))


def long(count: int, characters: int, column: str) -> Iterator[dict[str, str]]:
    """Yield rows with one long cell."""
    return (row(number) | {column: "x" * characters} for number in range(count))


@pytest.mark.parametrize(
    ("name", "rows", "most_mb"),
    [
        pytest.param("wide.csv", wide(90), 42, id="CSV of 10,000 columns"),
        pytest.param("wide.iif", wide(90), 42, id="IIF of 10,000 columns"),
        pytest.param("wide.ndjson", wide(60), 50, id="NDJSON of 10,000 columns"),
        pytest.param("wide.json", wide(60), 50, id="a JSON document of 10,000 columns"),
        pytest.param("long.csv", long(600, 65_537, "name"), 25, id="CSV, cells of 64 KiB + 1"),
        pytest.param("long.ndjson", long(600, 65_537, "name"), 15, id="NDJSON, cells of 64 KiB + 1"),
        pytest.param("long.json", long(600, 65_537, "name"), 15, id="a JSON document, cells of 64 KiB + 1"),
        pytest.param("long.parquet", long(600, 65_537, "name"), 30, id="Parquet, cells of 64 KiB + 1"),
        pytest.param("notes.ndjson", long(50, 2_000_000, "notes"), 60, id="NDJSON, lines just short enough"),
    ],
)
def test_few_rows_are_in_memory_when_they_are_large(
    tmp_path: Path, name: str, rows: Iterator[Mapping[str, str]], most_mb: int
) -> None:
    source = FileSource(write(tmp_path / name, rows))
    assert peak(lambda: asyncio.run(thrown_away(source))) < most_mb * MB


def test_few_rows_of_a_wide_parquet_file_are_read_together(tmp_path: Path) -> None:
    columns = {
        **{name: [value] * 250 for name, value in row(0).items()},
        **{f"c{at}": ["x"] * 250 for at in range(1_994)},
    }
    path = tmp_path / "wide.parquet"
    parquet.write_table(pa.table(columns), path)
    with path.open("rb") as file:
        batches = list(parquet_batches(file, path.name, ColumnMap()))
    assert [len(batch) for batch in batches] == [0, 100, 100, 50]
    assert MOST_CELLS // 2_000 == 100


def test_cells_of_more_than_64_kib_make_their_rows_invalid(tmp_path: Path) -> None:
    for name in ("long.csv", "long.ndjson", "long.json", "long.parquet"):
        rows = (row(0), *long(1, 65_537, "name"), *long(1, 65_536, "name"))
        path = write(tmp_path / name, ({**one, "unique_key": f"k{at}"} for at, one in enumerate(rows)))
        wanted = asyncio.run(kept(FileSource(path)))
        assert (len(wanted.rows), [one.code for one in wanted.problems]) == (2, ["too-long"]), name


@pytest.mark.parametrize(
    ("name", "begin", "repeated", "fault", "most_mb"),
    [
        ("one.csv", ",".join(COLUMNS) + "\n", b"x" * 1_000_000, "the line is longer than 1,000,000 characters", 15),
        ("one.ndjson", '{"name": "', b"x" * 1_000_000, "more than 4,000,000 bytes", 70),
        ("row.csv", ",".join(COLUMNS) + '\nk,"', b"x\n" * 500_000, "a quote is opened in this row and not closed", 5),
        ("cells.csv", ",".join(COLUMNS) + "\n", b'"a\n",' * 200_000, "the row that begins here is longer than", 40),
    ],
    ids=["a CSV line", "an NDJSON line", "a cell over many lines", "a row over many lines"],
)
def test_something_of_50_mb_that_should_be_a_row_fails_the_file_early(
    tmp_path: Path, name: str, begin: str, repeated: bytes, fault: str, most_mb: int
) -> None:
    path = tmp_path / name
    with path.open("wb") as file:
        file.write(begin.encode())
        for _ in range(50_000_000 // len(repeated)):
            file.write(repeated)

    def fails() -> None:
        with pytest.raises(SourceError, match=fault):
            asyncio.run(thrown_away(FileSource(path)))

    assert peak(fails) < most_mb * MB  # orjson reserves twelve times the bytes of a line, and leaves them untouched


def test_rows_that_go_over_line_ends_are_handed_over_block_by_block(tmp_path: Path) -> None:
    with_break = ({**row(number), "notes": "one\ntwo " * 20} for number in range(20_000))
    source = FileSource(write(tmp_path / "breaks.csv", with_break))
    assert asyncio.run(thrown_away(source)) == 20_000
    assert peak(lambda: asyncio.run(thrown_away(source))) < 3 * MB  # the file has 4.5 MB


@pytest.mark.parametrize("ending", ["csv", "ndjson", "json", "parquet", "db"])
def test_reading_alone_takes_no_more_for_a_file_of_four_times_the_rows(tmp_path: Path, ending: str) -> None:
    small, large = (_source(tmp_path / f"{count}.{ending}", count) for count in (5_000, 20_000))
    asyncio.run(thrown_away(small))  # loads what reads it
    assert peak(lambda: asyncio.run(thrown_away(large))) < peak(lambda: asyncio.run(thrown_away(small))) + 2 * MB


def _source(path: Path, count: int) -> FileSource | SqlSource:
    """Return a source of as many rows; a database is made for the ending `db`."""
    rows = map(row, range(count))
    if path.suffix != ".db":
        return FileSource(write(path, rows))
    database = create_engine(url := f"sqlite:///{path}")
    lists = Table("lists", MetaData(), *[Column(name, Text) for name in COLUMNS])
    lists.create(database)
    with database.begin() as connection:
        connection.execute(lists.insert(), list(rows))
    database.dispose()
    return SqlSource(url, "SELECT * FROM lists")


def test_reasons_that_are_different_in_each_row_are_counted_together_and_not_kept(tmp_path: Path) -> None:
    reasons = ({**row(number), "status": f"closed for reason {number}"} for number in range(30_000))
    source = FileSource(write(tmp_path / "out.csv", reasons), ColumnMap(where={"status": OneOf(("open",))}))
    found: list[Wanted] = []
    assert peak(lambda: found.append(asyncio.run(kept(source)))) < 4 * MB  # its rows as objects are 15 MB
    reasons_kept = found[0].left_out_by
    assert len(reasons_kept) == MOST_REASONS + 1
    assert sum(one.rows for one in reasons_kept) == found[0].read_rows == 30_000


def test_a_source_of_many_companies_is_in_memory_in_part_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.sources.spool.WAITING_CHARACTERS", 300_000)
    rows = ({"company": str(1 + number % 60), **row(number)} for number in range(15_000))
    source = FileSource(write(tmp_path / "all.csv", rows), ColumnMap(company_column="company"))
    companies = [Company(id=number, account="main", source=source) for number in range(1, 61)]

    async def each() -> int:
        with Spools(companies) as spools:
            return sum([len((await of_one(spools, company)).rows) for company in companies])

    async def of_one(spools: Spools, company: Company) -> Wanted:
        return await read(spools.source_of(company), company_id=company.id, type_codes=TYPES)

    counted: list[int] = []
    assert peak(lambda: counted.append(asyncio.run(each()))) < 6 * MB  # all rows as objects are 9 MB
    assert counted == [15_000]
