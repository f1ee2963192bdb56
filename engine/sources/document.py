"""Read the objects of one array of a JSON document in batches, by `ijson`: memory does not grow with the file."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from itertools import islice
from typing import BinaryIO

from engine.errors import SourceError
from engine.model.settings import RawRow
from engine.sources.batch import BATCH_BYTES, Batch
from engine.sources.jsonfile import stray
from engine.sources.mapping import ColumnMap

BATCH_ROWS = 2_000

USUAL_ROWS = "dimensions"
"""The key under which the API's own documents have their rows."""

_HALF = re.compile(
    rb"(?<!\\)(?:\\\\)*(?:\\u[dD][89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]..)", re.DOTALL
)
"""An escaped half of a surrogate pair without its other half, in place of which `ijson` would give a question mark."""

_PAIR_BYTES = 12
"""Bytes of an escaped surrogate pair."""

MOST_DEEP = 1_000
"""How deep a document may be nested: `ijson` keeps the path to each level, which takes memory by the square of it."""

_MANY_OPENED = 4_000
"""Brackets, those in texts included, that may be open at once before it is found out how many are: 40 MB of paths."""

_AHEAD = 64  # bytes that are read to see whether the document is an array

_SHOWN = 5  # arrays that a message names


def json_batches(file: BinaryIO, name: str, mapping: ColumnMap) -> Generator[Batch, None, None]:
    """Yield the objects of an open file's array, at least one batch. Raises `SourceError`, `UnicodeError`, `OSError`.

    The array is the document itself or, in an object, what the mapping's `rows` leads to.
    """
    import ijson  # noqa: PLC0415  only readers of JSON documents need to load it

    text = _Text(file, name)
    path = "" if text.is_array else mapping.rows or USUAL_ROWS
    objects = ijson.items(text, f"{path}.item" if path else "item", use_float=True)
    count = 0
    try:
        for rows in _in_parts(objects, text):
            count += len(rows)
            yield Batch(rows, columns=None, lines=None, mapping=mapping)
    except ijson.JSONError as error:
        _require_utf8(file)
        words = " ".join(str(error).split())
        raise SourceError(f"{name}, after row {count:,}: not JSON: {words}", file=name) from error
    if not count:
        if path:
            _require_array(file, path, mapping, name)
        yield Batch((), columns=None, lines=None, mapping=mapping)


def _in_parts(objects: Iterator[object], text: _Text) -> Iterator[list[RawRow]]:
    """Yield objects in lists of which each takes a part of the text, and of memory, that is bounded."""
    rows: list[RawRow] = []
    full = text.given_bytes + BATCH_BYTES
    for value in objects:
        rows.append(_row(value))
        if len(rows) >= BATCH_ROWS or text.given_bytes >= full:
            yield rows
            rows, full = [], text.given_bytes + BATCH_BYTES
    if rows:
        yield rows


def _row(value: object) -> RawRow:
    return value if type(value) is dict else stray(value)


def _require_utf8(file: BinaryIO) -> None:
    """Raise `UnicodeDecodeError` if a file is not UTF-8."""
    file.seek(0)
    for line in file:
        line.decode()


def _require_array(file: BinaryIO, path: str, mapping: ColumnMap, name: str) -> None:
    """Raise `SourceError` unless there is an array, though an empty one, at a path."""
    arrays = list(islice(_arrays(file), 1_000))
    if path in arrays:
        return
    there = ", ".join(arrays[:_SHOWN]) or "none"
    advice = "say in the mapping where the rows are, such as rows = "
    advice += f'"{arrays[0]}"' if arrays else '"QueryResponse.Account"'
    what = f"at `{path}`" if mapping.rows else f"alone or under `{path}`"
    raise SourceError(
        f"{name}: an array of objects is wanted, {what}; there are arrays at: {there}; {advice}", file=name
    )


def _arrays(file: BinaryIO) -> Iterator[str]:
    """Yield the paths of a document's arrays that are in no other array."""
    import ijson  # noqa: PLC0415  see above

    file.seek(0)
    inside: str | None = None
    for prefix, event, _ in ijson.parse(file):
        if inside is None and event == "start_array":
            inside = prefix
            yield prefix
        elif event == "end_array" and prefix == inside:
            inside = None


def _require_shallow(file: BinaryIO, name: str) -> None:
    """Raise `SourceError` if a document is nested too deep."""
    import ijson  # noqa: PLC0415  see above

    file.seek(0)
    deep = 0
    for event, _ in ijson.basic_parse(file):
        deep += (event in {"start_array", "start_map"}) - (event in {"end_array", "end_map"})
        if deep > MOST_DEEP:
            text = f"{name}: nested more than {MOST_DEEP:,} levels deep: this is no list of rows"
            raise SourceError(text, file=name)


class _Text:
    """An open file without its mark, which refuses some of it before it hands that over.

    That is halves of surrogate pairs, and what is nested so deep that it would use up all memory.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name
        self._before = b""  # the last bytes handed over
        self.given_bytes = 0  # handed over
        self._open = 0  # brackets that are open at the end of that, those in texts included
        self._is_shallow = False  # known to be
        self._ahead = file.read(_AHEAD).removeprefix(b"\xef\xbb\xbf")  # read and not handed over
        while not self._ahead.strip() and (more := file.read(_AHEAD)):
            self._ahead = more
        self.is_array = self._ahead.lstrip()[:1] == b"["

    def read(self, size: int = -1) -> bytes:
        """Return about as many bytes as are asked for; none at the end. Raises `SourceError`."""
        if size == 0:
            return b""
        more = self._file.read(max(size, 2 * _PAIR_BYTES))
        text = self._ahead + more
        end = len(text) - (_PAIR_BYTES if more else 0)  # a pair may go over two readings
        given, self._ahead = text[:end], text[end:]
        if b"\\u" in text:
            self._require_pairs(self._before + text, len(self._before), len(self._before) + end)
        self._note_brackets(given)
        self._before = (self._before[-_PAIR_BYTES:] + given[-_PAIR_BYTES:])[-_PAIR_BYTES:]
        self.given_bytes += len(given)
        return given

    def _note_brackets(self, given: bytes) -> None:
        """Raise `SourceError` if the document is nested too deep, which is looked for where it may be."""
        opened = given.count(b"[") + given.count(b"{")
        if self._open + opened > _MANY_OPENED and not self._is_shallow:
            here = self._file.tell()
            _require_shallow(self._file, self._name)
            self._file.seek(here)
            self._is_shallow = True
        self._open += opened - given.count(b"]") - given.count(b"}")

    def _require_pairs(self, text: bytes, start: int, end: int) -> None:
        """Raise `SourceError` if half a pair begins between two positions of a text, which goes on around them."""
        for match in _HALF.finditer(text):
            if start <= match.end() - _PAIR_BYTES // 2 < end:
                half = match[0][-_PAIR_BYTES // 2 :].decode("ascii", "replace")
                raise SourceError(f"{self._name}: {half} is half of a surrogate pair, no character", file=self._name)
