"""Standard streams that survive being closed, full, or without a reader: a run must not end because of them."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from datetime import UTC, datetime
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

STDOUT = "standard output"


class _Output(FileIO):
    """Standard output whose errors carry its name, as errors of files carry the file's name."""

    def write(self, data: ReadableBuffer) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise OSError(error.errno, error.strerror, STDOUT) from error


class _Remarks(FileIO):
    """Standard error that drops what cannot be written: a run must not fail because its progress cannot be shown."""

    is_dated = False  # whether each line begins with the time, as logs want it
    _is_in_line = False

    def write(self, data: ReadableBuffer) -> int:
        with suppress(OSError):
            super().write(self._dated(bytes(data)) if self.is_dated else data)
        return len(memoryview(data))

    def _dated(self, data: bytes) -> bytes:
        stamp = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} ".encode()
        lines = data.splitlines(keepends=True)
        dated = b"".join(stamp + line if line.strip() else line for line in lines)
        is_in_line, self._is_in_line = self._is_in_line, not data.endswith(b"\n")
        return dated.removeprefix(stamp) if is_in_line else dated


def open_streams(*, is_dated: bool = False) -> None:
    """Open those of the three standard streams that the process was started without. Idempotent.

    Otherwise the next file opened would get the number of the closed stream, and uvloop aborts on that. Writing to a
    standard output that was closed fails, as on a full disk. Characters that the locale cannot spell are escaped.
    `is_dated`: lines of standard error begin with the time, unless it is a terminal.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):  # the system gives it the lowest free number, which is this one
                os.open(os.devnull, os.O_RDONLY if number == 1 else os.O_RDWR)
    sys.stdout = _text(_Output(1, "w", closefd=False), sys.stdout)
    remarks = _Remarks(2, "w", closefd=False)
    remarks.is_dated = is_dated and not remarks.isatty()
    sys.stderr = _text(remarks, sys.stderr)


def mute() -> None:
    """Send standard output to the null device, so that flushing its buffer at exit does not fail a second time."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _text(raw: FileIO, was: TextIO | None) -> TextIOWrapper:
    """Return a text stream with the encoding of the stream it replaces; what it cannot encode is escaped."""
    encoding = None if was is None else was.encoding
    by_line = raw.isatty() or isinstance(raw, _Remarks)
    return TextIOWrapper(BufferedWriter(raw), encoding, errors="backslashreplace", line_buffering=by_line)
