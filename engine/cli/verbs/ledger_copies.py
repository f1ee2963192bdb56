"""Carry out `ledger backup` and `ledger restore`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import anyio

from engine.cli.show.output import deliver
from engine.config import load
from engine.errors import ConfigError, plain
from engine.ledger.sqlite.backup import Restored
from engine.ledger.sqlite.ledger import holds_runs, open_ledger, restore_ledger
from engine.model.wording import counted
from engine.observe.terminal import safe


def back_up(config: Path, file: Path) -> int:
    """Copy the ledger of the settings, say what was done, and return the exit code.

    Raises `ConfigError` where there is no ledger yet: a scheduler whose settings lead elsewhere must not be told that
    all is well.
    """
    url = load(config, os.environ).settings.ledger_url

    async def copy() -> None:
        with plain():
            if not await holds_runs(url):
                raise ConfigError(
                    f"{safe(url)} knows of no run, so that there is nothing to back up; check [ledger] url"
                )
            async with await open_ledger(url) as ledger:
                await ledger.back_up(file, datetime.now(UTC))

    anyio.run(copy)
    size = file.stat().st_size / 1e6
    _print(iter([f"backed up to {safe(str(file))} ({size:,.1f} MB)"]))
    return 0


def bring_back(config: Path, file: Path) -> int:
    """Restore the ledger of the settings, say what was done, and return the exit code."""
    settings = load(config, os.environ).settings
    restored = restore_ledger(settings.ledger_url, file, datetime.now(UTC))
    _print(_told(restored, file))
    return 0


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
