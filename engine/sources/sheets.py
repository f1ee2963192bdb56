"""Parts that both readers of Excel workbooks use: numbered rows, and values that stand for a cell without text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from engine.errors import SourceError

ERRORS = frozenset({"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"})
"""Texts that a cell shows if its formula failed."""

Row: TypeAlias = Sequence[Any]
Numbered: TypeAlias = tuple[int, Row]


class FormulaError:
    """The value of a cell that shows an error such as #REF!: it is no text."""

    def __init__(self, code: str) -> None:
        self._code = code

    def __str__(self) -> str:
        return self._code


class NoResult:
    """The value of a formula that no program has calculated."""

    def __init__(self, coordinate: str) -> None:
        self.coordinate = coordinate


def sheet_title(titles: Sequence[str], seen: Sequence[str], name: str, wanted: str | None) -> str:
    """Return the title of a sheet: the one that is wanted, else the first that is seen. Raises `SourceError`."""
    title = wanted or next(iter(seen), None)
    if title is None or title not in titles:
        there = ", ".join(map(repr, titles)) or "none"
        raise SourceError(f"{name}: there is no such sheet; there are: {there}", file=name)
    return title


def damaged(name: str, error: BaseException) -> SourceError:
    """Return the error for a file that a library could not read."""
    return SourceError(f"{name} cannot be read as an Excel workbook: {type(error).__name__}: {error}", file=name)
