"""Spell the statements of the ledger's jobs for Postgres.

Most statements are the same in both databases, except for the marks of values. Those that differ have their own text in
`statements/MODULE.sql`, under the name that they have in `engine.ledger.jobs.MODULE`, with the same values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import Any

from engine.ledger.connection import Values
from engine.ledger.jobs.statements import COMMON, Statement, names
from engine.ledger.postgres.texts import storable
from engine.model.resource import Resource
from engine.model.row_record import entry_names

JOBS = "engine.ledger.jobs"
HEADING = re.compile(r"^-- (\w+)$", re.MULTILINE)
MARK = re.compile(r"\?(\d*)|(?<!:):([a-z_]+)")
"""What stands for a value: `?`, which has the number after the last one, `?2`, or `:name`. `::` is a cast."""


@cache
def spelled(statement: str) -> str:
    """Return a statement of a job as psycopg takes it: values are `%(p1)s`, `%(p2)s` and so on, or `%(name)s`."""
    if isinstance(statement, Statement):
        template = own_texts().get(statement.template, statement.template)
        return _marked(template.format_map(_names(statement.resource)))
    return _marked(own_texts().get(statement, statement))


def bound(statement: str, values: Values) -> Mapping[str, Any]:
    """Return values by the names that `spelled` gives them. The values of entries become one list for each column."""
    if isinstance(values, Mapping):
        return {name: storable(value) for name, value in values.items()}
    if isinstance(statement, Statement) and statement.entries:
        own, first = len(entry_names(statement.resource)) - statement.shared, COMMON + statement.shared
        columns = (list(values[first + at :: own]) for at in range(own))
        once = ([value] * statement.entries for value in values[COMMON:first])
        values = (*values[:COMMON], *columns, *once)
    return {f"p{number}": storable(value) for number, value in enumerate(values, start=1)}


@cache
def own_texts() -> Mapping[str, str]:
    """Return Postgres' own texts by those of SQLite."""
    return {getattr(import_module(f"{JOBS}.{module}"), name): text for module, name, text in read_texts()}


def read_texts() -> Iterator[tuple[str, str, str]]:
    """Yield (module, name, text) of each statement that Postgres spells differently."""
    for file in sorted((files("engine.ledger.postgres") / "statements").iterdir(), key=lambda file: file.name):
        module, ending = file.name.rsplit(".", 1)
        if ending == "sql":
            _, *parts = HEADING.split(file.read_text(encoding="utf-8"))
            for name, text in zip(parts[::2], parts[1::2], strict=True):
                yield module, name, text.strip().removesuffix(";")


def _marked(text: str) -> str:
    """Return a statement with psycopg's marks for its values."""
    last = 0

    def mark(found: re.Match[str]) -> str:
        nonlocal last
        number, name = found.groups()
        if name is not None:
            return f"%({name})s"
        last = int(number) if number else last + 1
        return f"%(p{last})s"

    return MARK.sub(mark, text.replace("%", "%%"))


def _names(resource: Resource) -> Mapping[str, str]:
    return names(resource) | {
        "entries": _unnested(resource),
        "natural_excluded": ", ".join(f"excluded.{name}" for name in resource.natural_key),
    }


def _unnested(resource: Resource) -> str:
    """Return entries as a table made of a list for each column, which are named as those of `values` in SQLite."""
    kinds = ["bigint[]" if name == "flags" else "text[]" for name in entry_names(resource)]
    lists = ", ".join(f"?{COMMON + number}::{kind}" for number, kind in enumerate(kinds, start=1))
    columns = ", ".join(f"column{number}" for number in range(1, len(kinds) + 1))
    return f"unnest({lists}) as entry ({columns})"
