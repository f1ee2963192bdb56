"""Progress of a run on a stream: a live display on a terminal, else a plain line every few seconds.

A separate thread paints. So an event costs the run a few additions, and a terminal that is stopped, slow or gone costs
it nothing: only the painting waits, or ends.
"""

from __future__ import annotations

import os
import time
from collections import deque
from threading import Event as Flag
from threading import Thread
from types import TracebackType
from typing import Self, TextIO

from engine.model.events import CompanyFinished, Event, Parked
from engine.observe.tally import Tally
from engine.observe.terminal import needs_person, safe, trouble

FRAME_S = 0.125
"""Seconds between two frames: eight frames a second."""

LINE_S = 5.0
"""Seconds between two plain lines; in long runs a twentieth of the elapsed time, so that logs stay short."""

FAREWELL_S = 1.0
"""Seconds that `close` waits for the last frame: a terminal may be stopped (Ctrl-S)."""


class Progress:
    """Shows a run's events on a stream during its `with` block. The run never sees a failure of the stream."""

    def __init__(self, title: str, stream: TextIO) -> None:
        self._title = title
        self._stream = stream
        self._tally = Tally()
        self._lines: deque[str] = deque()
        self._said: deque[str] = deque()
        self._over = Flag()
        self._began = time.monotonic()
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
        """Count an event, and queue a line if a person should know of it at once."""
        self._tally.take(event, time.monotonic())
        if isinstance(event, CompanyFinished) and needs_person(event.result):
            self._lines.append(trouble(event.result))
        elif isinstance(event, Parked):
            self._lines.append(safe(f"account {event.account} can do no more in this run: {event.reason}"))

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
            return

    def _paint_live(self) -> None:
        from engine.observe.live import Display  # noqa: PLC0415  rich takes 0.1 s to import; logs and pipes do without

        with Display(self._title, self._tally, self._stream) as display:
            while not self._over.wait(FRAME_S):
                while self._said:
                    display.say(self._said.popleft())
                display.refresh()

    def _paint_lines(self) -> None:
        due, shown = self._began + LINE_S, ""
        while not self._over.wait(FRAME_S):
            self._flush()
            now = time.monotonic()
            if now < due:
                continue
            line = self._tally.line()
            if line != shown:
                self._write([f"{now - self._began:,.0f} s: {line}", *map(safe, self._tally.standstills(now))])
            due, shown = now + max(LINE_S, (now - self._began) / 20), line
        self._flush()

    def _flush(self) -> None:
        while self._said:
            self._write([self._said.popleft()])
        while self._lines:
            self._write([self._lines.popleft()])

    def _write(self, lines: list[str]) -> None:
        self._stream.write("".join(f"{self._title}: {line}\n" for line in lines))
        self._stream.flush()
