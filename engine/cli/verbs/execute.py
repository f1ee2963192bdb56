"""Carry out `sync`, `plan`, `check`, `apply` and `retry`: load the settings, choose companies, run, print."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import anyio
import click

from engine.cli.desk.fail_on import code_for_new
from engine.cli.desk.unlisted import unlisted_files
from engine.cli.progress.log_file import Log, opened_log
from engine.cli.show.advice import Typed
from engine.cli.show.cost import cost_of
from engine.cli.show.output import Unprinted, deliver, deliver_texts, run_texts
from engine.cli.verbs.begin import BEGIN
from engine.cli.verbs.chosen import choose
from engine.cli.verbs.command_line import CommandLine
from engine.cli.verbs.drive import Order, drive, run_heeding_signals
from engine.cli.verbs.due import nothing_due, only_due
from engine.cli.verbs.missing import with_missing
from engine.cli.verbs.notifying import notify_broken, notify_run
from engine.cli.verbs.only import only, rows_of
from engine.cli.verbs.report_target import check_target
from engine.cli.verbs.user_files import keep, may_write, rejects_text
from engine.config import Configured, load
from engine.documents.plan_file import saved_plan, write_plan
from engine.errors import ConfigError, EngineError, plain
from engine.ledger.opening import holds_runs
from engine.model.balance import ExitCode, worst
from engine.model.origin import origin_of
from engine.model.result import RunResult
from engine.model.settings import Company, Settings, VerifyMode
from engine.observe.terminal import safe
from engine.version import __version__

NOTHING_DUE = "no company is due: no run was begun, and nothing was read or sent"

MOST_STRAYS = 3
"""Files left out that a run tells of one by one."""


def execute(line: CommandLine) -> int:
    """Do what the command line asks for, print the result, and return the exit code."""
    with opened_log(line.log_file) as log:
        return _execute(line, log)


def _execute(line: CommandLine, log: Log | None) -> int:
    configured = load(line.config, os.environ)
    if log is not None:
        log.hide(configured.settings.accounts)
        log.note(f"dimsync {__version__} {line.verb}, settings {line.config}")
    try:
        carried_out = _carry_out(line, configured, log)
    except EngineError as error:
        notify_broken(configured, line.verb, error, str(line.config))
        raise
    try:
        return _tell(line, carried_out)
    finally:
        if carried_out.chosen.companies:  # else no run was begun
            notify_run(configured, carried_out.result, str(line.config))


class _CarriedOut(NamedTuple):
    """What was done: the settings, those of them that the run was about, and its result."""

    configured: Configured
    chosen: Configured
    result: RunResult
    not_shown: int = 0  # differences of other kinds than `--only` asks for


def _carry_out(line: CommandLine, configured: Configured, log: Log | None) -> _CarriedOut:
    """Choose the companies and run the engine. Without any that are due, no run is begun."""
    if line.expect_ledger:
        anyio.run(_expect_runs, configured.settings.ledger_url)
    configured = with_missing(configured)
    _tell_strays(configured.strays)
    may_write(line.out, line.rejects)
    if line.report is not None:
        check_target(line.report)
    chosen, notice = _chosen(line, configured), None
    if line.due:
        chosen, notice = only_due(chosen)
    result = nothing_due(line.verb) if notice and not chosen.companies else _run(line, chosen, configured, log)
    result = replace(result, problems=(*result.problems, notice)) if notice else result
    result, not_shown = only(result, line.only) if line.only else (result, 0)
    if line.detailed and result.exit_code == ExitCode.DONE and _is_pending(line, result):
        result = replace(result, exit_code=ExitCode.PENDING)
    if line.fail_on == "new":
        result = replace(result, exit_code=code_for_new(result))
    return _CarriedOut(configured, chosen, result, not_shown)


def _run(line: CommandLine, chosen: Configured, configured: Configured, log: Log | None) -> RunResult:
    begin = BEGIN[line.verb](line, chosen, configured)
    order = Order(title=line.verb, settings=chosen.settings, begin=begin, quiet=line.quiet, log=log)
    return run_heeding_signals(partial(drive, order))


def _tell(line: CommandLine, done: _CarriedOut) -> int:
    """Print the result, write the files that are asked for, and return the exit code."""
    result = done.result
    for problem in result.problems:
        word = "Error" if problem.code == "ledger" else "Note"
        click.echo(f"{word}: {safe(problem.message)}", err=True)
    if done.not_shown:
        click.echo(
            f"Note: {done.not_shown:,} more differ in other ways and are not shown (--only {line.only})", err=True
        )
    try:
        _print(line, result, done.chosen)
    except Unprinted as error:
        error.show()
        return worst((ExitCode(result.exit_code), ExitCode.FAILED))
    finally:  # the files are written even if standard output could not be
        _keep_files(line, result, done.configured)
    return result.exit_code


def _tell_strays(strays: Sequence[str]) -> None:
    """Say which files were left out that were probably meant for a company."""
    for stray in strays[:MOST_STRAYS]:
        click.echo(f"Note: {safe(stray)}", err=True)
    if (more := len(strays) - MOST_STRAYS) > 0:
        click.echo(f"Note: {more:,} more files were left out: dimsync validate", err=True)


def _is_pending(line: CommandLine, result: RunResult) -> bool:
    """Return whether there is something to write or, with `--only`, a row of that kind."""
    return bool(rows_of(result) if line.only else result.totals.created or result.totals.updated)


def _keep_files(line: CommandLine, result: RunResult, configured: Configured) -> None:
    settings = configured.settings
    if line.rejects is not None:
        keep(line.rejects, rejects_text(result))
    if line.out is not None:
        saved = saved_plan(result, origin=origin_of(settings.api.base_url), contract=settings.api.contract)
        keep(line.out, f"{write_plan(saved)}\n")
    if line.report is not None:
        from engine.cli.verbs.write_report import report_run  # noqa: PLC0415  it brings jinja2, which other runs do without

        click.echo(f"report: {report_run(configured, result, line.report)}", err=True)


async def _expect_runs(url: str) -> None:
    """Raise `ConfigError` unless the ledger knows of an earlier run."""
    with plain():
        if not await holds_runs(url):
            raise ConfigError(
                f"new-ledger: the ledger {safe(url)} knows of no earlier run, and --expect-ledger was given; nothing"
                " was sent. Bring the ledger of earlier runs back to where `[ledger] url` says; to begin a new one, run"
                " once without --expect-ledger"
            )


def _print(line: CommandLine, result: RunResult, chosen: Configured) -> None:
    if line.output != "table":
        deliver_texts(run_texts(result, line.output))
        return
    if not chosen.companies and any(each.code == "not-due" for each in result.problems):
        deliver_texts(iter([NOTHING_DUE]))
        return
    typed = Typed(
        verb=line.verb,
        config=str(line.config),
        select=line.select,
        exclude=line.exclude,
        allow=line.allow,
        plan_file=str(line.out or line.plan or ""),
    )
    from engine.cli.show.render import print_run  # noqa: PLC0415  it brings rich, which other outputs do without

    details = line.details or line.verb == "check"
    cost = cost_of(result, chosen.companies, chosen.settings) if line.verb == "plan" else None
    deliver(lambda stream: print_run(stream, result, typed, details=details, cost=cost, groups=chosen.groups))


def _chosen(line: CommandLine, configured: Configured) -> Configured:
    """Return the companies to run, and the settings to do it with. Raises `ConfigError` and `UsageError`."""
    companies = choose(configured, line.select, line.exclude)
    settings = configured.settings
    if line.verb not in {"plan", "check"} and companies and not any(company.write for company in companies):
        raise click.UsageError("all of these companies are read-only (write = false); `dimsync plan` shows them")
    if line.verify is not None:
        settings, companies = _verified(settings, companies, VerifyMode(line.verify))
    notices = unlisted_files(configured.unlisted)
    settings = replace(settings, companies=configured.companies, notices=notices)  # all, those it leaves out included
    return replace(configured, settings=settings, companies=tuple(companies))


def _verified(settings: Settings, companies: Sequence[Company], mode: VerifyMode) -> tuple[Settings, list[Company]]:
    """Return settings and companies with `mode` in place of every `verify.mode`, also those of single companies."""
    own = [
        company if company.verify is None else replace(company, verify=replace(company.verify, mode=mode))
        for company in companies
    ]
    return replace(settings, verify=replace(settings.verify, mode=mode)), own
