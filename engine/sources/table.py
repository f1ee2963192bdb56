"""Parts that the readers of Parquet, Excel and SQL share: cells that are no text, and optional libraries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from importlib import import_module
from math import isfinite
from typing import Any, cast

from engine.errors import SourceError
from engine.sources.batch import Batch
from engine.sources.mapping import ColumnMap

BATCH_ROWS = 2_000

MOST_CELLS = 200_000
"""Cells of one batch, at most: the wider a table is, the fewer of its rows are taken together."""


def require(module: str, *, extra: str, name: str) -> None:
    """Import an optional library. Raises `SourceError`, which names the extra to install; `name`: of the source."""
    try:
        import_module(module)
    except ImportError as error:
        message = f"{name} cannot be read without {module}: pip install 'dimsync[{extra}]'"
        raise SourceError(message, file=name) from error


def rows_at_once(width: int) -> int:
    """Return how many rows of a table with so many columns make a batch."""
    return max(1, min(BATCH_ROWS, MOST_CELLS // max(1, width)))


def table(
    columns: tuple[str, ...], rows: Iterable[Sequence[object]], *, lines: Sequence[int] | None, mapping: ColumnMap
) -> Batch:
    """Return rows with cells of any type as a batch. A cell of a field that is no text makes its row invalid."""
    cells = cast("list[Sequence[str]]", list(rows))  # the type is checked when a field is taken
    return Batch(cells, columns=columns, lines=lines, mapping=mapping)


def cell(value: object) -> object:
    """Return a value as filters see it: None becomes an empty text, and 1.0 becomes 1."""
    if value is None:
        return ""
    if isinstance(value, float | Decimal) and isfinite(value) and value == int(value):
        return int(value)
    return value


def own(value: Any) -> Any:
    """Return a value of another library as Python's own: what is missing (NaN, NaT, NA) as None, scalars as numbers."""
    if value is None or isinstance(value, str | int):
        return value
    try:
        if bool(value != value):  # noqa: PLR0124  NaN and NaT alone differ from themselves
            return None
    except TypeError:  # pandas' NA is neither true nor false
        return None
    except ValueError:  # an array
        return value
    return value.item() if type(value).__module__ == "numpy" and hasattr(value, "item") else value
