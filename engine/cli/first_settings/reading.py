"""Which mapping reads each export: none, a preset, or a mapping proposed from its header and values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from engine.cli.verbs.guess_file import COMPANY, fitting
from engine.errors import ConfigError, SourceError
from engine.model.wanted import Wanted
from engine.sources.base import read
from engine.sources.files import FileSource
from engine.sources.guess.first_rows import head_of
from engine.sources.guess.head import Head
from engine.sources.guess.propose import KEY, guess, list_told
from engine.sources.mapping import ColumnMap
from engine.sources.presets import PRESETS, presets
from engine.sources.written import column_map


class How(NamedTuple):
    """How a file is read."""

    mapping: str | None = None  # a preset, or the name of a section to write; None: it needs no mapping
    section: Mapping[str, object] | None = None  # the section's keys; None: the name is a preset's
    doubts: tuple[str, ...] = ()  # why a person has to look at its rows before they are sent


class Readable(NamedTuple):
    """A file that can be read."""

    how: How
    wanted: Wanted


class Reader:
    """Finds out how files are read. Files with the same columns are read alike where that works."""

    def __init__(self, erp: str | None, type_codes: Collection[str]) -> None:
        """Take the ERP whose presets come first (None: whatever fits), and the contract's type codes."""
        self._erp = erp
        self._type_codes = frozenset(type_codes)
        self._known: dict[tuple[str, ...], list[tuple[How, ColumnMap | None]]] = {}
        self._names: set[str] = set()

    async def read(self, file: Path) -> Readable | str:
        """Return how a file is read and what is in it; a text: why it cannot be."""
        try:
            head = head_of(str(file))
        except (SourceError, OSError) as error:
            return str(error)
        told = list_told(head, file.name)
        for how, columns in self._known.get(head.columns, ()):
            is_same_list = columns is None or columns.type_code in {None, told}
            if is_same_list and (wanted := await self._wanted(file, columns)) is not None:
                return Readable(how, wanted)
        return await self._found(file, head, told)

    async def _found(self, file: Path, head: Head, told: str | None) -> Readable | str:
        if (joined := await self._as_joined(file, head)) is not None:
            return joined
        fits = [each async for each in fitting(file, head)]
        own = [each for each in fits if each.preset and _family(each.preset) == self._erp]
        if (chosen := next(iter(own or fits), None)) is not None:
            lists = {PRESETS[each.preset].type_code for each in (own or fits) if each.preset}
            doubts = (_several(own or fits),) if len(lists) > 1 and told is None else ()
            how = How(chosen.preset, None, doubts)
            columns = None if chosen.preset is None else PRESETS[chosen.preset]
            return self._remember(head, how, columns, chosen.wanted)
        return await self._guessed(file, head)

    async def _as_joined(self, file: Path, head: Head) -> Readable | None:
        """Return how a file of several lists is read, if each row names a list that a preset knows.

        The preset of one list would take the rows of all for rows of its own.
        """
        for name in self._joined():
            columns = replace(PRESETS[name], key=KEY)
            wanted = await self._wanted(file, columns)
            if wanted is not None and not wanted.invalid:
                self._names.add(name)
                return self._remember(head, How(name, {"preset": name, "key": KEY}), columns, wanted)
        return None

    async def _guessed(self, file: Path, head: Head) -> Readable | str:
        made = guess(head, file.name)
        if made is None:
            return f"none of its columns seems to hold ids or names: {', '.join(head.columns)}"
        if made.company_id is not None:
            return "has rows of several companies; `dimsync map guess` proposes a mapping for such a file"
        try:
            columns = column_map(made.settings)
        except ConfigError as error:
            return str(error)
        if (wanted := await self._wanted(file, columns)) is None:
            return "no mapping was found that reads it; `dimsync map guess` says more"
        how = How(self._new_name(), made.settings, ("its mapping is a guess", *made.doubts))
        return self._remember(head, how, columns, wanted)

    def _remember(self, head: Head, how: How, columns: ColumnMap | None, wanted: Wanted) -> Readable:
        self._known.setdefault(head.columns, []).append((how, columns))
        return Readable(how, wanted)

    def _joined(self) -> list[str]:
        """Return the presets for all lists of an ERP in one file, which have no key of their own."""
        names = [name for name in presets() if "." not in name]
        return sorted(
            (name for name in names if self._erp in {None, _family(name)}), key=lambda name: (len(name), name)
        )

    def _new_name(self) -> str:
        """Return a name for a section that no other has, and no preset."""
        number = 1
        while (name := "erp" if number == 1 else f"erp-{number}") in {*self._names, *PRESETS}:
            number += 1
        self._names.add(name)
        return name

    async def _wanted(self, file: Path, columns: ColumnMap | None) -> Wanted | None:
        """Return what a map makes of a file; None: it cannot be read so, or gives nothing to send."""
        try:
            wanted = await read(FileSource(file, columns), company_id=COMPANY, type_codes=self._type_codes)
        except SourceError:
            return None
        return wanted if wanted.rows else None


def _family(preset: str) -> str:
    return presets()[preset].family


def families() -> list[str]:
    """Return the ERPs that there are presets for."""
    return sorted({preset.family for preset in presets().values()})


def _several(fits: Sequence[object]) -> str:
    names = ", ".join(str(preset) for each in fits if (preset := getattr(each, "preset", None)))
    return f"its columns are those of several lists ({names}), and its name does not tell which it is"
