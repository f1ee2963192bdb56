"""How sources are written: a file's path, a workbook's sheet, `sql:NAME`, or `NAME:TEXT` of another package."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from engine.config.fleet import FIELD, fleet_template
from engine.config.values import source_path
from engine.sources.files import split_sheet
from engine.sources.plugins import is_plugged

_SQL = "sql:"


class SourceText(NamedTuple):
    """One of a company's sources, as it is written or with the company's id in place of its field."""

    text: str
    mapping: str | None = None  # None: the company's
    is_optional: bool = False  # its file may be missing


def source_text(text: str) -> str:
    """Check a source and return it as it is written. Raises `ValueError`."""
    if database(text) == "":
        raise ValueError(f"{text!r} names no database: write {_SQL}NAME, where there is a [databases.NAME]")
    if is_file(text):
        path = split_sheet(text)[0]
        fleet_template(path) if FIELD in path else source_path(path)
    return text


def database(text: str) -> str | None:
    """Return the name of a source's database; None: the source is a file's path."""
    return text.removeprefix(_SQL) if text.startswith(_SQL) else None


def is_file(text: str) -> bool:
    """Return whether a source is a file's path: it names neither a database nor what another package brings."""
    return database(text) is None and not is_plugged(text)


def written_sources(values: Mapping[str, Any]) -> Iterator[tuple[str, SourceText]]:
    """Yield the sources of a company, a group or the fleet with their keys; `source` is the list of one.

    `values`: as written. Parts that have the wrong type are passed over: they are faults of their section.
    """
    if isinstance(text := values.get("source"), str):
        yield "source", SourceText(text)
    if isinstance(listed := values.get("sources"), list):
        for index, one in enumerate(listed):
            if isinstance(one, dict) and isinstance(text := one.get("source"), str):
                mapping, optional = one.get("mapping"), one.get("optional")
                named = mapping if isinstance(mapping, str) else None
                yield f"sources[{index}].source", SourceText(text, named, optional is True)


def finds_companies(text: str) -> bool:
    """Return whether the files of a source tell which companies there are."""
    return is_file(text) and FIELD in split_sheet(text)[0]
