"""Whether python-calamine can read a workbook as it is, told from the bytes of its parts."""

from __future__ import annotations

import re
from typing import BinaryIO
from zipfile import ZipFile

from engine.errors import SourceError
from engine.sources.sheets import damaged

TEXT_BYTES = 256_000_000
"""Most bytes of the part that holds all texts of a workbook: it is in memory as a whole while the workbook is read."""

_TEXTS = "xl/sharedStrings.xml"
_SHEETS = "xl/worksheets/"
_OLD = b"\xd0\xcf\x11\xe0"  # the first bytes of .xls files, and of .xlsx files with a password
_UNUSUAL = re.compile(
    rb"""<(?:\w+:)?f[ />]|\bt=["']e|_x[0-9A-Fa-f]{4}_|\br=["'](?:[A-Z]*\d{6}|[B-Z][A-Z]\d|[A-Z]{3})"""
)
"""In a sheet: a formula, an error, an escaped character, row 100,000 or column BA. python-calamine gives nothing for
the first two, and its memory grows with the last row times the last column, however few cells are filled."""
_LONGEST = 16  # bytes of what `_UNUSUAL` finds, at most, but for long prefixes of names
_CHUNK = 65_536


def is_usual(file: BinaryIO, name: str) -> bool:
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
        raise damaged(name, error) from error
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
