"""The live display of a run: a few lines that are repainted in place, and cleared at the end."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from types import TracebackType
from typing import Self, TextIO

from rich.cells import cell_len
from rich.console import Console, Group
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType
from rich.text import Text

from engine.cli.progress.screen import Line, screen
from engine.observe.view import View


class Display:
    """Shows how a run stands on a terminal. One thread owns it; `refresh` paints."""

    def __init__(self, view: Callable[[], View], stream: TextIO) -> None:
        self._view = view
        self._console = Console(file=stream, highlight=False, markup=False, emoji=False)
        self._shown: list[Line] = []
        self._live = Live(
            console=self._console,
            get_renderable=self._frame,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        """Begin to paint."""
        self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._go_to_first()
        self._live.stop()

    def refresh(self) -> None:
        """Paint how the run stands now."""
        self._go_to_first()
        self._live.refresh()

    def say(self, text: str) -> None:
        """Print a line above the display, where it stays."""
        self._console.print(Text(text))

    def _frame(self) -> Group:
        width, height = self._console.size
        self._shown = screen(self._view(), width, height, ascii_only=self._console.options.ascii_only)
        return Group(*(Text(line.text, style=line.style, no_wrap=True) for line in self._shown))

    def _go_to_first(self) -> None:
        """Clear the lines that are there because the terminal has become narrower and has wrapped what was shown."""
        width = self._console.width
        more = sum(max(1, ceil(cell_len(line.text) / width)) for line in self._shown) - len(self._shown)
        for _ in range(more):
            self._console.control(
                Control((ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1), ControlType.CARRIAGE_RETURN)
            )
