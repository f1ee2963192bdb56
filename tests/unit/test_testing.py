"""The suite for sources of other packages: our own sources pass it, and it finds each way to be wrong."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest
from anyio.lowlevel import checkpoint
from openpyxl import Workbook
from pyarrow import parquet

from engine.errors import SourceError
from engine.model.dimension import DIMENSIONS, Dimension
from engine.sources.files import FileSource
from engine.sources.protocol import Rows, Source
from engine.sources.several import Several
from engine.sources.sql import SqlSource
from engine.testing import check_source

COLUMNS = tuple(DIMENSIONS.columns.values())
ROWS = [Dimension(f"k{n}", "account", "Account", f"Name {n}", f"{n}", f"C{n}") for n in range(5)]
Line = Sequence[str | None]


def csv(path: Path, rows: Sequence[Line]) -> None:
    path.write_text("".join(f"{','.join(map(str, row))}\n" for row in (COLUMNS, *rows)), encoding="utf-8")


def objects(rows: Sequence[Line]) -> list[dict[str, str | None]]:
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


def ndjson(path: Path, rows: Sequence[Line]) -> None:
    path.write_bytes(b"".join(orjson.dumps(each) + b"\n" for each in objects(rows)))


def json(path: Path, rows: Sequence[Line]) -> None:
    path.write_bytes(orjson.dumps(objects(rows)))


def xlsx(path: Path, rows: Sequence[Line]) -> None:
    book = Workbook()
    for row in (COLUMNS, *rows):
        book.active.append(row)
    book.save(path)


def parquet_file(path: Path, rows: Sequence[Line]) -> None:
    parquet.write_table(pa.Table.from_pylist(objects(rows)), path)


WRITERS: dict[str, Callable[[Path, Sequence[Line]], None]] = {
    "csv": csv,
    "ndjson": ndjson,
    "json": json,
    "xlsx": xlsx,
    "parquet": parquet_file,
}


@pytest.mark.parametrize("ending", WRITERS)
async def test_files_are_sources_as_the_suite_wants_them(tmp_path: Path, ending: str) -> None:
    path, write = tmp_path / f"rows.{ending}", WRITERS[ending]
    write(path, ROWS)
    rows = await check_source(
        lambda: FileSource(path),
        change=lambda: write(path, ROWS[1:]),
        broken=lambda: FileSource(tmp_path / f"none.{ending}"),
    )
    assert list(rows) == ROWS


async def test_several_files_are_one_source(tmp_path: Path) -> None:
    csv(tmp_path / "a.csv", ROWS[:2])
    ndjson(tmp_path / "b.ndjson", ROWS[2:])
    rows = await check_source(
        lambda: Several([FileSource(tmp_path / "a.csv"), FileSource(tmp_path / "b.ndjson")]),
        change=lambda: ndjson(tmp_path / "b.ndjson", ROWS[3:]),
        broken=lambda: Several([FileSource(tmp_path / "a.csv"), FileSource(tmp_path / "none.csv")]),
    )
    assert list(rows) == ROWS


@pytest.mark.parametrize("where", ["", " where company = :company_id"])
async def test_a_query_is_one(tmp_path: Path, where: str) -> None:
    def write(rows: Sequence[Line]) -> None:
        with closing(sqlite3.connect(tmp_path / "erp.db")) as connection, connection:
            connection.execute("drop table if exists dims")
            connection.execute(f"create table dims (company, {', '.join(COLUMNS)})")
            connection.executemany("insert into dims values (7, ?, ?, ?, ?, ?, ?)", rows)

    def source(query: str) -> SqlSource:
        return SqlSource(f"sqlite:///{tmp_path}/erp.db", query)

    write(ROWS)
    rows = await check_source(
        lambda: source(f"select {', '.join(COLUMNS)} from dims{where}"),  # noqa: S608  ours
        company_id=7,
        change=lambda: write(ROWS[1:]),
        broken=lambda: source("select * from none"),
    )
    assert list(rows) == ROWS


class Good:
    """A source of another package, and the base of those with a fault."""

    name: Any = "shelf"

    def __init__(self) -> None:
        self.rows = list(ROWS)

    async def __aiter__(self) -> AsyncIterator[Rows]:
        await checkpoint()
        yield self.rows[0]
        yield self.rows[1:]

    def of_company(self, company_id: int) -> AsyncIterator[Rows]:
        assert company_id == 1
        return aiter(self)

    async def digest(self) -> bytes | None:
        return None

    def absence(self) -> str | None:
        return None


class Nameless(Good):
    name = ""


class Once(Good):
    def __init__(self) -> None:
        super().__init__()
        self._items = iter(self.rows)

    async def __aiter__(self) -> AsyncIterator[Rows]:
        for row in self._items:
            yield row


class Empty(Good):
    def __init__(self) -> None:
        self.rows = [Dimension("", "account", "Account", "", "")]


class Failing(Good):
    async def __aiter__(self) -> AsyncIterator[Rows]:
        raise KeyError("dims")
        yield []  # type: ignore[unreachable]  # it makes this a generator


class TextDigest(Good):
    async def digest(self) -> Any:
        return "abc"


class OtherDigest(Good):
    async def digest(self) -> bytes | None:
        return b"abc"


class Reused(Good):
    async def __aiter__(self) -> AsyncIterator[Rows]:
        row: dict[str, str | None] = {}
        for each in self.rows:
            row.update(zip(COLUMNS, each, strict=True))
            yield row


class Shifting(Good):
    readings = 0

    async def __aiter__(self) -> AsyncIterator[Rows]:
        Shifting.readings += 1
        yield self.rows[Shifting.readings % 2 :]


class Closing(Good):
    def __aiter__(self) -> AsyncIterator[Rows]:
        return _Open(iter(self.rows))


class _Open(AsyncIterator[Rows]):
    def __init__(self, rows: Iterator[Dimension]) -> None:
        self.rows = rows
        self.is_closed = False

    async def __anext__(self) -> Rows:
        for row in self.rows:
            return row
        raise StopAsyncIteration

    async def aclose(self) -> None:
        if self.is_closed:
            raise RuntimeError("closed")
        self.is_closed = True


class Stubborn(Good):
    async def __aiter__(self) -> AsyncIterator[Rows]:
        try:
            await checkpoint()
        except BaseException as error:
            raise LookupError("nothing came") from error
        yield self.rows


class Waiting(Good):
    def absence(self) -> Any:
        return 1


FAULTS: dict[str, tuple[Callable[[], Source], str]] = {
    "no name": (Nameless, "`name` is to be one line of text, for messages: it is ''"),
    "read once": (Once, "a second reading gives other rows"),
    "no good row": (
        Empty,
        "no good row of company 1, so that little can be checked: unique_key is empty|name is empty",
    ),
    "it fails": (Failing, "it cannot be read: SourceError: shelf failed: KeyError: 'dims'"),
    "a digest of text": (TextDigest, r"`digest\(\)` is to return bytes or None: it returns 'abc'"),
    "a digest of its own": (OtherDigest, r"`digest\(\)` before a second reading is not the digest that a reading has"),
    "one object for all rows": (Reused, "a row or batch is changed after it was given"),
    "not the same twice": (Shifting, "a second reading does not count the same rows: 4 .* and 5"),
    "closed once": (Closing, r"`aclose\(\)` is to work at any time: RuntimeError: closed"),
    "not to be cancelled": (
        Stubborn,
        "is to end with the cancellation, not with an error: SourceError: .* nothing came",
    ),
    "no text": (Waiting, r"`absence\(\)` is to return text or None, without waiting: it returns 1"),
}


@pytest.mark.parametrize(("make", "message"), FAULTS.values(), ids=FAULTS)
async def test_what_a_source_may_have_wrong_is_found(make: Callable[[], Source], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        await check_source(make)


async def test_a_source_of_another_package_passes() -> None:
    assert list(await check_source(Good)) == ROWS


async def test_a_source_that_does_not_see_a_change_is_found() -> None:
    with pytest.raises(AssertionError, match="the same rows after the change"):
        await check_source(Good, change=lambda: None)


class SameDigest(Good):
    rows_now = ROWS

    def __init__(self) -> None:
        pass

    async def digest(self) -> bytes | None:
        return b"never another"

    def __aiter__(self) -> AsyncIterator[Rows]:
        return _Told(iter(SameDigest.rows_now))

    def of_company(self, company_id: int) -> AsyncIterator[Rows]:
        assert company_id == 1
        return aiter(self)


class _Told(_Open):
    digest = b"never another"

    async def aclose(self) -> None:
        pass


async def test_a_digest_that_stays_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError, match="has the same digest after the change"):
        await check_source(SameDigest, change=lambda: monkeypatch.setattr(SameDigest, "rows_now", ROWS[1:]))


class Broken(Good):
    def __init__(self, error: Exception | None) -> None:
        super().__init__()
        self.error = error

    async def __aiter__(self) -> AsyncIterator[Rows]:
        yield self.rows
        if self.error is not None:
            raise self.error


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError("no such share"), "is to raise `SourceError` when it is read: it raises OSError: no such share"),
        (SourceError(""), "has no message"),
        (None, "ends as if it were whole"),
    ],
    ids=["another error", "no words", "no error"],
)
async def test_how_a_source_fails_is_checked(error: Exception | None, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        await check_source(Good, broken=lambda: Broken(error))
    await check_source(Good, broken=lambda: Broken(SourceError("the share is not there")))
