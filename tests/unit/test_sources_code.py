"""Any async iterable as a source."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from engine.errors import SourceError
from engine.model.dimension import Dimension
from engine.model.settings import SourceRows
from engine.model.wanted import Wanted
from engine.sources.base import read
from engine.sources.intake import Intake

TYPES = frozenset({"account", "item"})
NUT = Dimension("k1", "item", "Item", "Nut", "01")
NUT_COLUMNS: dict[str, object] = {
    "unique_key": " k1",
    "type": "Item",
    "dimension_type_code": "item",
    "name": "Nut",
    "erp_dimension_id": "01",
}


async def wanted(source: SourceRows) -> Wanted:
    found = await read(source, company_id=7, type_codes=TYPES)
    assert found.source_rows == len(found.rows) + found.invalid
    assert found.invalid == len(found.problems)
    assert (found.lines, found.file) == ({}, None)
    return found


async def items(*given: object) -> AsyncIterator[object]:
    for item in given:
        yield item


@pytest.mark.parametrize(
    "given",
    [
        (NUT,),
        ([NUT],),
        ((NUT,),),
        ([], [NUT]),
        (NUT._replace(name=" Nut "),),
        (NUT_COLUMNS,),
        ([NUT_COLUMNS],),
        ({**NUT_COLUMNS, "code": None, "more": 1},),
    ],
)
async def test_rows_and_batches_of_them_are_taken(given: tuple[object, ...]) -> None:
    assert (await wanted(items(*given))).rows == [NUT]  # type: ignore[arg-type]  # a table of many shapes


async def test_rows_that_come_one_by_one_are_taken_together(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    take = Intake.take_rows

    def counted(intake: Intake, rows: Sequence[object]) -> None:
        taken.append(len(rows))
        take(intake, rows)

    monkeypatch.setattr(Intake, "take_rows", counted)
    rows = [NUT._replace(key=f"k{number:05}") for number in range(4_100)]
    assert (await wanted(items(*rows))).rows == rows  # type: ignore[arg-type]  # typed loosely for the tables above
    assert taken == [*[500] * 8, 100]


async def test_a_mapping_may_be_filled_anew_for_each_row() -> None:
    async def filled() -> AsyncIterator[dict[str, object]]:
        row = dict(NUT_COLUMNS)
        for key in ("k1", "k2", "k3"):
            row["unique_key"] = key
            yield row

    assert [row.key for row in (await wanted(filled())).rows] == ["k1", "k2", "k3"]


async def test_what_is_no_row_is_told_by_its_number_at_once() -> None:
    given: list[object] = []

    async def wrong() -> AsyncIterator[object]:
        for item in (NUT, NUT_COLUMNS, [NUT], 7, NUT):
            given.append(item)
            yield item

    with pytest.raises(SourceError, match=r"^row 4 is of type int"):
        await wanted(wrong())  # type: ignore[arg-type]  # wrong on purpose
    assert given[-1] == 7


async def test_bad_rows_are_named_by_their_number() -> None:
    bad = NUT._replace(key="k2", name="")
    found = await wanted(items(NUT, [bad, NUT_COLUMNS], {**NUT_COLUMNS, "unique_key": "k3", "name": "\ud800"}))  # type: ignore[arg-type]  # mixed on purpose
    assert [(problem.code, problem.message.partition(":")[0]) for problem in found.problems] == [
        ("duplicate-key", "row 1"),
        ("missing-field", "row 2"),
        ("duplicate-key", "row 3"),
        ("not-text", "row 4"),
    ]
    assert "row 3" in found.problems[0].message
    assert found.invalid_keys == {"k1", "k2", "k3"}


async def test_a_large_batch_is_taken_whole() -> None:
    rows = [NUT._replace(key=f"k{number}", code="x") for number in range(5_000)]
    rows[4_321] = rows[4_321]._replace(type_code="gadget")
    found = await wanted(items(rows))  # type: ignore[arg-type]  # typed loosely for the tables above
    assert (len(found.rows), found.invalid) == (4_999, 1)
    assert found.problems[0].message.startswith("row 4322: dimension_type_code 'gadget'")


@pytest.mark.parametrize("given", [7, "text", None, [7]], ids=repr)
async def test_what_is_no_row_is_a_source_error(given: object) -> None:
    with pytest.raises(SourceError, match="a source gives dimensions or mappings"):
        await wanted(items(given))  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize("error", [RuntimeError("no database"), SystemExit("no database")], ids=repr)
async def test_a_source_that_fails_is_a_source_error_and_closed(error: BaseException) -> None:
    """One that calls `sys.exit`, too, as scripts do: it would end the event loop of all companies."""
    closed = asyncio.Event()

    async def failing() -> AsyncIterator[Dimension]:
        try:
            yield NUT
            raise error
        finally:
            closed.set()

    with pytest.raises(SourceError, match=f"{type(error).__name__}: no database") as caught:
        await wanted(failing())
    assert caught.value.__cause__ is error
    assert closed.is_set()


async def test_a_source_is_closed_when_its_rows_are_refused() -> None:
    closed = asyncio.Event()

    async def wrong() -> AsyncIterator[Dimension]:
        try:
            yield 7  # type: ignore[misc]  # wrong on purpose
        finally:
            closed.set()

    with pytest.raises(SourceError):
        await wanted(wrong())
    assert closed.is_set()
