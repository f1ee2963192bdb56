"""Settings as TOML, as far as a mapping needs it: text, numbers, truth values, lists and tables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def table(path: tuple[str, ...], values: Mapping[str, object], width: int) -> Iterator[str]:
    """Yield the lines of a table. A table within it is a line, or a section of its own where the line is too long."""
    yield f"[{'.'.join(map(_key, path))}]"
    sections: list[tuple[str, Mapping[str, object]]] = []
    for name, value in values.items():
        line = f"{_key(name)} = {_value(value)}"
        if isinstance(value, Mapping) and len(line) > width:
            sections.append((name, value))
        else:
            yield line
    for name, section in sections:
        yield ""
        yield from table((*path, name), section, width)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _value(value: object) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(str(name))} = {_value(each)}" for name, each in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value)


def _text(text: str) -> str:
    """Return a text in quotes; what is not printable is escaped."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(char if char.isprintable() else _escaped(ord(char)) for char in quoted)


def _escaped(number: int) -> str:
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
