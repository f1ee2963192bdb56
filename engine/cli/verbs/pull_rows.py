"""Carry out `pull`: list companies whole, and write their rows with the proof that they are all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import click

from engine.cli.show.output import deliver, deliver_texts, dump
from engine.cli.show.wrapping import wrap
from engine.cli.verbs.chosen import choose
from engine.cli.verbs.drive import Stop, run_heeding_signals
from engine.cli.verbs.missing import with_missing
from engine.cli.verbs.pulled_file import SCHEMA, PulledFile, certificate_of
from engine.cli.verbs.row_files import format_of
from engine.config import load
from engine.errors import AccountParked, EngineError
from engine.model.balance import ExitCode, worst
from engine.model.settings import Company, Settings
from engine.model.wording import counted
from engine.observe.terminal import LONGEST_NAME, brief, safe
from engine.run.endings import Stop as Stopped
from engine.run.endings import stop_of
from engine.run.engine import Engine

PLACE = "{company_id}"
"""Stands for a company's id in the name of a file: each company then has a file of its own."""

WIDTH = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class PullOptions:
    """One command line of `dimsync pull`."""

    file: Path
    config: Path
    select: tuple[str, ...]
    exclude: tuple[str, ...]
    types: tuple[str, ...]  # type codes or labels; none: all rows
    form: str | None  # None: the file's ending says
    output: str
    quiet: bool


@dataclass(slots=True, kw_only=True)
class Pulled:
    """What became of a pull."""

    written: list[tuple[Path, int]] = field(default_factory=list)  # files that are there now, and their rows
    labels: set[str] = field(default_factory=set)  # types that were seen
    failed: list[tuple[Company, Stopped]] = field(default_factory=list)
    signal: ExitCode | None = None  # None: no signal ended it

    @property
    def exit_code(self) -> ExitCode:
        """The worst of the exit codes of all that happened."""
        codes = [stopped.ending.exit_code for _, stopped in self.failed]
        return worst([*codes, *([self.signal] if self.signal is not None else []), ExitCode.DONE])

    @property
    def is_whole(self) -> bool:
        """Whether every company was listed."""
        return not self.failed and self.signal is None


def pull_rows(options: PullOptions) -> int:
    """Write the files, say what was done, and return the exit code."""
    form = format_of(options.file, options.form)
    configured = with_missing(load(options.config, os.environ))
    companies = choose(configured, options.select, options.exclude)
    if not options.file.parent.is_dir():
        raise click.UsageError(
            f"the folder {safe(str(options.file.parent))} does not exist: make it, or name another one"
        )
    if not options.quiet:
        count = counted(len(companies), "company", "companies")
        click.echo(f"listing {count}: a request for each 100 rows, one company after the other", err=True)
    pulled = run_heeding_signals(partial(_pull, configured.settings, companies, options, form))
    if options.output == "json":
        deliver_texts(iter([dump(_document(pulled), indent=2)]))
    else:
        lines = list(_lines(pulled, options))
        deliver(lambda stream: stream.writelines(f"{line}\n" for line in lines))
    return pulled.exit_code


async def _pull(
    settings: Settings, companies: Sequence[Company], options: PullOptions, form: str, stop: Stop
) -> Pulled:
    """List one company after the other, each with several requests at a time, and keep the files that are whole."""
    pulled = Pulled()
    groups = [[each] for each in companies] if PLACE in options.file.name else [list(companies)]
    parked: dict[str | None, AccountParked] = {}
    async with Engine(settings) as engine:
        for group in groups:
            with PulledFile(_file_of(options.file, group), form, options.types) as target:
                if await _fill(engine, group, target, pulled, parked, stop):
                    target.keep()
                    pulled.written.append((target.file, target.rows))
            if pulled.signal is not None:
                break
    return pulled


async def _fill(
    engine: Engine,
    companies: Sequence[Company],
    target: PulledFile,
    pulled: Pulled,
    parked: dict[str | None, AccountParked],
    stop: Stop,
) -> bool:
    """List companies into a file; return whether all of them are in it, and whole.

    An account that was stopped (`parked`) is not asked for its other companies.
    """
    is_whole = True
    for company in companies:
        if stop.code is not None:
            pulled.signal = stop.code
            return False
        try:
            if company.account in parked:
                raise parked[company.account]
            listed = await engine.rows(company)
        except EngineError as error:
            if isinstance(error, AccountParked):
                parked[company.account] = error
            pulled.failed.append((company, stop_of(error)))
            is_whole = False
            continue
        pulled.labels |= {row.type_label or row.type_code for row in listed.rows}
        target.put(company, listed)
    return is_whole


def _file_of(file: Path, companies: Sequence[Company]) -> Path:
    return file.with_name(file.name.replace(PLACE, str(companies[0].id))) if companies else file


def _lines(pulled: Pulled, options: PullOptions) -> Iterator[str]:
    """Yield what was written and what was not, in lines of 80 cells but for names of files."""
    for file, rows in pulled.written:
        yield f"{counted(rows, 'row')} in {safe(str(file))}"
    if options.types and pulled.written and not any(rows for _, rows in pulled.written):
        there = ", ".join(brief(label, LONGEST_NAME) for label in sorted(pulled.labels)) or "none"
        yield from _wrapped(f"no row is of type {', '.join(map(safe, options.types))}; the types there are: {there}")
    for company, stopped in pulled.failed:
        name = f" {brief(company.name, LONGEST_NAME)}" if company.name else ""
        yield from _wrapped(f"{company.id}{name}: {stopped.problem.code}: {safe(stopped.problem.message)}")
    if not pulled.is_whole and not pulled.written:
        yield "no file was written: not every company was listed whole"
    if pulled.failed:
        yield f"next: dimsync help {pulled.failed[0][1].problem.code}"


def _wrapped(text: str) -> Iterator[str]:
    return (line.plain for line in wrap(text, "", WIDTH))


def _document(pulled: Pulled) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "exit_code": int(pulled.exit_code),
        "files": [
            {"file": str(file), "certificate": str(certificate_of(file)), "rows": rows} for file, rows in pulled.written
        ],
        "failed": [
            {"company_id": company.id, "code": stopped.problem.code, "message": stopped.problem.message}
            for company, stopped in pulled.failed
        ],
    }
