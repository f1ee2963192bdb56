"""Single values of decoded JSON: which may stand for a text, and what is said of one that may not."""

from __future__ import annotations

from engine.wire.dialect import BadAnswer


def kind_of(value: object) -> str:
    """Return what a decoded JSON value is, in words."""
    if value is None or value == "":
        return "null" if value is None else "empty text"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value}"[:40]
    if isinstance(value, str):
        return f"the text {excerpt(value.encode('utf-8', 'replace'))[:40]!r}"
    return "a list" if isinstance(value, list) else "an object"


def excerpt(body: bytes) -> str:
    """Return the start of a body as one printable line of at most 200 characters."""
    text = body[:400].decode("utf-8", "replace")
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:200]


def text_of(value: object, what: str) -> str:
    """Return a value that is text; raises `BadAnswer`, which names `what` and the value, if it is not."""
    if type(value) is str:
        return value
    if type(value) is int:  # an id that lost its quotes
        return str(value)
    raise BadAnswer(f"has {what} that is {kind_of(value)}, not text")


def needed(value: object, name: str) -> str:
    """Return the text of a field that must be there. Raises `BadAnswer`."""
    if value is None:
        raise BadAnswer(f"has no `{name}`")
    return text_of(value, f"a value `{name}`")
