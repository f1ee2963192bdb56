"""SQL on a resource's tables: a statement is a template in which the names of tables and columns are filled in here.

A resource has three tables: `rows`, `strays` and `may_be_there`, after its prefix. All others are common to all.
"""

from __future__ import annotations

from functools import cache

from engine.model.resource import Resource
from engine.model.row_record import entry_names

COMMON = 2
"""How many values come before those of the rows, in a statement that writes rows of `rows`."""

BEFORE_FLAGS = 1  # columns of an entry between the row's own and its flags: the remote id


class Statement(str):
    """A statement on a resource's tables, with its template, which another database may replace by its own."""

    __slots__ = ("entries", "resource", "shared", "template")

    resource: Resource
    template: str
    entries: int  # number of rows of `rows` whose values are bound to it; 0: it binds no row
    shared: int  # number of their last fields whose values are the same for all of them, and bound once


@cache
def sql(resource: Resource, template: str, entries: int = 0, shared: int = 0) -> Statement:
    """Return a statement with the names of a resource in the place of `{fields}`, `{rows}` and so on.

    `entries`: how many rows of `rows` it writes. The values to bind are the `COMMON` ones of the statement, then those
    of the last `shared` fields, which all rows have in common, then the other fields of each row.
    """
    made = Statement(template.format_map(names(resource) | {"entries": _values(resource, entries, shared)}))
    made.resource, made.template, made.entries, made.shared = resource, template, entries, shared
    return made


def names(resource: Resource) -> dict[str, str]:
    """Return what stands for each name in a template."""
    count = len(resource.names)
    flags = count + BEFORE_FLAGS + 1
    return {
        "rows": f"{resource.prefix}rows",
        "strays": f"{resource.prefix}strays",
        "may_be_there": f"{resource.prefix}may_be_there",
        "fields": ", ".join(resource.names),
        "values": _columns(1, flags),
        "flags": f"column{flags}",
        "notes": _columns(flags + 1, len(entry_names(resource)) + 1),
        "updates": ", ".join(f"{name} = excluded.{name}" for name in resource.names if name != "key"),
        "required": ", ".join(field.name for field in resource.required),
        "blanks": ", ".join("''" for _ in resource.required),
        "natural": ", ".join(resource.natural_key),
        "natural_marks": ", ".join("?" for _ in resource.natural_key),
        "told": next(iter(resource.natural_key)),
        "remote_fields": ", ".join(resource.remote_names),
        "remote_marks": ", ".join("?" for _ in resource.remote_names),
    }


def _columns(first: int, end: int) -> str:
    """Return the names that SQLite gives to these columns of `values`."""
    return ", ".join(f"column{number}" for number in range(first, end))


def _values(resource: Resource, entries: int, shared: int) -> str:
    """Return the rows of `values`. Marks have numbers, as a value that is bound once stands in each row."""
    own, first = len(entry_names(resource)) - shared, COMMON + shared + 1
    once = [f"?{COMMON + number}" for number in range(1, shared + 1)]
    rows = (range(first + own * at, first + own * (at + 1)) for at in range(entries))
    return ", ".join(f"({', '.join([*(f'?{number}' for number in row), *once])})" for row in rows)
