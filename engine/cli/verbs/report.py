"""`dimsync report`: its options. What it does is in `write_report`."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.options import config_option


@click.command()
@click.argument("file", metavar="[FILE]", required=False, type=click.Path(path_type=Path, dir_okay=False))
@config_option
@click.option("--company", "company_id", type=int, metavar="ID", help="Only this company: a page to mail to its owner.")
@click.option(
    "--run",
    "run_id",
    metavar="RUN",
    help="About this run, named as by `history`. Default: the newest, or those that `history` tells together.",
)
@click.option("--since", metavar="TIME", help="About all runs of this time (24h, 7d).")
def report(*, file: Path | None, config: Path, company_id: int | None, run_id: str | None, since: str | None) -> int:
    """Write what a run did as one HTML page, and all of its rows as CSV beside it. No request is sent.

    FILE is the page's name (default: report.html, or report-ID.html); the CSV's is the same but for its ending. The
    page has no script and loads nothing, so it can be mailed. With --company nothing of any other company is in it.
    """
    if run_id is not None and since is not None:
        raise click.UsageError("choose --run or --since, not both")
    from engine.cli.verbs.write_report import ReportOptions, write_report  # noqa: PLC0415  it brings the engine: half a second that `--help` is spared

    target = file or Path("report.html" if company_id is None else f"report-{company_id}.html")
    return write_report(ReportOptions(file=target, config=config, company_id=company_id, run_id=run_id, since=since))
