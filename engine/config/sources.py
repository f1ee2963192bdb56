"""How a company's source is written: a file's path, a sheet of a workbook, or `sql:NAME` for `[databases.NAME]`."""

from __future__ import annotations

from engine.config.fleet import fleet_template
from engine.config.values import source_path
from engine.sources.files import split_sheet

_SQL = "sql:"


def source_text(text: str) -> str:
    """Check a source and return it as it is written. Raises `ValueError`."""
    if database(text) == "":
        raise ValueError(f"{text!r} names no database: write {_SQL}NAME, where there is a [databases.NAME]")
    if database(text) is None:
        source_path(split_sheet(text)[0])
    return text


def fleet_text(text: str) -> str:
    """Check the fleet's template, which may end in `#SHEET`, and return it as it is written. Raises `ValueError`."""
    if database(text) is not None:
        raise ValueError(f"{text!r}: a database does not tell which companies there are: give it to each company")
    fleet_template(split_sheet(text)[0])
    return text


def database(text: str) -> str | None:
    """Return the name of a source's database; None: the source is a file's path."""
    return text.removeprefix(_SQL) if text.startswith(_SQL) else None
