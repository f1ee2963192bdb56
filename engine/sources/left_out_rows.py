"""Looking for one row among those that a mapping leaves out: no run needs it, and a person may ask for it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.model.dimension import Dimension
from engine.model.wanted import LeftOut, Place
from engine.sources.cells import Cells
from engine.sources.fields import Reader, fields_of, rows_of
from engine.sources.layout import Layout

MOST_FOUND = 5
"""Rows that are kept of those that are only like what is looked for."""


class LeftOutRow(NamedTuple):
    """A row that a mapping leaves out, as it would be without the filter."""

    row: Dimension  # fields that could not be sent are empty
    why: LeftOut  # its `rows` is 1
    file: str | None
    line: int | None  # None: its source has no lines


class LeftOutSearch:
    """Looks for rows that are left out: by their key, else by a part of their identifier or name, in any case."""

    def __init__(self, text: str) -> None:
        """Take the key, or the part of an identifier or a name."""
        self._text = text
        self._folded = text.casefold()
        self._same: list[LeftOutRow] = []
        self._like: list[LeftOutRow] = []

    @property
    def same(self) -> tuple[LeftOutRow, ...]:
        """Rows that have this key."""
        return tuple(self._same)

    @property
    def like(self) -> tuple[LeftOutRow, ...]:
        """At most `MOST_FOUND` rows of other keys in whose identifier or name the text stands."""
        return tuple(self._like)

    def look_at(
        self, cells: Cells, found: Layout, reader: Reader, reasons: Sequence[LeftOut], places: Sequence[Place]
    ) -> None:
        """Look at some rows that are left out, each with its reason and place."""
        rows = rows_of(fields_of(cells, found, reader).columns)
        for row, why, place in zip(rows, reasons, places, strict=True):
            if row.key == self._text:
                self._same.append(LeftOutRow(row, why, *place))
            elif len(self._like) < MOST_FOUND and self._is_like(row):
                self._like.append(LeftOutRow(row, why, *place))

    def _is_like(self, row: Dimension) -> bool:
        texts: tuple[str, str] = (getattr(row, row.resource.identifier), row.name)
        return bool(self._folded) and any(self._folded in text.casefold() for text in texts)
