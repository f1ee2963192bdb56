"""The first rows of JSON and NDJSON files, wherever in the document they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from engine.errors import SourceError
from engine.sources.guess.head import ROWS, Head


def json_head(path: Path) -> Head:
    """Return the first rows of a JSON or NDJSON file. Raises `SourceError` when there are no objects in it."""
    content = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    try:
        found = _rows_in([orjson.loads(line) for line in content.splitlines()[:ROWS] if line.strip()])
    except orjson.JSONDecodeError:
        try:
            found = _rows_in(orjson.loads(content))
        except orjson.JSONDecodeError as error:
            raise SourceError(f"{path} is not JSON: {error}", file=str(path)) from None
    if found is None:
        raise SourceError(f"{path}: no array of objects is found", file=str(path))
    where, objects = found
    flat = [dict(_flat(each)) for each in objects[:ROWS]]
    columns = tuple(dict.fromkeys(name for each in flat for name in each))
    rows = [[_spelled(each.get(name)) for name in columns] for each in flat]
    reading = {"rows": where} if where else {}
    numbers = frozenset(name for name in columns if any(_is_number(each.get(name)) for each in flat))
    return Head(columns, rows, reading, where, numbers)


def _rows_in(document: Any) -> tuple[str, list[dict[str, Any]]] | None:
    """Return the longest array of objects, with its dotted path."""
    if isinstance(document, list) and len(document) == 1:  # one line: a whole document, or a single row
        alone = [("", document)] if isinstance(document[0], dict) else []
        return max([*_arrays(document[0], ""), *alone], key=lambda one: len(one[1]), default=None)
    return max(_arrays(document, ""), key=lambda one: len(one[1]), default=None)


def _arrays(value: Any, path: str) -> list[tuple[str, list[dict[str, Any]]]]:
    if isinstance(value, list):
        return [(path, value)] if value and all(isinstance(one, dict) for one in value) else []
    if not isinstance(value, dict):
        return []
    return [one for key, inner in value.items() for one in _arrays(inner, f"{path}.{key}" if path else key)]


def _flat(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield an object's values with their names; those of an object inside it by dotted paths."""
    for name, value in row.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{inner}", each) for inner, each in value.items() if not isinstance(each, dict | list))
        elif not isinstance(value, list):
            yield name, value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _spelled(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    return "" if value is None else orjson.dumps(value).decode()
