"""Where a report may be written: asked before a run, so that no run is done for nothing."""

from __future__ import annotations

from pathlib import Path

import click

from engine.observe.terminal import safe


def check_target(file: Path) -> None:
    """Raise `UsageError` unless a page and a CSV can be written there."""
    if file.suffix.lower() == ".csv":
        raise click.UsageError("a report's FILE is the page's name, such as report.html: the CSV is written beside it")
    if not file.parent.is_dir():
        raise click.UsageError(f"the folder {safe(str(file.parent))} does not exist: make it, or name another one")
