"""Which rows a filter takes, column by column: each different text of a column is looked at once. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import compress
from operator import attrgetter
from typing import NamedTuple

from engine.model.wanted import OTHER, LeftOut
from engine.sources.cells import ABSENT, Cells
from engine.sources.filters import Empty, IfThere, Not, Test, filtered_text, takes, unsaid
from engine.sources.rows import Fault

MOST_REASONS = 200
"""How many different texts of a source's left-out rows are counted one by one; all others are counted together."""

_SHOWN = 60  # characters of a text that are kept


class Selection(NamedTuple):
    """What a filter makes of some rows, by position."""

    taken: Sequence[int] | None  # None: all of them
    out: Mapping[int, tuple[str, str]]  # the column that leaves a row out, and its text
    refused: Mapping[int, Fault]  # rows of which the filter says nothing


ALL = Selection(None, {}, {})


def selected(cells: Cells, where: Mapping[str, Test]) -> Selection:
    """Return which rows are taken. A row that one column leaves out is left out, whatever the others say."""
    out: dict[int, tuple[str, str]] = {}
    refused: dict[int, Fault] = {}
    for column, test in where.items():
        if isinstance(test, IfThere) and not cells.has(column):
            continue
        values = cells.column(column, ABSENT)
        texts = values if set(map(type, values)) == {str} else list(map(_text, values))
        said = {text: takes(test, filtered_text(text)) for text in set(texts)}
        lacks = not isinstance(test, Empty | Not | IfThere) and ABSENT in values
        needs_a_look = {text: lacks or verdict is not True for text, verdict in said.items()}
        for at in compress(range(len(texts)), map(needs_a_look.__getitem__, texts)):
            text = filtered_text(texts[at])
            if lacks and values[at] is ABSENT:
                refused.setdefault(at, Fault("missing-field", f"{column}: needed by `where`, not there"))
            elif (verdict := said[texts[at]]) is False:
                out.setdefault(at, (column, text))
            elif verdict is None:
                refused.setdefault(at, Fault("unclear-filter", unsaid(test, column, text)))
    if not out and not refused:
        return ALL
    taken = [at for at in range(len(cells)) if at not in out and at not in refused]
    return Selection(taken, out, {at: fault for at, fault in refused.items() if at not in out})


def _text(value: object) -> str:
    return "" if value is ABSENT else filtered_text(value)


class Tally:
    """Counts what is left out of one source."""

    def __init__(self) -> None:
        self._rows: Counter[tuple[str, str, str, str | None]] = Counter()

    def add(self, reason: str, column: str, value: str, type_code: str | None) -> None:
        """Count one row."""
        entry = (reason, column, value[:_SHOWN], type_code)
        if entry not in self._rows and len(self._rows) >= MOST_REASONS:
            entry = (OTHER, "", "", type_code)
        self._rows[entry] += 1

    def total(self) -> int:
        """Return the number of rows."""
        return self._rows.total()

    def __add__(self, other: Tally) -> Tally:
        """Return both together."""
        found = Tally()
        found._rows = self._rows + other._rows
        return found

    def reasons(self) -> tuple[LeftOut, ...]:
        """Return each reason once, the most rows first."""
        found = [LeftOut(*entry, rows) for entry, rows in sorted(self._rows.items(), key=str)]
        return tuple(sorted(found, key=attrgetter("rows"), reverse=True))
