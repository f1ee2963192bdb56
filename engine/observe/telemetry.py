"""What is told everything that an engine does: the log, and the `telemetry` that a program hands in."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import ParamSpec, Protocol

from engine.model.events import Event
from engine.observe import logs
from engine.observe.logs import LOGGER

P = ParamSpec("P")


class Telemetry(Protocol):
    """Receives what an engine does, as it happens: `Engine(settings, telemetry=...)`, such as `OpenTelemetry`.

    Its methods must return at once: the engine waits for them. One that raises is told to the log, and the telemetry
    gets nothing more of that run.
    """

    def take(self, event: Event, run_id: str | None) -> None:
        """Receive an event of a run; `run_id` None: of a call outside of any run, such as `Engine.rows`.

        The first event of a run comes in the context (`contextvars`) of the caller who began it.
        """

    def ended(self, run_id: str, error: BaseException | None) -> None:
        """Note that a run has ended, after its last event; `error`: what it raised instead of giving a result."""

    def lagged(self, seconds: float) -> None:
        """Receive by how many seconds the event loop was late; measured several times a second during a run."""


class Telling:
    """Tells the log and the telemetry what happens in one run (`run_id`), or outside of any (None)."""

    def __init__(self, telemetry: Telemetry | None, run_id: str | None) -> None:
        self._telemetry = telemetry
        self._run_id = run_id

    def listens(self) -> bool:
        """Return whether the log or the telemetry takes the events of single requests."""
        return self._telemetry is not None or LOGGER.isEnabledFor(logging.DEBUG)

    def take(self, event: Event) -> None:
        """Tell of an event."""
        logs.write(event, self._run_id)
        if self._telemetry is not None:
            self._tell(self._telemetry.take, event, self._run_id)

    def ended(self, error: BaseException | None) -> None:
        """Tell that the run has ended."""
        if self._telemetry is not None and self._run_id is not None:
            self._tell(self._telemetry.ended, self._run_id, error)

    def lagged(self, seconds: float) -> None:
        """Tell by how much the event loop was late."""
        if self._telemetry is not None:
            self._tell(self._telemetry.lagged, seconds)

    @property
    def measures_lag(self) -> bool:
        """Whether the log or the telemetry takes how late the event loop is."""
        return self._telemetry is not None

    def _tell(self, method: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        """Tell the telemetry something. If it fails, log that, and tell it nothing more."""
        try:
            method(*args, **kwargs)
        except Exception:  # noqa: BLE001  whatever a program's own telemetry raises, the run goes on
            self._telemetry = None
            text = "the telemetry failed, and is told nothing more of this run"
            LOGGER.exception(text, extra={"run_id": self._run_id})
