"""Files as sources: CSV, NDJSON and JSON, read in a thread, a few thousand rows at a time."""

from __future__ import annotations

import stat
from collections.abc import AsyncGenerator, Callable, Generator
from pathlib import Path
from threading import Lock
from typing import BinaryIO, TypeAlias

from anyio import to_thread

from engine.errors import SourceError
from engine.sources.batch import Batch
from engine.sources.delimited import csv_batches
from engine.sources.jsonfile import json_batches, ndjson_batches
from engine.sources.mapping import ColumnMap

Batches: TypeAlias = Generator[Batch, None, None]

_READERS: dict[str, Callable[[BinaryIO, str, ColumnMap], Batches]] = {
    ".csv": csv_batches,
    ".tsv": csv_batches,
    ".txt": csv_batches,
    ".ndjson": ndjson_batches,
    ".jsonl": ndjson_batches,
    ".json": json_batches,
}
SUFFIXES = tuple(_READERS)

_UTF16_OR_32 = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")  # byte order marks


class FileSource:
    """A file of wanted rows: an async iterable of batches. It can be read more than once, and is opened each time."""

    def __init__(self, path: Path | str, mapping: ColumnMap | None = None) -> None:
        self.path = Path(path)
        self.mapping = mapping or ColumnMap()

    @property
    def name(self) -> str:
        """What messages call it."""
        return str(self.path)

    def __repr__(self) -> str:
        return f"FileSource({self.name!r})"

    def absence(self) -> str | None:
        """Return why there is nothing to read, as far as can be told without reading; None: there is a file."""
        try:
            _require_file(self.path, self.name)
            self.path.open("rb").close()
        except OSError as error:
            return _unreadable(self.name, error)
        except SourceError as error:
            return str(error)
        return None

    async def __aiter__(self) -> AsyncGenerator[Batch, None]:
        """Yield the rows in batches. Raises `SourceError` where the file as a whole is at fault."""
        feed = _Feed(_batches(self.path, self.name, self.mapping))
        try:
            while (batch := await to_thread.run_sync(feed.next)) is not None:
                yield batch
        finally:
            feed.close()


class _Feed:
    """A generator that a thread runs and that any thread may close, even while it runs.

    A cancelled task does not wait for its thread: then the thread closes the file as soon as it comes back.
    """

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self._running = Lock()
        self._closed = False

    def next(self) -> Batch | None:
        with self._running:
            batch = next(self._batches, None)
        if self._closed:
            self.close()
        return batch

    def close(self) -> None:
        self._closed = True
        if self._running.acquire(blocking=False):
            try:
                self._batches.close()
            finally:
                self._running.release()


def _batches(path: Path, name: str, mapping: ColumnMap) -> Batches:
    """Yield a file's batches; every way in which it cannot be read is a `SourceError`."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise SourceError(f"{name}: files are read by their ending, one of {', '.join(SUFFIXES)}", file=name)
    try:
        _require_file(path, name)
        with path.open("rb") as file:
            _refuse_utf16(file, name)
            yield from reader(file, name, mapping)
    except OSError as error:
        raise SourceError(_unreadable(name, error), file=name) from error
    except UnicodeDecodeError as error:
        raise _misencoded(path, name) from error


def _require_file(path: Path, name: str) -> None:
    """Refuse folders, and pipes: opening one without a writer would never return."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise SourceError(f"{name} is not a file", file=name)


def _unreadable(name: str, error: OSError) -> str:
    return f"{name} cannot be read: {error.strerror or error}"


def _refuse_utf16(file: BinaryIO, name: str) -> None:
    if file.read(4).startswith(_UTF16_OR_32):
        raise SourceError(f"{name}, line 1, byte 1: the file is UTF-16 or UTF-32: save it as UTF-8", file=name, line=1)
    file.seek(0)


def _misencoded(path: Path, name: str) -> SourceError:
    """Return the error that names the first byte that is not UTF-8: the file is read again, as bytes, to find it."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                place = f"{name}, line {number}, byte {error.start + 1}"
                byte = f"0x{line[error.start]:02X}"
                advice = 'save the file as UTF-8 (in Excel: "CSV UTF-8")'
                return SourceError(f"{place}: {byte} is not UTF-8: {advice}", file=name, line=number)
    return SourceError(f"{name} changed while it was read: try again", file=name)
