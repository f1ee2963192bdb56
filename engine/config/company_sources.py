"""Where a company's rows come from: its list of sources, made from the first place that gives one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from engine.config.fleet import FIELD, leads_out
from engine.config.levels import Levels
from engine.config.schema import Document
from engine.config.sources import SourceText, database, is_file
from engine.model.settings import SourceRows
from engine.sources.files import FileSource, split_sheet
from engine.sources.mapping import ColumnMap
from engine.sources.plugins import is_plugged, plugged
from engine.sources.several import Several
from engine.sources.sharing import AbsentSource
from engine.sources.sql import SqlSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A company's source, and what a saved plan of it rests on."""

    source: SourceRows
    settings: str  # digest of the texts, mappings and queries


def made_source(
    levels: Levels, folder: Path, maps: Mapping[str, ColumnMap], document: Document, *, is_absent: bool
) -> Made:
    """Return a company's source: one, several, or none that can be read. `is_absent`: the fleet's files are missing."""
    texts = levels.sources
    there = list(_there(texts, folder))
    parts = [_part(text, levels, folder, maps, document) for text in there]
    settings = "".join(_digest(text, levels, maps, document) for text in texts)
    if is_absent:
        return Made(source=AbsentSource(_path(folder, texts[0])), settings=settings)
    if (absent := _absent(levels, folder, bool(there))) is not None:
        return Made(source=absent, settings=settings)
    return Made(source=parts[0] if len(parts) == 1 else Several(parts), settings=settings)


def _there(texts: Sequence[SourceText], folder: Path) -> Iterator[SourceText]:
    """Yield the sources without those that are optional and missing."""
    return (text for text in texts if not (text.is_optional and _is_missing(folder, text)))


def _is_missing(folder: Path, text: SourceText) -> bool:
    return is_file(text.text) and not os.path.lexists(_path(folder, text))


def _absent(levels: Levels, folder: Path, is_one_there: bool) -> AbsentSource | None:
    """Return a source that fails the company where a file that it needs is missing, or leads out; None: none is.

    A missing file that is the only source is found when it is read.
    """
    for text, written in zip(levels.sources, levels.written_sources, strict=True):
        if FIELD in written.text and (fault := _leads_out(folder, written.text, levels.company_id)) is not None:
            return AbsentSource(_path(folder, text), fault)
        if not text.is_optional and len(levels.sources) > 1 and _is_missing(folder, text):
            path = _path(folder, text)
            advice = "have it exported, or say that it may be missing: optional = true beside its source"
            return AbsentSource(path, f"{path} is missing, and is one of the company's sources: {advice}")
    if not is_one_there:
        path = _path(folder, levels.sources[0])
        return AbsentSource(path, f"{path} is missing, and so are all sources of the company: have them exported")
    return None


def _leads_out(folder: Path, template: str, number: int) -> str | None:
    return leads_out(folder, split_sheet(template)[0], number) if is_file(template) else None


def _path(folder: Path, text: SourceText) -> Path:
    return folder / split_sheet(text.text)[0]


def _part(
    text: SourceText, levels: Levels, folder: Path, maps: Mapping[str, ColumnMap], document: Document
) -> SourceRows:
    column_map = _column_map(text, levels, maps)
    name = database(text.text)
    if is_plugged(text.text):
        return plugged(text.text, column_map)
    if name is None:
        return FileSource(folder / text.text, column_map)
    section = document.databases[name]
    return SqlSource(section.url, section.query, column_map, name=text.text)


def _column_map(text: SourceText, levels: Levels, maps: Mapping[str, ColumnMap]) -> ColumnMap | None:
    name = levels.mapping_of(text)
    return None if name is None else maps[name]


def _digest(text: SourceText, levels: Levels, maps: Mapping[str, ColumnMap], document: Document) -> str:
    name = database(text.text)
    parts = (text.text, _column_map(text, levels, maps), None if name is None else document.databases[name].query)
    return blake2b(repr(parts).encode(), digest_size=8).hexdigest()
