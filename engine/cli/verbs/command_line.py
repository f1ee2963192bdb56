"""One command line of a verb that runs the engine, with its options parsed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from engine.config.values import duration
from engine.model.settings import Allow
from engine.observe.terminal import safe


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLine:
    """One command line of `sync`, `plan`, `check`, `apply` or `retry`."""

    verb: str
    config: Path
    select: tuple[str, ...]
    exclude: tuple[str, ...]
    output: str
    quiet: bool
    log_file: Path | None = None  # write down there what happens
    verify: str | None = None  # None: as the settings say
    fresh: bool = False
    allow: tuple[str, ...] = ()
    budget: int | None = None
    deadline: str | None = None  # a duration, such as "30m"
    expect_ledger: bool = False  # fail unless the ledger knows of an earlier run
    due: bool = False  # leave out companies that are not due by their schedules
    detailed: bool = False  # exit with 6 when changes are pending
    fail_on: str = "any"  # "new": problems that are known do not call for exit codes 3 and 4
    details: bool = False  # show what differs, field by field
    only: str | None = None  # of what differs, show this kind alone; None: all
    out: Path | None = None  # write the plan to this file
    plan: Path | None = None  # carry out the plan of this file
    resume: bool = False  # finish an `apply` that was cut short
    rejects: Path | None = None  # write the rows that were refused to this file
    report: Path | None = None  # write what was done to this page, and to a CSV beside it
    run_id: str | None = None  # retry the rows of this run; None: of each company's newest
    corrected: Path | None = None  # retry the rows of this file instead


def deadline_s(line: CommandLine) -> float | None:
    """Return the seconds of `--deadline`; None: there is none. Raises `UsageError`."""
    try:
        return None if line.deadline is None else duration(line.deadline)
    except ValueError as error:
        raise click.UsageError(f"--deadline {safe(line.deadline or '')}: {error}") from error


def allowances(line: CommandLine, groups: Mapping[int, Sequence[str]]) -> list[Allow]:
    """Return what `--allow` names; `groups`: those of the companies of the run, by company id. Raises `UsageError`."""
    return [allow for text in line.allow for allow in _allowances(text, groups)]


def _allowances(text: str, groups: Mapping[int, Sequence[str]]) -> list[Allow]:
    """Return what one `--allow` names: a guard of one company, of each company of a group, or of the run."""
    slug, colon, whom = text.partition(":")
    if slug == "fleet" and not colon:
        return [Allow(slug)]
    kind, grouped, name = whom.partition(":")
    if grouped and kind == "group":
        members = [Allow(slug, company_id) for company_id, names in groups.items() if name in names]
        if not members:
            raise click.UsageError(f"--allow {safe(text)}: no company of this run is in a group {safe(name)}")
        return members
    if not (whom.isascii() and whom.isdigit()):
        raise click.UsageError(f"--allow {safe(text)}: write GUARD:ID, such as mass-create:123, or GUARD:group:NAME")
    return [Allow(slug, int(whom))]
