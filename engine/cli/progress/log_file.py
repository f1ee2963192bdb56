"""The log file of a run (`--log-file`): dated lines with levels, in files of a bounded size.

A thread of its own writes it, so that a slow disk holds up no run, and a full one ends none.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path
from queue import SimpleQueue

import click

from engine.cli.progress.log_words import entries
from engine.errors import EngineError
from engine.model.events import Event
from engine.model.settings import Account, Secret
from engine.net.redaction import redacted
from engine.observe.terminal import safe

LARGEST_BYTES = 10_000_000
BACKUPS = 5
"""A file that would grow larger is renamed to FILE.1, and so on to FILE.5; older lines are lost."""

CODE = re.compile(r"\\u([0-9a-f]{4})|%([0-9a-f]{2})", re.IGNORECASE)
"""Matches a character that JSON or a URL has written as a code."""


class Log:
    """A watcher of a run that writes down its events. `close` waits until all is written. Idempotent."""

    def __init__(self, handler: logging.Handler, format_: Format) -> None:
        queue: SimpleQueue[logging.LogRecord] = SimpleQueue()
        self._logger = logging.getLogger("dimsync-log-file")  # apart from the library's own records
        self._logger.setLevel(logging.INFO)
        self._logger.propagate = False
        self._to_thread = QueueHandler(queue)
        self._logger.addHandler(self._to_thread)
        self._handler = handler
        self._format = format_
        self._listener = QueueListener(queue, handler)
        self._listener.start()
        self._is_open = True

    def hide(self, accounts: Iterable[Account]) -> None:
        """Write none of these accounts' credentials from now on."""
        self._format.secrets = frozenset(
            secret
            for account in accounts
            for secret in (account.api_key, account.client_id, account.client_secret)
            if secret.reveal() and not secret.fault
        )

    def take(self, event: Event) -> None:
        """Write down an event."""
        for level, text in entries(event):
            self._logger.log(level, "%s", text)

    def say(self, text: str) -> None:
        """Write down something that is not about an event."""
        self._logger.warning("%s", text)

    def note(self, text: str, level: int = logging.INFO) -> None:
        """Write down how the run was begun, or why it could not be."""
        self._logger.log(level, "%s", text)

    def close(self) -> None:
        """Write down what is left."""
        if self._is_open:
            self._is_open = False
            self._logger.removeHandler(self._to_thread)
            self._listener.stop()
            with suppress(OSError):  # `Files` has told of it
                self._handler.close()


class Format(logging.Formatter):
    """Makes lines of one shape: time with its zone, level, text. What is secret, or no plain text, is not in them."""

    def __init__(self) -> None:
        super().__init__()
        self.secrets: frozenset[Secret] = frozenset()

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return f"{at} {record.levelname:<7} {safe(without(record.getMessage(), self.secrets))}"


def without(text: str, secrets: Iterable[Secret]) -> str:
    """Return a text without secrets, as `redacted` does; quickly, where there are hundreds, and none is in it."""
    seen = "\n".join(_spellings(text))
    return redacted(text, [each for each in secrets if any(one in seen for one in _spellings(each.reveal()))])


def _spellings(text: str) -> tuple[str, str]:
    """Return a text without escapes: as it stands, and with its codes read."""
    read = CODE.sub(lambda code: chr(int(code[1] or code[2], 16)), text)
    return text.replace("\\", "").lower(), read.replace("\\", "").lower()


class Files(RotatingFileHandler):
    """The file, and those that it was before. New ones can be read by their owner alone."""

    def __init__(self, file: Path, largest_bytes: int = LARGEST_BYTES) -> None:
        """Open the file. Raises `OSError`."""
        self._has_failed = False
        super().__init__(file, maxBytes=largest_bytes, backupCount=BACKUPS, encoding="utf-8")

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return TextIOWrapper(os.fdopen(descriptor, "ab"), encoding="utf-8", errors="backslashreplace")

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802  logging's signature
        """Tell once that the file cannot be written; the run goes on."""
        if not self._has_failed:
            self._has_failed = True
            click.echo(
                f"Note: {safe(self.baseFilename)} could not be written; the run goes on without its log", err=True
            )


@contextmanager
def opened_log(file: Path | None) -> Iterator[Log | None]:
    """Give the log that a file keeps; None: there is none. What ends the block is written down. Raises `OSError`."""
    if file is None:
        yield None
        return
    handler, format_ = Files(file), Format()
    handler.setFormatter(format_)
    log = Log(handler, format_)
    try:
        yield log
    except (EngineError, click.ClickException) as error:
        message = error.format_message() if isinstance(error, click.ClickException) else str(error)
        log.note(message, logging.ERROR)
        raise
    finally:
        log.close()
