"""Sources that other packages bring."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from engine.errors import SourceError
from engine.sources import plugins
from engine.sources.base import read
from engine.sources.files import FileSource
from engine.sources.mapping import ColumnMap
from engine.sources.plugins import is_plugged, plugged
from engine.sources.protocol import Rows, Source
from engine.sources.several import Several

TYPES = frozenset({"item"})
ROW = {"unique_key": "k", "type": "Item", "dimension_type_code": "item", "name": "Nut", "erp_dimension_id": "1"}


class Shelf:
    """A source as another package would bring it."""

    def __init__(self, text: str, mapping: ColumnMap) -> None:
        self.name = f"shelf {text}"
        self.mapping = mapping

    async def __aiter__(self) -> AsyncIterator[Rows]:
        yield [ROW]

    def of_company(self, company_id: int) -> AsyncIterator[Rows]:
        return self._rows(company_id)

    async def _rows(self, company_id: int) -> AsyncIterator[Rows]:
        yield {**ROW, "unique_key": f"k{company_id}"}

    async def digest(self) -> bytes | None:
        return b"d"

    def absence(self) -> str | None:
        return None


def broken(text: str, _mapping: ColumnMap) -> Shelf:
    raise LookupError(text)


@pytest.fixture(autouse=True)
def packages(monkeypatch: pytest.MonkeyPatch) -> None:
    here = f"{__name__}:"
    entries = [
        EntryPoint("shelf", f"{here}Shelf", plugins.GROUP),
        EntryPoint("broken", f"{here}broken", plugins.GROUP),
        EntryPoint("lost", f"{here}none", plugins.GROUP),
    ]
    monkeypatch.setattr(plugins, "entry_points", lambda group: EntryPoints(entries).select(group=group))


async def test_a_source_of_another_package_is_read() -> None:
    source = plugged("shelf:a:b", ColumnMap(header=3))
    assert isinstance(source, Shelf)
    assert (source.name, source.mapping.header) == ("shelf a:b", 3)
    described: Source = source
    found = await read(described, company_id=7, type_codes=TYPES)
    assert [row.key for row in found.rows] == ["k7"]
    assert found.file == "shelf a:b"
    assert await Several([source]).digest() == b"d"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("broken:x", r"cannot be made by .*:broken: LookupError: x"),
        ("lost:x", "AttributeError"),
        ("shelves:x", "names no source; installed are: broken, lost, shelf"),
        ("no name", "names no source"),
    ],
)
async def test_one_that_cannot_be_made_fails_its_company_alone(text: str, message: str) -> None:
    source = plugged(text)
    with pytest.raises(SourceError, match=message) as caught:
        await read(source, company_id=7, type_codes=TYPES)
    assert str(caught.value) == source.absence()  # type: ignore[attr-defined]  # this source has it
    assert caught.value.file == text


def test_which_texts_name_an_entry_point() -> None:
    assert [is_plugged(text) for text in ("shelf:", "shelf:x", "shelf", "sql:x", "exports/a:b.csv", "C:\\a.csv")] == [
        True,
        True,
        False,
        False,
        False,
        False,
    ]


def test_the_sources_of_this_package_are_as_the_protocol_says() -> None:
    for source in (FileSource("a.csv"), Several([FileSource("a.csv")])):
        assert isinstance(source.name, str)
        assert {"__aiter__", "digest", "absence"} <= set(dir(source))
