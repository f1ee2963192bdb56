"""Notice a preset of joined lists that is used for a file of one list: no row is of a type that the preset knows."""

from __future__ import annotations

from collections.abc import Sequence

from engine.errors import SourceError
from engine.model.dimension import clean
from engine.sources.cells import Cells, Table
from engine.sources.fields import Reader, type_code_of, type_words
from engine.sources.layout import Layout, layout
from engine.sources.presets import PRESETS, lists_of
from engine.sources.rows import shown

_SHOWN = 5  # words that a message shows

_NO_PRESET = "a mapping with type_code"


class KnownTypes:
    """Looks at the words of a source's type column until one of them is known."""

    def __init__(self) -> None:
        self._words: dict[str, None] = {}  # some of them, while none is known
        self._knows_one = False
        self._preset: str | None = None  # the preset that has to know one
        self._columns: Sequence[str] = ()  # of the source

    def look_at(self, cells: Cells, found: Layout, reader: Reader) -> None:
        """Note the words of some rows, where a preset translates them."""
        mapping = reader.mapping
        if self._knows_one or mapping.preset is None or mapping.type_code is not None or not mapping.type_codes:
            return
        words = {clean(word) for word in type_words(cells, found, mapping) if isinstance(word, str)} - {""}
        self._knows_one = any(type_code_of(word, mapping) in reader.type_codes for word in words)
        self._preset, self._columns = mapping.preset, tuple(cells.columns)
        if len(self._words) < _SHOWN:
            self._words |= dict.fromkeys(sorted(words)[:_SHOWN])

    def require_one(self, name: str | None) -> None:
        """Raise `SourceError` if there were rows, and none was of a known type. `name`: of the source."""
        if self._preset is None or self._knows_one or not self._words:
            return
        words = ", ".join(shown(word) for word in list(self._words)[:_SHOWN]).replace("'", '"')
        text = f'no row is of a type that the preset "{self._preset}" knows ({words})'
        raise SourceError(f"{name}: {text}: {one_list(self._preset, self._columns)}", file=name)


def one_list(preset: str, columns: Sequence[str]) -> str:
    """Return words that say what reads a file of one list, in place of a preset of joined lists.

    `columns`: of the file. Presets of which it has all columns are named; where there is none, one of that ERP.
    """
    lists = lists_of(preset)
    fitting = [one for one in lists if not layout(Table((), columns), PRESETS[one]).missing]
    advice = " or ".join(f'preset = "{one}"' for one in fitting)
    if not fitting:
        advice = f'one of its presets, such as "{lists[0]}" (dimsync help sources)' if lists else _NO_PRESET
    return f'the preset "{preset}" reads all lists joined in one file: for a file of one list, use {advice}'


def codes_of(cells: Cells, found: Layout, reader: Reader) -> list[str | None]:
    """Return the type codes of rows, where they are known."""
    if (constant := reader.mapping.type_code) is not None:
        return [type_code_of(constant, reader.mapping)] * len(cells)
    words = [word if isinstance(word, str) else None for word in type_words(cells, found, reader.mapping)]
    codes = {word: None if word is None else type_code_of(clean(word), reader.mapping) for word in set(words)}
    return [code if (code := codes[word]) in reader.type_codes else None for word in words]
