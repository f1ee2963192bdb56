"""Presets: maps for the lists of ERPs, which mappings can start from. They are files in the language of mappings.

`FAMILY.toml` has a table for each list; the preset's name is `family.list`, such as `netsuite.accounts`. Besides the
keys of a mapping a table has `about`, one line, and `page`, the vendor's page that the field names are from.
`joined.toml` has the presets of one name for all lists of an ERP joined in one file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from engine.sources.mapping import ColumnMap
from engine.sources.written import column_map, faults

_JOINED = "joined"
_OTHER_KEYS = ("about", "page", "family")


class Preset(NamedTuple):
    """A preset and what people are told of it."""

    name: str
    about: str  # one line
    page: str  # the vendor's page that its field names are from; empty for joined lists, which no vendor exports
    family: str  # the ERP: what stands before the dot of the names of its lists
    mapping: ColumnMap


@cache
def presets() -> Mapping[str, Preset]:
    """Return all presets by name. Raises `ValueError` for a file that is no preset: the package is damaged."""
    return {name: preset for stem in _stems() for name, preset in _of_file(stem).items()}


@cache
def _stems() -> tuple[str, ...]:
    names = sorted(file.name for file in files(__name__).iterdir())
    return tuple(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


@cache
def _of_file(stem: str) -> Mapping[str, Preset]:
    """Return the presets of one file: reading all files takes a tenth of a short run."""
    tables = tomllib.loads(files(__name__).joinpath(f"{stem}.toml").read_text("utf-8"))
    names = {name: name if stem == _JOINED else f"{stem}.{name}" for name in tables}
    return {full: _preset(full, tables[name], stem) for name, full in names.items()}


def _preset(name: str, table: object, family: str) -> Preset:
    needed = ("about", "family" if family == _JOINED else "page")
    if not isinstance(table, dict) or not all(isinstance(table.get(key), str) for key in needed):
        raise ValueError(f"preset {name}: a table with {' and '.join(needed)} is wanted")
    mapping = {key: value for key, value in table.items() if key not in _OTHER_KEYS}
    for fault in faults(mapping):
        raise ValueError(f"preset {name}: {'.'.join(map(str, fault.path))}: {fault.message}")
    of = table.get("family", family)
    return Preset(name, table["about"], table.get("page", ""), of, column_map(mapping, name=name))


def lists_of(name: str) -> list[str]:
    """Return the names of the presets of single lists of a preset's ERP."""
    family = presets()[name].family if name in presets() else name.partition(".")[0]
    return [one for one in presets() if one.startswith(f"{family}.")]


class _Maps(Mapping[str, ColumnMap]):
    """The presets' maps by name. A file is read once a preset of it is asked for."""

    def __getitem__(self, name: str) -> ColumnMap:
        family, dot, _ = name.partition(".")
        stem = family if dot else _JOINED
        if stem not in _stems():
            raise KeyError(name)
        return _of_file(stem)[name].mapping

    def __iter__(self) -> Iterator[str]:
        return iter(presets())

    def __len__(self) -> int:
        return len(presets())


PRESETS: Mapping[str, ColumnMap] = _Maps()
"""The map of each preset."""
