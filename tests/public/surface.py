"""The public surface as text: names, signatures and fields. `scripts/public-surface` writes it anew."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import FunctionType
from typing import Any

from tests.public.names import CLASSES, MODULES, attributes, exported, members

FILE = Path(__file__).parent / "surface.txt"


def surface() -> str:
    """Return the whole surface. A name that several modules export is told in full by the first, else named alone."""
    told: set[str] = set()
    blocks = []
    for module in MODULES:
        lines = [f"## {module.__name__}", ""]
        for name, value in sorted(exported(module).items()):
            lines += [name] if name in told else described(name, value)
            told.add(name)
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def described(name: str, value: Any) -> list[str]:
    """Return what a public name is, as lines."""
    if isinstance(value, type):
        return [_head(name, value), *(f"    {line}" for line in _body(value))]
    if isinstance(value, FunctionType):
        return [f"def {name}{signature(value)}"]
    return [f"{name} = {plain(value)}" if _is_alias(value) else f"{name}: {type(value).__name__}"]


def signature(function: Any) -> str:
    """Return a signature as it is written, without quotes around types."""
    parts: list[str] = []
    found = inspect.signature(function)
    last = None
    for parameter in found.parameters.values():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and last not in (
            inspect.Parameter.KEYWORD_ONLY,
            inspect.Parameter.VAR_POSITIONAL,
        ):
            parts.append("*")
        last = parameter.kind
        parts.append(_parameter(parameter))
    gives = "" if found.return_annotation is found.empty else f" -> {plain(found.return_annotation)}"
    return f"({', '.join(parts)}){gives}"


def plain(value: object) -> str:
    """Return a type as it is written, without the modules that it comes from."""
    text = value if isinstance(value, str) else value.__name__ if isinstance(value, type) else str(value)
    return re.sub(r"\b(?:[a-z_]\w*\.)+(?=[A-Za-z])", "", text.replace("~", "")).strip("'")


def _parameter(parameter: inspect.Parameter) -> str:
    stars = "*" * (int(parameter.kind is parameter.VAR_POSITIONAL) + 2 * int(parameter.kind is parameter.VAR_KEYWORD))
    kind = "" if parameter.annotation is parameter.empty else f": {plain(parameter.annotation)}"
    given = "" if parameter.default is parameter.empty else f" = {_default(parameter.default)}"
    return f"{stars}{parameter.name}{kind}{given}"


def _default(value: object) -> str:
    """Return a default; what has no short text of its own is `...`."""
    text = str(value) if isinstance(value, Enum) else repr(value)
    return "..." if " at 0x" in text or "<" in text or len(text) > 40 else text


def _head(name: str, cls: type) -> str:
    bases = [base.__name__ for base in cls.__bases__ if base in CLASSES or not base.__module__.startswith("engine.")]
    return f"class {name}({', '.join(base for base in bases if base != 'object')})".replace("()", "")


def _body(cls: type) -> Iterator[str]:
    if issubclass(cls, Enum):
        yield from (f"{member.name} = {member.value!r}" for member in cls)
        return
    yield from _fields(cls)
    yield from (f"{name}: {kind}" if kind else name for name, kind in sorted(attributes(cls).items()))
    for name, member in sorted(members(cls).items()):
        if isinstance(member, property):
            yield f"{name} -> {plain(inspect.signature(member.fget).return_annotation)}" if member.fget else name
        else:
            is_async = inspect.iscoroutinefunction(member)
            yield f"{'async ' if is_async else ''}def {name}{signature(member)}"


def _fields(cls: type) -> Iterator[str]:
    """Yield the fields of a dataclass or a named tuple."""
    if dataclasses.is_dataclass(cls):
        for field in dataclasses.fields(cls):
            made = " = ..." if field.default_factory is not dataclasses.MISSING else ""
            given = made if field.default is dataclasses.MISSING else f" = {_default(field.default)}"
            yield f"{field.name}: {plain(field.type)}{given}"
    elif hasattr(cls, "_fields"):
        kinds, defaults = cls.__annotations__, cls._field_defaults  # type: ignore[attr-defined]  # of named tuples
        for name in cls._fields:
            given = f" = {_default(defaults[name])}" if name in defaults else ""
            yield f"{name}: {plain(_written(kinds[name]))}{given}"


def _written(kind: Any) -> object:
    return getattr(kind, "__forward_arg__", kind)


def _is_alias(value: object) -> bool:
    return type(value).__module__ in {"typing", "types", "collections.abc"}


if __name__ == "__main__":
    FILE.write_text(surface(), "utf-8")
