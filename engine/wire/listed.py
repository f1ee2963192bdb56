"""The rows of a page or of a bulk answer, taken column by column in C: a third of the time of reading each one.

`reading` is what decides. Rows that are not plainly alike are left to it: what is said here may only be stricter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from sys import intern
from typing import Any, TypeAlias

from engine.model.dimension import clean, listed_type
from engine.model.table import Cells

Column: TypeAlias = Sequence[Any]


def listed_rows(items: list[Any], company_id: int) -> list[Cells] | None:
    """Return the cells of a page's rows; None unless they are plainly dimensions of the company, with the same names.

    Of each type code and label there is one object, however many rows bear it.
    """
    try:
        columns = _columns(items)
        if not {company_id, str(company_id), None}.issuperset(columns.get("ottimate_company_id", ())):
            return None
        ids = columns["id"]
        if not all(ids) or set(map(type, ids)) != {str}:
            return None
        types = _each(_first(columns, "ottimate_type", "dimension_type", "dimension_type_code"), listed_type)
        labels = _each(_first(columns, "erp_type", "type"), intern)
        names, erp_ids = _texts(columns["name"]), _texts(columns["erp_dimension_id"])
        codes = _optional(columns.get("code"), len(items))
        keys = _first(columns, "reference_id", "unique_key")
        if not {str, type(None)}.issuperset(map(type, keys)):
            return None
    except (KeyError, TypeError, ValueError):
        return None
    return list(zip(ids, types, labels, names, erp_ids, codes, keys, strict=True))


def stored_rows(items: list[Any]) -> list[tuple[str, str]] | None:
    """Return remote id and name of a bulk answer's rows; None unless each plainly has both."""
    try:
        ids, names = [item["id"] for item in items], [item["name"] for item in items]
        return list(zip(ids, _texts(names), strict=True)) if {str}.issuperset(map(type, ids)) else None
    except (KeyError, TypeError):
        return None


def _columns(items: list[Any]) -> dict[str, Column]:
    """Return the values by name. Raises `TypeError` or `ValueError` unless all objects have the same names in order."""
    names = [*items[0]] if items else []
    # No object has a name twice, so that none can make up for what another one lacks.
    if list(chain.from_iterable(items)) != names * len(items):
        raise ValueError("not alike")
    values = list(chain.from_iterable(map(dict.values, items)))
    return {name: values[at :: len(names)] for at, name in enumerate(names)}


def _first(columns: dict[str, Column], *names: str) -> Column:
    """Return for each row the first value that is there and not empty, or None."""
    found = [columns[name] for name in names if name in columns]
    if found and all(found[0]):
        return found[0]
    count = len(columns["id"])
    return [next(filter(None, values), None) for values in zip(*found, strict=True)] if found else [None] * count


def _each(column: Column, read: Callable[[str], str]) -> Sequence[str]:
    """Return what `read` makes of each text, asked once for each that there is. Raises `TypeError` for other values."""
    made = {value: "" if value is None else intern(read(value)) for value in set(column)}
    return tuple(map(made.__getitem__, column))


def _texts(column: Column) -> Sequence[str]:
    """Return texts as `clean` does. Raises `TypeError` for other values."""
    texts = tuple(map(str.strip, column))
    return texts if "".join(texts).isascii() else tuple(map(clean, texts))


def _optional(column: Column | None, count: int) -> Column:
    """Return texts likewise, of which some or all may be None."""
    if column is None:
        return [None] * count
    if None in column:
        return [None if text is None else clean(str.strip(text)) for text in column]
    return _texts(column)
