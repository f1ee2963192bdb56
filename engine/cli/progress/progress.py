"""Progress of a run on a stream: a live display on a terminal, else a plain line every few seconds.

A separate thread counts and paints. So an event costs the run next to nothing, and a terminal that is stopped, slow or
gone costs it nothing: only the painting waits, or ends.
"""

from __future__ import annotations

import os
import time
from collections import deque
from threading import Event as Flag
from threading import Thread
from types import TracebackType
from typing import Self, TextIO

from engine.cli.desk.first_causes import first_causes
from engine.cli.desk.grouping import CALM
from engine.cli.progress.words import count_words, kind_of, line_words, trouble_words, wait_words, waits
from engine.model.events import Event
from engine.observe.tally import Tally
from engine.observe.view import News, Trouble, View, Wait

FRAME_S = 0.25
"""Seconds between two frames: four frames a second."""

LINE_S = 5.0
"""Seconds between two plain lines; in long runs a twentieth of the elapsed time, so that logs stay short."""

FAREWELL_S = 1.0
"""Seconds that `close` waits for the last frame: a terminal may be stopped (Ctrl-S)."""


class Progress:
    """Shows a run's events on a stream during its `with` block. The run never sees a failure of the stream."""

    def __init__(self, title: str, stream: TextIO) -> None:
        self._title = title
        self._stream = stream
        self._began = time.monotonic()
        self._tally = Tally(title, first_causes, self._began)
        self._events: deque[tuple[float, Event]] = deque()
        self._said: deque[str] = deque()
        self._told: dict[str, int] = {}  # trouble, as it was first told -> companies that it was last told of
        self._is_gone = False  # nobody sees anything any more
        self._over = Flag()
        self._painter = Thread(target=self._paint, name="progress", daemon=True)

    def __enter__(self) -> Self:
        """Begin to paint."""
        self._painter.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Clear a live display, print the plain lines that are left, and stop. Idempotent."""
        self._over.set()
        self._painter.join(FAREWELL_S)

    def take(self, event: Event) -> None:
        """Take an event, to be counted by the painter."""
        if not self._is_gone:
            self._events.append((time.monotonic(), event))

    def say(self, text: str) -> None:
        """Show a line that is not about an event."""
        self._said.append(text)

    def _paint(self) -> None:
        try:
            if self._stream.isatty() and os.environ.get("TERM", "dumb") not in {"dumb", "unknown"}:
                self._paint_live()
            else:
                self._paint_lines()
        except (OSError, ValueError):  # the stream is gone or closed, or cannot encode the text
            self._is_gone = True
            self._events.clear()

    def _count(self) -> list[News]:
        """Count the events that have come; return what they are the first to show."""
        news: list[News] = []
        for _ in range(len(self._events)):
            at, event = self._events.popleft()
            news += self._tally.take(event, at)
        return news

    def _view(self) -> View:
        return self._tally.view(time.monotonic())

    def _paint_live(self) -> None:
        from engine.cli.progress.display import Display  # noqa: PLC0415  it brings a part of rich; logs do without

        with Display(self._view, self._stream) as display:
            while not self._over.wait(FRAME_S):
                self._count()
                while self._said:
                    display.say(self._said.popleft())
                display.refresh()

    def _paint_lines(self) -> None:
        due, shown = self._began + LINE_S, ""
        while not self._over.wait(FRAME_S):
            self._tell_at_once()
            view, now = self._view(), time.monotonic()  # looked at all the time, so that the pace is known
            if now < due:
                continue
            line = line_words(view)
            if line != shown:
                self._write([line, *(f"waits: {text}" for text, _ in waits(view)), *self._grown(view)])
            due, shown = now + max(LINE_S, (now - self._began) / 20), line
        self._tell_at_once()
        self._write(self._grown(self._view()))

    def _tell_at_once(self) -> None:
        """Write at once what `say` was given, and trouble when the first company or account has it."""
        for news in self._count():
            if isinstance(news, Wait):
                self._write([wait_words(news)])
                continue
            self._told[_name(news)] = 1
            if news.gravity not in CALM:
                self._write([f"{kind_of(news)[0]} {trouble_words(news)}"])
        while self._said:
            self._write([self._said.popleft()])

    def _grown(self, view: View) -> list[str]:
        """Return lines on the trouble that more companies have than when it was told last."""
        grown = [
            one for one in view.troubles if one.gravity not in CALM and one.companies > self._told.get(_name(one), 0)
        ]
        self._told.update((_name(one), one.companies) for one in grown)
        return [count_words(one) for one in grown]

    def _write(self, lines: list[str]) -> None:
        self._stream.write("".join(f"{self._title}: {line}\n" for line in lines))
        self._stream.flush()


def _name(trouble: Trouble) -> str:
    return f"{trouble.code} {trouble.company_id} {trouble.message}"
