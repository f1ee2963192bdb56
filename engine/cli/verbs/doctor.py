"""`dimsync doctor`: its options. What it does is in `examine`."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.options import config_option, output_option


@click.command()
@config_option
@click.option("--offline", is_flag=True, help="Send no request.")
@click.option("--max-age", metavar="TIME", default="26h", show_default=True, help="How old the last sync may be.")
@output_option("table", "json")
def doctor(*, config: Path, offline: bool, max_age: str, output: str) -> int:
    """Check all that a run needs, and say of each thing: ok, warn or FAIL, with what to do.

    Settings, credentials and what they see, clock, ledger, its backup and disk, each company's files and what the
    mappings leave out, the day's requests, the last run. Costs a token and a request for 100 companies of each API key.
    Exits with 0 where the next run does its work (warnings included), with 1 where something is in its way, with 2 for
    faults of the settings, which are all that is looked at then.
    """
    from engine.cli.verbs.examine import Examined, examine  # noqa: PLC0415  it brings the engine: half a second that `--help` is spared

    return examine(Examined(config=config, is_offline=offline, max_age=max_age, output=output))
