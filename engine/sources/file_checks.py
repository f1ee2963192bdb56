"""Check that a file is what its ending says, and that its age is within the mapping's limits."""

from __future__ import annotations

import time
from io import BufferedReader
from typing import BinaryIO, cast

from engine.errors import SourceError
from engine.sources.mapping import ColumnMap

_UTF16_OR_32 = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")  # byte order marks

_OTHERS = {
    b"PK\x03\x04": "is an Excel workbook, or another packed file: give it its own ending, such as .xlsx",
    b"\xd0\xcf\x11\xe0": "is an old Excel workbook: export the list as CSV, or save it as .xlsx",
    b"<?xml": "is XML, and no table of text: export the list as CSV",
    b"<html": "is a web page, and no table of text: export the list as CSV",
    b"<!doc": "is a web page, and no table of text: export the list as CSV",
    b"%PDF-": "is a PDF, and no table of text: export the list as CSV",
}
"""How files begin that programs export under endings of text, and what to do."""

_BEGINNING = 64  # bytes that are looked at for it


def require_text(file: BinaryIO, name: str, *, is_json: bool) -> None:
    """Raise `SourceError` for an open file that is no text, or is JSON and not UTF-8, as its first bytes show."""
    start = cast("BufferedReader", file).peek(_BEGINNING)[:_BEGINNING]
    if is_json and start.startswith(_UTF16_OR_32):
        text = f"{name}, line 1, byte 1: the file is UTF-16 or UTF-32: save it as UTF-8"
        raise SourceError(text, file=name, line=1)
    for mark, words in _OTHERS.items():
        if start.lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith(mark.lower()):
            raise SourceError(f"{name} {words}", file=name)


def require_age(name: str, mapping: ColumnMap, written_s: float) -> None:
    """Raise `SourceError` if a file is too young, so that it may still grow, or too old to be today's."""
    age_s = max(0.0, time.time() - written_s)
    if mapping.min_age_s is not None and age_s < mapping.min_age_s:
        text = (
            f"{name} was written {age_s:,.0f} s ago, and min_age asks for {mapping.min_age_s:,.0f} s: try again later"
        )
        raise SourceError(text, file=name)
    if mapping.max_age_s is not None and age_s > mapping.max_age_s:
        hours = f"{age_s / 3_600:,.1f} h ago, and max_age allows {mapping.max_age_s / 3_600:,.1f} h"
        raise SourceError(f"{name} was written {hours}: have the list exported again", file=name)
