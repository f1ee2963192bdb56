"""The first rows of CSV, TSV and IIF files, whatever their encoding and delimiter."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from engine.errors import SourceError
from engine.sources.guess.head import ROWS, Head, fitted, headed

BYTES = 4_000_000
"""This much of a file is looked at: some 50,000 rows."""

_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_DELIMITERS = ",;\t|"
_KNOWN_DELIMITERS = ",;\t"  # of which a reader finds out by itself which it is
_NAMED = re.compile(r'"?sep=(.)"?\r?\n')


def text_head(path: Path) -> Head:
    """Return the first rows of a text file. Raises `SourceError` when there is no table in it."""
    with path.open("rb") as file:
        content = file.read(BYTES)
    encoding = _encoding(content)
    text = content.decode(encoding or "utf-8-sig", "replace")
    reading: dict[str, object] = {} if encoding in {None, "utf-8-sig", "utf-16"} else {"encoding": encoding}
    if path.suffix.lower() == ".iif":
        return _iif(text, reading, path)
    named = _NAMED.match(text)
    delimiter, lines = _delimited(text[named.end() :], named[1]) if named else _best(text)
    if delimiter not in _KNOWN_DELIMITERS and not named:
        reading["delimiter"] = delimiter
    head = headed([(number + bool(named), cells) for number, cells in lines], reading)
    if head is None:
        raise SourceError(f"{path}: no line of column names is found", file=str(path))
    return head


def _encoding(content: bytes) -> str | None:
    """Return the encoding that the bytes seem to be in; None: UTF-8."""
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return encoding
    try:
        content.decode()
    except UnicodeDecodeError as error:
        if error.start > len(content) - 4:  # a character is cut in two where the look ends
            return None
    else:
        if b"\0" not in content:
            return None
    if content.count(b"\0") * 3 > len(content):
        return "utf-16-le" if content[1:2] == b"\0" else "utf-16-be"
    return "cp1252" if _decodes(content, "cp1252") else "latin-1"


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _best(text: str) -> tuple[str, list[tuple[int, list[str]]]]:
    """Return the delimiter that parts most lines into equally many cells, and the lines so parted."""
    found = {mark: _delimited(text, mark)[1] for mark in _DELIMITERS}

    def evenness(mark: str) -> tuple[int, int]:
        widths = Counter(len(cells) for _, cells in found[mark][:200] if len(cells) > 1)
        return max(((count * width, width) for width, count in widths.items()), default=(0, 0))

    best = max(_DELIMITERS, key=evenness)
    return best, found[best]


def _delimited(text: str, delimiter: str) -> tuple[str, list[tuple[int, list[str]]]]:
    """Return the delimiter, and lines with their numbers, as far as they can be parted."""
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    return delimiter, list(_lines(reader))


def _lines(reader: Any) -> Iterator[tuple[int, list[str]]]:
    before = 0
    while True:
        try:
            cells = next(reader)
        except (StopIteration, csv.Error):
            return
        yield before + 1, [cell.strip() for cell in cells]
        before = reader.line_num


def _iif(text: str, reading: dict[str, object], path: Path) -> Head:
    """Return the first list of an IIF file that is no header of the file itself: `!ACCNT` and its rows `ACCNT`."""
    lines = [[cell.strip() for cell in line.split("\t")] for line in text.splitlines()]
    header = next((line for line in lines if line[0].startswith("!") and line[0] != "!HDR"), None)
    if header is None:
        raise SourceError(f"{path}: no list is found: a line that begins with !ACCNT, for example", file=str(path))
    columns = header[1:]
    rows = [fitted(line[1:], len(columns)) for line in lines if line[0] == header[0][1:]]
    return Head(tuple(columns), rows[:ROWS], reading, header[0][1:])
