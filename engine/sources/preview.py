"""Show people what a mapping makes of a file: its first rows before and after, and what becomes of all rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import SourceError
from engine.model.dimension import Dimension
from engine.model.wanted import Wanted
from engine.sources.base import read
from engine.sources.batch import Batch
from engine.sources.doubts import doubts
from engine.sources.files import FileSource
from engine.sources.mapping import ColumnMap

_FOOTER = "footer"
"""Why lines below a report's total are left out. A line that is read alone does not show that it is one."""

_FOREIGN, _EMPTY = "another company's row", "an empty row"
"""Why rows are not counted at all."""

_LOOKED_AT = 10_000
"""The first rows among which those that are shown are looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One row of the file: as it stands there, and what the mapping makes of it."""

    line: int | None  # None: the format has no lines
    before: Mapping[str, object]  # the columns that the mapping uses come first
    after: Dimension | None = None
    out: str = ""  # why it is left out
    fault: str = ""  # why it is invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a mapping makes of a file."""

    wanted: Wanted
    types: Mapping[str, int]  # type code -> rows
    shown: tuple[Shown, ...]
    doubts: tuple[str, ...]


async def preview(source: FileSource, company_id: int, type_codes: frozenset[str], count: int) -> Preview:
    """Read a file to its end, and its first `count` rows once more, one by one. Raises `SourceError`."""
    wanted = await read(source, company_id=company_id, type_codes=type_codes)
    fates = _Fates(wanted)
    rows = [row async for row in _first(source, count)]
    names = [row.name for row in wanted.rows]
    return Preview(
        wanted=wanted,
        types=dict(Counter(row.type_code for row in wanted.rows).most_common()),
        shown=tuple([fates.of(await _alone(row, company_id, type_codes)) for row in rows]),
        doubts=tuple(doubts([row.erp_id for row in wanted.rows], names)),
    )


async def _first(source: FileSource, count: int) -> AsyncIterator[Batch]:
    """Yield the first rows of a file, each as a batch of its own."""
    reading = aiter(source)
    try:
        async for batch in reading:
            for at in range(min(len(batch), count)):
                lines = None if batch.lines is None else batch.lines[at : at + 1]
                yield Batch(batch.cells[at : at + 1], columns=batch.columns, lines=lines, mapping=batch.mapping)
            count -= min(len(batch), count)
            if not count:
                return
    finally:
        await reading.aclose()


class _Only:
    """A source of one row."""

    def __init__(self, row: Batch) -> None:
        self._row = row

    async def __aiter__(self) -> AsyncIterator[Batch]:
        yield self._row


def _ordered(row: Mapping[str, Any], mapping: ColumnMap) -> Mapping[str, Any]:
    names = mapping.names()
    return {name: row[name] for name in sorted(row, key=lambda name: name not in names)}


async def _alone(row: Batch, company_id: int, type_codes: frozenset[str]) -> Shown:
    """Return what becomes of a row that stands alone."""
    line = row.lines[0] if row.lines else None
    before = _ordered(row[0], row.mapping)
    try:
        found = await read(_Only(row), company_id=company_id, type_codes=type_codes)
    except SourceError as error:  # an object that lacks a column, which others have
        return Shown(line=line, before=before, fault=str(error))
    if found.rows:
        return Shown(line=line, before=before, after=found.rows[0])
    if found.problems:
        return Shown(line=line, before=before, fault=found.problems[0].message)
    return Shown(line=line, before=before, out=_reason(found, before))


def _reason(found: Wanted, before: Mapping[str, object]) -> str:
    for each in found.left_out_by:
        return each.words
    is_filled = any(value is not None and str(value).strip() for value in before.values())
    return _FOREIGN if is_filled else _EMPTY


class _Fates:
    """What became of each row, by its line. This overrides what a row alone shows, which knows of no duplicates."""

    def __init__(self, wanted: Wanted) -> None:
        self._good = {wanted.lines[row.key]: row for row in wanted.rows[:_LOOKED_AT] if row.key in wanted.lines}
        self._bad = {problem.line: problem.message for problem in wanted.problems}
        self._reasons = [each.words for each in wanted.left_out_by]

    def of(self, alone: Shown) -> Shown:
        """Return what became of a row among all others."""
        if alone.line is None:
            return alone
        if alone.line in self._bad:
            return Shown(line=alone.line, before=alone.before, fault=self._bad[alone.line])
        if alone.line in self._good:
            return Shown(line=alone.line, before=alone.before, after=self._good[alone.line])
        is_footer = alone.out not in (*self._reasons, _FOREIGN, _EMPTY) and _FOOTER in self._reasons
        return Shown(line=alone.line, before=alone.before, out=_FOOTER if is_footer else alone.out or "not counted")
