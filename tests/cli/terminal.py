"""A pseudo-terminal, and a model of the screen behind it, which wraps lines anew when its width changes."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import IO, Self

from tests.nursery import PATIENCE_S

PIECES = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")


@dataclass(slots=True)
class Row:
    """A row of the screen. `goes_on`: the next row belongs to the same line."""

    text: str = ""
    goes_on: bool = False


@dataclass(slots=True)
class Screen:
    """Rows without end, as with scrollback, and the cursor."""

    width: int
    rows: list[Row] = field(default_factory=lambda: [Row()])
    row: int = 0
    column: int = 0
    is_cursor_shown: bool = True

    @property
    def text(self) -> str:
        """What can be read."""
        return "\n".join(row.text.rstrip() for row in self.rows).rstrip()

    def take(self, text: str) -> None:
        """Take what a program writes. Only what live displays use is understood; all else is an error."""
        at = 0
        for piece in PIECES.finditer(text):
            assert piece.start() == at, f"not understood: {text[at : piece.start()]!r}"
            at = piece.end()
            how, code, control, words = piece.groups()
            if words:
                self._write(words)
            elif control == "\r":
                self.column = 0
            elif control == "\n":
                self._down()
            else:
                self._obey(how, code)
        assert at == len(text), f"not understood: {text[at:]!r}"

    def resize(self, width: int) -> None:
        """Wrap all lines anew; the cursor stays where it is in its line."""
        rows: list[Row] = []
        place = 0
        line, cursor = "", -1
        for number, row in enumerate(self.rows):
            if number == self.row:
                cursor = len(line) + self.column
            line += row.text
            if row.goes_on:
                continue
            parts = [line[start : start + width] for start in range(0, max(1, len(line)), width)]
            if cursor >= 0:
                place, self.column = len(rows) + min(cursor // width, len(parts) - 1), cursor % width
                cursor = -1
            rows += [Row(part, goes_on=part is not parts[-1]) for part in parts]
            line = ""
        self.rows, self.row, self.width = rows, place, width

    def _write(self, words: str) -> None:
        for char in words:
            if self.column == self.width:
                self.rows[self.row].goes_on = True
                self.column = 0
                self._down()
            row = self.rows[self.row]
            row.text = row.text[: self.column].ljust(self.column) + char + row.text[self.column + 1 :]
            self.column += 1

    def _down(self) -> None:
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append(Row())

    def _obey(self, how: str, code: str) -> None:
        match how, code:
            case _, "m":
                pass
            case "?25", "l" | "h":
                self.is_cursor_shown = code == "h"
            case "", "J":
                self.rows[self.row] = Row(self.rows[self.row].text[: self.column])
                del self.rows[self.row + 1 :]
            case _, "A":
                assert self.row >= int(how), "above the screen"
                self.row -= int(how)
            case _:
                raise AssertionError(f"not understood: {how}{code}")


class Terminal:
    """A pseudo-terminal; `program_end` is for the program, which sees a terminal there."""

    def __init__(self, width: int, height: int) -> None:
        self._ours, theirs = pty.openpty()
        self.program_end: IO[bytes] = os.fdopen(theirs, "wb", buffering=0)
        self.screen = Screen(width)
        self.raw = ""
        self._height = height
        self._set_size(width)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.program_end.close()
        os.close(self._ours)

    def resize(self, width: int) -> None:
        """Change the width."""
        self.screen.resize(width)
        self._set_size(width)

    def until(self, condition: Callable[[], bool]) -> None:
        """Read what comes until a condition holds."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, f"it did not come about:\n{self.screen.text}"
            if select.select([self._ours], [], [], 0.01)[0]:
                self._read()

    def drain(self) -> None:
        """Read what is there."""
        while select.select([self._ours], [], [], 0)[0]:
            self._read()

    def _read(self) -> None:
        part = os.read(self._ours, 65_536)
        while (more := _missing(part)) > 0:  # the rest of a character, or of a control code
            part += os.read(self._ours, more)
        text = part.decode()
        self.raw += text
        self.screen.take(text)

    def _set_size(self, width: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", self._height, width, 0, 0))


def _missing(part: bytes) -> int:
    """Return 1 while a piece ends within a character or a control code."""
    try:
        text = part.decode()
    except UnicodeDecodeError:
        return 1
    return int(re.search(r"\x1b(?:\[[?\d;]*)?$", text) is not None)
