"""Several sources of one company are read as one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.errors import SharedSource, SourceError
from engine.model.settings import Company
from engine.model.wanted import FileEnd, SourceCounts, Wanted
from engine.sources.base import read
from engine.sources.files import FileSource
from engine.sources.several import Several
from engine.sources.sharing import shared

TYPES = frozenset({"account", "department"})
HEAD = "unique_key,type,dimension_type_code,name,erp_dimension_id"
ACCOUNTS = f"{HEAD}\na1,Account,account,Cash,1\na2,Account,account,Rent,2\na3,Account,account,,3\n"
DEPARTMENTS = f"\n{HEAD}\nd1,Department,department,Bar,1\na2,Department,department,Kitchen,7\n"


async def wanted(*sources: object) -> Wanted:
    return await read(Several(sources), company_id=7, type_codes=TYPES)  # type: ignore[arg-type]  # several kinds


@pytest.fixture
def parts(tmp_path: Path) -> tuple[FileSource, FileSource]:
    (tmp_path / "a.csv").write_text(ACCOUNTS, encoding="utf-8")
    (tmp_path / "b.csv").write_text(DEPARTMENTS, encoding="utf-8")
    return FileSource(tmp_path / "a.csv"), FileSource(tmp_path / "b.csv")


async def test_each_row_is_told_with_its_own_file_and_line(parts: tuple[FileSource, FileSource]) -> None:
    found = await wanted(*parts)
    one, two = (part.name for part in parts)
    assert [(row.key, *found.place(row.key)) for row in found.rows] == [("a1", one, 2), ("d1", two, 3)]
    assert [(p.code, p.key, p.file, p.line) for p in found.problems] == [
        ("duplicate-key", "a2", one, 3),
        ("missing-field", "a3", one, 4),
        ("duplicate-key", "a2", two, 4),
    ]
    assert f"line 4 of {two}" in found.problems[0].message
    assert f"line 3 of {one}" in found.problems[2].message
    assert found.sources == (SourceCounts(one, 3, 0), SourceCounts(two, 2, 0))
    assert (found.source_rows, found.read_rows, found.invalid) == (5, 5, 3)
    assert found.file == f"{one} and {two}"


async def test_a_single_part_is_read_as_if_it_stood_alone(parts: tuple[FileSource, FileSource]) -> None:
    alone = await read(parts[0], company_id=7, type_codes=TYPES)
    assert await wanted(parts[0]) == alone
    assert alone.place("a1") == (parts[0].name, 2)


async def test_parts_without_lines_have_row_numbers(parts: tuple[FileSource, FileSource]) -> None:
    async def rows() -> AsyncIterator[dict[str, object]]:
        yield {"unique_key": "p1", "type": "A", "dimension_type_code": "account", "name": "X", "erp_dimension_id": "9"}
        yield {"unique_key": "p2"}

    found = await wanted(rows(), parts[1])
    assert found.place("p1") == ("source 1 of 2", None)
    assert found.place("d1") == (parts[1].name, 3)
    assert (found.problems[0].file, found.problems[0].message[:6]) == ("source 1 of 2", "row 2:")


async def test_the_digest_is_that_of_all_parts_in_order(parts: tuple[FileSource, FileSource]) -> None:
    found = await wanted(*parts)
    assert found.digest == await Several(parts).digest()
    assert found.digest not in {None, await Several(parts[::-1]).digest(), await parts[0].digest()}
    parts[1].path.write_text(DEPARTMENTS + "\n", encoding="utf-8")
    assert found.digest != await Several(parts).digest()
    parts[1].path.unlink()
    assert await Several(parts).digest() is None


async def test_one_part_that_cannot_be_read_fails_all(parts: tuple[FileSource, FileSource]) -> None:
    parts[1].path.unlink()
    with pytest.raises(SourceError, match=r"b\.csv cannot be read"):
        await wanted(*parts)
    assert Several(parts).absence() == parts[1].absence()


def test_a_file_is_shared_if_it_is_a_part_of_several_companies(parts: tuple[FileSource, FileSource]) -> None:
    one = Company(id=1, source=Several(parts))
    two = Company(id=2, source=parts[1])
    assert {number: type(error) for number, error in shared([one, two]).items()} == {1: SharedSource, 2: SharedSource}
    twice = Company(id=1, source=Several([parts[0], parts[0]]))
    assert shared([twice]) == {}


def test_names_of_many_parts_stay_short() -> None:
    assert Several([FileSource(f"{n}.csv") for n in range(5)]).name == "0.csv, 1.csv and 3 more"
    with pytest.raises(ValueError, match="at least one"):
        Several([])


async def test_each_of_several_files_tells_how_it_ended(parts: tuple[FileSource, FileSource]) -> None:
    names, sizes = [part.name for part in parts], [part.size_bytes for part in parts]
    whole = [FileEnd(size, 0, is_ended=True) for size in sizes]
    assert [(mark.name, mark.end) for mark in (await wanted(*parts)).marks] == list(zip(names, whole, strict=True))
    parts[0].path.write_text(ACCOUNTS.removesuffix("\n"), encoding="utf-8")
    ends = [mark.end for mark in (await wanted(*parts)).marks]
    assert ends == [FileEnd(sizes[0] - 1, 4, is_ended=False), whole[1]]
