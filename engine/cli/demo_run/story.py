"""What the demo does: load everything, edit a few rows, then change nothing; each run is a `dimsync sync`."""

from __future__ import annotations

import os
from collections.abc import Container, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from engine.cli.demo_run.rehearsal import sandbox_process, write_folder
from engine.cli.demo_run.truth import ask
from engine.cli.demo_run.verdict import ACTS, Act, Verdict, document, naive, print_verdict
from engine.cli.show.output import deliver, deliver_texts, dump
from engine.cli.verbs.drive import Order, Stop, drive, run_heeding_signals
from engine.config import load
from engine.model.result import RunResult
from engine.observe.terminal import safe
from engine.sandbox.access import Allowance
from engine.sandbox.fleet import MadeCompany, edit_fleet, make_fleet, write_sources


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The options of one demo."""

    companies: int
    seed: int
    keep: Path | None
    quiet: bool


def tell(story: Story, output: str) -> int:
    """Run the demo, print its verdict, and return the exit code."""
    with ExitStack() as folders:
        folder = story.keep or Path(folders.enter_context(TemporaryDirectory(prefix="dimsync-demo-")))
        if folder.exists() and any(folder.iterdir()):
            raise click.UsageError(f"{safe(str(folder))} is not empty: --keep wants a folder of its own")
        folder.mkdir(parents=True, exist_ok=True)
        verdict = run_heeding_signals(partial(_play, story, folder))
        report = _report(folder) if story.keep is not None and verdict.truth is not None else ""
    if output == "json":
        deliver_texts(iter([dump(document(verdict), indent=2)]))
    else:
        deliver(lambda stream: print_verdict(stream, verdict))
    if story.keep is not None and not story.quiet:
        click.echo(f"settings, source files and ledger are kept in {safe(str(story.keep))}", err=True)
        click.echo(f"report of all runs: {report}" if report else "no report: the demo was stopped", err=True)
    return verdict.exit_code


def _report(folder: Path) -> str:
    """Write the report of all runs into the demo's folder; return a line that says so."""
    from engine.cli.verbs.write_report import ReportOptions, written  # noqa: PLC0415  it brings jinja2

    options = ReportOptions(file=folder / "report.html", config=folder / "dimsync.toml", since="1d")
    return written(load(options.config, os.environ), options)


async def _play(story: Story, folder: Path, stop: Stop) -> Verdict:
    """Do all runs of the demo; after a run that a signal stopped, do no other."""
    if not story.quiet:
        click.echo(f"making up {story.companies:,} companies and starting a sandbox ...", err=True)
    fleet = make_fleet(story.companies, story.seed)
    edited = edit_fleet(fleet, seed=story.seed + 1)
    empty = [MadeCompany(id=one.id, name=one.name, erp=one.erp, rows=()) for one in fleet]
    acts: list[Act] = []
    truth = swapped = None
    async with sandbox_process(story.companies, story.seed) as base_url:
        settings = write_folder(folder, base_url, fleet)
        for name, there, wanted in zip(ACTS, (empty, fleet, edited), (fleet, edited, edited), strict=True):
            if wanted is edited:
                write_sources(edited, folder / "sources")
            result = await _sync(name, settings, story, stop)
            acts.append(Act(name=name, result=result, naive=naive(wanted, there)))
            if stop.code is not None:
                break
        else:
            swapped = await _swap(edited, settings, story, stop)
            truth = await ask(base_url, edited)
    return Verdict(
        companies=len(fleet),
        rows=sum(len(company.rows) for company in fleet),
        quota=Allowance().per_day,
        acts=tuple(acts),
        swapped=swapped if stop.code is None else None,
        truth=truth if stop.code is None else None,
        stopped=stop.code,
    )


async def _swap(fleet: Sequence[MadeCompany], settings: Path, story: Story, stop: Stop) -> RunResult | None:
    """Sync two companies, each from the other's file, and put the files back; None: there is only one company."""
    if len(fleet) == 1:
        return None
    one, other = pair = fleet[:2]
    folder = settings.parent / "sources"
    write_sources([replace(one, rows=other.rows), replace(other, rows=one.rows)], folder)
    try:
        return await _sync("two files swapped", settings, story, stop, only={one.id, other.id})
    finally:
        write_sources(pair, folder)


async def _sync(
    title: str, settings: Path, story: Story, stop: Stop, *, only: Container[int] | None = None
) -> RunResult:
    """Do what `dimsync sync -c SETTINGS` does, for the companies `only`; None: for all."""
    configured = load(settings, os.environ)
    companies = [company for company in configured.companies if only is None or company.id in only]
    order = Order(
        title=title,
        settings=configured.settings,
        begin=lambda engine: engine.sync(companies),
        quiet=story.quiet,
    )
    return await drive(order, stop)
