"""What Parquet, Excel and SQL have in common: cells that need not be text, and libraries that need not be there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from importlib import import_module
from math import isfinite
from typing import cast

from engine.errors import SourceError
from engine.sources.batch import Batch
from engine.sources.mapping import ColumnMap

BATCH_ROWS = 2_000


def require(module: str, *, extra: str, name: str) -> None:
    """Import a library that an extra brings; `name` is the source's. Raises `SourceError`, which names the extra."""
    try:
        import_module(module)
    except ImportError as error:
        message = f"{name} cannot be read without {module}: pip install 'dimsync[{extra}]'"
        raise SourceError(message, file=name) from error


def table(
    columns: tuple[str, ...], rows: Iterable[Sequence[object]], *, lines: Sequence[int] | None, mapping: ColumnMap
) -> Batch:
    """Return rows of cells of any type as a batch. Those that should be text and are not make their row invalid."""
    cells = cast("list[Sequence[str]]", list(rows))  # as good as text: whoever takes a field looks at its type
    return Batch(cells, columns=columns, lines=lines, mapping=mapping)


def cell(value: object) -> object:
    """Return a value as the cell of a CSV would be compared: nothing is empty text, and 1.0 is 1."""
    if value is None:
        return ""
    if isinstance(value, float | Decimal) and isfinite(value) and value == int(value):
        return int(value)
    return value
