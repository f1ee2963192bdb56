"""Find a table's header: the line that the mapping names, or the first line with all mapped columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from engine.sources.cells import Table
from engine.sources.layout import layout
from engine.sources.mapping import ColumnMap

SEARCHED = 20
"""Lines among which the column names are looked for: reports begin with a few lines of titles."""


class Candidate(NamedTuple):
    """A line that may be the header, split in one way."""

    line: int  # on which it begins
    columns: tuple[str, ...]  # its cells, trimmed
    ends: int  # the line on which it ends
    how: str = ""  # the delimiter


def located(candidates: Iterable[Candidate], mapping: ColumnMap) -> Candidate | None:
    """Return the header of a table: the first candidate that holds all columns that are needed; None: there is none.

    If none does, it is the one that lacks the fewest, so that a message names what is missing there.
    """
    best, fewest = None, 0
    for candidate in candidates:
        lacked = len(layout(Table((), candidate.columns), mapping).missing)
        if not lacked:
            return candidate
        if best is None or lacked < fewest:
            best, fewest = candidate, lacked
    return best
