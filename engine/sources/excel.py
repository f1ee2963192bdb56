"""Excel workbooks in batches (extra `excel`): one sheet, whose column names may stand below a few lines of titles.

python-calamine reads usual sheets, several times as fast as openpyxl; it holds the sheet in memory. openpyxl reads the
others row by row: it tells formulas and errors from empty cells, and knows in which format a number is shown. Numbers
stay numbers unless the mapping says otherwise: an id that Excel has made a number is refused, not sent without zeros.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from importlib.util import find_spec
from itertools import chain, islice
from typing import BinaryIO

from engine.errors import SourceError
from engine.sources.batch import Batch
from engine.sources.calamine_rows import calamine_rows
from engine.sources.expressions import is_empty
from engine.sources.header import SEARCHED, Candidate, located
from engine.sources.mapping import ColumnMap
from engine.sources.openpyxl_rows import openpyxl_rows
from engine.sources.sheets import NoResult, Numbered, Row, damaged
from engine.sources.table import rows_at_once, table
from engine.sources.workbook_look import is_usual


def excel_batches(file: BinaryIO, name: str, mapping: ColumnMap, *, sheet: str | None) -> Generator[Batch, None, None]:
    """Yield the rows of an open workbook's sheet (None: the first that is not hidden), at least one batch.

    Lines are row numbers. Raises `SourceError`.
    """
    is_quick = is_usual(file, name) and not mapping.numbers_as_ids and find_spec("python_calamine") is not None
    try:
        if is_quick:
            title, rows = calamine_rows(file, name, sheet)
            yield from _batches(rows, name if sheet else f"{name}#{title}", mapping)
        else:
            with openpyxl_rows(file, name, sheet, with_zeros=mapping.numbers_as_ids) as (title, rows):
                yield from _batches(rows, name if sheet else f"{name}#{title}", mapping)
    except (SourceError, MemoryError):
        raise
    except Exception as error:  # a damaged workbook makes these libraries raise anything
        raise damaged(name, error) from error


def _batches(rows: Iterator[Numbered], place: str, mapping: ColumnMap) -> Generator[Batch, None, None]:
    """Yield the rows below the header, without blank ones."""
    header, below = _header(rows, place, mapping)
    columns = header.columns
    yield table(columns, (), lines=(), mapping=mapping)
    kept = _below(chain(below, rows), len(columns), place)
    while chunk := list(islice(kept, rows_at_once(len(columns)))):
        yield table(columns, [row for _, row in chunk], lines=[number for number, _ in chunk], mapping=mapping)


def _header(rows: Iterator[Numbered], place: str, mapping: ColumnMap) -> tuple[Candidate, Iterable[Numbered]]:
    """Return the header, and those rows below it that were read to find it. Raises `SourceError`."""
    head = list(islice(rows, SEARCHED if mapping.header is None else mapping.header))
    tried = head if mapping.header is None else [one for one in head if one[0] == mapping.header]
    candidates = [Candidate(number, _names(row), number) for number, row in tried if not all(map(is_empty, row))]
    found = located(candidates, mapping)
    if found is None:
        which = "a row" if mapping.header is None else f"a row {mapping.header}"
        raise SourceError(f"{place} is empty: not even {which} of column names", file=place)
    return found, [one for one in head if one[0] > found.line]


def _names(row: Row) -> tuple[str, ...]:
    """Return the texts of a row without empty ones at its end."""
    texts = ["" if value is None else str(value).strip() for value in row]
    while texts and not texts[-1]:
        texts.pop()
    return tuple(texts)


def _below(rows: Iterable[Numbered], width: int, place: str) -> Iterator[Numbered]:
    """Yield rows that are not blank, each as wide as the header. Raises `SourceError` for a formula without result."""
    for number, row in rows:
        cells = [*row[:width], *[""] * (width - len(row))]
        if all(map(is_empty, cells)):
            continue
        for value in cells:
            if type(value) is NoResult:
                text = f"{place}, cell {value.coordinate}: the formula has no result: open the workbook in Excel and"
                raise SourceError(f"{text} save it", file=place, line=number)
        yield number, cells
