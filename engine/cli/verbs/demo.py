"""`dimsync demo`."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.options import output_option, quiet_option


@click.command()
@click.option(
    "--companies", type=click.IntRange(1, 2_000), default=200, show_default=True, help="How many companies to make up."
)
@click.option("--seed", default=7, show_default=True, help="The same seed makes up the same companies.")
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    help="A folder to keep: settings, source files, ledger and a report of all runs. Default: a temporary one.",
)
@output_option("table", "json")
@quiet_option
def demo(*, companies: int, seed: int, keep: Path | None, output: str, quiet: bool) -> int:
    """Show the whole thing on made-up companies: no account, no settings, no network.

    Starts a sandbox as a process of its own, makes up companies with their exports, syncs them, edits 2 % of the rows,
    syncs again, and once more with nothing changed. At last it swaps two companies' files, which must hold both. Then
    it asks the sandbox what truly happened: exit code 0 says that all of it agrees.
    """
    from engine.cli.demo_run.story import Story, tell  # noqa: PLC0415  it brings the engine: half a second that `--help` is spared

    return tell(Story(companies=companies, seed=seed, keep=keep, quiet=quiet), output)
