"""`dimsync history`: its options. What it does is in `past_runs`. It sends no request to the API."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.options import config_option, output_option


@click.command()
@click.argument("what", metavar="[RUN|company:ID]", required=False)
@config_option
@click.option("--last", type=click.IntRange(min=1), default=20, show_default=True, help="Show at most this many lines.")
@click.option("--all", "each", is_flag=True, help="List each run of one company by itself.")
@output_option("table", "json", "ndjson")
def history(*, what: str | None, config: Path, last: int, each: bool, output: str) -> int:
    """List the newest runs, or tell of one run, or list the runs of one company; from the ledger alone.

    RUN is a run's id or its beginning, the last part of it as the list shows it, or the word last: the newest run. It
    is told as it ended: when, who was what, requests, causes of trouble with what to type. company:123 lists the runs
    that told something of that company, the newest first. Plans and checks write nothing: their figures stand in
    brackets. Runs of one company each, as workers make them, are shown together, a line for those that followed each
    other; JSON has each run.
    """
    from engine.cli.verbs.past_runs import HistoryAsked, show_history  # noqa: PLC0415  it brings the engine: half a second that `--help` is spared

    return show_history(HistoryAsked(what=(what or "").strip(), config=config, most=last, each=each, output=output))
