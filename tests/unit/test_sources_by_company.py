"""One source for many companies: whose row a row is, that the source is read once, and that nothing is left of it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import SourceError
from engine.model.settings import Company
from engine.model.wanted import Wanted
from engine.sources.base import read
from engine.sources.by_company import company_of
from engine.sources.files import FileSource
from engine.sources.layout import is_own
from engine.sources.mapping import ColumnMap
from engine.sources.several import Several
from engine.sources.sharing import shared
from engine.sources.spools import Spools
from tests.unit.model_server import STEADY

CODES = frozenset({"account", "department"})
BY_COLUMN = ColumnMap(type_code="account", type_label="Account", company_column="Company")
HEADER = "Company,unique_key,name,erp_dimension_id\n"

values = st.one_of(
    st.integers(-3, 30),
    st.floats(allow_nan=True, allow_infinity=True),
    st.booleans(),
    st.none(),
    st.text(max_size=4),
    st.integers(0, 30).map(str),
    st.integers(0, 30).map(lambda number: f" {number}.0 "),
)


@STEADY
@given(values, st.integers(1, 30))
def test_a_row_goes_to_the_company_that_it_is_own_of(value: object, company_id: int) -> None:
    assert (company_of(value) == company_id) == is_own(value, company_id)


def write(path: Path, *rows: str) -> FileSource:
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return FileSource(path, BY_COLUMN)


def rows(company_id: int | str, *numbers: int) -> list[str]:
    return [f"{company_id},k{number},Name {number},{number}" for number in numbers]


def companies(source: Any, *ids: int) -> list[Company]:
    return [Company(id=number, source=source) for number in ids]


async def wanted(spools: Spools, company: Company) -> Wanted:
    return await read(spools.source_of(company), company_id=company.id, type_codes=CODES)


async def test_each_company_gets_its_rows_with_their_lines(tmp_path: Path) -> None:
    source = write(tmp_path / "all.csv", *rows(1, 1, 2), *rows(2, 3), *rows("1.0", 4))
    all_three = companies(source, 1, 2, 3)
    with Spools(all_three) as spools:
        found = [await wanted(spools, company) for company in all_three]
        assert [[row.key for row in each.rows] for each in found] == [["k1", "k2", "k4"], ["k3"], []]
        assert dict(found[0].lines) == {"k1": 2, "k2": 3, "k4": 5}
        assert [(each.read_rows, each.source_rows, each.left_out) for each in found] == [
            (3, 3, 0),
            (1, 1, 0),
            (0, 0, 0),
        ]
        assert [each.file for each in found] == [str(tmp_path / "all.csv")] * 3
        assert spools.problems() == []


async def test_it_is_what_each_company_reads_alone(tmp_path: Path) -> None:
    lines = [line for number in range(9) for line in rows(1 + number % 3, number)]
    source = write(tmp_path / "all.csv", *lines, *rows(2, 0), "1,bad,,7", "2,TOTAL,,")
    all_three = companies(source, 1, 2, 3)
    with Spools(all_three) as spools:
        for company in all_three:
            alone = await read(source, company_id=company.id, type_codes=CODES)
            dealt = await wanted(spools, company)
            assert list(dealt.rows) == list(alone.rows)
            assert dealt.problems == alone.problems
            assert (dealt.source_rows, dealt.invalid) == (alone.source_rows, alone.invalid)


async def test_it_is_read_once_however_many_ask_at_a_time(tmp_path: Path) -> None:
    source = write(tmp_path / "all.csv", *(line for number in range(1, 41) for line in rows(number, number)))
    opened = []

    class Counted(FileSource):
        def __aiter__(self) -> Any:
            opened.append(self.name)
            return super().__aiter__()

    source = Counted(source.path, BY_COLUMN)
    forty = companies(source, *range(1, 41))
    found: list[int] = []

    async def one(company: Company) -> None:
        assert await spools.source_of(company).digest() is not None  # type: ignore[attr-defined]  # it is rows of a file
        found.append(len((await wanted(spools, company)).rows))

    with Spools(forty) as spools:
        async with anyio.create_task_group() as tasks:
            for company in forty:
                tasks.start_soon(one, company)
    assert (found, len(opened)) == ([1] * 40, 1)


async def test_its_temporary_file_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    source = write(tmp_path / "all.csv", *rows(1, 1))
    (company,) = companies(source, 1)
    with Spools([company]) as spools:
        await wanted(spools, company)
        assert list((tmp_path / "temporary").iterdir()) == []
    with pytest.raises(SourceError, match="has ended"):
        await wanted(spools, company)


async def test_a_company_that_is_cancelled_while_it_is_read_leaves_it_to_the_next(tmp_path: Path) -> None:
    source = write(tmp_path / "all.csv", *rows(1, 1), *rows(2, 2))
    begun = anyio.Event()

    class Halting(AsyncIterator[Any]):
        """A reading that the first time never comes to its end."""

        end = None

        def __init__(self, items: Any) -> None:
            self.items, self.aclose, self.halts = items, items.aclose, not begun.is_set()

        async def __anext__(self) -> Any:
            if begun.is_set() and self.halts:
                await anyio.sleep_forever()
            begun.set()
            return await anext(self.items)

    class Slow(FileSource):
        def __aiter__(self) -> Any:
            return Halting(super().__aiter__())

    slow_source = Slow(source.path, BY_COLUMN)
    first, second = companies(slow_source, 1, 2)
    with Spools([first, second]) as spools:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wanted, spools, first)
            await begun.wait()
            tasks.cancel_scope.cancel()
        assert [row.key for row in (await wanted(spools, second)).rows] == ["k2"]


async def test_the_digest_of_a_company_is_that_of_its_own_rows(tmp_path: Path) -> None:
    async def digests(*lines: str) -> list[bytes | None]:
        both = companies(write(tmp_path / "all.csv", *lines), 1, 2)
        with Spools(both) as spools:
            told = [await spools.source_of(company).digest() for company in both]  # type: ignore[attr-defined]  # as said
            assert told == [(await wanted(spools, company)).digest for company in both]
            return told

    before = await digests(*rows(1, 1, 2), *rows(2, 3))
    after = await digests(*rows(2, 3), *rows(1, 1, 2), *rows(2, 4))
    assert (before[0] == after[0], before[1] == after[1]) == (True, False)


async def test_rows_of_nobody_are_told_once_with_their_ids_and_the_first_line(tmp_path: Path) -> None:
    source = write(
        tmp_path / "all.csv", *rows(1, 1), *rows(9, 2, 3), *rows(8, 4), *rows("", 5), "9,torn", ",,,", ",Total,,"
    )
    both = companies(source, 1, 2)
    with Spools(both) as spools:
        for company in both:
            await wanted(spools, company)
        (problem,) = spools.problems()
    assert (problem.code, problem.file, problem.line, problem.key) == ("unknown-company", source.name, 3, None)
    assert problem.message == (
        f"{source.name}: 5 rows name no company that has this source, and no company counts them (they name 9, 8; the "
        "first is line 3): configure the company, or leave its rows out of the export"
    )


async def test_a_row_that_cannot_be_split_is_invalid_in_the_company_that_it_names(tmp_path: Path) -> None:
    source = write(tmp_path / "all.csv", *rows(1, 1), "2,torn", *rows(2, 2), "Total,1.00,2.00,3.00,4.00")
    both = companies(source, 1, 2)
    with Spools(both) as spools:
        found = [await wanted(spools, company) for company in both]
        assert [(each.source_rows, each.invalid) for each in found] == [(1, 0), (2, 1)]
        assert [(problem.code, problem.line) for problem in found[1].problems] == [("ragged-row", 3)]
        assert spools.problems() == []


async def test_objects_of_json_are_dealt_out_too(tmp_path: Path) -> None:
    objects: list[dict[str, object]] = [
        {"Company": 1, "unique_key": "a", "name": "A", "erp_dimension_id": "1", "code": "x"},
        {"Company": 2, "unique_key": "b", "name": "B", "erp_dimension_id": "2"},
        {"unique_key": "c", "name": "C", "erp_dimension_id": "3"},
    ]
    path = tmp_path / "all.ndjson"
    path.write_text("".join(f"{json.dumps(one)}\n" for one in objects), encoding="utf-8")
    mapping = ColumnMap(type_code="account", type_label="A", columns={"code": "code"}, company_column="Company")
    both = companies(FileSource(path, mapping), 1, 2)
    with Spools(both) as spools:
        found = [await wanted(spools, company) for company in both]
        assert [[row.code for row in each.rows] for each in found] == [["x"], [None]]
        (problem,) = spools.problems()
    assert "1 row names no company" in problem.message
    assert "'Company' is empty" in problem.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("unique_key,name,erp_dimension_id\nk,N,1\n", "missing columns: Company"),
        (f"{HEADER}1,k1,N,1\n{HEADER}", "line 3: column names stand here again"),
        (b"Company,unique_key\n\xff,1\n", "is not UTF-8"),
    ],
)
async def test_a_fault_of_the_file_fails_each_company_alike(tmp_path: Path, text: str | bytes, message: str) -> None:
    path = tmp_path / "all.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    both = companies(FileSource(path, BY_COLUMN), 1, 2)
    with Spools(both) as spools:
        for company in both:
            with pytest.raises(SourceError, match=message):
                await wanted(spools, company)
        assert spools.problems() == []


async def test_it_may_be_one_of_several_sources(tmp_path: Path) -> None:
    source = write(tmp_path / "all.csv", *rows(1, 1), *rows(2, 2))
    own = tmp_path / "own.csv"
    own.write_text("unique_key,type,dimension_type_code,name,erp_dimension_id\nd,D,department,D,9\n", encoding="utf-8")
    first = Company(id=1, source=Several([source, FileSource(own)]))
    second = Company(id=2, source=source)
    with Spools([first, second]) as spools:
        assert [row.key for row in (await wanted(spools, first)).rows] == ["k1", "d"]
        assert [row.key for row in (await wanted(spools, second)).rows] == ["k2"]


def test_a_source_that_names_companies_may_be_shared_and_one_that_does_not_fails_alone(tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    by_column = companies(FileSource(path, BY_COLUMN), 1, 2)
    assert shared(by_column) == {}
    assert list(shared([*by_column, *companies(FileSource(path), 3)])) == [3]


async def test_many_rows_in_any_order_are_all_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.sources.spool.WAITING_CHARACTERS", 50_000)
    lines = [f"{number % 7 + 1},k{number},Name {number},{number}" for number in range(5_000)]
    seven = companies(write(tmp_path / "all.csv", *lines), *range(1, 8))
    with Spools(seven) as spools:
        found = [await wanted(spools, company) for company in seven]
    assert [[row.key for row in each.rows] for each in found] == [
        [f"k{number}" for number in range(5_000) if number % 7 == at] for at in range(7)
    ]


async def test_a_row_without_a_line_is_told_by_its_number_in_the_whole_source(tmp_path: Path) -> None:
    objects = [
        {"Company": 1 + n // 3, "unique_key": f"k{n}", "name": "A" if n != 4 else "", "erp_dimension_id": "1"}
        for n in range(6)
    ]
    path = tmp_path / "all.json"
    path.write_text(json.dumps(objects), encoding="utf-8")
    mapping = ColumnMap(type_code="account", type_label="A", company_column="Company")
    both = companies(FileSource(path, mapping), 1, 2)
    with Spools(both) as spools:
        (problem,) = (await wanted(spools, both[1])).problems
    assert (problem.line, problem.message) == (None, "row 5: name is empty")
