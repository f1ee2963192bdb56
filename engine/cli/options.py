"""Options that several verbs share."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

config_option = click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path),
    default=Path("dimsync.toml"),
    show_default=True,
    help="The settings file.",
)

log_file_option = click.option(
    "--log-file",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write down there what happens, with times and levels; files of 10 MB, the last five are kept as FILE.1 to"
    " FILE.5.",
)

quiet_option = click.option("-q", "--quiet", is_flag=True, help="No progress on standard error.")


def output_option(*formats: str) -> Callable[[F], F]:
    """Return the `--output` option with these formats; the first is the default."""
    return click.option(
        "--output", type=click.Choice(formats), default=formats[0], show_default=True, help="How to print the result."
    )


SELECTION = (
    click.option(
        "--select",
        multiple=True,
        metavar="KIND:NAME",
        help="Only company:ID, account:NAME, group:NAME, erp:NAME or state:STATE (of the last sync);"
        " may be given again.",
    ),
    click.option(
        "--exclude",
        multiple=True,
        metavar="KIND:NAME",
        help="All but these; takes what --select takes, and may be given again.",
    ),
)
"""Which companies a verb is about."""


def with_options(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Return a decorator that adds options, the first one first."""
    return lambda function: reduce(lambda decorated, option: option(decorated), reversed(options), function)


def run_options(*more: str) -> Callable[[F], F]:
    """Add the options that every verb that runs has, and those of `MORE` that are named."""
    options = [
        config_option,
        *SELECTION,
        *(MORE[name] for name in more),
        output_option("table", "json", "ndjson"),
        quiet_option,
        log_file_option,
    ]
    return with_options(*options)


MORE = {
    "verify": click.option(
        "--verify",
        type=click.Choice(["auto", "full", "probe", "none"]),
        help="How to check what Ottimate has: auto (as far as it is due), full (every row), probe (row counts) or none"
        " (believe the ledger). Default: as in the settings.",
    ),
    "allow": click.option(
        "--allow",
        multiple=True,
        metavar="GUARD:ID",
        help="Let a guard pass for a company in this run, as its message says, or for a group: GUARD:group:NAME;"
        " may be given again.",
    ),
    "budget": click.option(
        "--budget",
        type=click.IntRange(min=1),
        metavar="N",
        help="Send no more than N requests: known changes first, then listings. Tokens are not counted.",
    ),
    "deadline": click.option(
        "--deadline", metavar="TIME", help="Stop after this time (30m, 2h): known changes first, then listings."
    ),
    "expect_ledger": click.option(
        "--expect-ledger",
        is_flag=True,
        help="Exit with 2, and send nothing, when the ledger is new: for schedulers, from the second run on.",
    ),
    "fresh": click.option(
        "--fresh",
        is_flag=True,
        help="Do not wait: try companies that rest after a failure, and API keys that were asked to wait.",
    ),
}
"""Options that only some verbs have, by name."""
