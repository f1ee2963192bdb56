"""`dimsync sandbox`: its options. What it does is in `simulate`."""

from __future__ import annotations

from typing import Any

import click


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=8700, show_default=True, help="0 takes a free one.")
@click.option("--companies", default=0, show_default=True, help="Empty companies to begin with, from id 1001 on.")
@click.option("--seed", default=7, show_default=True, help="Of the companies' names and of tokens.")
@click.option(
    "--rate", default=1000.0, show_default=True, help="Requests a second of an API key; twice that in a burst."
)
@click.option("--quota", default=10_000, show_default=True, help="Requests a day of an API key.")
@click.option("--max-limit", default=100, show_default=True, help="Most rows of a page.")
@click.option("--token-lifetime", default=3600, show_default=True, help="Of access tokens, in seconds.")
@click.option("--until-stdin-ends", is_flag=True, help="Stop when standard input ends, so with whoever holds it.")
def sandbox(**options: Any) -> None:
    """Run a made-up Ottimate to rehearse against, until it is interrupted.

    Prints one line of JSON when it is ready. Its account is racc_demo, with the API key demo-key, client demo-client
    and the secret demo-secret. /_sandbox/companies makes companies, /_sandbox/summary tells what truly happened.
    """
    from engine.cli.simulate import Setup, simulate  # noqa: PLC0415  it brings aiohttp: half a second that `--help` is spared

    simulate(Setup(**options))
