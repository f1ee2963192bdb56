"""L1: companies that are given one source, and rows that name another company."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from openpyxl import Workbook

from engine.config import source_problems
from engine.errors import SharedSource
from engine.model.settings import Company, RawRow, SourceRows
from engine.sources.base import read
from engine.sources.files import FileSource
from engine.sources.mapping import ColumnMap
from engine.sources.sharing import shared
from engine.sources.sql import SqlSource
from tests.sandbox.conftest import Rows
from tests.unit.settings_file import ACCOUNT, configured

QUERY = "select * from chart"
HEAD = "unique_key,type,dimension_type_code,name,code,erp_dimension_id"


def sharers(*sources: SourceRows, said: tuple[int, ...] = ()) -> set[int]:
    """Return who of companies 1, 2 ... fails; `said`: those that say that they share."""
    companies = [Company(id=n, source=source, shares_source=n in said) for n, source in enumerate(sources, 1)]
    return set(shared(companies))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.csv", "b.csv", "book.xlsx"):
        (tmp_path / name).touch()
    (tmp_path / "deep").mkdir()
    (tmp_path / "link.csv").symlink_to(tmp_path / "a.csv")
    (tmp_path / "round").symlink_to(tmp_path)
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    return tmp_path


FILES: dict[str, tuple[list[str], set[int]]] = {
    "its own each": (["a.csv", "b.csv"], set()),
    "one file": (["a.csv", "a.csv", "b.csv"], {1, 2}),
    "one file that is not there": (["none.csv", "none.csv"], {1, 2}),
    "with dots": (["a.csv", "./deep/.././a.csv"], {1, 2}),
    "by a link": (["a.csv", "link.csv"], {1, 2}),
    "through a linked folder": (["a.csv", "round/round/a.csv"], {1, 2}),
    "a link to itself": (["loop.csv", "a.csv"], set()),
    "one sheet": (["book.xlsx#West", "book.xlsx#West"], {1, 2}),
    "two sheets": (["book.xlsx#West", "book.xlsx#East"], set()),
    "the first sheet twice": (["book.xlsx", "book.xlsx"], {1, 2}),
    "names that differ in case": (["a.csv", "A.csv"], set()),  # two files, where the system tells them apart
}


@pytest.mark.parametrize(("paths", "found"), FILES.values(), ids=FILES)
def test_l1_who_shares_a_file(folder: Path, paths: list[str], found: set[int]) -> None:
    assert sharers(*(FileSource(folder / path) for path in paths)) == found


SHEETS: dict[str, tuple[list[str], set[int]]] = {
    "the first sheet, named and not": (["book.xlsx", "book.xlsx#West", "book.xlsx#East"], {1, 2}),
    "the first of a link": (["book.xlsx#West", "linked.xlsx", "book.xlsx"], {1, 2, 3}),
    "another sheet": (["book.xlsx", "book.xlsx#East"], set()),
    "a hidden sheet": (["book.xlsx", "book.xlsx#Hidden"], set()),
    "a sheet that is not there": (["book.xlsx", "book.xlsx#None"], set()),
    "two workbooks": (["book.xlsx#West", "torn.xlsx"], set()),
    "a workbook that cannot be opened": (["torn.xlsx", "torn.xlsx#West"], set()),
    "one that is not there": (["none.xlsx", "none.xlsx#West"], set()),
}


@pytest.mark.parametrize(("paths", "found"), SHEETS.values(), ids=SHEETS)
def test_l1_who_shares_the_first_sheet_of_a_workbook(tmp_path: Path, paths: list[str], found: set[int]) -> None:
    workbook = Workbook()
    for title in ("Hidden", "West", "East"):
        workbook.create_sheet(title).append(["name"])
    del workbook["Sheet"]
    workbook["Hidden"].sheet_state = "hidden"
    workbook.save(tmp_path / "book.xlsx")
    (tmp_path / "linked.xlsx").symlink_to(tmp_path / "book.xlsx")
    (tmp_path / "torn.xlsx").write_bytes((tmp_path / "book.xlsx").read_bytes()[:1_000])
    assert sharers(*(FileSource(tmp_path / path) for path in paths)) == found


def test_l1_relative_and_absolute_paths_are_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert sharers(FileSource("a.csv"), FileSource(folder / "a.csv"), FileSource("deep/../a.csv")) == {1, 2, 3}


def test_l1_who_shares_a_query() -> None:
    db, other = "sqlite:///erp.db", "sqlite:///other.db"
    assert sharers(SqlSource(db, QUERY), SqlSource(db, f"  {QUERY}\n")) == {1, 2}
    assert sharers(SqlSource(db, QUERY), SqlSource(other, QUERY)) == set()
    mine = f"{QUERY} where company = :company_id"
    assert sharers(SqlSource(db, mine), SqlSource(db, mine)) == set()
    assert sharers(SqlSource(db, f"{mine} -- one's own"), SqlSource(db, f"{mine} -- one's own")) == set()
    for no_parameter in (
        r"where a = '\:company_id'",
        "where a = b::company_id",
        "where a = :company_ids",
        "-- where company = :company_id",
        "/* where\ncompany = :company_id */ where true",
        "where a = 'it''s :company_id'",
        'where "a :company_id" = 1',
    ):
        query = f"{QUERY} {no_parameter}"
        assert sharers(SqlSource(db, query), SqlSource(db, query)) == {1, 2}


def test_l1_whoever_says_so_may_share(folder: Path) -> None:
    one = FileSource(folder / "a.csv")
    assert sharers(one, one, one, said=(1, 2, 3)) == set()
    assert sharers(one, one, one, said=(1,)) == {2, 3}


class Named(Rows):
    name = "the program's rows"


class ForEach(Named):
    def of_company(self, company_id: int) -> SourceRows:
        return Rows([{"ottimate_company_id": company_id}])


def test_l1_a_programs_own_source() -> None:
    one, each = Named([]), ForEach([])
    assert sharers(one, one) == {1, 2}
    assert sharers(one, Named([])) == set()  # they have one name, and may be two
    assert sharers(each, each) == set()
    unnamed = Rows([])
    assert sharers(unnamed, unnamed) == set()


def test_l1_the_message_names_source_others_and_the_way_out(folder: Path) -> None:
    one = FileSource(folder / "a.csv")
    found = shared([Company(id=n, source=one) for n in range(1, 10)])
    assert isinstance(found[3], SharedSource)
    assert "a.csv is the source of companies 1, 2, 4, 5, 6 and 3 more, too" in str(found[3])
    assert "shares_source = true" in str(found[3])


LISTED = "".join(f'[[companies]]\nid = {n}\nsource = "{source}"\n' for n, source in ((5, "x.csv"), (6, "./x.csv")))
SAID: dict[str, str] = {
    "company": LISTED.replace("id =", "shares_source = true\nid ="),
    "group": LISTED.replace("id =", 'groups = ["g"]\nid =') + "[groups.g]\nshares_source = true\n",
    "mapping": LISTED.replace("id =", 'mapping = "m"\nid =') + "[mapping.m]\nshares_source = true\n",
}


def test_l1_validate_lists_all_of_them(tmp_path: Path) -> None:
    (tmp_path / "x.csv").touch()
    faults = source_problems(configured(tmp_path, ACCOUNT + LISTED))
    assert [fault.key for fault in faults] == ["companies[0].source", "companies[1].source"]
    assert "is the source of company 6, too" in faults[0].message


@pytest.mark.parametrize("text", [*SAID.values(), "account"], ids=[*SAID, "account"])
def test_l1_who_may_say_that_a_source_is_shared(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.csv").touch()
    account = ACCOUNT if text != "account" else f"{ACCOUNT}shares_source = true\n"
    found = configured(tmp_path, account + (LISTED if text == "account" else text))
    assert [company.shares_source for company in found.companies] == [True, True]
    assert source_problems(found) == []


def test_l1_a_line_of_the_companies_file_says_it_too(tmp_path: Path) -> None:
    (tmp_path / "x.csv").touch()
    (tmp_path / "companies.csv").write_text("id,source,shares_source\n5,x.csv,TRUE\n6,x.csv,\n7,x.csv,false\n")
    found = configured(tmp_path, f'companies_file = "companies.csv"\n{ACCOUNT}')
    assert [fault.key for fault in source_problems(found)] == ["line 3", "line 4"] or [
        str(fault.key) for fault in source_problems(found)
    ] == ["line 3, column source", "line 4, column source"]


def test_l1_a_database_is_told_once(tmp_path: Path) -> None:
    database = '[databases.erp]\nurl = "env:KEY"\nquery = "select 1"\n'
    text = LISTED.replace("./x.csv", "sql:erp").replace("x.csv", "sql:erp")
    faults = source_problems(configured(tmp_path, ACCOUNT + text + database))
    assert {fault.key for fault in faults if "shares_source" in fault.message} == {"databases.erp"}
    sound = database.replace("select 1", "select :company_id")
    faults = source_problems(configured(tmp_path, ACCOUNT + text + sound))
    assert [fault for fault in faults if "shares_source" in fault.message] == []


def row(number: int, owner: object, column: str = "ottimate_company_id") -> RawRow:
    texts = (f"k{number}", "Account", "account", f"Name {number}", "", f"0{number}")
    return {**dict(zip(HEAD.split(","), texts, strict=True)), column: owner}


OWNERS: dict[str, tuple[object, bool]] = {
    "its own": ("7", True),
    "with blanks": (" 7 ", True),
    "a number": (7, True),
    "a number with a fraction": (7.0, True),
    "as programs write it": ("7.0", True),
    "nothing": ("", True),
    "blanks": ("  ", True),
    "null": (None, True),
    "another": ("8", False),
    "another number": (8, False),
    "no id": ("Harbor Grill", False),
    "true": (True, False),
    "a list": ([7], False),
}


@pytest.mark.parametrize(("owner", "is_own"), OWNERS.values(), ids=OWNERS)
@pytest.mark.parametrize("mapping", [None, ColumnMap(type_code="account", key="{company_id}:{erp_dimension_id}")])
async def test_l1_rows_that_name_another_company_are_invalid(
    owner: object, is_own: bool, mapping: ColumnMap | None, tmp_path: Path
) -> None:
    rows = [row(1, "7"), row(2, owner), row(3, "")]
    for source in sources(tmp_path, rows, mapping):
        wanted = await read(source, company_id=7, type_codes=frozenset({"account"}))
        assert (wanted.source_rows, len(wanted.rows), wanted.invalid) == (3, 2 + is_own, not is_own)
        assert [problem.code for problem in wanted.problems] == ["foreign-company"] * (not is_own)
        if not is_own:
            assert "this is the source of company 7" in wanted.problems[0].message


def sources(folder: Path, rows: list[RawRow], mapping: ColumnMap | None) -> Iterator[SourceRows]:
    """Yield sources of these rows: of a program, of a file of objects and, where all is text, of a CSV file."""
    import orjson  # noqa: PLC0415  for this alone

    if mapping is None:
        yield Rows(rows)
    path = folder / "rows.ndjson"
    path.write_bytes(b"".join(orjson.dumps(each) + b"\n" for each in rows))
    yield FileSource(path, mapping)
    if all(isinstance(value, str) for each in rows for value in each.values()):
        path = folder / "rows.csv"
        lines = [",".join(map(str, each.values())) for each in rows]
        path.write_text("\n".join([f"{HEAD},OTTIMATE_COMPANY_ID", *lines, ""]), encoding="utf-8")
        yield FileSource(path, mapping)


async def test_l1_rows_that_a_filter_leaves_out_may_be_anybodys(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    lines = [f"k{n},Account,account,Name {n},,0{n},{7 + n % 2}" for n in range(10)]
    path.write_text("\n".join([f"{HEAD},ottimate_company_id", *lines, ""]), encoding="utf-8")
    mapping = ColumnMap(where={"ottimate_company_id": ["7"]})
    wanted = await read(FileSource(path, mapping), company_id=7, type_codes=frozenset({"account"}))
    assert (len(wanted.rows), wanted.invalid) == (5, 0)
