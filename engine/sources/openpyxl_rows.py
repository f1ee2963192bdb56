"""Read a sheet row by row with openpyxl: results in place of formulas, and numbers as Excel shows them."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from engine.sources.sheets import ERRORS, FormulaError, NoResult, Numbered, Row, sheet_title
from engine.sources.table import cell

_ROWS = 1_048_576  # most rows of a sheet; a larger row number means a damaged file
_ESCAPE = re.compile("_x00([01][0-9A-Fa-f]|7[Ff])_")  # how Excel stores control characters (ECMA-376, ST_Xstring)
_PADDED = re.compile("0{2,}")  # a number format that shows leading zeros


@contextmanager
def openpyxl_rows(
    file: BinaryIO, name: str, wanted: str | None, *, with_zeros: bool
) -> Generator[tuple[str, Iterator[Numbered]], None, None]:
    """Give a sheet's title and its rows, while the workbook is open. Raises `SourceError`, or anything.

    `with_zeros`: whole numbers are texts where their format shows leading zeros.
    """
    with closing(_workbook(file, formulas=True)) as workbook:
        sheet = _sheet(workbook, name, wanted)
        with closing(_results(file, sheet.title)) as results:
            yield sheet.title, _shown(_numbered(sheet.iter_rows()), results, with_zeros=with_zeros)


def first_sheet(path: Path) -> str | None:
    """Return the name of the sheet that is read where none is named; None: the workbook cannot be read, or has none."""
    try:
        with path.open("rb") as file, closing(_workbook(file, formulas=True)) as workbook:
            return next(iter(_seen(workbook)), None)
    except Exception:  # noqa: BLE001  whatever is wrong with the workbook is told when its rows are read
        return None


def _seen(workbook: Any) -> list[str]:
    """Return the names of the sheets that are not hidden."""
    return [sheet.title for sheet in workbook.worksheets if sheet.sheet_state == "visible"]


def _workbook(file: BinaryIO, *, formulas: bool) -> Any:
    """Open a workbook for reading row by row: with formulas or with their results; openpyxl cannot give both."""
    from openpyxl import load_workbook  # noqa: PLC0415  an optional dependency

    return load_workbook(file, read_only=True, data_only=not formulas, keep_links=False)


def _sheet(workbook: Any, name: str, wanted: str | None) -> Any:
    """Return a sheet by its name; without one, the first sheet that is not hidden. Raises `SourceError`."""
    sheets = {sheet.title: sheet for sheet in workbook.worksheets}
    sheet = sheets[sheet_title(list(sheets), _seen(workbook), name, wanted)]
    sheet.reset_dimensions()  # some programs write wrong dimensions, which would cut off rows
    return sheet


def _numbered(rows: Iterator[Row]) -> Iterator[Numbered]:
    """Yield a sheet's rows with their numbers; rows that the file leaves out are empty."""
    for number, row in enumerate(rows, 1):
        if number > _ROWS:
            raise ValueError(f"a sheet has {_ROWS:,} rows at most")
        yield number, row


def _results(file: BinaryIO, title: str) -> Generator[Numbered, None, None]:
    """Yield a sheet's rows with the results of formulas. Opens the workbook again when the first row is asked for."""
    with closing(_workbook(file, formulas=False)) as workbook:
        yield from _numbered(_sheet(workbook, title, title).iter_rows())


def _shown(written: Iterator[Numbered], results: Iterator[Numbered], *, with_zeros: bool) -> Iterator[Numbered]:
    """Yield a sheet's rows as Excel shows them, with results in place of formulas.

    The results are read once a formula is met. `with_zeros`: numbers are texts where their format has leading zeros.
    """
    for number, row in written:
        values = [one.value for one in row]
        if any(map(_is_formula, values)):
            found = next(cells for at, cells in results if at == number)
            values = [_result(value, *one) for value, one in zip(values, _padded(found, len(values)), strict=True)]
        if with_zeros:
            values = [_with_zeros(value, one) for value, one in zip(values, row, strict=True)]
        yield number, list(map(_value, values))


def _padded(row: Row, width: int) -> list[tuple[Any]]:
    return [(one,) for one in (*row, *[None] * (width - len(row)))]


def _result(written: object, result: Any) -> object:
    """Return what a cell shows."""
    if not _is_formula(written):
        return written
    if result is None:
        return None
    if result.value is None and result.data_type != "str":  # with data type "str" the result is an empty text
        return NoResult(result.coordinate)
    return result.value


def _with_zeros(value: object, shown: Any) -> object:
    """Return a whole number as text if the format of its cell shows it with leading zeros."""
    is_whole = isinstance(value, int | float) and not isinstance(value, bool) and value == int(value)
    form = getattr(shown, "number_format", None)
    if is_whole and isinstance(form, str) and _PADDED.fullmatch(form):
        return str(int(value)).rjust(len(form), "0")  # type: ignore[call-overload]  # it is a number
    return value


def _is_formula(value: object) -> bool:
    """Return whether a cell may be a formula. A text may also begin with "="; its result is the text itself."""
    if isinstance(value, str):
        return value.startswith("=")
    return type(value).__name__ in {"ArrayFormula", "DataTableFormula"}


def _value(value: object) -> object:
    """Return a cell's value, with Excel's escapes replaced by the characters that they stand for."""
    if not isinstance(value, str):
        return cell(value)
    if value in ERRORS:
        return FormulaError(value)
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), value) if "_x00" in value else value
