"""The live display of a run: a few lines that are repainted in place, and cleared at the end."""

from __future__ import annotations

import time
from collections import deque
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from engine.observe.tally import Tally
from engine.observe.terminal import safe, trouble

RATE_OVER_S = 4.0
"""The request rate is the mean over this many seconds."""


class Display:
    """The display of one tally on a terminal. One thread owns it; `refresh` paints the current figures."""

    def __init__(self, title: str, tally: Tally, stream: TextIO) -> None:
        self._title = title
        self._tally = tally
        self._began = time.monotonic()
        self._samples: deque[tuple[float, int]] = deque()
        self._console = Console(file=stream, highlight=False, markup=False, emoji=False)
        self._live = Live(
            console=self._console,
            get_renderable=self._view,
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
        self._live.stop()

    def refresh(self) -> None:
        """Paint the current figures."""
        self._live.refresh()

    def say(self, text: str) -> None:
        """Print a line above the display, where it stays."""
        self._console.print(Text(text))

    def _view(self) -> Group:
        now, tally = time.monotonic(), self._tally
        lines = [Text(tally.line(self._rate(now)), no_wrap=True, overflow="ellipsis")]
        lines += [_line(f"… {line}", "yellow") for line in tally.standstills(now)]
        lines += [_line(trouble(result), "red") for result in list(tally.last)]
        return Group(self._bar(now), *lines)

    def _bar(self, now: float) -> Table:
        tally = self._tally
        grid = Table.grid(padding=(0, 1), expand=True)
        grid.add_column(no_wrap=True)
        grid.add_column(ratio=1)
        grid.add_column(no_wrap=True, justify="right")
        share = tally.finished / tally.companies if tally.companies else 0.0
        bar = ProgressBar(total=1.0, completed=share)
        seconds = int(now - self._began)
        grid.add_row(Text(self._title, style="bold"), bar, Text(f"{share:4.0%}  {seconds // 60}:{seconds % 60:02d}"))
        return grid

    def _rate(self, now: float) -> str:
        self._samples.append((now, self._tally.requests))
        while self._samples[0][0] < now - RATE_OVER_S:
            self._samples.popleft()
        since, before = self._samples[0]
        return f" ({(self._tally.requests - before) / (now - since):,.0f}/s)" if now - since > 0.5 else ""


def _line(text: str, style: str) -> Text:
    return Text(safe(text), style=style, no_wrap=True, overflow="ellipsis")
