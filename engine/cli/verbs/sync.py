"""`dimsync sync`, `plan`, `check`, `apply` and `retry`: their options. What they do is in `execute`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from engine.cli.options import run_options

detailed_option = click.option(
    "--detailed-exitcode", "detailed", is_flag=True, help="Exit with 6 instead of 0 when there is something to write."
)
rejects_option = click.option(
    "--rejects",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the rows that were refused there (NDJSON), to be corrected for `dimsync retry --corrected`.",
)


@click.command()
@run_options("verify", "allow", "fresh", "budget", "deadline", "expect_ledger")
@detailed_option
@click.option("--details", is_flag=True, help="Show what differs row by row: before, after, and who changed it.")
@click.option(
    "-o",
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep the plan there, for `dimsync apply`.",
)
def plan(**options: Any) -> int:
    """Read, compare and show what a sync would do; writes nothing to the API."""
    return _execute(verb="plan", **options)


@click.command()
@run_options("verify", "allow", "fresh", "budget", "deadline", "expect_ledger")
@click.option(
    "--fail-on",
    type=click.Choice(["any", "new"]),
    default="any",
    show_default=True,
    help="new: exit with 3 or 4 only for what no finished sync, apply or retry had shown, or once a week.",
)
@click.option(
    "--due",
    is_flag=True,
    help="Leave out companies that are not due by their schedules (every, cron): `dimsync help scheduling`.",
)
@rejects_option
@click.option(
    "--report",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write what was done there as one HTML page, and all rows as CSV beside it.",
)
def sync(**options: Any) -> int:
    """Bring the companies' dimensions to what their sources say.

    Reads as little as proves enough, compares, and sends what differs. The result is on standard output whatever the
    exit code, unless nothing could be begun: 0 done, 1 failed, 2 usage or settings, 3 rows refused or invalid, 4 held
    by a guard, 5 stopped early, 8 credentials, 9 locked by another run, 10 outcome of rows unknown, 130 and 143
    stopped by a signal.
    """
    return _execute(verb="sync", **options)


@click.command()
@run_options("verify")
@detailed_option
@click.option(
    "--only",
    type=click.Choice(["ottimate", "erp", "both", "orphans"]),
    help="Show only what was changed in Ottimate, in the ERP, in both, or is in Ottimate alone; 6 is about these rows.",
)
def check(**options: Any) -> int:
    """Show where sources and Ottimate differ, row by row, and which side has changed; writes nothing to the API.

    Lists every company unless --verify says otherwise. Rows that are in Ottimate alone are shown, too. A row that was
    added or removed there is reported once: from then on the ledger knows of it.
    """
    return _execute(verb="check", **options)


@click.command()
@click.argument("plan", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@run_options("expect_ledger")
@click.option("--resume", is_flag=True, help="Finish what an earlier `apply` of this plan began.")
@rejects_option
def apply(**options: Any) -> int:
    """Carry out a plan that `dimsync plan -o FILE` has kept: exactly that.

    A company of which anything has moved since (its ledger, its settings, its number of rows, or a day has passed) is
    skipped, and the exit code is 7. A plan is applied once.
    """
    return _execute(verb="apply", **options)


@click.command()
@run_options("allow", "expect_ledger")
@click.option(
    "--run",
    "run_id",
    metavar="RUN",
    help="The rows of this run, as `history` names it. Default: of each company's newest.",
)
@click.option(
    "--corrected",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The rows of this file, as `--rejects` wrote and somebody corrected it.",
)
@rejects_option
def retry(**options: Any) -> int:
    """Send again the rows that a run left rejected or uncertain, and no others, with their source's values of now.

    Without --run: those that each company's newest run left. Exits with 0 only when each of them is in order now.
    """
    return _execute(verb="retry", **options)


def _execute(**options: Any) -> int:
    from engine.cli.verbs.command_line import CommandLine  # noqa: PLC0415
    from engine.cli.verbs.execute import execute  # noqa: PLC0415  it brings the engine: half a second that `--help` is spared

    return execute(CommandLine(**options))
