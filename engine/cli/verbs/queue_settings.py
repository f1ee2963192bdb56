"""What the verbs of the queue ask of the settings, and of this installation."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.cli.verbs.missing import with_missing
from engine.config import Configured, load
from engine.errors import ConfigError
from engine.ledger.postgres.address import EXAMPLE, is_postgres
from engine.observe.terminal import safe

PARTS = frozenset({"procrastinate", "psycopg", "psycopg_pool"})
"""What the extra brings, and the queue is made of."""


def read_settings(config: Path) -> Configured:
    """Return the settings, with companies whose files are missing. Raises `ConfigError` for other ledgers."""
    configured = read_plainly(config)
    with needs_extra():
        return with_missing(configured)


def read_plainly(config: Path) -> Configured:
    """Return the settings. Raises `ConfigError` for a ledger that is in no Postgres."""
    configured = load(config, os.environ)
    if not is_postgres(configured.settings.ledger_url):
        raise ConfigError(
            "workers share a ledger and a queue in Postgres, and `[ledger] url` in"
            f' {safe(str(config))} names none: write it as in url = "{EXAMPLE}". `dimsync ledger copy` brings a ledger'
            " there"
        )
    return configured


@contextmanager
def needs_extra() -> Iterator[None]:
    """Say in words that the extra is missing, where an import in a block shows it."""
    try:
        yield
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] not in PARTS:
            raise
        raise ConfigError(
            "workers and their queue take the extra `distributed`: pip install 'dimsync[distributed]'"
        ) from error
