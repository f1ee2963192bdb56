"""What pydantic finds wrong with a settings file, in our words."""

from __future__ import annotations

from pathlib import Path

from pydantic_core import ErrorDetails

from engine.config.faults import Fault, key_path, unknown
from engine.config.schema import SECTIONS

WORDS = {
    "model_type": "is a section: write its keys below a [header], or in braces",
    "dict_type": "is a table: write its keys below a [header], or in braces",
    "list_type": "is a list: write it in square brackets",
    "int_type": "must be a whole number, without quotes",
    "int_parsing": "must be a whole number, without quotes",
    "float_type": "must be a number, without quotes",
    "float_parsing": "must be a number, without quotes",
    "bool_type": "must be true or false, without quotes",
    "bool_parsing": "must be true or false, without quotes",
    "string_type": "must be text, in quotes",
}
"""Our words for what pydantic calls by its own terms."""


def worded(path: Path, detail: ErrorDetails) -> Fault:
    """Return pydantic's error in our words. Its `input` stays out: it may be a secret."""
    place = tuple(part for part in detail["loc"] if part not in {"str", "list[str]", "[key]"})
    message = detail["msg"]
    if detail["type"] == "extra_forbidden":
        message = f"unknown key; {_nearest(place)}"
    elif detail["type"] == "missing":
        message = "is required"
    elif detail["type"] in WORDS:
        message = WORDS[detail["type"]]
    elif detail["type"] == "value_error":
        message = str(detail["ctx"]["error"])
    return Fault(path, key_path(place), message[:1].lower() + message[1:] if message.startswith("Input") else message)


def _nearest(place: tuple[str | int, ...]) -> str:
    """Return a hint at what an unknown key may have been meant to be."""
    *parents, key = place
    for pattern, section in SECTIONS.items():
        if len(pattern) == len(parents) and all(one in {"*", two} for one, two in zip(pattern, parents, strict=True)):
            return unknown(str(key), section.model_fields)
    return "it has no place here"
