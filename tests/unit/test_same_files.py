"""When two readings of files give the same to compare, and when they do not: the bytes prove nothing about that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from engine.run.memo import content_of_source
from engine.sources.base import read
from engine.sources.files import FileSource
from engine.sources.mapping import ColumnMap
from engine.sources.several import Several
from engine.wire.guide import DIALECT

HEAD = "unique_key,dimension_type_code,type,name,erp_dimension_id,code"
ROWS = ("a,account,Account,Rent,1,c1", "b,account,Account,Fuel,2,c2", "c,account,Account,Pier,3,c3")
OTHER = ("d,account,Account,Dock,4,c4",)


def text(*lines: str, head: str = HEAD) -> str:
    return "\n".join((head, *lines, ""))


PLAIN = {"a.csv": text(*ROWS), "b.csv": text(*OTHER)}
SWAPPED = "unique_key,dimension_type_code,type,name,code,erp_dimension_id"
INACTIVE = {"where": {"code": "c1"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Files in the place of others, and how both are mapped."""

    before: Mapping[str, str] = field(default_factory=lambda: PLAIN)
    after: Mapping[str, str]
    mapping: Mapping[str, Any] = field(default_factory=dict)
    mapping_after: Mapping[str, Any] | None = None


def dated(day: str) -> Mapping[str, str]:
    """Return the files with a column that is another one each day."""
    return {
        name: "\n".join(f"{line},{day}" if line else "" for line in file.split("\n")) for name, file in PLAIN.items()
    }


SAME: dict[str, Case] = {
    "another day in a column that is not read": Case(before=dated("2026-11-20"), after=dated("2026-11-21")),
    "a line end more": Case(after=PLAIN | {"a.csv": PLAIN["a.csv"] + "\n"}),
    "line ends of Windows": Case(after=PLAIN | {"a.csv": PLAIN["a.csv"].replace("\n", "\r\n")}),
    "quotes that change nothing": Case(after=PLAIN | {"a.csv": PLAIN["a.csv"].replace("Rent", '"Rent"')}),
    "another delimiter": Case(after=PLAIN | {"a.csv": PLAIN["a.csv"].replace(",", ";")}),
    "a header in another order, its lines with it": Case(
        after=PLAIN | {"a.csv": "\n".join(",".join(line.split(",")[::-1]) for line in PLAIN["a.csv"].split("\n"))}
    ),
}
OTHERS: dict[str, Case] = {
    "a header in another order over the same lines": Case(after=PLAIN | {"a.csv": text(*ROWS, head=SWAPPED)}),
    "a line moved to the other file": Case(after={"a.csv": text(*ROWS[:2]), "b.csv": text(ROWS[2], *OTHER)}),
    "the files swapped": Case(after={"a.csv": PLAIN["b.csv"], "b.csv": PLAIN["a.csv"]}),
    "two lines swapped": Case(after=PLAIN | {"a.csv": text(ROWS[1], ROWS[0], ROWS[2])}),
    "another name": Case(after=PLAIN | {"a.csv": PLAIN["a.csv"].replace("Rent", "Rents")}),
    "a quote inside a name": Case(after=PLAIN | {"a.csv": PLAIN["a.csv"].replace("Rent", 'Re"nt')}),
    "a line that is left out": Case(
        before={"a.csv": text(*ROWS)}, after={"a.csv": text(*ROWS, "e,account,Account,Hull,5,c9")}, mapping=INACTIVE
    ),
    "another line that is left out": Case(
        before={"a.csv": text(*ROWS, "e,account,Account,Hull,5,c9")},
        after={"a.csv": text(*ROWS, "e,account,Account,Hull,5,c8")},
        mapping=INACTIVE,
    ),
    "another mapping": Case(after=PLAIN, mapping_after={"type_label": "GL account"}),
}
UNTOLD: dict[str, Case] = {
    "a record twice": Case(after=PLAIN | {"a.csv": text(*ROWS, ROWS[0])}),
    "a record in both files": Case(after=PLAIN | {"b.csv": text(*OTHER, ROWS[0])}),
    "a quote that is not closed in its cell": Case(after=PLAIN | {"a.csv": PLAIN["a.csv"].replace("Rent", '"Re"nt')}),
}


async def content(folder: Path, files: Mapping[str, str], mapping: Mapping[str, Any]) -> bytes | None:
    parts: Sequence[FileSource] = [FileSource(folder / name, ColumnMap(**mapping)) for name in files]
    for name, file in files.items():
        (folder / name).write_bytes(file.encode())
    return content_of_source(await read(Several(parts), company_id=1, type_codes=DIALECT.type_codes))


async def both(case: Case, folder: Path) -> tuple[bytes | None, bytes | None]:
    before = await content(folder, case.before, case.mapping)
    assert before is not None
    after = case.mapping if case.mapping_after is None else case.mapping_after
    return before, await content(folder, case.after, after)


@pytest.mark.parametrize("name", SAME)
async def test_the_same_rows_in_other_bytes(name: str, tmp_path: Path) -> None:
    before, after = await both(SAME[name], tmp_path)
    assert before == after


@pytest.mark.parametrize("name", OTHERS)
async def test_other_rows(name: str, tmp_path: Path) -> None:
    before, after = await both(OTHERS[name], tmp_path)
    assert after not in {None, before}


@pytest.mark.parametrize("name", UNTOLD)
async def test_rows_of_which_one_is_invalid(name: str, tmp_path: Path) -> None:
    assert (await both(UNTOLD[name], tmp_path))[1] is None
