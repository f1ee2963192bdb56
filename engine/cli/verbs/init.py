"""`dimsync init`: its options, and the questions that it asks. What it does is in `write_settings`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from engine.cli.options import config_option


@click.command()
@click.option("--erp", metavar="NAME", help="The clients' ERP, such as netsuite: its presets come first.")
@click.option("--exports", type=click.Path(path_type=Path, file_okay=False), help="The folder of their exports.")
@click.option("--base-url", default="https://api.ottimate.com/v1", show_default=True, help="Where the API is.")
@click.option("--contract", default="guide", show_default=True, help="Which of its contracts: guide or reference.")
@click.option("--account", default="main", show_default=True, help="What to call the account.")
@click.option("--account-id", metavar="ID", help="racc_...; may be left out where the credentials reach one account.")
@click.option("--api-key", metavar="REF", help="env:NAME or file:PATH. Default: env:OTTIMATE_API_KEY.")
@click.option("--client-id", metavar="REF", help="Default: env:OTTIMATE_CLIENT_ID.")
@click.option("--client-secret", metavar="REF", help="Default: env:OTTIMATE_CLIENT_SECRET.")
@click.option(
    "--accounts",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Many accounts: a CSV with columns name, account_id, api_key, client_id, client_secret (references).",
)
@config_option
def init(**options: Any) -> int:
    """Write the first settings: `dimsync.toml`, and `companies.csv` beside it. No file is overwritten.

    Asks the API which companies the credentials show (two requests a key, and a token), looks through the folder of
    exports, tells whose each file is by the company's id in its path, else by the company's name, and finds the mapping
    that reads it. In a terminal it asks for what no option says. Companies whose mapping had to be guessed are
    read-only (`write` is false) until you have looked at their rows.
    """
    from engine.cli.verbs.write_settings import Asked, write_settings  # noqa: PLC0415  it brings the engine: half a second that `--help` is spared

    one = options["accounts"] is None
    references = {
        "api_key": ("Where is the API key? (env:NAME or file:PATH)", "env:OTTIMATE_API_KEY"),
        "client_id": ("Where is the client id?", "env:OTTIMATE_CLIENT_ID"),
        "client_secret": ("Where is the client secret?", "env:OTTIMATE_CLIENT_SECRET"),
    }
    for name, (question, default) in references.items() if one else ():
        options[name] = options[name] or _asked(question, default)
    if options["exports"] is None:
        options["exports"] = Path(_asked("In which folder are the exports?", "exports"))
        options["erp"] = (
            options["erp"] or _asked("Which ERP are they from? (empty: found by their columns)", "") or None
        )
    return write_settings(Asked(**options))


def _asked(question: str, default: str) -> str:
    """Return a person's answer; without a terminal the default."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return default
    answer: str = click.prompt(question, default=default, err=True, show_default=bool(default))
    return answer.strip()
