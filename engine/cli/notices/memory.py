"""Remembers in the ledger what was told and is not over.

A ledger that cannot remember is no error: it is told again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import anyio

from engine.config import Configured
from engine.errors import LedgerError, plain
from engine.ledger.opening import open_ledger
from engine.model.origin import origin_of
from engine.model.result import CompanyResult
from engine.model.settings import NamedCompany
from engine.model.standing import Standing

UNREACHED = "unreached:"
"""Begins the note on a target that a message did not reach."""


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


def catching_up(configured: Configured) -> tuple[frozenset[str], list[CompanyResult]]:
    """Return the targets that a message did not reach, by key, and what each company told in its last sync.

    Without such a target the companies are not read.
    """
    try:
        return anyio.run(_unreached, configured)
    except LedgerError:
        return frozenset(), []


def keep_reached(configured: Configured, reached: Mapping[str, bool], at: datetime) -> None:
    """Note which targets a message reached and which it did not, by key."""
    try:
        anyio.run(_keep_reached, configured, reached, at)
    except LedgerError:
        return


async def _unreached(configured: Configured) -> tuple[frozenset[str], list[CompanyResult]]:
    origin = origin_of(configured.settings.api.base_url)
    with plain():
        async with await open_ledger(configured.settings.ledger_url) as ledger:
            keys = [each.key for each in configured.notify if await ledger.told(origin, f"{UNREACHED}{each.key}")]
            standing = await ledger.standing(origin) if keys else Standing()
    named = {NamedCompany(levels.account, number) for number, levels in configured.levels.items()}
    return frozenset(keys), [each for where, each in standing.companies.items() if where in named]


async def _keep_reached(configured: Configured, reached: Mapping[str, bool], at: datetime) -> None:
    origin = origin_of(configured.settings.api.base_url)
    with plain():
        async with await open_ledger(configured.settings.ledger_url) as ledger:
            for key, is_reached in reached.items():
                if is_reached:
                    await ledger.forget_told(origin, f"{UNREACHED}{key}")
                else:
                    await ledger.note_told(origin, f"{UNREACHED}{key}", at, "")


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
