"""`dimsync map`: what a mapping makes of a file, and which mapping a file needs. Without network and credentials."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from engine.cli.options import config_option, output_option

_file = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
_sheet = "A workbook's sheet is named like this: lists.xlsx#Departments."


@click.group(name="map")
def map() -> None:  # noqa: A001  the verb's name
    """See what a mapping makes of an export before anything is sent, or have one proposed. Needs no network."""


@map.command(epilog=_sheet)
@_file
@click.option("--mapping", metavar="NAME", help="A [mapping.NAME] of the settings, or a preset such as xero.accounts.")
@click.option(
    "--company", "company_id", type=click.IntRange(min=1), metavar="ID", help="The company whose rows are shown."
)
@click.option("--rows", type=click.IntRange(0, 1_000), default=5, show_default=True, help="Rows that are shown.")
@click.option("--diff", is_flag=True, help="Compare with the rows that the ledger knows of the company.")
@config_option
@output_option("table", "json")
def preview(**options: Any) -> int:
    """Show the first rows of FILE before and after its mapping, and count what becomes of all of them.

    Without --mapping, FILE is read as the company does whose source it is. Exits with 3 if rows are invalid, with 1 if
    the file cannot be read.
    """
    from engine.cli.verbs.preview_file import Look, look  # noqa: PLC0415  it brings the settings, which `--help` is spared

    return look(Look(**options))


@map.command(epilog=_sheet)
@_file
@click.option("--name", default="erp", show_default=True, help="The name of the mapping that is proposed.")
@output_option("table", "json")
def guess(*, file: Path, name: str, output: str) -> int:
    """Propose a mapping for FILE: a preset whose columns are all there, else one made of its header and values.

    What is printed can be pasted into the settings; doubts are comments in it.
    """
    from engine.cli.verbs.guess_file import propose  # noqa: PLC0415  it brings the readers, which `--help` is spared

    return propose(file, name, output)
