"""Log records of the stdlib, under the logger `dimsync`: silent until a program sets up handlers and a level.

Each record has `run_id`, `account`, `company_id` and `request_id` as attributes, None where they do not apply. Of rows
there are counts alone, and of problems the codes; why an account waits or was stopped may be in the API's words.
"""

from __future__ import annotations

import logging
from typing import NamedTuple

from engine.model.balance import ExitCode
from engine.model.events import (
    ChunkSettled,
    CompanyFinished,
    CompanyStarted,
    Event,
    Listed,
    Parked,
    RequestAnswered,
    RunFinished,
    RunStarted,
    Waiting,
    WidthChanged,
)

LOGGER = logging.getLogger("dimsync")
LOGGER.addHandler(logging.NullHandler())

_QUIET = frozenset({ExitCode.DONE, ExitCode.PENDING})
"""Exit codes after which nobody has to do anything."""


class _Words(NamedTuple):
    """The level, text and values of a record."""

    level: int
    text: str
    arguments: tuple[object, ...]


def write(event: Event, run_id: str | None) -> None:
    """Write an event to the log, if it is one that is logged and a handler takes its level."""
    level = _LEVELS.get(type(event))
    if level is None or not LOGGER.isEnabledFor(level):
        return
    words = _words(event)
    extra = {
        "run_id": run_id,
        "account": getattr(event, "account", None),
        "company_id": getattr(event, "company_id", None),
        "request_id": getattr(event, "request_id", None),
    }
    if isinstance(event, CompanyFinished):
        extra |= {"account": event.result.account, "company_id": event.result.company_id}
    LOGGER.log(words.level, words.text, *words.arguments, extra=extra)


_LEVELS: dict[type, int] = {
    RunStarted: logging.INFO,
    RunFinished: logging.INFO,
    CompanyStarted: logging.DEBUG,
    CompanyFinished: logging.INFO,
    Listed: logging.DEBUG,
    ChunkSettled: logging.DEBUG,
    RequestAnswered: logging.DEBUG,
    Waiting: logging.INFO,
    WidthChanged: logging.DEBUG,
    Parked: logging.WARNING,
}
"""The lowest level of an event's record."""


def _words(event: Event) -> _Words:
    match event:
        case RunStarted():
            return _Words(logging.INFO, "run of %d companies began", (event.companies,))
        case RunFinished():
            return _Words(_level(event.result.exit_code), "run ended with exit code %d", (event.result.exit_code,))
        case CompanyStarted():
            return _Words(logging.DEBUG, "company began", ())
        case CompanyFinished():
            codes = ", ".join(sorted({problem.code for problem in event.result.problems})) or "no problems"
            return _Words(_level(event.result.exit_code), "company is %s: %s", (event.result.state, codes))
        case Listed():
            return _Words(logging.DEBUG, "listing: %s", (event.certificate.describe(),))
        case ChunkSettled():
            counts = (event.created, event.updated, event.rejected, event.uncertain)
            return _Words(logging.DEBUG, "chunk: %d created, %d updated, %d rejected, %d uncertain", counts)
        case RequestAnswered():
            told = event.status if event.status is not None else "no answer"
            return _Words(
                logging.DEBUG, "%s, attempt %d: %s after %.3f s", (event.kind, event.attempt, told, event.seconds)
            )
        case Waiting():
            level = logging.DEBUG if event.kind == "repeat" else logging.INFO
            return _Words(level, "waits %.1f s: %s", (event.seconds, event.reason))
        case WidthChanged():
            return _Words(logging.DEBUG, "%d requests at once: %s", (event.places, event.reason))
        case Parked():
            return _Words(logging.WARNING, "account was stopped: %s", (event.reason,))
        case _:
            raise AssertionError(event)


def _level(code: int) -> int:
    return logging.INFO if code in _QUIET else logging.WARNING
