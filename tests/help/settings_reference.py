"""The reference of all settings, as Markdown, made from the sections' fields and the texts below them in the schema."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Sequence
from functools import cache
from inspect import getdoc, getsource
from textwrap import wrap
from types import UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import AfterValidator, PlainValidator
from pydantic.fields import FieldInfo

from engine.config import schedules, schema, targets, values
from engine.config.companies import READERS
from engine.config.levels import FIELDS, SWITCHES
from engine.config.schema import SECTIONS, Section
from engine.model.settings import Api, Guards, Limits, Verify
from engine.sources import expressions, filters, written
from engine.sources.rows import COLUMNS

DEFAULTS: dict[str, object] = {
    "ApiSection": Api(),
    "LimitsSection": Limits(),
    "VerifySection": Verify(),
    "GuardSection": Guards(),
}
"""The values that take the place of keys that a section does not give."""

KINDS = {
    values.duration: "duration",
    values.size: "size",
    values.address: "address",
    values.ledger_url: "`sqlite:///FILE` or `postgresql://USER@HOST/DATABASE`",
    values.secret: "reference to a secret",
    schedules.every: "duration from 1m to 366d",
    schedules.cron: "text",
    schedules.zone_name: "name of a time zone",
    targets.webhook: "reference to an address",
    targets.command: "list of words",
    written.header: "line number from 1",
    written.encoding: "name of an encoding",
    written.delimiter: "one character",
    expressions.expression: "column or expression",
    filters.row_test: "test",
    schema._column: f"one of {', '.join(f'`{name}`' for name in COLUMNS)}",
}
"""What the values are that a function reads, for functions that read no plain text."""

TOP = "the top of the file"

WIDTH = 120
"""Characters of a line of Markdown."""

KIND_OF_TYPE = {bool: "`true` or `false`", str: "text", int: "whole number", float: "number"}


class Key(NamedTuple):
    """One key of the settings file, as a reader is told of it."""

    name: str
    kind: str
    default: str
    places: tuple[str, ...]
    text: str  # what it does
    example: str  # a line of TOML


class Group(NamedTuple):
    """The keys that one class of the schema declares, and where they may stand."""

    title: str
    text: str
    keys: tuple[Key, ...]


@cache
def groups() -> tuple[Group, ...]:
    """Return all keys that are no sections themselves, in the order of the file."""
    return tuple(_groups())


def _groups() -> Iterator[Group]:
    for owner in dict.fromkeys(each for section in SECTIONS.values() for each in _owners(section)):
        title, _, text = (getdoc(owner) or "").partition("\n")
        keys = tuple(_key(owner, name, field) for name, field in owner.model_fields.items() if _is_own(owner, name))
        if keys:
            yield Group(title, " ".join(text.split()), keys)


def reference() -> str:
    """Return the whole reference as Markdown."""
    return "\n".join(line for group in groups() for line in _group_lines(group))


def _group_lines(group: Group) -> Iterator[str]:
    shared = [place for place in group.keys[0].places if all(place in key.places for key in group.keys)]
    heading, _, rest = group.title.rstrip(".").partition(": ")
    yield f"### {heading}"
    yield ""
    where = f"These keys stand in {_listed(shared)}." if shared not in ([heading], [TOP]) else ""
    yield from _wrapped(" ".join(part for part in (_sentence(rest), group.text, where) if part))
    yield ""
    for key in group.keys:
        more = [place for place in key.places if place not in shared]
        also = f" Stands in {_listed(more)}, too." if more else ""
        told = f"- `{key.name}`: {key.kind}; {key.default}. {key.text}{also} Example: `{key.example}`"
        yield from _wrapped(told, "  ")
    yield ""


def _wrapped(text: str, indent: str = "") -> list[str]:
    return wrap(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _listed(places: Sequence[str]) -> str:
    *most, last = places
    return f"{', '.join(most)} and {last}" if most else last


def _owners(section: type[Section]) -> Iterator[type[Section]]:
    """Yield the classes that declare the keys of a section: its own first, then those that it takes them from."""
    yield from (each for each in section.__mro__ if issubclass(each, Section) and each is not Section)


def _is_own(owner: type[Section], name: str) -> bool:
    """Return whether this class declares the key, and the key is no section with a heading of its own."""
    below = {pattern[-1] for pattern in SECTIONS if pattern and pattern[-1] != "*"}
    below |= {pattern[0] for pattern in SECTIONS if pattern}
    is_section = name in below and (owner is schema.Document or name in {"limits", "verify", "guard"})
    return name in owner.__annotations__ and not is_section


def _key(owner: type[Section], name: str, field: FieldInfo) -> Key:
    text, _, example = documented(owner)[name].partition("Example: ")
    return Key(
        name=name,
        kind=_kind(field),
        default=_default(owner, name, field),
        places=tuple(_places(owner, name)),
        text=text.strip(),
        example=example.removesuffix(".").strip("`"),
    )


def documented(owner: type[Section]) -> dict[str, str]:
    """Return the text below each field of a class. Raises `KeyError` that names the first field without one."""
    (tree,) = ast.parse(getsource(owner)).body
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for field, text in zip(tree.body, [*tree.body[1:], None], strict=True):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            found[field.target.id] = " ".join(str(text.value.value).split())
    return found


def _places(owner: type[Section], name: str) -> Iterator[str]:
    for pattern, section in SECTIONS.items():
        if not issubclass(section, owner):
            continue
        yield _place(pattern)
        if pattern == ("companies", "*") and name in READERS:
            yield "`companies.csv` (a column)"


def _place(pattern: tuple[str, ...]) -> str:
    """Return a section as it is written: `[limits]`, `[accounts.NAME.limits]`, `[[companies]]`."""
    if not pattern:
        return TOP
    if pattern[-2:] == ("sources", "*"):
        return f"`sources = [{{ ... }}]` of {_place(pattern[:-2])}"
    if get_origin(schema.Document.model_fields[pattern[0]].annotation) is list:
        entry = f"`[[{pattern[0]}]]`"
        return entry if len(pattern) == 2 else f"`{pattern[-1]} = {{ ... }}` of {entry}"
    return f"`[{'.'.join('NAME' if part == '*' else part for part in pattern)}]`"


def _default(owner: type[Section], name: str, field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if value is None:
        value = SWITCHES.get(name) if owner is schema.TreatmentSection else None
        value = getattr(DEFAULTS.get(owner.__name__), FIELDS.get(name, name), value)
    if value is None or value in ([], {}):
        return "not set by default"
    return f"default `{_spelled(value, _reader(field))}`"


def _spelled(value: Any, reader: object) -> str:
    if reader is values.duration:
        return f'"{values.spelled_duration(value)}"'
    if reader is values.size:
        return f'"{values.spelled_size(value)}"'
    if isinstance(value, bool | list):
        return json.dumps(value)
    return f'"{value}"' if isinstance(value, str) else f"{value:.15g}"


def _reader(field: FieldInfo) -> object:
    """Return the function that reads the field's values; None: pydantic does."""
    kinds = [*field.metadata, *_metadata(field.annotation)]
    return next((_function(each) for each in kinds if isinstance(each, PlainValidator | AfterValidator)), None)


def _metadata(annotation: Any) -> Iterator[Any]:
    """Yield what is said of a type, also of one that is optional."""
    yield from getattr(annotation, "__metadata__", ())
    if get_origin(annotation) in (Union, UnionType):
        for part in get_args(annotation):
            yield from _metadata(part)


def _function(validator: PlainValidator | AfterValidator) -> object:
    """Return the function of `engine.config.values` that a validator calls, also where `_resolved` stands around it."""
    function = validator.func
    closure = getattr(function, "__closure__", None) or ()
    return next((cell.cell_contents for cell in closure if cell.cell_contents in KINDS), function)


def _kind(field: FieldInfo) -> str:
    return _worded(field.annotation, list(field.metadata))


def _worded(annotation: Any, metadata: list[Any]) -> str:
    """Return in words what values a type allows."""
    if get_origin(annotation) in (Union, UnionType):
        (annotation,) = (part for part in get_args(annotation) if part is not type(None))
    while hasattr(annotation, "__metadata__"):
        metadata = [*metadata, *annotation.__metadata__]
        annotation = get_args(annotation)[0]
    if get_origin(annotation) is Literal:
        return f"one of {', '.join(f'`{each}`' for each in get_args(annotation))}"
    if get_origin(annotation) in {list, tuple}:
        part = get_args(annotation)[0]
        return "list of sources" if part is schema.SourceSection else f"list, each: {_worded(part, [])}"
    if get_origin(annotation) is dict:
        name, value = (_worded(part, []) for part in get_args(annotation))
        return f"table: {name if name != 'text' else 'name'} = {value}"
    for each in metadata:
        if isinstance(each, PlainValidator | AfterValidator) and (kind := KINDS.get(_function(each))):  # type: ignore[call-overload]  # any object may be asked for
            return str(kind)
    return f"{KIND_OF_TYPE.get(annotation, 'text')}{_bounds(metadata)}"


def _bounds(metadata: list[Any]) -> str:
    parts = [part for each in metadata for part in (getattr(each, "metadata", None) or [each])]
    low = next((each.ge for each in parts if isinstance(each, Ge)), None)
    above = next((each.gt for each in parts if isinstance(each, Gt)), None)
    high = next((each.le for each in parts if isinstance(each, Le)), None)
    bits = next((True for each in parts if isinstance(each, Lt)), False)
    if low is not None:
        return f" from {low}" + (f" to {high:,}" if high is not None else ", at most 63 bits" if bits else "")
    return f" above {above}" if above is not None else ""
