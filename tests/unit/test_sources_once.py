"""L7: what can be read once is not taken for an empty source when it is asked a second time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from engine import Dimension
from engine.errors import SourceError
from engine.model.settings import RawRow, SourceRows
from engine.sources.base import read
from tests.sandbox.conftest import Rows, dims

CODES = frozenset({"account"})


async def generated(rows: list[Dimension]) -> AsyncIterator[Dimension]:
    for row in rows:
        yield row


class Once:
    """An iterator over rows, as a program would write one."""

    def __init__(self, rows: list[Dimension]) -> None:
        self._rows = iter(rows)

    def __aiter__(self) -> Once:
        return self

    async def __anext__(self) -> Dimension:
        for row in self._rows:
            return row
        raise StopAsyncIteration


class Around:
    """A source that can be asked often, and gives the same iterator each time."""

    def __init__(self, rows: list[Dimension]) -> None:
        self._once = Once(rows)

    def __aiter__(self) -> Once:
        return self._once


ONCE: dict[str, Callable[[list[Dimension]], SourceRows]] = {
    "generator": generated,
    "iterator": Once,
    "around an iterator": Around,
}


@pytest.mark.parametrize("make", ONCE.values(), ids=ONCE)
@pytest.mark.parametrize("count", [0, 3])
async def test_l7_a_second_reading_is_an_error(make: Callable[[list[Dimension]], SourceRows], count: int) -> None:
    source = make(dims(count))
    assert (await read(source, company_id=7, type_codes=CODES)).source_rows == count
    with pytest.raises(SourceError, match="has been read, and can be read once: give a source that can be read again"):
        await read(source, company_id=8, type_codes=CODES)


async def test_l7_a_generator_that_somebody_else_has_read_is_no_empty_source() -> None:
    source = generated(dims(3))
    assert len([row async for row in source]) == 3
    with pytest.raises(SourceError, match="has been read"):
        await read(source, company_id=7, type_codes=CODES)


async def test_l7_a_source_that_failed_is_not_read_on() -> None:
    async def failing() -> AsyncIterator[Dimension | RawRow]:
        yield dims(1)[0]
        raise RuntimeError("connection lost")

    source = failing()
    with pytest.raises(SourceError, match="connection lost"):
        await read(source, company_id=7, type_codes=CODES)
    with pytest.raises(SourceError, match="has been read"):
        await read(source, company_id=7, type_codes=CODES)


async def test_l7_sources_that_begin_anew_are_read_as_often_as_is_wanted() -> None:
    source = Rows(dims(3))
    for _ in range(3):
        assert (await read(source, company_id=7, type_codes=CODES)).source_rows == 3
    for _ in range(50):  # each is a new one, though it may lie where the one before lay
        assert (await read(generated(dims(2)), company_id=7, type_codes=CODES)).source_rows == 2


async def test_rows_of_all_kinds_are_taken_in_the_order_in_which_a_program_gives_them() -> None:
    """It may use one object for all its rows, and give some of them together."""
    rows = dims(9)

    async def mixed() -> AsyncIterator[Dimension | RawRow | list[Dimension]]:
        one: dict[str, str] = {}
        for row in rows[:4]:
            one |= {"unique_key": row.key, "type": row.type_label, "dimension_type_code": row.type_code}
            one |= {"name": row.name, "erp_dimension_id": row.erp_id}
            yield one
        yield rows[4]
        yield rows[5:7]
        for row in rows[7:]:
            yield row

    found = await read(mixed(), company_id=7, type_codes=CODES)
    assert list(found.rows) == [*(row._replace(code=None) for row in rows[:4]), *rows[4:]]
    assert found.source_rows == 9


async def test_a_row_that_is_none_is_told_by_its_number() -> None:
    async def wrong() -> AsyncIterator[object]:
        for row in dims(2):
            yield row
        yield 7

    with pytest.raises(SourceError, match="row 3 is of type int; a source gives dimensions or mappings"):
        await read(wrong(), company_id=7, type_codes=CODES)  # type: ignore[arg-type]
