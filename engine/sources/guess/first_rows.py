"""The first rows of a file, by its ending."""

from __future__ import annotations

from pathlib import Path

from engine.errors import SourceError
from engine.sources.files import split_sheet
from engine.sources.guess.head import Head
from engine.sources.guess.objects import json_head
from engine.sources.guess.text import text_head
from engine.sources.guess.workbook import excel_head

_JSON = (".json", ".ndjson", ".jsonl")
_TEXT = (".csv", ".tsv", ".txt", ".iif")


def head_of(file: str) -> Head:
    """Return the first rows of a file, whose name may end in a sheet's. Raises `SourceError` and `OSError`."""
    name, sheet = split_sheet(file)
    path = Path(name)
    ending = path.suffix.lower()
    if ending in _JSON:
        return json_head(path)
    if ending == ".xlsx":
        return excel_head(path, sheet)
    if ending in _TEXT:
        return text_head(path)
    endings = ", ".join((*_TEXT, *_JSON, ".xlsx"))
    raise SourceError(f"{file}: a mapping is proposed for files that end in one of {endings}", file=file)
