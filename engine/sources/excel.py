"""Excel workbooks in batches, with openpyxl (extra `excel`): one sheet; its first row that is not blank is the header.

Numbers stay numbers: an id that Excel has turned into a number is refused, instead of sent without its zeros.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias
from zipfile import BadZipFile, ZipFile

from engine.errors import SourceError
from engine.sources.batch import Batch
from engine.sources.mapping import ColumnMap
from engine.sources.table import BATCH_ROWS, cell, table

TEXT_BYTES = 256_000_000
"""Most bytes of the part that holds all texts of a workbook: it is in memory as a whole while the workbook is read."""

_TEXTS = "xl/sharedStrings.xml"
_ROWS = 1_048_576  # most rows of a sheet; a larger row number means a damaged file
_OLD = b"\xd0\xcf\x11\xe0"  # the first bytes of .xls files, and of .xlsx files with a password
_ERRORS = frozenset({"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"})
_ESCAPE = re.compile("_x00([01][0-9A-Fa-f]|7[Ff])_")  # how Excel stores control characters (ECMA-376, ST_Xstring)

_Row: TypeAlias = Sequence[Any]


class FormulaError:
    """The value of a cell that shows an error such as #REF!: it is no text."""

    def __init__(self, code: str) -> None:
        self._code = code

    def __str__(self) -> str:
        return self._code


def excel_batches(file: BinaryIO, name: str, mapping: ColumnMap, *, sheet: str | None) -> Generator[Batch, None, None]:
    """Yield the rows of an open workbook's sheet (None: the first that is not hidden), at least one batch.

    Lines are row numbers. Raises `SourceError`.
    """
    _refuse_others(file, name)
    try:
        yield from _batches(file, name, mapping, sheet)
    except (SourceError, MemoryError):
        raise
    except Exception as error:  # a damaged workbook makes openpyxl raise anything
        raise _damaged(name, error) from error


def first_sheet(path: Path) -> str | None:
    """Return the name of the sheet that is read where none is named; None: the workbook cannot be read, or has none."""
    try:
        with path.open("rb") as file, closing(_workbook(file, formulas=True)) as workbook:
            return next(_seen(workbook), None)
    except Exception:  # noqa: BLE001  whatever is wrong with the workbook is told when its rows are read
        return None


def _seen(workbook: Any) -> Iterator[str]:
    """Yield the names of the sheets that are not hidden."""
    return (sheet.title for sheet in workbook.worksheets if sheet.sheet_state == "visible")


def _refuse_others(file: BinaryIO, name: str) -> None:
    """Raise `SourceError` for a file that is no workbook, or whose texts would take too much memory."""
    if file.read(4) == _OLD:
        raise SourceError(f"{name} is encrypted, or an .xls workbook: save it as .xlsx, without a password", file=name)
    try:
        with ZipFile(file) as parts:
            size = next((part.file_size for part in parts.infolist() if part.filename == _TEXTS), 0)
    except BadZipFile as error:
        raise _damaged(name, error) from error
    if size > TEXT_BYTES:
        raise SourceError(f"{name} holds more than {TEXT_BYTES:,} bytes of text: save it as CSV", file=name)


def _damaged(name: str, error: Exception) -> SourceError:
    return SourceError(f"{name} cannot be read as an Excel workbook: {type(error).__name__}: {error}", file=name)


def _batches(file: BinaryIO, name: str, mapping: ColumnMap, wanted: str | None) -> Generator[Batch, None, None]:
    with closing(_workbook(file, formulas=True)) as workbook:
        sheet = _sheet(workbook, name, wanted)
        place = name if wanted else f"{name}#{sheet.title}"
        with closing(_results(file, sheet.title)) as results:
            rows = _Rows(_numbered(sheet.iter_rows(values_only=True)), results, place)
            columns = rows.header()
            yield table(columns, (), lines=(), mapping=mapping)
            while (chunk := rows.take(BATCH_ROWS, len(columns))) is not None:
                yield table(columns, [row for _, row in chunk], lines=[number for number, _ in chunk], mapping=mapping)


def _workbook(file: BinaryIO, *, formulas: bool) -> Any:
    """Open a workbook for reading row by row: with formulas or with their results; openpyxl cannot give both."""
    from openpyxl import load_workbook  # noqa: PLC0415  an optional dependency

    return load_workbook(file, read_only=True, data_only=not formulas, keep_links=False)


def _sheet(workbook: Any, name: str, wanted: str | None) -> Any:
    """Return a sheet by its name; without one, the first sheet that is not hidden. Raises `SourceError`."""
    sheets = {sheet.title: sheet for sheet in workbook.worksheets}
    title = wanted or next(_seen(workbook), None)
    if title not in sheets:
        there = ", ".join(map(repr, sheets)) or "none"
        raise SourceError(f"{name}: there is no such sheet; there are: {there}", file=name)
    sheets[title].reset_dimensions()  # some programs write wrong dimensions, which would cut off rows
    return sheets[title]


def _numbered(rows: Iterator[_Row]) -> Iterator[tuple[int, _Row]]:
    """Yield a sheet's rows with their numbers; rows that the file leaves out are empty."""
    for number, row in enumerate(rows, 1):
        if number > _ROWS:
            raise ValueError(f"a sheet has {_ROWS:,} rows at most")
        yield number, row


def _results(file: BinaryIO, title: str) -> Generator[tuple[int, _Row], None, None]:
    """Yield a sheet's rows with the results of formulas. Opens the workbook again when the first row is asked for."""
    with closing(_workbook(file, formulas=False)) as workbook:
        yield from _numbered(_sheet(workbook, title, title).iter_rows())


class _Rows:
    """A sheet's rows as Excel shows them: results in place of formulas. The results are read once a formula is met."""

    def __init__(self, written: Iterator[tuple[int, _Row]], results: Iterator[tuple[int, _Row]], place: str) -> None:
        self._written = written
        self._results = results
        self._place = place

    def header(self) -> tuple[str, ...]:
        """Return the column names: the first row that is not blank. Raises `SourceError` when there is none."""
        for number, row in self._written:
            cells = self._shown(number, row, len(row))
            if not _blank(cells):
                return tuple(str(value).strip() for value in cells)
        raise SourceError(f"{self._place} is empty: not even a row of column names", file=self._place)

    def take(self, count: int, width: int) -> list[tuple[int, _Row]] | None:
        """Return the next `count` rows without blank ones, each as wide as the header; None: the sheet has ended."""
        chunk = list(islice(self._written, count))
        shown = ((number, self._shown(number, row, width)) for number, row in chunk)
        return [(number, cells) for number, cells in shown if not _blank(cells)] if chunk else None

    def _shown(self, number: int, row: _Row, width: int) -> _Row:
        cells = row[:width]
        if any(map(_is_formula, cells)):
            results = next(cells for at, cells in self._results if at == number)
            cells = [self._result(*pair, number) for pair in zip(cells, results, strict=False)]
        return [*map(_value, cells), *[""] * (width - len(cells))]

    def _result(self, written: object, result: Any, number: int) -> object:
        """Return what a cell shows. Raises `SourceError` for a formula that no program has calculated."""
        if not _is_formula(written):
            return written
        if result.value is None and result.data_type != "str":  # with data type "str" the result is an empty text
            raise SourceError(
                f"{self._place}, cell {result.coordinate}: the formula has no result: open the workbook in Excel "
                "and save it",
                file=self._place,
                line=number,
            )
        return result.value


def _is_formula(value: object) -> bool:
    """Return whether a cell may be a formula. A text may also begin with "="; its result is the text itself."""
    if isinstance(value, str):
        return value.startswith("=")
    return type(value).__name__ in {"ArrayFormula", "DataTableFormula"}


def _value(value: object) -> object:
    """Return a cell's value, with Excel's escapes replaced by the characters that they stand for."""
    if not isinstance(value, str):
        return cell(value)
    if value in _ERRORS:
        return FormulaError(value)
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), value) if "_x00" in value else value


def _blank(row: _Row) -> bool:
    return not any(value.strip() if isinstance(value, str) else True for value in row)
