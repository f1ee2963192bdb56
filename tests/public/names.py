"""All public names, and the members of public classes."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

import dimsync
import dimsync.errors
import dimsync.events
import dimsync.testing
import dimsync.testing.faults
import dimsync.testing.fixtures

MODULES = (
    dimsync,
    dimsync.errors,
    dimsync.events,
    dimsync.testing,
    dimsync.testing.faults,
    dimsync.testing.fixtures,
)


def exported(module: ModuleType) -> dict[str, Any]:
    """Return what a module exports, by name, without other modules."""
    values = {name: getattr(module, name) for name in module.__all__}
    return {name: value for name, value in values.items() if not isinstance(value, ModuleType)}


PUBLIC = {name: value for module in MODULES for name, value in exported(module).items()}
"""All public names. No two modules give one name to different things, which a test checks."""

CLASSES = {value for value in PUBLIC.values() if isinstance(value, type)}


MADE_BY_US = {dimsync.CompanyApi, dimsync.ListedRows, dimsync.Pending, dimsync.Run}
"""Classes whose objects the engine makes: how is its own affair."""


def owners(cls: type) -> Iterator[type]:
    """Yield a class and those of its bases that are ours and not public: what they have is the class's own."""
    for each in cls.__mro__:
        if each is cls or (each.__module__.startswith("engine.") and each not in CLASSES):
            yield each


def members(cls: type) -> dict[str, Any]:
    """Return a class's public functions and properties, and its constructor if it wrote one, by name."""
    found: dict[str, Any] = {}
    for owner in owners(cls):
        if owner.__module__.startswith("engine.sandbox."):
            continue  # what the sandbox asks its own faults and ways
        for name, member in vars(owner).items():
            plain = member.__func__ if isinstance(member, classmethod | staticmethod) else member
            is_ours = isinstance(plain, FunctionType | property) and not name.startswith("_")
            is_constructor = name == "__init__" and cls not in MADE_BY_US
            if is_ours or (is_constructor and isinstance(plain, FunctionType) and is_written(plain)):
                found.setdefault(name, plain)
    return found


def is_written(function: FunctionType) -> bool:
    """Return whether a function stands in a file, and was not made by `dataclass` or the like."""
    return function.__code__.co_filename.endswith(".py") and function.__module__.startswith("engine.")


def attributes(cls: type) -> dict[str, str]:
    """Return the public attributes that a class's constructor sets, each with its type if that is written there."""
    found: dict[str, str] = {}
    for owner in owners(cls):
        init = vars(owner).get("__init__")
        if isinstance(init, FunctionType) and is_written(init):
            for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(init)))):
                found |= _attribute(node)
    return found


def _attribute(node: ast.AST) -> dict[str, str]:
    """Return what a statement says of `self.NAME`."""
    match node:
        case ast.AnnAssign(target=ast.Attribute(value=ast.Name(id="self"), attr=name), annotation=kind):
            return {} if name.startswith("_") else {name: ast.unparse(kind)}
        case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)]):
            return {} if name.startswith("_") else {name: ""}
        case _:
            return {}
