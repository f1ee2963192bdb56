"""The live display of a run: a few lines that are repainted in place, and cleared at the end.

Each frame is one write of a dozen plain control codes. With rich's `Live`, a frame took 0.42 ms of processor instead of
0.07, and 0.09 s to import: together over a hundredth of a run's time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from math import ceil
from types import TracebackType
from typing import Self, TextIO

from rich.cells import cell_len

from engine.cli.progress.screen import Line, screen
from engine.observe.view import View

HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
ERASE_BELOW = "\x1b[J"

STYLES = {"bold": "\x1b[1m", "red": "\x1b[31m", "yellow": "\x1b[33m", "magenta": "\x1b[35m", "cyan": "\x1b[36m"}
PLAIN = "\x1b[0m"

USUAL_SIZE = 80, 24
"""Columns and lines of a terminal that does not tell its size."""


class Display:
    """Shows how a run stands on a terminal. One thread owns it; `refresh` paints."""

    def __init__(self, view: Callable[[], View], stream: TextIO) -> None:
        self._view = view
        self._stream = stream
        self._has_colours = not os.environ.get("NO_COLOR")
        self._is_ascii = "utf" not in (stream.encoding or "").lower()
        self._shown: Sequence[Line] = ()

    def __enter__(self) -> Self:
        """Begin to paint."""
        self._write(HIDE_CURSOR)
        self.refresh()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write(self._cleared() + SHOW_CURSOR)

    def refresh(self) -> None:
        """Paint how the run stands now."""
        width, height = size_of(self._stream)
        cleared = self._cleared()
        self._shown = screen(self._view(), width, height, ascii_only=self._is_ascii)
        self._write(cleared + "\r\n".join(map(self._styled, self._shown)))

    def say(self, text: str) -> None:
        """Print a line above the display, where it stays."""
        cleared = self._cleared()
        self._shown = ()
        self._write(f"{cleared}{text}\r\n")

    def _styled(self, line: Line) -> str:
        style = STYLES.get(line.style, "") if self._has_colours or line.style == "bold" else ""
        return f"{style}{line.text}{PLAIN}" if style else line.text

    def _cleared(self) -> str:
        """Return what clears the lines that were shown, as many as they are now.

        A terminal that became narrower has wrapped those that were too long for it.
        """
        width, height = size_of(self._stream)
        rows = sum(max(1, ceil(cell_len(line.text) / width)) for line in self._shown)
        up = min(rows, height) - 1
        return f"\r\x1b[{up}A{ERASE_BELOW}" if up > 0 else f"\r{ERASE_BELOW}"

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def size_of(stream: TextIO) -> tuple[int, int]:
    """Return the columns and lines of a terminal: those that `COLUMNS` and `LINES` tell, else its own."""
    told = os.environ.get("COLUMNS", ""), os.environ.get("LINES", "")
    columns, lines = (int(each) if each.isascii() and each.isdigit() else 0 for each in told)
    if not columns or not lines:
        try:
            own = os.get_terminal_size(stream.fileno())
        except OSError:
            own = os.terminal_size(USUAL_SIZE)
        columns, lines = columns or own.columns, lines or own.lines
    return columns or USUAL_SIZE[0], lines or USUAL_SIZE[1]
