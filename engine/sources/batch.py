"""What file sources hand over: raw rows by position, with the lines they start on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from engine.model.settings import RawRow
from engine.sources.mapping import ColumnMap

NULS_OF_UTF_16 = 3
"""A line of which every third character or more is NUL is no UTF-8 text; fewer are a row's own fault."""


class Broken(dict[str, object]):
    """A row that could not be told apart into fields. It has no columns, so as a mapping it is empty."""

    __slots__ = ("code", "message")

    def __init__(self, code: str, message: str) -> None:
        super().__init__()
        self.code = code
        self.message = message


class Batch(Sequence[RawRow]):
    """Some rows of one file. Outside a sequence of mappings; inside, cells by position, which is five times cheaper."""

    __slots__ = ("cells", "columns", "lines", "mapping")

    def __init__(
        self,
        cells: Sequence[Sequence[str] | RawRow],
        *,
        columns: tuple[str, ...] | None,
        lines: Sequence[int] | None,
        mapping: ColumnMap,
    ) -> None:
        self.cells = cells
        self.columns = columns  # None: the cells are mappings
        self.lines = lines  # physical line on which each row starts; None: the format has no lines
        self.mapping = mapping

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
