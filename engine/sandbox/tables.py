"""Build dataclasses from decoded JSON or TOML: a table's keys are field names, checked against the annotations."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from math import inf
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints


class BadScript(ValueError):
    """A table has an unknown key or a bad value; the message names the key by its path."""


_NO_FIT = object()


def build(kind: type[Any], raw: object, where: str) -> Any:
    """Return an instance of a dataclass from a table.

    Raises BadScript, which names the first bad key with its path, such as `faults[2].match.company`.
    """
    values = taken(kind, raw, where)
    for column in fields(kind):
        if column.name not in values and column.default is MISSING and column.default_factory is MISSING:
            raise BadScript(f"{where}.{column.name}: is required")
    return made(kind, values, where)


def taken(kind: type[Any], raw: object, where: str) -> dict[str, Any]:
    """Return a table's values by field name, converted to the fields' types. Fields may be missing."""
    if not isinstance(raw, dict):
        raise BadScript(f"{where}: must be a table")
    hints = _hints(kind)  # type: ignore[arg-type]  # mypy takes type[Any] to be unhashable
    known = [column.name for column in fields(kind)]
    values = {}
    for key, value in raw.items():
        if key not in known:
            raise BadScript(f"{where}.{key}: unknown; known are {', '.join(known) or 'none'}")
        values[key] = _value(value, hints[key], f"{where}.{key}")
    return values


@cache
def _hints(kind: Hashable) -> dict[str, Any]:
    """Return the types of a dataclass's fields. They are cached, as finding them compiles each annotation."""
    return get_type_hints(kind)


def made(kind: type[Any], values: Mapping[str, Any], where: str) -> Any:
    """Return an instance. A `ValueError` of the dataclass itself becomes a `BadScript` with the field's path."""
    try:
        return kind(**values)
    except ValueError as error:
        raise BadScript(f"{where}.{error}") from error


def _value(value: object, hint: Any, where: str) -> Any:
    if is_dataclass(hint) and isinstance(hint, type):
        return build(hint, value, where)
    found = _fitted(value, hint)
    if found is _NO_FIT:
        raise BadScript(f"{where}: {value!r} does not fit")
    return found


def _fitted(value: object, hint: Any) -> Any:
    """Return a decoded value converted to a field's type; `_NO_FIT`: it does not fit. Knows only the types in use."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return next((each for each in (_fitted(value, part) for part in parts) if each is not _NO_FIT), _NO_FIT)
    if origin is tuple:  # tuple[int, ...]
        items = [_fitted(each, parts[0]) for each in value] if isinstance(value, list) else [_NO_FIT]
        return _NO_FIT if any(each is _NO_FIT for each in items) else tuple(items)
    return value if _fits(value, hint, origin) else _NO_FIT


def _fits(value: object, hint: Any, origin: Any) -> bool:
    if origin is Literal:
        return any(value == each and type(value) is type(each) for each in get_args(hint))
    if origin is not None:  # Mapping[str, str]
        return isinstance(value, dict) and all(isinstance(part, str) for pair in value.items() for part in pair)
    if hint is float:
        return isinstance(value, int | float) and type(value) is not bool and abs(value) < inf  # false for NaN
    return value is None if hint is NoneType else type(value) is hint
