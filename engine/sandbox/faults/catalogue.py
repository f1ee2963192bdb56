"""What a script of faults may contain, as text. It is made from the effects' own fields, so it is never out of date."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import MISSING, Field, fields
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from engine.sandbox.faults.effects import EFFECTS
from engine.sandbox.faults.rules import Match, Rule
from engine.sandbox.faults.scheduled_fault import OPERATIONS
from engine.sandbox.ways import Spelling, Way

WORDS = {int: "whole number", float: "number", str: "text", bool: "true or false"}


def describe() -> Iterator[str]:
    """Yield lines: first the keys that every rule takes, then each effect with its own keys."""
    yield f"every rule: {_meaning(Rule)}"
    yield "    effect: one of the names below, required"
    yield from _keys(Match, prefix="match.")
    yield from _keys(Rule, leave={"effect", "match"})
    for name, kind in EFFECTS.items():
        only = "" if kind.operations == OPERATIONS else f" ({', '.join(sorted(kind.operations))} only)"
        yield ""
        yield f"{name}{only}: {_meaning(kind)}"
        yield from _keys(kind)


def describe_ways() -> Iterator[str]:
    """Yield lines with the keys that a table of `[[ways]]` takes."""
    yield f"every way: {_meaning(Way)}"
    yield from _keys(Way)
    yield ""
    yield f"spelling: {_meaning(Spelling)}"
    yield from _keys(Spelling)


def _meaning(kind: type[Any]) -> str:
    return (kind.__doc__ or "").partition("\n")[0]


def _keys(kind: type[Any], *, prefix: str = "", leave: Collection[str] = ()) -> Iterator[str]:
    """Yield a line for each field, with its type and default."""
    hints = get_type_hints(kind)
    for column in fields(kind):
        if column.name not in leave:
            yield f"    {prefix}{column.name}: {_words(hints[column.name])}, {_default(column)}"


def _words(hint: Any) -> str:
    """Return what a script calls the values of an annotated type."""
    parts = [part for part in get_args(hint) if part is not NoneType]
    if get_origin(hint) is Literal:
        return " | ".join(map(json.dumps, parts))
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(map(_words, parts))
    if get_origin(hint) is tuple:
        return f"list of {_words(parts[0])}"
    if hint is Spelling:
        return "spelling"
    return WORDS.get(hint, "table of texts")


def _default(column: Field[Any]) -> str:
    if column.default is MISSING and column.default_factory is MISSING:
        return "required"
    value = column.default if column.default_factory is MISSING else column.default_factory()
    if isinstance(value, Spelling):
        return "default as sent"
    return "not set" if value is None else f"default {json.dumps(value)}"
