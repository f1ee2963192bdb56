"""Read files of invoices: JSON, NDJSON or CSV, by their ending."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path

from engine.errors import BadInvoice
from engine.model.invoice import Invoice
from engine.observe.terminal import safe
from engine.wire.invoices import invoices_of_table, read_invoices

DELIMITERS = ",;\t"


def read_file(file: Path) -> tuple[Invoice, ...]:
    """Return the invoices of a file. Raises `BadInvoice` with file and place, and `OSError`."""
    name = safe(str(file))
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInvoice(f"{name}: byte {error.start + 1} is not UTF-8; save the file as UTF-8") from error
    if file.suffix.lower() in {".csv", ".tsv", ".txt"}:
        return invoices_of_table(list(_rows(text, name)), name)
    if file.suffix.lower() in {".ndjson", ".jsonl"}:
        lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
        return tuple(each for number, line in lines for each in _of_json(line, f"{name}:{number}"))
    return _of_json(text, name)


def _of_json(text: str, name: str) -> tuple[Invoice, ...]:
    try:
        document = json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise BadInvoice(f"{name}: not JSON: {error}") from error
    except (_Twice, RecursionError) as error:
        raise BadInvoice(f"{name}: {error}") from error
    return read_invoices(document, name)


class _Twice(ValueError):
    """A key stands twice in one object, so that one of its values would be lost."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in found if keys.count(key) > 1)
        raise _Twice(f"{safe(twice)!r} stands twice in one object: which of its values is meant?")
    return found


def _rows(text: str, name: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield the rows of a table with their line numbers; rows of empty cells are left out."""
    head = text.partition("\n")[0]
    reader = csv.reader(StringIO(text, newline=""), delimiter=max(DELIMITERS, key=head.count), strict=True)
    try:
        columns = [column.strip() for column in next(reader, [])]
        if twice := {column for column in columns if columns.count(column) > 1}:
            raise BadInvoice(f"{name}:1: the column {safe(min(twice))!r} is there twice")
        for cells in reader:
            if not any(map(str.strip, cells)):
                continue
            if len(cells) != len(columns):
                told = f"{len(cells)} cells, and the header has {len(columns)}"
                raise BadInvoice(f"{name}:{reader.line_num}: the row has {told}")
            yield reader.line_num, dict(zip(columns, cells, strict=True))
    except csv.Error as error:
        raise BadInvoice(f"{name}:{reader.line_num}: {error}") from error
