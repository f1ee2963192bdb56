"""Standard streams that survive being closed, full, or without a reader: a run must not end because of them."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
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

    def write(self, data: ReadableBuffer) -> int:
        with suppress(OSError):
            super().write(data)
        return len(memoryview(data))


def open_streams() -> None:
    """Open those of the three standard streams that the process was started without. Idempotent.

    Otherwise the next file opened would get the number of the closed stream, and uvloop aborts on that. Writing to a
    standard output that was closed fails, as on a full disk. Characters that the locale cannot spell are escaped.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):  # the system gives it the lowest free number, which is this one
                os.open(os.devnull, os.O_RDONLY if number == 1 else os.O_RDWR)
    sys.stdout = _text(_Output(1, "w", closefd=False), sys.stdout)
    sys.stderr = _text(_Remarks(2, "w", closefd=False), sys.stderr)


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
