"""Rows that a mapping leaves out, and damaged texts: counted always, held when they are news, at no request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine import Company, CompanyResult, Dimension
from engine.model.wanted import FileEnd, GoodCounts, SourceCounts, SourceMarks
from engine.sources.files import FileSource
from engine.sources.mapping import ColumnMap
from tests.sandbox.conftest import World, columns, dims, slugs, verdict
from tests.sandbox.test_saved_plans import applied, company_key, plan_of

MAPPING = ColumnMap(where={"Inactive": ("F",)})
HEADER = "unique_key,dimension_type_code,type,name,erp_dimension_id,code,Inactive"


class Export:
    """A file of company 1, whose mapping takes the rows that are not inactive."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "1.csv"

    def write(self, *lists: tuple[Sequence[Dimension], str]) -> None:
        """Write rows, each list with its word in the column `Inactive`."""
        lines = [",".join((*(value or "" for value in row), word)) for rows, word in lists for row in rows]
        self.path.write_text("\n".join((HEADER, *lines, "")), encoding="utf-8")

    @property
    def company(self) -> Company:
        return Company(id=1, name="Company 1", source=FileSource(self.path, MAPPING))


@pytest.fixture
def export(tmp_path: Path) -> Export:
    return Export(tmp_path)


async def sync(world: World, export: Export, *allow: str, **options: Any) -> CompanyResult:
    result = await world.sync(export.company, allow=[(slug, 1) for slug in allow], **options)
    return result.companies[0]


def books(result: CompanyResult) -> tuple[int | None, ...]:
    return result.balance.read_rows, result.balance.left_out, result.balance.source_rows


ACCOUNTS, DEPARTMENTS = dims(20), dims(10, first=100, type_code="department")


@pytest.mark.sockets
async def test_rows_that_are_left_out_are_counted_in_every_run(world: World, export: Export) -> None:
    world.place(1)
    export.write((ACCOUNTS, "F"), (DEPARTMENTS, "T"))
    for wanted, requests in (({"created": 20}, 2), ({"unchanged": 20}, 0), ({"unchanged": 20}, 0)):
        result = await sync(world, export)
        assert (result.exit_code, columns(result), books(result)) == (0, wanted, (30, 10, 20))
        assert sum(reason.rows for reason in result.left_out_by) == 10
        assert world.sent() - world.sent("token") == requests
    end = FileEnd(export.path.stat().st_size, 0, is_ended=True)
    async with world.open_ledger() as ledger:
        assert await ledger.good_counts(company_key(world)) == GoodCounts(
            (SourceCounts(str(export.path), 30, 10),), {"account": 20}, (SourceMarks(str(export.path), end),)
        )


@pytest.mark.sockets
async def test_a_list_that_changes_its_word_is_held_at_no_request_until_a_person_lets_it(
    world: World, export: Export
) -> None:
    world.place(1)
    export.write((ACCOUNTS, "F"), (DEPARTMENTS, "F"))
    assert (await sync(world, export)).exit_code == 0
    export.write((ACCOUNTS, "T"), (DEPARTMENTS, "F"))
    for _ in range(2):
        result = await sync(world, export)
        assert (result.state, result.exit_code, slugs(result)[0]) == ("held", 4, "left-out")
        assert (world.sent(), books(result)) == (0, (30, 20, 10))
    told = (await sync(world, export, fresh=True)).problems[0].message
    assert f"{export.path}: the mapping leaves out 20 of 30 rows, and left out 0 of 30 at the last good run" in told
    assert "--allow left-out:1" in told
    allowed = await sync(world, export, "left-out", "shrunken-source")
    assert (verdict(allowed), columns(allowed)) == (("unchanged", 0, []), {"unchanged": 10})
    again = await sync(world, export)
    assert (verdict(again), books(again), world.sent()) == (("unchanged", 0, []), (30, 20, 10), 0)


OPTIONAL = ColumnMap(where={"Inactive": {"not": "T", "optional": True}})


@pytest.mark.sockets
async def test_a_column_that_rows_were_left_out_by_and_that_is_gone_fails_the_company(
    world: World, export: Export
) -> None:
    world.place(1)
    it = Company(id=1, name="Company 1", source=FileSource(export.path, OPTIONAL))
    export.write((ACCOUNTS, "F"), (DEPARTMENTS, "T"))
    assert columns((await world.sync(it)).companies[0]) == {"created": 20}
    export.path.write_text(export.path.read_text("utf-8").replace("Inactive", "Status"), encoding="utf-8")
    for _ in range(2):
        result = (await world.sync(it)).companies[0]
        assert (verdict(result), world.sent()) == (("failed", 1, ["source"]), 0)
    assert f"{export.path}: the mapping leaves rows out by Inactive, which was there at" in result.problems[0].message
    assert "where = { Inactive = { any = true } }" in result.problems[0].message
    anyway = replace(it, source=FileSource(export.path, ColumnMap(where={"Inactive": {"any": True}})))
    assert columns((await world.sync(anyway)).companies[0]) == {"created": 10, "unchanged": 20}
    assert (await world.sync(it)).exit_code == 0  # the last good run did without it


@pytest.mark.sockets
async def test_a_column_of_a_filter_that_was_never_there_is_not_missed(world: World, export: Export) -> None:
    world.place(1)
    it = Company(id=1, name="Company 1", source=FileSource(export.path, OPTIONAL))
    export.write((ACCOUNTS, "F"))
    export.path.write_text(export.path.read_text("utf-8").replace("Inactive", "Status"), encoding="utf-8")
    for rows in ({"created": 20}, {"unchanged": 20}):
        assert columns((await world.sync(it, fresh=True)).companies[0]) == rows


@pytest.mark.sockets
async def test_the_last_list_of_a_type_is_held(world: World, export: Export) -> None:
    world.place(1)
    few = DEPARTMENTS[:2]
    export.write((ACCOUNTS, "F"), (few, "F"))
    assert (await sync(world, export)).exit_code == 0
    export.write((ACCOUNTS, "F"), (few, "T"))
    result = await sync(world, export)
    assert verdict(result) == ("held", 4, ["left-out"])
    assert "every row of type department, and kept 2 at the last good run" in result.problems[0].message


@pytest.mark.sockets
async def test_a_saved_plan_tells_what_was_left_out_and_it_is_remembered(world: World, export: Export) -> None:
    world.place(1)
    export.write((ACCOUNTS, "F"), (DEPARTMENTS, "T"))
    saved = await plan_of(world, export.company)
    (part,) = saved.companies
    assert (part.source_rows, sum(reason.rows for reason in part.left_out_by)) == (20, 10)
    (company,) = (await applied(world, saved, export.company)).companies
    assert (company.exit_code, columns(company), books(company)) == (0, {"created": 20}, (30, 10, 20))
    assert company.left_out_by == part.left_out_by
    export.write((ACCOUNTS, "T"), (DEPARTMENTS, "T"))
    held = await sync(world, export)
    assert "left-out" in slugs(held)


async def test_decimal_ids_are_let_pass_once(world: World) -> None:
    world.place(1)
    rows = [row._replace(erp_id=f"{row.erp_id}.0") for row in dims(3)]
    result = await world.sync_one(1, rows)
    assert verdict(result) == ("held", 4, ["decimal-ids"])
    assert "--allow decimal-ids:1" in result.problems[0].message
    assert world.sent("bulk") == 0
    assert columns(await world.sync_one(1, rows, allow=[("decimal-ids", 1)])) == {"created": 3}
    for fresh in (False, True):
        assert verdict(await world.sync_one(1, rows, fresh=fresh)) == ("unchanged", 0, [])
    renamed = [rows[0]._replace(name="Another name"), *rows[1:]]
    assert columns(await world.sync_one(1, renamed)) == {"unchanged": 2, "updated": 1}


async def test_mangled_text_is_let_pass_once(world: World) -> None:
    world.place(1)
    rows = [replace_name(row) for row in dims(3)]
    result = await world.sync_one(1, rows)
    assert verdict(result) == ("held", 4, ["mangled-text"])
    assert "which is probably 'Café 00000'" in result.problems[0].message
    assert world.sent("bulk") == 0
    assert columns(await world.sync_one(1, rows, allow=[("mangled-text", 1)])) == {"created": 3}
    assert verdict(await world.sync_one(1, rows, fresh=True)) == ("unchanged", 0, [])
    more = await world.sync_one(1, [*rows, replace_name(dims(1, first=9)[0])])
    assert verdict(more) == ("held", 4, ["mangled-text"])


def replace_name(row: Dimension) -> Dimension:
    return row._replace(name=row.name.replace("Name", "CafÃ©"))


@pytest.mark.sockets
async def test_one_file_of_many_companies_is_read_once_and_a_change_of_one_wakes_no_other(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "all.csv"
    mapping = ColumnMap(company_column="Company")

    def write(*changed: str) -> None:
        lines = [",".join([f"{1 + n % 5}", *(value or "" for value in row)]) for n, row in enumerate(dims(50))]
        path.write_text(
            "\n".join([f"Company,{HEADER.removesuffix(',Inactive')}", *lines, *changed, ""]), encoding="utf-8"
        )

    opened: list[str] = []
    begin = FileSource.__aiter__

    def counted(source: FileSource) -> Any:
        opened.append(source.name)
        return begin(source)

    monkeypatch.setattr(FileSource, "__aiter__", counted)
    source = FileSource(path, mapping)
    five = [Company(id=n, name=f"Company {n}", source=source) for n in range(1, 6)]
    for one in five:
        world.place(one.id)
    write()
    assert [columns(each) for each in (await world.sync(*five)).companies] == [{"created": 10}] * 5
    again = await world.sync(*five)
    assert ([each.state for each in again.companies], world.sent()) == (["unchanged"] * 5, 0)
    assert opened == [source.name] * 2
    write("3,K9,account,Account,New,9999,", "7,K8,account,Account,Nobody,8888,")
    world.companies = tuple(five)  # the fifth is configured, so its rows are not nobody's
    third = await world.sync(*five[:4])
    assert [columns(each) for each in third.companies] == [
        {"unchanged": 10},
        {"unchanged": 10},
        {"unchanged": 10, "created": 1},
        {"unchanged": 10},
    ]
    assert (third.exit_code, [problem.code for problem in third.problems]) == (3, ["unknown-company"])
    assert "1 row names no company that has this source" in third.problems[0].message
    assert [each.exit_code for each in third.companies] == [0] * 4
