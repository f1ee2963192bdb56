"""Every public name is documented, leads to public names alone, and looks as the text of the surface says."""

from __future__ import annotations

import builtins
import inspect
import re
from collections.abc import Iterator
from typing import Any

import dimsync

from tests.public.names import CLASSES, MODULES, PUBLIC, exported, members
from tests.public.surface import FILE, surface

DOCUMENTED = {name: value for name, value in PUBLIC.items() if inspect.isclass(value) or inspect.isfunction(value)}

NO_IMPERATIVE = re.compile(r"(A|An|Are|Does|Gives|Is|Makes|Raises|Reads|Returns|Sends|Takes|Tells|The|This|Yields)\b")


NAMED = re.compile(r"`([A-Z][A-Za-z]+)(?:[.(][^`]*)?`")


def texts() -> Iterator[tuple[str, object]]:
    """Yield each public thing that has a text of its own, by its full name."""
    for name, value in DOCUMENTED.items():
        yield name, value
        if inspect.isclass(value):
            yield from ((f"{name}.{one}", member) for one, member in members(value).items() if one != "__init__")


TEXTS = dict(texts())


def test_each_public_thing_is_documented() -> None:
    """Its first sentence is whole; that of a function is an imperative, as far as its first word can tell."""
    assert len(TEXTS) > 300
    assert {name: fault for name, thing in TEXTS.items() if (fault := fault_of(name, thing))} == {}


def fault_of(name: str, thing: Any) -> str:
    """Return what is wrong with a docstring; "": nothing."""
    text = inspect.cleandoc(thing.__doc__ or "")
    first = " ".join(text.partition("\n\n")[0].split())
    if not text:
        return "there is none"
    if text.startswith(f"{name}("):
        return "it was made by `dataclass` or `NamedTuple`"
    if not re.match(r"[A-Z`]", text) or not first.endswith((".", ":")):
        return "its first sentence has no beginning or no end"
    return "its first word is no imperative" if inspect.isfunction(thing) and NO_IMPERATIVE.match(text) else ""


def test_what_a_public_docstring_names_is_public() -> None:
    """Classes, errors among them, that stand in backticks can be imported."""
    named = {name: set(NAMED.findall(thing.__doc__ or "")) for name, thing in TEXTS.items()}
    assert named["Engine.quota"] == {"AccountParked"}
    unknown = {
        name: {one for one in ones if one not in PUBLIC and not hasattr(builtins, one)} for name, ones in named.items()
    }
    assert {name: ones for name, ones in unknown.items() if ones} == {}


def test_no_name_means_two_things() -> None:
    for module in MODULES:
        assert {name for name, value in exported(module).items() if PUBLIC[name] is not value} == set()


def test_what_a_public_class_is_made_of_is_public() -> None:
    """Its bases, but for the parts of the ledger's Protocol, which are for who writes another one."""
    missing = {
        (cls.__name__, base.__name__)
        for cls in CLASSES - {dimsync.Ledger}
        for base in cls.__bases__
        if base.__module__.startswith("engine.") and base not in CLASSES
    }
    assert missing == set()


def test_the_surface_is_as_it_is_written_down() -> None:
    assert surface() == FILE.read_text("utf-8"), "look at what changes, then run scripts/public-surface"
