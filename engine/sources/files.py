"""Files as sources: CSV, IIF, NDJSON, JSON, Parquet and Excel, read by threads, a few thousand rows at a time."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Generator, Sequence
from functools import partial
from hashlib import file_digest
from io import BufferedReader, BytesIO, RawIOBase
from pathlib import Path
from typing import BinaryIO, TypeAlias, cast

from engine.errors import SourceError
from engine.model.wanted import FileEnd
from engine.sources.batch import Batch
from engine.sources.delimited import csv_batches
from engine.sources.digests import Digested, begun
from engine.sources.document import json_batches
from engine.sources.encodings import encoding_of, misencoded
from engine.sources.excel import excel_batches
from engine.sources.file_checks import require_age, require_text
from engine.sources.iif import iif_batches
from engine.sources.jsonfile import ndjson_batches
from engine.sources.known_lines import MOST_BYTES, KnownLines, has_header, may_have_rows_in_lines
from engine.sources.mapping import ColumnMap
from engine.sources.parquet import parquet_batches
from engine.sources.readers import in_thread
from engine.sources.reading import Batches, Reading, Told, Where
from engine.sources.table import require
from engine.sources.turn import SHORT, in_turn

_Reader: TypeAlias = Callable[[BinaryIO, str, ColumnMap], Generator[Batch, None, None]]

_TEXTS: dict[str, _Reader] = {
    ".csv": csv_batches,
    ".tsv": csv_batches,
    ".txt": csv_batches,
    ".iif": iif_batches,
    ".ndjson": ndjson_batches,
    ".jsonl": ndjson_batches,
    ".json": json_batches,
}
_LINES = frozenset(_TEXTS) - {".json"}
_EXCEL = ".xlsx"
_EXTRAS = {".parquet": ("pyarrow", "parquet"), _EXCEL: ("openpyxl", "excel")}
"""The library that reads each other ending, and the extra of this package that installs it."""

_MARKED = frozenset({".json", ".ndjson", ".jsonl"})
"""Endings of files that are UTF-8 in any case, as the standard of JSON says."""

SMALL_BYTES = 100_000
"""Tables of lines up to this size (some 500 rows) are read without a thread, which would take 0.1 to 0.3 ms of CPU.
Measured: 1 to 2 ms for such a file, and 10 ms for one of 5,000 columns."""

QUICK_BYTES = 300_000
"""Files up to this size are read without a thread where they are not parsed: to compute a digest, or to find the lines
that are not known. That takes 0.3 to 0.5 ms for each 100 KB, and is done in turns, so that others go on between."""

_SMALL = frozenset({".csv", ".tsv", ".txt", ".ndjson", ".jsonl"})
"""Endings of files that are read without a thread if they are small: the others take up to 10 ms for each 100 KB."""

_OTHER_SHEETS = (".xls", ".xlsb", ".xlsm", ".ods", ".numbers")

SUFFIXES = (*_TEXTS, *_EXTRAS)

_ENDINGS = f"files are read by their ending, one of {', '.join(SUFFIXES)}"


def ending_fault(text: str) -> str | None:
    """Return what is wrong with the ending of a file's path; None: files of that ending can be read."""
    if text.lower().endswith(SUFFIXES):
        return None
    if text.lower().endswith(_OTHER_SHEETS):
        return f"such workbooks are not read: export the list as CSV, or save it as .xlsx ({_ENDINGS})"
    return _ENDINGS


def split_sheet(text: str) -> tuple[str, str | None]:
    """Split `exports/123.xlsx#Sheet name` into path and sheet; None: no sheet is named."""
    match = re.fullmatch(r"(.+\.xlsx)#(.+)", text, re.IGNORECASE | re.DOTALL)
    return (match[1], match[2]) if match else (text, None)


class FileSource:
    """A file of wanted rows: an async iterable of batches. It can be read more than once, and is opened each time.

    The ending decides how it is read. A workbook's path may name a sheet: see `split_sheet`.
    """

    def __init__(self, path: Path | str, mapping: ColumnMap | None = None) -> None:
        self.sheet: str | None  # of a workbook
        file, self.sheet = split_sheet(str(path))
        self.path: Path = Path(file)
        self._is_of_lines = self.path.suffix.lower() in _SMALL
        self.mapping: ColumnMap = mapping or ColumnMap()

    @property
    def name(self) -> str:
        """The source's name in messages."""
        return str(self.path) if self.sheet is None else f"{self.path}#{self.sheet}"

    def __repr__(self) -> str:
        return f"FileSource({self.name!r})"

    @property
    def size_bytes(self) -> int:
        """The file's size; 0: it cannot be determined."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    @property
    def _is_small(self) -> bool:
        """Whether reading it takes the event loop no longer than handing it to a thread would."""
        return self._is_of_lines and self.size_bytes <= SMALL_BYTES

    @property
    def _is_quick(self) -> bool:
        """Whether it takes the event loop no longer to look at the file's bytes than to hand that to a thread."""
        return self._is_of_lines and self.size_bytes <= QUICK_BYTES

    def absence(self) -> str | None:
        """Return why the file cannot be read, as far as opening it shows; None: it can be opened."""
        try:
            _require_extra(self.path, self.name)
            _require_file(self.path, self.name)
            self.path.open("rb").close()
        except OSError as error:
            return _unreadable(self.name, error)
        except SourceError as error:
            return str(error)
        return None

    async def digest(self) -> bytes | None:
        """Return the digest that reading the file now would give; None: there is none, or the file cannot be read.

        Equal digests mean equal rows, valid and invalid: the digest covers all bytes, and how they are read.
        """
        work = partial(_digest, self.path, self.mapping)
        if self._is_small:
            return work()
        return await (in_turn(SHORT + 1, work) if self._is_quick else in_thread(work))

    def __aiter__(self) -> Reading:
        """Yield the rows in batches. Raises `SourceError` for a fault of the file as a whole."""
        batches = _batches(self.path, self.name, self.sheet, self.mapping, None)
        return Reading(batches, where=Where.HERE if self._is_small else Where.THREAD)


def has_rows_in_lines(source: FileSource) -> bool:
    """Return whether a line of the file may stand for its row, and the file is not too large to hold its lines."""
    return may_have_rows_in_lines(source.path.suffix.lower(), source.mapping) and source.size_bytes <= MOST_BYTES


class OtherLines:
    """The rows of a file whose lines are not known, as a source."""

    def __init__(self, source: FileSource, seed: bytes, known: Sequence[int]) -> None:
        """Take a file, and what is known of its lines (`KnownLines`).

        `seed`: a part of their hashes; how the file is read is another one.
        """
        suffix = source.path.suffix.lower()
        how = begun(suffix, source.mapping)
        how.update(seed)
        self.name: str = source.name
        self.lines = KnownLines(seed=how.digest(), known=known, has_header=has_header(suffix))
        self._source = source

    def __aiter__(self) -> Reading:
        """Yield the rows in batches."""
        source = self._source
        batches = _batches(source.path, source.name, source.sheet, source.mapping, self.lines)
        if self.lines.known and source._is_quick:  # noqa: SLF001  of this module
            return Reading(batches, where=Where.TURN)
        return Reading(batches, where=Where.HERE if source._is_small else Where.THREAD)  # noqa: SLF001


def _batches(path: Path, name: str, sheet: str | None, mapping: ColumnMap, lines: KnownLines | None) -> Batches:
    """Yield a file's batches. Raises `SourceError` for every way in which it cannot be read.

    `lines`: those that are known are not read.
    """
    reader = _reader(path, name, sheet)
    try:
        _require_extra(path, name)
        _require_file(path, name)
        raw = Digested(path, begun(path.suffix, mapping))
        before = os.fstat(raw.fileno())
        with BufferedReader(raw) as file:
            require_age(name, mapping, before.st_mtime)
            yield from reader(file if lines is None else _left(file, lines), name, mapping)
        _require_still(path, name, before)
        return Told(raw.digest(), _end(path, raw))  # none for workbooks and Parquet: reading these seeks
    except OSError as error:
        raise SourceError(_unreadable(name, error), file=name) from error
    except UnicodeError as error:
        raise _misencoded(path, name, mapping) from error


def _left(file: BinaryIO, lines: KnownLines) -> BinaryIO:
    """Return what is to be read of a file, as a file."""
    return BufferedReader(cast("RawIOBase", BytesIO(lines.left(file.read()))))


def _require_still(path: Path, name: str, before: os.stat_result) -> None:
    """Raise `SourceError` if the file changed while it was read: it may be part old, part new, or still growing.

    Programs that copy a file into place may set its old time of change; of its status (`st_ctime`) nobody can set it.
    """
    after = path.stat()
    if _state(after) != _state(before):
        raise SourceError(
            f"{name} changed while it was read ({before.st_size:,} bytes before, {after.st_size:,} after), so it may "
            "not be whole: wait until whatever writes it has ended, then try again",
            file=name,
        )


def _state(file: os.stat_result) -> tuple[int, ...]:
    return file.st_size, file.st_mtime_ns, file.st_ctime_ns


def _end(path: Path, raw: Digested) -> FileEnd | None:
    """Return how a file of lines ended. Without a line end at its end, it is read again to count its lines."""
    told = raw.end() if path.suffix.lower() in _LINES else None
    if told is None:
        return None
    size_bytes, is_ended = told
    if is_ended or not size_bytes:
        return FileEnd(size_bytes, 0, is_ended=True)
    with path.open("rb") as file:
        return FileEnd(size_bytes, sum(1 for _ in file), is_ended=False)


def _digest(path: Path, mapping: ColumnMap) -> bytes | None:
    if path.suffix.lower() not in _TEXTS:
        return None
    try:
        _require_file(path, "")
        require_age("", mapping, path.stat().st_mtime)  # an old file must be read, and be refused
        with path.open("rb", buffering=0) as file:
            return file_digest(file, partial(begun, path.suffix, mapping)).digest()
    except (OSError, SourceError):
        return None


def _reader(path: Path, name: str, sheet: str | None) -> _Reader:
    suffix = path.suffix.lower()
    if suffix in _TEXTS:
        return partial(_text_batches, _TEXTS[suffix])
    if suffix in _EXTRAS:
        return partial(excel_batches, sheet=sheet) if suffix == _EXCEL else parquet_batches
    raise SourceError(f"{name}: {ending_fault(suffix)}", file=name)


def _text_batches(reader: _Reader, file: BinaryIO, name: str, mapping: ColumnMap) -> Generator[Batch, None, None]:
    require_text(file, name, is_json=reader in {ndjson_batches, json_batches})
    yield from reader(file, name, mapping)


def _require_extra(path: Path, name: str) -> None:
    if (needed := _EXTRAS.get(path.suffix.lower())) is not None:
        module, extra = needed
        require(module, extra=extra, name=name)


def _require_file(path: Path, name: str) -> None:
    """Raise `SourceError` for a folder or a pipe: to open a pipe without a writer would never return."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise SourceError(f"{name} is not a file", file=name)


def _unreadable(name: str, error: OSError) -> str:
    return f"{name} cannot be read: {error.strerror or error}"


def _misencoded(path: Path, name: str, mapping: ColumnMap) -> SourceError:
    """Return the error for a file that is not in its encoding. It is read again, as bytes, to find the place."""
    with path.open("rb") as file:
        said = None if path.suffix.lower() in _MARKED else mapping.encoding
        return misencoded(file, name, encoding_of(file, name, said))
