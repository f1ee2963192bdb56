"""Pydantic's errors about a settings file, in sentences for people who do not know pydantic."""

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
"""The sentence for each type of pydantic error that needs one."""


_SOURCE_DEPTH = 3
"""Parts of the path of a company's, a group's or the fleet's `source`; those in a list of sources have more."""


def worded(path: Path, detail: ErrorDetails) -> Fault:
    """Return a fault for pydantic's error, without its `input`, which may be a secret."""
    place = tuple(part for part in detail["loc"] if part not in {"str", "list[str]", "[key]"})
    message = detail["msg"]
    if detail["type"] == "extra_forbidden":
        message = f"unknown key; {_nearest(place)}"
    elif detail["type"] == "missing":
        message = "is required"
    elif place[-1:] == ("source",) and detail["type"] == "string_type" and len(place) <= _SOURCE_DEPTH:
        message = (
            'must be text, in quotes; several files are a list: sources = [{ source = "a.csv", mapping = "a" }, ...]'
        )
    elif detail["type"] in WORDS:
        message = WORDS[detail["type"]]
    elif detail["type"] == "value_error":
        error = detail["ctx"]["error"]
        message, place = str(error), (*place, *getattr(error, "path", ()))
    return Fault(path, key_path(place), message[:1].lower() + message[1:] if message.startswith("Input") else message)


def _nearest(place: tuple[str | int, ...]) -> str:
    """Return a hint that names the known key most similar to an unknown one."""
    *parents, key = place
    for pattern, section in SECTIONS.items():
        if len(pattern) == len(parents) and all(one in {"*", two} for one, two in zip(pattern, parents, strict=True)):
            return unknown(str(key), section.model_fields)
    return "there is no such section"
