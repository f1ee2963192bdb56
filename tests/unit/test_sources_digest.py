"""The digest of a source: equal only where its rows are, and told without them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Generator
from io import BufferedReader
from pathlib import Path

import orjson
import pytest
from openpyxl import Workbook

from engine.errors import SourceError
from engine.model.dimension import Dimension
from engine.model.settings import SourceRows
from engine.sources.base import read
from engine.sources.batch import Batch
from engine.sources.digests import Digested, begun
from engine.sources.files import FileSource
from engine.sources.mapping import ColumnMap
from engine.sources.reading import Reading, Told

COLUMNS = ("unique_key", "type", "dimension_type_code", "name", "code", "erp_dimension_id")
ROW = ("k1", "Item", "item", "Nut", "", "01")
PLAIN = ColumnMap()


async def told(source: SourceRows) -> bytes | None:
    """Return the digest that comes with a source's rows."""
    return (await read(source, company_id=7, type_codes=frozenset({"item"}))).digest


def write(folder: Path, ending: str, *, rows: int = 3, mark: str = "") -> Path:
    path = folder / f"rows{ending}"
    found = [dict(zip(COLUMNS, (f"k{n}", *ROW[1:]), strict=True)) for n in range(rows)]
    lines = {
        ".csv": "\r\n".join([",".join(COLUMNS), *(",".join(row.values()) for row in found)]),
        ".ndjson": "".join(orjson.dumps(row).decode() + "\n" for row in found),
        ".json": orjson.dumps(found).decode(),
    }
    path.write_text(mark + lines[ending], encoding="utf-8", newline="")
    return path


@pytest.mark.parametrize("ending", [".csv", ".ndjson", ".json"])
@pytest.mark.parametrize("rows", [1, 3, 9_000])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
async def test_a_reading_tells_what_the_file_does(tmp_path: Path, ending: str, rows: int, mark: str) -> None:
    source = FileSource(write(tmp_path, ending, rows=rows, mark=mark))
    digest = await source.digest()
    assert digest is not None
    assert len(digest) == 16
    assert await told(source) == digest
    assert await told(source) == digest


async def test_whatever_changes_the_rows_changes_it(tmp_path: Path) -> None:
    maps = (
        PLAIN,
        ColumnMap(key="{erp_dimension_id}"),
        ColumnMap(where={"name": ("Nut",)}),
        ColumnMap(labels={"item": "x"}),
    )
    paths = [write(tmp_path, ".csv"), write(tmp_path, ".ndjson"), write(tmp_path, ".json")]
    same = tmp_path / "rows.TXT"
    same.write_bytes(paths[0].read_bytes())
    found = [await FileSource(path, mapping).digest() for path in (*paths, same) for mapping in maps]
    assert len(set(found)) == len(found)
    before = await FileSource(paths[0]).digest()
    paths[0].write_bytes(paths[0].read_bytes() + b"\n")
    assert await FileSource(paths[0]).digest() != before
    assert await FileSource(same).digest() == await FileSource(same.rename(tmp_path / "other.txt")).digest()


async def test_a_programs_source_has_none_whatever_it_rests_on(tmp_path: Path) -> None:
    async def around() -> AsyncIterator[Batch]:
        async for batch in FileSource(write(tmp_path, ".csv")):
            yield batch

    assert (await read(around(), company_id=7, type_codes=frozenset({"item"}))).digest is None


def overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(-2, os.SEEK_END)
        file.write(b"99")


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def overwrite_in_secret(path: Path) -> None:
    """Write other bytes and set the time back, as `rsync --inplace --times` does."""
    before = path.stat()
    overwrite(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    "change", [overwrite, overwrite_in_secret, grow, lambda path: path.write_bytes(b""), Path.touch]
)
@pytest.mark.parametrize("suffix", [".csv", ".ndjson"])
async def test_l10_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, suffix: str, change: Callable[[Path], object]
) -> None:
    path = write(tmp_path, suffix, rows=20_000)
    os.utime(path, (1_000_000_000, 1_000_000_000))
    reading = aiter(FileSource(path))
    await anext(reading)
    change(path)
    with pytest.raises(SourceError, match=r"changed while it was read|unterminated|closed properly"):
        async for _ in reading:
            pass
    assert reading.digest is None


async def test_there_is_none_where_it_cannot_be_told(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(COLUMNS)
    book.active.append(ROW)
    book.save(tmp_path / "rows.xlsx")
    os.mkfifo(tmp_path / "pipe.csv")
    for name in ("rows.xlsx", "pipe.csv", "none.csv", "rows.other"):
        assert await FileSource(tmp_path / name).digest() is None
    assert await told(FileSource(tmp_path / "rows.xlsx")) is None

    async def own() -> AsyncIterator[Dimension]:
        yield Dimension("k1", "item", "Item", "Nut", "01")

    assert await told(own()) is None


def test_a_file_that_is_not_read_in_one_go_has_none(tmp_path: Path) -> None:
    path = write(tmp_path, ".csv", rows=5_000)
    for first, then in ((10, 0), (10, 1)):
        raw = Digested(path, begun(".csv", PLAIN))
        with BufferedReader(raw) as file:
            file.read(first)
            if then:
                file.seek(0, os.SEEK_END)
                file.seek(0)
                file.read()
        assert raw.digest() is None
    raw = Digested(path, begun(".csv", PLAIN))
    with BufferedReader(raw) as file:
        file.read(4)
        file.seek(0)  # within what is buffered
        file.read(100_000)
        assert raw.digest() is None
        file.read()
    assert raw.digest() is not None


async def test_batches_that_are_good_come_before_an_error() -> None:
    batch = Batch([list(ROW)], columns=COLUMNS, lines=[2], mapping=PLAIN)

    def failing() -> Generator[Batch, None, Told | None]:
        yield batch
        yield batch
        raise SourceError("the disk is gone")

    reading = Reading(failing())
    assert [await anext(reading) for _ in range(2)] == [batch, batch]
    with pytest.raises(SourceError, match="the disk is gone"):
        await anext(reading)
    assert reading.digest is None
    assert [each async for each in reading] == []
    await reading.aclose()
