"""Batches of raw rows as file sources give them: cells by position, and the lines on which rows start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from engine.model.settings import RawRow
from engine.sources.mapping import ColumnMap

NULS_OF_UTF_16 = 3
"""If every third character of a line or more is NUL, the file is no UTF-8 text; fewer are a fault of that row alone."""


BATCH_BYTES = 1_000_000
"""Bytes or characters of a file's text that make a batch full, however few rows they are.

With `BATCH_ROWS` alone, rows of thousands of columns, or of megabytes, would take gigabytes.
"""


class Broken(dict[str, object]):
    """A row that could not be split into fields. It has no columns, so as a mapping it is empty."""

    __slots__ = ("cells", "code", "message")

    def __init__(self, code: str, message: str, cells: Sequence[object] = ()) -> None:
        super().__init__()
        self.code = code
        self.message = message
        self.cells = cells  # as far as it could be split


class Grid(Sequence[list[str]]):
    """Rows of one width over all their cells in one list, row after row: there is no list for each row."""

    __slots__ = ("flat", "width")

    def __init__(self, flat: list[str], width: int) -> None:
        self.flat = flat
        self.width = width

    def __len__(self) -> int:
        return len(self.flat) // self.width

    @overload
    def __getitem__(self, index: int) -> list[str]: ...
    @overload
    def __getitem__(self, index: slice) -> Grid: ...
    def __getitem__(self, index: int | slice) -> list[str] | Grid:
        if isinstance(index, slice):
            start, stop, _ = index.indices(len(self))
            return Grid(self.flat[start * self.width : stop * self.width], self.width)
        if not 0 <= index < len(self):
            raise IndexError(index)
        cells = self.flat[index * self.width : (index + 1) * self.width]
        return [cell.lstrip(" ") for cell in cells]  # as `csv` does, with the option `skipinitialspace`


class Batch(Sequence[RawRow]):
    """Some rows of one file. Outside a sequence of mappings; inside, cells by position, which is five times cheaper."""

    __slots__ = ("cells", "columns", "lines", "mapping", "numbers")

    def __init__(
        self,
        cells: Sequence[Sequence[str] | RawRow],
        *,
        columns: tuple[str, ...] | None,
        lines: Sequence[int] | None,
        mapping: ColumnMap,
        numbers: Sequence[int] | None = None,
    ) -> None:
        self.cells = cells
        self.columns = columns  # None: the cells are mappings
        self.lines = lines  # physical line on which each row starts; None: the format has no lines
        self.mapping = mapping
        self.numbers = numbers  # of the rows, where the source has no lines; None: they follow the last batch's

    def __len__(self) -> int:
        return len(self.cells)

    @overload
    def __getitem__(self, index: int) -> RawRow: ...
    @overload
    def __getitem__(self, index: slice) -> list[RawRow]: ...
    def __getitem__(self, index: int | slice) -> RawRow | list[RawRow]:
        if isinstance(index, slice):
            return [self._row(cells) for cells in self.cells[index]]
        return self._row(self.cells[index])

    def _row(self, cells: Sequence[str] | RawRow) -> RawRow:
        if isinstance(cells, dict):
            return cells
        return dict(zip(self.columns or (), cells, strict=True))
