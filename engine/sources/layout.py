"""How each of the six fields is made of a source's columns, as its mapping says, and which columns are missing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from engine.model.dimension import clean
from engine.sources.cells import Cells
from engine.sources.expressions import Expression, Named, lacking
from engine.sources.filters import IfThere
from engine.sources.mapping import ColumnMap, spellings, supplied
from engine.sources.rows import COLUMNS

OWNER = "ottimate_company_id"
"""The API's name of the column with a row's company. If a source has it, rows of other companies are refused."""


class Layout(NamedTuple):
    """How rows with certain columns are read."""

    fields: tuple[Expression | None, ...]  # in the order of `COLUMNS`; None: there is no such column
    missing: tuple[str, ...]  # what has to be there and is not
    doubled: tuple[tuple[str, str], ...]  # pairs of columns that are two names, one of each contract, for one field
    owner: str | None  # the column that names each row's company


def layout(cells: Cells, mapping: ColumnMap) -> Layout:
    """Return how rows are read. Columns that rows do not have are missing if at least one row would need them."""
    fields: list[Expression | None] = []
    missing: list[str] = []
    doubled: list[tuple[str, str]] = []
    given = supplied(mapping)
    for column in COLUMNS:
        made = mapping.columns.get(column)
        if made is None:
            names = spellings(column)
            there = [name for name in names if cells.has(name)]
            made = Named(there[0]) if there else None
            absent: Sequence[str] = () if there else names
            doubled += [(there[0], there[1])] if len(there) > 1 else []
        else:
            absent = lacking(made, cells.has)
        fields.append(made)
        if absent and column not in given:
            missing.append(" or ".join(absent))
    missing += [name for name, test in mapping.where.items() if not cells.has(name) and not isinstance(test, IfThere)]
    if mapping.company_column is not None and not cells.has(mapping.company_column):
        missing.append(mapping.company_column)
    owner = None if mapping.company_column else _owner(cells.columns)
    return Layout(tuple(fields), tuple(dict.fromkeys(missing)), tuple(doubled), owner)


def _owner(columns: Collection[str]) -> str | None:
    return next((name for name in columns if clean(str(name)).casefold() == OWNER), None)


def is_own(value: object, company_id: int) -> bool:
    """Return whether the value of a row's company column is this company's id."""
    if isinstance(value, str):
        return clean(value).removesuffix(".0") == str(company_id)  # so do some programs write numbers in such columns
    return not isinstance(value, bool) and value == company_id


def repeated(columns: Sequence[str], mapping: ColumnMap, found: Layout) -> list[str]:
    """Return the columns that a table has twice, of those that the map reads, in words."""
    names = [made.column for made in found.fields if isinstance(made, Named)]
    twice = [" and ".join(pair) for pair in found.doubled]
    read = dict.fromkeys([*names, *mapping.names()])
    return twice + [name for name in read if columns.count(name) > 1]
