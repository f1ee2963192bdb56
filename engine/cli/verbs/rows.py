"""`dimsync explain` and `dimsync rekey`: their options. What they do is in `explain_row` and `rekey_rows`."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.options import config_option, output_option


@click.command()
@click.argument("company_id", metavar="COMPANY", type=int)
@click.argument("what", metavar="WHAT")
@config_option
@click.option("--offline", is_flag=True, help="Do not ask Ottimate how the row stands there: no request.")
@output_option("table", "json")
def explain(*, company_id: int, what: str, config: Path, offline: bool, output: str) -> int:
    """Tell the life of one row: what source, Ottimate and ledger say of it, and each attempt to send it.

    WHAT is the row's unique_key in the source, its ERP id, its code, its id in Ottimate, or a part of one or of its
    name. If several rows are meant, they are listed; those that the mapping leaves out are among them, with the reason.
    Costs one request where the id in Ottimate is known.
    """
    from engine.cli.verbs.explain_row import tell_life  # noqa: PLC0415  it brings the engine, which `--help` is spared

    return tell_life(config, company_id, what, offline=offline, output=output)


@click.command()
@click.argument("company_id", metavar="COMPANY", type=int)
@config_option
@click.option("--yes", is_flag=True, help="Store what is shown.")
@click.option("--undo", is_flag=True, help="Send all rows of the company under their source's keys again.")
@output_option("table", "json")
def rekey(*, company_id: int, config: Path, yes: bool, undo: bool, output: str) -> int:
    """Show rows whose key has changed in the source since they were created, and with --yes let them keep the old one.

    Rows are told by type and ERP id. Under the new key each would be created a second time (`key-shift`); on the wire
    it goes by the old one from then on, whatever the source calls it. Nothing is sent, and nothing asked of the API.
    """
    if yes and undo:
        raise click.UsageError("choose --yes or --undo, not both")
    from engine.cli.verbs.rekey_rows import change_keys  # noqa: PLC0415  it brings the engine, too

    return change_keys(config, company_id, yes=yes, undo=undo, output=output)
