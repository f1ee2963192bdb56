"""Carry out `report`, and write the page of `sync --report`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import click

from engine.cli.desk.rounds import rounds
from engine.cli.show.output import deliver
from engine.cli.verbs.named_run import named_run
from engine.cli.verbs.report_making import Making
from engine.cli.verbs.report_target import check_target
from engine.config import Configured, load
from engine.config.values import duration
from engine.documents.report_facts import WRITING
from engine.errors import plain
from engine.ledger.opening import open_ledger
from engine.ledger.sql_ledger import SqlLedger
from engine.model.origin import origin_of
from engine.model.result import RunResult, journal_json
from engine.model.sent_row import KeptRun
from engine.observe.terminal import safe

MOST_OF_ROUND = 2_000
"""Runs that are looked at for the newest one's round: it is of one day at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """One command line of `dimsync report`."""

    file: Path
    config: Path
    company_id: int | None = None
    run_id: str | None = None
    since: str | None = None  # a duration, such as "7d"


def write_report(options: ReportOptions) -> int:
    """Write both files, say so, and return the exit code. Raises `UsageError` when there is no such run or company."""
    configured = load(options.config, os.environ)
    check_target(options.file)
    ids = {company.id for company in configured.companies}
    if options.company_id is not None and options.company_id not in ids:
        raise click.UsageError(f"there is no company {options.company_id} in {options.config}")
    told = written(configured, options)
    deliver(lambda stream: stream.writelines((f"{told}\n",)))
    return 0


def written(configured: Configured, options: ReportOptions) -> str:
    """Write both files; return a line that says so. Raises `UsageError` when there is no such run."""
    return anyio.run(_from_ledger, configured, options)


def report_run(configured: Configured, result: RunResult, file: Path) -> str:
    """Write the report of a run that has just ended; return a line that says so. Raises `OSError`, `EngineError`."""
    document = journal_json(result)
    run = KeptRun(
        result.run_id, result.verb, result.started_at, result.finished_at, result.exit_code, result.allowed, document
    )
    return anyio.run(_from_result, configured, run, file)


async def _from_ledger(configured: Configured, options: ReportOptions) -> str:
    since = _since(options.since)
    origin = origin_of(configured.settings.api.base_url)
    with plain():
        async with await open_ledger(configured.settings.ledger_url) as ledger:
            run_id = None if options.run_id is None else (await named_run(ledger, origin, options.run_id)).run_id
            runs = await ledger.kept_runs(origin, run_id=run_id, since=since, now=datetime.now(UTC))
            if not runs:
                raise click.UsageError(_no_run(options))
            if run_id is None and since is None:
                runs = await _of_round(ledger, origin, runs)
            if since is not None:  # runs that only looked say nothing of what was done
                runs = [run for run in runs if run.verb in WRITING] or runs[-1:]
            return await Making(configured, ledger, runs, options.company_id, options.file).write()


async def _of_round(ledger: SqlLedger, origin: str, newest: list[KeptRun]) -> list[KeptRun]:
    """Return the newest run or, if it is one of a round of runs of one company each, all of the round."""
    for each in rounds(await ledger.history(origin, MOST_OF_ROUND, now=datetime.now(UTC))):
        ids = {run.run_id for run in each.runs}
        if each.is_many and newest[0].run_id in ids:
            kept = await ledger.kept_runs(origin, since=each.oldest.started_at)
            return [run for run in kept if run.run_id in ids]
    return newest


async def _from_result(configured: Configured, run: KeptRun, file: Path) -> str:
    with plain():
        async with await open_ledger(configured.settings.ledger_url) as ledger:
            return await Making(configured, ledger, [run], None, file).write()


def _since(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.now(UTC) - timedelta(seconds=duration(text))
    except ValueError as error:
        raise click.UsageError(f"--since {safe(text or '')}: {error}") from error
    except OverflowError:
        raise click.UsageError(f"--since {safe(text or '')}: no calendar goes back so far") from None


def _no_run(options: ReportOptions) -> str:
    if options.run_id is not None:
        return f"run {safe(options.run_id)} has no end, and nothing to report; `dimsync history` lists the runs"
    return f"no run ended in the last {safe(options.since)}" if options.since else "the ledger has no run that ended"
