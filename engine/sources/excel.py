"""Excel workbooks in batches (extra `excel`): one sheet, whose column names may stand below a few lines of titles.

python-calamine reads usual sheets, several times as fast as openpyxl; it holds the sheet in memory. openpyxl reads the
others row by row: it tells formulas and errors from empty cells, and knows in which format a number is shown. Numbers
stay numbers unless the mapping says otherwise: an id that Excel has made a number is refused, not sent without zeros.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import date, datetime, time
from importlib.util import find_spec
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias
from zipfile import ZipFile

from engine.errors import SourceError
from engine.sources.batch import Batch
from engine.sources.expressions import is_empty
from engine.sources.header import SEARCHED, Candidate, located
from engine.sources.mapping import ColumnMap
from engine.sources.table import BATCH_ROWS, cell, table

TEXT_BYTES = 256_000_000
"""Most bytes of the part that holds all texts of a workbook: it is in memory as a whole while the workbook is read."""

_TEXTS = "xl/sharedStrings.xml"
_SHEETS = "xl/worksheets/"
_ROWS = 1_048_576  # most rows of a sheet; a larger row number means a damaged file
_OLD = b"\xd0\xcf\x11\xe0"  # the first bytes of .xls files, and of .xlsx files with a password
_ERRORS = frozenset({"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"})
_ESCAPE = re.compile("_x00([01][0-9A-Fa-f]|7[Ff])_")  # how Excel stores control characters (ECMA-376, ST_Xstring)
_UNUSUAL = re.compile(
    rb"""<(?:\w+:)?f[ />]|\bt=["']e|_x[0-9A-Fa-f]{4}_|\br=["'](?:[A-Z]*\d{6}|[B-Z][A-Z]\d|[A-Z]{3})"""
)
"""In a sheet: a formula, an error, an escaped character, row 100,000 or column BA. python-calamine gives nothing for
the first two, and its memory grows with the last row times the last column, however few cells are filled."""
_LONGEST = 16  # bytes of what `_UNUSUAL` finds, at most, but for long prefixes of names
_PADDED = re.compile("0{2,}")  # a number format that shows leading zeros
_CHUNK = 65_536

_Row: TypeAlias = Sequence[Any]
_Numbered: TypeAlias = tuple[int, _Row]


class FormulaError:
    """The value of a cell that shows an error such as #REF!: it is no text."""

    def __init__(self, code: str) -> None:
        self._code = code

    def __str__(self) -> str:
        return self._code


class _NoResult:
    """The value of a formula that no program has calculated."""

    def __init__(self, coordinate: str) -> None:
        self.coordinate = coordinate


def excel_batches(file: BinaryIO, name: str, mapping: ColumnMap, *, sheet: str | None) -> Generator[Batch, None, None]:
    """Yield the rows of an open workbook's sheet (None: the first that is not hidden), at least one batch.

    Lines are row numbers. Raises `SourceError`.
    """
    is_plain = _look(file, name) and not mapping.numbers_as_ids and find_spec("python_calamine") is not None
    try:
        if is_plain:
            title, rows = _with_calamine(file, name, sheet)
            yield from _batches(rows, name if sheet else f"{name}#{title}", mapping)
        else:
            yield from _with_openpyxl(file, name, mapping, sheet)
    except (SourceError, MemoryError):
        raise
    except Exception as error:  # a damaged workbook makes these libraries raise anything
        raise _damaged(name, error) from error


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


def _look(file: BinaryIO, name: str) -> bool:
    """Return whether python-calamine can read a workbook.

    Raises `SourceError` for a file that is no workbook, or whose texts would take too much memory.
    """
    if file.read(4) == _OLD:
        raise SourceError(f"{name} is encrypted, or an .xls workbook: save it as .xlsx, without a password", file=name)
    try:
        with ZipFile(file) as parts:
            sizes = {part.filename: part.file_size for part in parts.infolist()}
            is_small = sizes.get(_TEXTS, 0) <= TEXT_BYTES
            looked_at = [
                part for part in sizes if part == _TEXTS or (part.startswith(_SHEETS) and part.endswith(".xml"))
            ]
            is_usual = is_small and not any(_is_unusual(parts, part) for part in looked_at)
    except Exception as error:  # a damaged file makes `zipfile` raise anything
        raise _damaged(name, error) from error
    if not is_small:
        raise SourceError(f"{name} holds more than {TEXT_BYTES:,} bytes of text: save it as CSV", file=name)
    return is_usual


def _is_unusual(parts: ZipFile, part: str) -> bool:
    """Return whether a part of a workbook has what python-calamine cannot read, or not in little memory."""
    before = b""
    with parts.open(part) as xml:
        while chunk := xml.read(_CHUNK):
            if _UNUSUAL.search(before + chunk):
                return True
            before = chunk[-_LONGEST:]
    return False


def _damaged(name: str, error: BaseException) -> SourceError:
    return SourceError(f"{name} cannot be read as an Excel workbook: {type(error).__name__}: {error}", file=name)


def _batches(rows: Iterator[_Numbered], place: str, mapping: ColumnMap) -> Generator[Batch, None, None]:
    """Yield the rows below the header. Blank ones are none."""
    header, below = _header(rows, place, mapping)
    columns = header.columns
    yield table(columns, (), lines=(), mapping=mapping)
    kept = _below(chain(below, rows), len(columns), place)
    while chunk := list(islice(kept, BATCH_ROWS)):
        yield table(columns, [row for _, row in chunk], lines=[number for number, _ in chunk], mapping=mapping)


def _header(rows: Iterator[_Numbered], place: str, mapping: ColumnMap) -> tuple[Candidate, Iterable[_Numbered]]:
    """Return the header, and those rows below it that were read to find it. Raises `SourceError`."""
    head = list(islice(rows, SEARCHED if mapping.header is None else mapping.header))
    tried = head if mapping.header is None else [one for one in head if one[0] == mapping.header]
    candidates = [Candidate(number, _names(row), number) for number, row in tried if not all(map(is_empty, row))]
    found = located(candidates, mapping)
    if found is None:
        which = "a row" if mapping.header is None else f"a row {mapping.header}"
        raise SourceError(f"{place} is empty: not even {which} of column names", file=place)
    return found, [one for one in head if one[0] > found.line]


def _names(row: _Row) -> tuple[str, ...]:
    """Return the texts of a row without empty ones at its end."""
    texts = ["" if value is None else str(value).strip() for value in row]
    while texts and not texts[-1]:
        texts.pop()
    return tuple(texts)


def _below(rows: Iterable[_Numbered], width: int, place: str) -> Iterator[_Numbered]:
    """Yield rows that are not blank, each as wide as the header. Raises `SourceError` for a formula without result."""
    for number, row in rows:
        cells = [*row[:width], *[""] * (width - len(row))]
        if all(map(is_empty, cells)):
            continue
        for value in cells:
            if type(value) is _NoResult:
                text = f"{place}, cell {value.coordinate}: the formula has no result: open the workbook in Excel and"
                raise SourceError(f"{text} save it", file=place, line=number)
        yield number, cells


def _with_calamine(file: BinaryIO, name: str, wanted: str | None) -> tuple[str, Iterator[_Numbered]]:
    """Return a sheet's title and its rows. Raises `SourceError`, or anything."""
    import python_calamine as calamine  # noqa: PLC0415  an optional dependency

    file.seek(0)
    try:
        workbook = calamine.CalamineWorkbook.from_filelike(file)
        sheets = [one for one in workbook.sheets_metadata if one.typ == calamine.SheetTypeEnum.WorkSheet]
        seen = [one.name for one in sheets if one.visible == calamine.SheetVisibleEnum.Visible]
        title = _title([one.name for one in sheets], seen, name, wanted)
        sheet = workbook.get_sheet_by_name(title)
    except calamine.WorksheetNotFound as error:
        raise SourceError(f"{name}: there is no such sheet in the file: {error}", file=name) from error
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # what Rust raises for a damaged file is no `Exception`
            raise _damaged(name, error) from None
        raise
    return title, ((number, list(map(_plain, row))) for number, row in enumerate(sheet.iter_rows(), 1))


def _plain(value: object) -> object:
    """Return a value that python-calamine gave as openpyxl gives it."""
    if type(value) is date:
        return datetime.combine(value, time())
    return FormulaError(value) if isinstance(value, str) and value in _ERRORS else cell(value)


def _with_openpyxl(file: BinaryIO, name: str, mapping: ColumnMap, wanted: str | None) -> Generator[Batch, None, None]:
    with closing(_workbook(file, formulas=True)) as workbook:
        sheet = _sheet(workbook, name, wanted)
        with closing(_results(file, sheet.title)) as results:
            written = _numbered(sheet.iter_rows())
            rows = _shown(written, results, with_zeros=mapping.numbers_as_ids)
            yield from _batches(rows, name if wanted else f"{name}#{sheet.title}", mapping)


def _workbook(file: BinaryIO, *, formulas: bool) -> Any:
    """Open a workbook for reading row by row: with formulas or with their results; openpyxl cannot give both."""
    from openpyxl import load_workbook  # noqa: PLC0415  an optional dependency

    return load_workbook(file, read_only=True, data_only=not formulas, keep_links=False)


def _sheet(workbook: Any, name: str, wanted: str | None) -> Any:
    """Return a sheet by its name; without one, the first sheet that is not hidden. Raises `SourceError`."""
    sheets = {sheet.title: sheet for sheet in workbook.worksheets}
    sheet = sheets[_title(list(sheets), _seen(workbook), name, wanted)]
    sheet.reset_dimensions()  # some programs write wrong dimensions, which would cut off rows
    return sheet


def _title(titles: Sequence[str], seen: Sequence[str], name: str, wanted: str | None) -> str:
    """Return the title of a sheet: the one that is wanted, else the first that is seen. Raises `SourceError`."""
    title = wanted or next(iter(seen), None)
    if title is None or title not in titles:
        there = ", ".join(map(repr, titles)) or "none"
        raise SourceError(f"{name}: there is no such sheet; there are: {there}", file=name)
    return title


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


def _shown(written: Iterator[_Numbered], results: Iterator[_Numbered], *, with_zeros: bool) -> Iterator[_Numbered]:
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


def _padded(row: _Row, width: int) -> list[tuple[Any]]:
    return [(one,) for one in (*row, *[None] * (width - len(row)))]


def _result(written: object, result: Any) -> object:
    """Return what a cell shows."""
    if not _is_formula(written):
        return written
    if result is None:
        return None
    if result.value is None and result.data_type != "str":  # with data type "str" the result is an empty text
        return _NoResult(result.coordinate)
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
    if value in _ERRORS:
        return FormulaError(value)
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), value) if "_x00" in value else value
