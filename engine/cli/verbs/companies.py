"""`dimsync companies`: its options, and those of `companies show`. What they do is in `directory`."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.options import config_option, output_option


@click.group(invoke_without_command=True)
@config_option
@click.option("--refresh", is_flag=True, help="Ask the API, although the ledger remembers.")
@click.option("--locations", is_flag=True, help="List every location, too.")
@output_option("table", "json")
@click.pass_context
def companies(context: click.Context, *, config: Path, refresh: bool, locations: bool, output: str) -> int | None:
    """List accounts, companies and locations as the API user sees them, and which of them the settings name.

    Taken from the ledger where it remembers them, with their age. Exits with 1 when an account could not be listed, or
    does not show a company that the settings name.
    """
    if context.invoked_subcommand is not None:
        return None
    from engine.cli.verbs.list_companies import CompaniesOptions, look  # noqa: PLC0415  it brings the engine: half a second that `--help` is spared

    return look(CompaniesOptions(config=config, refresh=refresh, locations=locations, output=output))


@companies.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option("-c", "--config", type=click.Path(path_type=Path), help="The settings file. Default: as before `export`.")
@click.option("--refresh", is_flag=True, help="Ask the API, although the ledger remembers.")
@click.pass_context
def export(context: click.Context, *, file: Path, config: Path | None, refresh: bool) -> int:
    """Write the mapping of ids to a CSV file: companies, accounts, locations, and their ERP ids as far as known.

    A line for each location, or for a company without any. A location's ERP id is that of the company's only dimension
    of type location that has the location's name, as the ledger knows it.
    """
    config = config or (context.parent.params["config"] if context.parent else Path("dimsync.toml"))
    from engine.cli.verbs.export_companies import export_companies  # noqa: PLC0415  loaded when it is used

    return export_companies(config, file, refresh=refresh)


@companies.command()
@click.argument("company_id", metavar="ID", type=int)
@click.option("-c", "--config", type=click.Path(path_type=Path), help="The settings file. Default: as before `show`.")
@output_option("table", "json")
@click.pass_context
def show(context: click.Context, *, company_id: int, config: Path | None, output: str) -> int:
    """Show each setting of a configured company, and the place that decided it."""
    config = config or (context.parent.params["config"] if context.parent else Path("dimsync.toml"))
    from engine.cli.verbs.list_companies import explain  # noqa: PLC0415  loaded when it is used

    return explain(config, company_id, output)
