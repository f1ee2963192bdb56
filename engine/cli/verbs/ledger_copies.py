"""Carry out `ledger backup`, `ledger restore` and `ledger copy`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import anyio

from engine.cli.show.output import deliver
from engine.config import load
from engine.errors import ConfigError, plain
from engine.ledger.opening import copy_ledger, holds_runs
from engine.ledger.postgres.address import is_postgres
from engine.ledger.sqlite import ledger as sqlite
from engine.ledger.sqlite.backup import Restored
from engine.ledger.sqlite.ledger import restore_ledger
from engine.model.wording import counted
from engine.observe.terminal import safe


def back_up(config: Path, file: Path) -> int:
    """Copy the ledger of the settings, say what was done, and return the exit code.

    Raises `ConfigError` where there is no ledger yet: a scheduler whose settings lead elsewhere must not be told that
    all is well.
    """
    url = load(config, os.environ).settings.ledger_url
    _ensure_file(url, "back it up")

    async def copy() -> None:
        with plain():
            if not await holds_runs(url):
                raise ConfigError(
                    f"{safe(url)} knows of no run, so that there is nothing to back up; check [ledger] url"
                )
            async with await sqlite.open_ledger(url) as ledger:
                await ledger.back_up(file, datetime.now(UTC))

    anyio.run(copy)
    size = file.stat().st_size / 1e6
    _print(iter([f"backed up to {safe(str(file))} ({size:,.1f} MB)"]))
    return 0


def bring_back(config: Path, file: Path) -> int:
    """Restore the ledger of the settings, say what was done, and return the exit code."""
    settings = load(config, os.environ).settings
    _ensure_file(settings.ledger_url, "restore it")
    restored = restore_ledger(settings.ledger_url, file, datetime.now(UTC))
    _print(_told(restored, file))
    return 0


def copy_over(source: str, target: str) -> int:
    """Copy one ledger into another, say what was done, and return the exit code."""
    with plain():
        copied = anyio.run(copy_ledger, source, target)
    rows = sum(table.rows for table in copied)
    digest = sha256("".join(table.digest for table in copied).encode()).hexdigest()[:16]
    lines = (
        f"copied {safe(source)}",
        f"    to {safe(target)}",
        f"{counted(rows, 'row')} in {counted(len(copied), 'table')}, read back and the same (digest {digest})",
        "next: set `url` under [ledger] to the new one in all settings; the old one",
        "must not be used again, as it does not know what is sent from now on",
    )
    _print(iter(lines))
    return 0


def _ensure_file(url: str, do: str) -> None:
    """Raise `ConfigError` for a ledger in Postgres, whose own tools copy it."""
    if is_postgres(url):
        raise ConfigError(
            f"the ledger {safe(url)} is in Postgres: {do} with pg_dump and pg_restore (its tables are in the schema "
            "dimsync). `dimsync ledger copy` makes a file of it"
        )


def _told(restored: Restored, file: Path) -> Iterator[str]:
    """Yield what was done and what comes next, in lines of 80 cells but for names of files."""
    at = restored.backed_up_at
    yield f"restored from {safe(str(file))}"
    yield f"  backed up {at:%Y-%m-%d %H:%M} UTC" if at else "  it does not say when it was backed up"
    if restored.moved_to is not None:
        yield f"the ledger that was there is now {safe(str(restored.moved_to))}"
    if not restored.keeps_counts:
        yield "requests counted since the backup are not known: the API may say that a day"
        yield "is used up before this count does"
    count = restored.companies
    each = counted(count, "company is", "companies are")
    yield f"{each} listed anew by the next sync (a request for 100 rows)"
    yield "next: dimsync plan"


def _print(lines: Iterator[str]) -> None:
    deliver(lambda stream: stream.writelines(f"{line}\n" for line in lines))
