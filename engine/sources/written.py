"""A mapping as it is written, in the settings and in the files of presets, brought into a `ColumnMap`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from engine.sources.expressions import Unwritable, expression
from engine.sources.filters import merged, row_test
from engine.sources.mapping import ColumnMap, key_fault
from engine.sources.rows import COLUMNS

MOST_LINES = 1_000
"""The last line on which a header may be said to stand."""


class BadValue(NamedTuple):
    """One thing that is wrong with a mapping."""

    path: tuple[str | int, ...]
    message: str


def text(written: object) -> str:
    """Return a text that says something. Raises `Unwritable`."""
    if not isinstance(written, str) or not written.strip():
        raise Unwritable("must be text, in quotes")
    return written


def key(written: object) -> str:
    """Return the template of a key. Raises `Unwritable`."""
    if (fault := key_fault(template := text(written))) is not None:
        raise Unwritable(fault)
    return template


def header(written: object) -> int:
    """Return the line of the column names. Raises `Unwritable`."""
    if isinstance(written, bool) or not isinstance(written, int) or not 1 <= written <= MOST_LINES:
        raise Unwritable(f"must be the number of a line, from 1 to {MOST_LINES:,}, without quotes")
    return written


def encoding(written: object) -> str:
    """Return the name of an encoding of text that Python has. Raises `Unwritable`."""
    name = text(written)
    try:
        is_text = isinstance("a".encode(name).decode(name), str)
    except (LookupError, UnicodeError, TypeError, ValueError, AssertionError):  # some names are no encodings of text
        is_text = False
    if not is_text:
        raise Unwritable(f'{name!r} is no encoding of text; common ones are "cp1252", "latin-1", "cp850"')
    return name


def delimiter(written: object) -> str:
    """Return the character between cells. Raises `Unwritable`."""
    if not isinstance(written, str) or len(written) != 1 or written in '"\r\n\0 ':
        raise Unwritable('must be the one character between cells, such as ";" or "\\t"')
    return written


def path(written: object) -> str:
    """Return a dotted path. Raises `Unwritable`."""
    found = text(written)
    if not all(found.split(".")):
        raise Unwritable(f'{found!r} is no path: write the keys with dots between them: "QueryResponse.Account"')
    return found


def switch(written: object) -> bool:
    """Return true or false. Raises `Unwritable`."""
    if not isinstance(written, bool):
        raise Unwritable("must be true or false, without quotes")
    return written


def column_map(written: Mapping[str, Any], base: ColumnMap | None = None, *, name: str | None = None) -> ColumnMap:
    """Return the map that is written, over a preset's, which gives what is not written.

    `columns`, `type_codes` and `labels` go name by name. A filter goes column by column over a preset of one list, and
    in place of that of a preset of joined lists, whose names have no dot; an empty one is no filter. Values may be read
    already, or be as they are written. Raises `ConfigError`.
    """
    base = base or ColumnMap()
    own: dict[str, Any] = {_FIELDS.get(one, one): value for one, value in written.items()}
    for table in ("columns", "type_codes", "labels"):
        own[table] = {**getattr(base, table), **own.get(table, {})}
    if (where := own.pop("where", None)) is not None:
        tests = {column: row_test(test) for column, test in where.items()}
        own["where"] = merged(base.where, tests) if tests and base.preset and "." in base.preset else tests
    if name is not None:
        own["preset"] = name
    return replace(base, **own)


_FIELDS = {"type": "type_label", "min_age": "min_age_s", "max_age": "max_age_s"}
"""Keys of the settings -> the fields of `ColumnMap`, where they are called otherwise."""

_VALUES: Mapping[str, Callable[[object], object]] = {
    "type_code": text,
    "type": text,
    "key": key,
    "company_column": text,
    "header": header,
    "encoding": encoding,
    "delimiter": delimiter,
    "rows": path,
    "numbers_as_ids": switch,
}
_TABLES: Mapping[str, Callable[[object], object]] = {
    "columns": expression,
    "type_codes": text,
    "labels": text,
    "where": row_test,
}

_AGES = ("min_age", "max_age")  # presets have none, and the settings read durations for themselves

KEYS = (*_VALUES, *_TABLES, *_AGES)
"""The keys of a mapping that say how a source is read; the settings have more."""


def faults(written: Mapping[str, object]) -> Iterator[BadValue]:
    """Yield everything that is wrong with a mapping as it is written."""
    for name, value in written.items():
        if name in _VALUES:
            yield from _fault(_VALUES[name], value, (name,))
        elif name not in _TABLES:
            yield BadValue((name,), f"unknown key; known are: {', '.join([*_VALUES, *_TABLES])}")
        elif not isinstance(value, Mapping):
            yield BadValue((name,), "is a table: write its keys below a [header], or in braces")
        else:
            for one, inner in value.items():
                if name == "columns" and one not in COLUMNS:
                    yield BadValue((name, one), f"is not a column of dimensions; those are: {', '.join(COLUMNS)}")
                yield from _fault(_TABLES[name], inner, (name, one))


def _fault(read: Callable[[object], object], value: object, place: tuple[str | int, ...]) -> Iterator[BadValue]:
    try:
        read(value)
    except Unwritable as error:
        yield BadValue((*place, *error.path), str(error))
