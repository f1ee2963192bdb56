"""Sources that other packages bring: entry points of the group `dimsync.sources`, which settings name as `NAME:TEXT`.

An entry point is a function that takes the text after the colon and the company's `ColumnMap`, and returns a source as
`engine.sources.protocol` describes it. It is called when settings are read, so it should not connect to anything yet.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from importlib.metadata import EntryPoint, entry_points

from engine.errors import SourceError
from engine.model.settings import RawRow, SourceRows
from engine.sources.mapping import ColumnMap

GROUP = "dimsync.sources"

_NAMED = re.compile(r"([a-z][a-z0-9_-]+):(.*)", re.DOTALL)  # two characters at least: one is a drive of Windows


def installed() -> Mapping[str, EntryPoint]:
    """Return the entry points of all installed packages by name."""
    return {one.name: one for one in entry_points(group=GROUP)}


def is_plugged(text: str) -> bool:
    """Return whether a source's text names an entry point."""
    match = _NAMED.fullmatch(text)
    return match is not None and match[1] in installed()


def plugged(text: str, mapping: ColumnMap | None = None) -> SourceRows:
    """Return the source that a text names. One that cannot be made says why when it is read, and fails its company."""
    match = _NAMED.fullmatch(text)
    if match is None or (entry := installed().get(match[1])) is None:
        return _Unmade(text, f"{text} names no source; installed are: {', '.join(sorted(installed())) or 'none'}")
    try:
        source: SourceRows = entry.load()(match[2], mapping or ColumnMap())
    except Exception as error:  # noqa: BLE001  another package may raise anything
        return _Unmade(text, f"{text} cannot be made by {entry.value}: {type(error).__name__}: {error}")
    return source


class _Unmade:
    """A source that could not be made."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self._reason = reason

    def absence(self) -> str:
        """Return why."""
        return self._reason

    def __aiter__(self) -> AsyncIterator[RawRow]:
        raise SourceError(self._reason, file=self.name)
