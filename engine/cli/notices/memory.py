"""Remembers in the ledger what was told and is not over.

A ledger that cannot remember is no error: it is told again.
"""

from __future__ import annotations

from datetime import datetime

import anyio

from engine.config import Configured
from engine.errors import LedgerError, plain
from engine.ledger.sqlite.ledger import open_ledger
from engine.model.origin import origin_of


def told_at(configured: Configured, what: str) -> datetime | None:
    """Return when something was told that is not over yet; None: it was not, or nobody knows."""
    try:
        return anyio.run(_read, configured, what)
    except LedgerError:
        return None


def remember(configured: Configured, what: str, at: datetime, words: str) -> None:
    """Note that something was told."""
    try:
        anyio.run(_write, configured, what, at, words)
    except LedgerError:
        return


def forget(configured: Configured, what: str) -> None:
    """Note that it is over, and that this was told."""
    try:
        anyio.run(_delete, configured, what)
    except LedgerError:
        return


async def _read(configured: Configured, what: str) -> datetime | None:
    with plain():
        async with await open_ledger(configured.settings.ledger_url) as ledger:
            return await ledger.told(origin_of(configured.settings.api.base_url), what)


async def _write(configured: Configured, what: str, at: datetime, words: str) -> None:
    with plain():
        async with await open_ledger(configured.settings.ledger_url) as ledger:
            await ledger.note_told(origin_of(configured.settings.api.base_url), what, at, words)


async def _delete(configured: Configured, what: str) -> None:
    with plain():
        async with await open_ledger(configured.settings.ledger_url) as ledger:
            await ledger.forget_told(origin_of(configured.settings.api.base_url), what)
