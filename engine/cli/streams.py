"""Standard streams that are closed or full, or whose reader has left: a run goes on without them."""

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
    """Standard output: each error names it, as those of files name them."""

    def write(self, data: ReadableBuffer) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise OSError(error.errno, error.strerror, STDOUT) from error


class _Remarks(FileIO):
    """Standard error: what cannot be written to it is lost. A run does not fail because its progress is not shown."""

    def write(self, data: ReadableBuffer) -> int:
        with suppress(OSError):
            super().write(data)
        return len(memoryview(data))


def open_streams() -> None:
    """Give the process all three standard streams, whatever it was started with. Idempotent.

    A number that is closed would go to the next file opened, and uvloop aborts on that. What is written to a standard
    output that was closed fails, as on a full disk. What is printed can be spelled in any locale.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):  # it takes the lowest number that is free
                os.open(os.devnull, os.O_RDONLY if number == 1 else os.O_RDWR)
    sys.stdout = _text(_Output(1, "w", closefd=False), sys.stdout)
    sys.stderr = _text(_Remarks(2, "w", closefd=False), sys.stderr)


def mute() -> None:
    """Point standard output nowhere, so that what is still buffered does not fail again at the interpreter's end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _text(raw: FileIO, was: TextIO | None) -> TextIOWrapper:
    """Return a stream that spells text as the one before did; what it cannot spell is escaped."""
    encoding = None if was is None else was.encoding
    by_line = raw.isatty() or isinstance(raw, _Remarks)
    return TextIOWrapper(BufferedWriter(raw), encoding, errors="backslashreplace", line_buffering=by_line)
