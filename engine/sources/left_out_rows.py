"""Looking for one row among those that a mapping leaves out: no run needs it, and a person may ask for it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.compare.row_search import Nearness, RowMatch, nearness
from engine.model.dimension import Dimension
from engine.model.wanted import LeftOut, Place
from engine.sources.cells import Cells
from engine.sources.fields import Reader, fields_of, rows_of
from engine.sources.layout import Layout

MOST_FOUND = 20
"""Rows that are kept of those that are only like what is looked for."""


class LeftOutRow(NamedTuple):
    """A row that a mapping leaves out, as it would be without the filter."""

    row: Dimension  # fields that could not be sent are empty
    why: LeftOut  # its `rows` is 1
    file: str | None
    line: int | None  # None: its source has no lines


class LeftOutSearch:
    """Looks for rows that are left out, as `compare.row_search` tells what a word means."""

    def __init__(self, text: str) -> None:
        """Take a key, an identifier, a code, or a part of one or of a name."""
        self._text = text
        self._found: dict[Nearness, list[LeftOutRow]] = {near: [] for near in Nearness}

    @property
    def same(self) -> tuple[LeftOutRow, ...]:
        """Rows that have this key."""
        return tuple(self._found[Nearness.KEY])

    @property
    def like(self) -> tuple[LeftOutRow, ...]:
        """At most `MOST_FOUND` rows of other keys that are meant, the nearest alone."""
        return tuple(self._found[Nearness.VALUE] or self._found[Nearness.PART])

    def look_at(
        self, cells: Cells, found: Layout, reader: Reader, reasons: Sequence[LeftOut], places: Sequence[Place]
    ) -> None:
        """Look at some rows that are left out, each with its reason and place."""
        rows = rows_of(fields_of(cells, found, reader).columns)
        for row, why, place in zip(rows, reasons, places, strict=True):
            near = nearness(self._text, RowMatch(row.key, row, "left out"), row.resource)
            if near is not None and (near is Nearness.KEY or len(self._found[near]) < MOST_FOUND):
                self._found[near].append(LeftOutRow(row, why, *place))
