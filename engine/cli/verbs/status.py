"""`dimsync status`: its options. What it does is in `morning`. It sends no request to the API."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.options import config_option, output_option


@click.command()
@config_option
@click.argument("company", metavar="[COMPANY]", type=int, required=False)
@click.option(
    "--max-age", metavar="TIME", help="Exit with 1 when the last finished sync is older (26h), or a run died."
)
@click.option(
    "--notify", is_flag=True, help="With --max-age: tell the targets of [[notify]] of it, once, and when it is over."
)
@click.option("--exit-code", is_flag=True, help="Exit with what the companies' last states call for, as `sync` would.")
@output_option("table", "json")
def status(
    *, config: Path, company: int | None, max_age: str | None, notify: bool, exit_code: bool, output: str
) -> int:
    """Show who needs a person, since when, and what to type; from the ledger alone.

    What is new in the last sync comes first, by cause; then what was known before, what waits for nobody and until
    when, and API keys whose day is nearly used. Where workers sync companies one by one, a problem is new if it was
    first shown within the last day. With a COMPANY: all that is remembered of it. Exits with 0 unless --max-age or
    --exit-code is given.
    """
    from engine.cli.verbs.morning import show_morning  # noqa: PLC0415  it brings the engine, which `--help` is spared

    return show_morning(config, company, max_age=max_age, notify=notify, exit_code=exit_code, output=output)
