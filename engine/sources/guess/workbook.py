"""The first rows of a workbook's sheet."""

from __future__ import annotations

from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from engine.errors import SourceError
from engine.sources.guess.head import ROWS, Head, headed
from engine.sources.table import require


def excel_head(path: Path, sheet: str | None) -> Head:
    """Return the first rows of a sheet; None: the first sheet. Raises `SourceError`."""
    require("openpyxl", extra="excel", name=str(path))
    import openpyxl  # noqa: PLC0415  an extra

    try:
        workbook = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception as error:  # it raises whatever the zip file or its XML leads to
        raise SourceError(f"{path} is no workbook that can be read: {error}", file=str(path)) from error
    try:
        if sheet is not None and sheet not in workbook.sheetnames:
            there = ", ".join(workbook.sheetnames)
            raise SourceError(f"{path} has no sheet {sheet!r}; there are: {there}", file=str(path))
        rows = list(islice((workbook[sheet] if sheet else workbook.worksheets[0]).iter_rows(values_only=True), ROWS))
    finally:
        workbook.close()
    lines = [(number, [_spelled(cell) for cell in row]) for number, row in enumerate(rows, 1)]
    head = headed(lines, {})
    if head is None:
        raise SourceError(f"{path}: no row of column names is found", file=str(path))
    return head._replace(numbers=_numbers(head, rows))


def _numbers(head: Head, rows: list[tuple[Any, ...]]) -> frozenset[str]:
    """Return the columns in which numbers stand."""
    return frozenset(
        name
        for at, name in enumerate(head.columns)
        if any(isinstance(row[at], int | float) and not isinstance(row[at], bool) for row in rows if at < len(row))
    )


def _spelled(cell: object) -> str:
    if cell is None or isinstance(cell, datetime | date):
        return "" if cell is None else cell.isoformat()
    return str(cell).strip() if not isinstance(cell, bool) else str(cell).lower()
