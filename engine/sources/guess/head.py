"""The first rows of a file of which nothing is known: how it seems to be written, its columns, some of its cells."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

ROWS = 2_000
"""Rows that are looked at."""

FOUND_BY_ITSELF = 20
"""A reader finds the header in these lines without being told."""

_NUMBER = re.compile(r"[-+\d.,\s]*\d[-+\d.,\s]*")


class Head(NamedTuple):
    """The first rows of a file."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[str]]  # as many cells as columns; numbers and truth values as JSON spells them
    reading: Mapping[str, object]  # what a mapping has to say, so that the file is read like this
    title: str = ""  # the text above the header
    numbers: frozenset[str] = frozenset()  # columns that hold numbers, not text


def headed(lines: Sequence[tuple[int, Sequence[str]]], reading: dict[str, object]) -> Head | None:
    """Return the head of a table whose lines, with their numbers, begin with titles; None: no line names columns."""
    at = _header(lines)
    if at is None:
        return None
    number, header = lines[at]
    if number > FOUND_BY_ITSELF:
        reading = {**reading, "header": number}
    rows = [fitted(cells, len(header)) for _, cells in lines[at + 1 :] if any(cells)]
    title = " ".join(cell for _, cells in lines[:at] for cell in cells if cell)
    return Head(tuple(header), rows[:ROWS], reading, title)


def _header(lines: Sequence[tuple[int, Sequence[str]]]) -> int | None:
    """Return the index of the line of column names: the first that has about as many names as the best one.

    Names are filled, differ from each other and are no numbers. Lines of another width than most are titles.
    """
    first = lines[:200]
    widths = Counter(len(cells) for _, cells in first if any(cells))
    width = widths.most_common(1)[0][0] if widths else 0
    names = [sum(map(_is_name, dict.fromkeys(cells))) if len(cells) == width else 0 for _, cells in first]
    most = max(names, default=0)
    return next((at for at, count in enumerate(names) if count and count >= 0.75 * most), None)


def _is_name(cell: str) -> bool:
    return bool(cell) and not _NUMBER.fullmatch(cell)


def fitted(cells: Sequence[str], width: int) -> list[str]:
    """Return as many cells as there are columns."""
    return [*cells[:width], *[""] * (width - len(cells))]
