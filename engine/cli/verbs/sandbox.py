"""`dimsync sandbox`: its options. What it does is in `simulate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from engine.cli.show.output import deliver_texts
from engine.sandbox.contracts import NAMES


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8700, show_default=True, help="0 takes a free one.")
@click.option(
    "--contract",
    type=click.Choice(NAMES),
    default="guide",
    show_default=True,
    help="Which of the API's two spellings it speaks.",
)
@click.option(
    "--accounts", type=click.IntRange(min=1), default=1, show_default=True, help="How many client accounts it has."
)
@click.option(
    "--companies",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Empty companies to begin with, from id 1001 on, dealt in turn.",
)
@click.option("--seed", default=7, show_default=True, help="The same seed gives the same names and tokens.")
@click.option(
    "--rate",
    type=click.FloatRange(min=0.5, max=1e6),
    default=1000.0,
    show_default=True,
    help="Requests a second that an API key may send; a bucket lets twice as many through in a burst.",
)
@click.option(
    "--rate-model",
    type=click.Choice(["bucket", "fixed", "sliding"]),
    default="bucket",
    show_default=True,
    help="How they are counted: a token bucket, a window that begins with each second, or one that slides.",
)
@click.option(
    "--quota",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="Requests a day that an API key may send.",
)
@click.option(
    "--max-limit", type=click.IntRange(min=1), default=100, show_default=True, help="The most rows of a page."
)
@click.option(
    "--token-lifetime",
    type=click.IntRange(min=1),
    default=3600,
    show_default=True,
    help="How long an access token is valid, in seconds.",
)
@click.option(
    "--directory-base",
    type=click.IntRange(0, 1),
    default=1,
    show_default=True,
    help="Number of the first page of accounts, companies and locations.",
)
@click.option(
    "--faults",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Trouble to make, and habits of the server: a TOML file of [[faults]] and [[ways]].",
)
@click.option("--list-faults", is_flag=True, help="Print what [[faults]] may hold, and end.")
@click.option("--list-ways", is_flag=True, help="Print what [[ways]] may hold, and end.")
@click.option("--until-stdin-ends", is_flag=True, help="Stop when standard input ends, so with whoever holds it.")
def sandbox(*, list_faults: bool, list_ways: bool, **options: Any) -> None:
    """Run a made-up Ottimate to rehearse against, until it is interrupted.

    Prints one line of JSON when it is ready. Its account is racc_demo, with the API key demo-key, client demo-client
    and the secret demo-secret; a second one is racc_demo_2, demo-key-2 and so on. /_sandbox/companies makes companies,
    /_sandbox/faults and /_sandbox/ways replace the faults and the ways, /_sandbox/summary tells what truly happened.
    """
    if list_faults:
        from engine.sandbox.faults.catalogue import describe  # noqa: PLC0415  it brings orjson, which `--help` does not need

        deliver_texts(describe())
        return
    if list_ways:
        from engine.sandbox.faults.catalogue import describe_ways  # noqa: PLC0415  it brings orjson

        deliver_texts(describe_ways())
        return
    from engine.cli.verbs.simulate import Setup, simulate  # noqa: PLC0415  it brings aiohttp: half a second that `--help` is spared

    simulate(Setup(**options))
