"""A sheet's rows, with python-calamine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from typing import BinaryIO

from engine.errors import SourceError
from engine.sources.sheets import ERRORS, FormulaError, Numbered, damaged, sheet_title
from engine.sources.table import cell


def calamine_rows(file: BinaryIO, name: str, wanted: str | None) -> tuple[str, Iterator[Numbered]]:
    """Return a sheet's title and its rows. Raises `SourceError`, or anything."""
    import python_calamine as calamine  # noqa: PLC0415  an optional dependency

    file.seek(0)
    try:
        workbook = calamine.CalamineWorkbook.from_filelike(file)
        sheets = [one for one in workbook.sheets_metadata if one.typ == calamine.SheetTypeEnum.WorkSheet]
        seen = [one.name for one in sheets if one.visible == calamine.SheetVisibleEnum.Visible]
        title = sheet_title([one.name for one in sheets], seen, name, wanted)
        sheet = workbook.get_sheet_by_name(title)
    except calamine.WorksheetNotFound as error:
        raise SourceError(f"{name}: there is no such sheet in the file: {error}", file=name) from error
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # what Rust raises for a damaged file is no `Exception`
            raise damaged(name, error) from None
        raise
    return title, ((number, list(map(_plain, row))) for number, row in enumerate(sheet.iter_rows(), 1))


def _plain(value: object) -> object:
    """Return a value that python-calamine gave as openpyxl gives it."""
    if type(value) is date:
        return datetime.combine(value, time())
    return FormulaError(value) if isinstance(value, str) and value in ERRORS else cell(value)
