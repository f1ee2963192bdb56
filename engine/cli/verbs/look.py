"""`dimsync pull`, `lookup`, `get`: their options. What they do is in `pull_rows`, `lookup_invoices` and `get_row`."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.options import config_option, output_option, quiet_option

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("file", metavar="FILE", type=FILE)
@config_option
@click.option(
    "--select",
    multiple=True,
    metavar="KIND:NAME",
    help="Only company:ID, account:NAME, group:NAME, erp:NAME, state:STATE.",
)
@click.option(
    "--exclude",
    multiple=True,
    metavar="KIND:NAME",
    help="All but these; takes what --select takes, and may be given again.",
)
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Only rows of this type code or label.")
@click.option("--format", "form", type=click.Choice(["csv", "ndjson", "parquet"]), help="Default: FILE's ending says.")
@output_option("table", "json")
@quiet_option
def pull(
    *,
    file: Path,
    config: Path,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    types: tuple[str, ...],
    form: str | None,
    output: str,
    quiet: bool,
) -> int:
    """Write the companies' dimensions, as Ottimate shows them, to FILE: CSV, NDJSON or Parquet.

    Costs a request for 100 rows of each company. Beside FILE stands FILE.certificate.json: what shows that all rows are
    there. Where a listing is not whole nothing is written, and the exit code is 4. With {company_id} in FILE's name
    each company has a file of its own. Read-only companies are included. Cells of a CSV that a spreadsheet would take
    for formulas begin with a quote.
    """
    from engine.cli.verbs.pull_rows import PullOptions, pull_rows  # noqa: PLC0415  it brings the engine: half a second that `--help` is spared

    return pull_rows(
        PullOptions(
            file=file, config=config, select=select, exclude=exclude, types=types, form=form, output=output, quiet=quiet
        )
    )


@click.command()
@click.argument("file", metavar="FILE", type=FILE)
@config_option
@click.option("--company", "company_id", type=int, metavar="ID", help="The company of invoices that name none.")
@click.option("--require", metavar="TYPES", default="", help="Types that each line has to have: account,department.")
@click.option(
    "--verify",
    type=click.Choice(["auto", "full", "probe", "none"]),
    help="How to check what Ottimate has: auto (as far as it is due), full (every row), probe (row counts) or none"
    " (believe the ledger). Default: as in the settings.",
)
@output_option("table", "json")
def lookup(*, file: Path, config: Path, company_id: int | None, require: str, verify: str | None, output: str) -> int:
    """Tell whether the dimensions that the invoices in FILE name exist in their companies.

    FILE is JSON, one invoice or several, in either contract's shape (line_items or items), or CSV, a line each:
    columns ottimate_company_id, ottimate_location_id, invoice_number, and one for each type, named as the company or
    the API calls it. What the ledger knows is believed as long as it is for a sync, and costs nothing; what it does not
    know costs a probe, and a listing if that differs. Exits with 3 when something is not found.
    """
    from engine.cli.verbs.lookup_invoices import LookupOptions, lookup_invoices  # noqa: PLC0415  loaded when it is used

    return lookup_invoices(
        LookupOptions(
            file=file,
            config=config,
            company_id=company_id,
            require=tuple(filter(None, map(str.strip, require.split(",")))),
            verify=verify,
            output=output,
        )
    )


@click.command()
@click.argument("company_id", metavar="COMPANY", type=int)
@click.argument("what", metavar="WHAT")
@config_option
@output_option("table", "json")
def get(*, company_id: int, what: str, config: Path, output: str) -> int:
    """Show one row as Ottimate shows it now. WHAT is its unique_key, its ERP id, or its id in Ottimate.

    One request for each row of that ERP id: several types may have the same. Exits with 3 when there is none.
    """
    from engine.cli.verbs.get_row import get_row  # noqa: PLC0415  loaded when it is used

    return get_row(config, company_id, what, output=output)
