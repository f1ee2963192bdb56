"""The problem codes and guard slugs that the engine's own source names, read from its syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ENGINE = Path(__file__).parents[2] / "engine"

WITHOUT_PROBLEMS = ("sandbox", "config")
"""Packages that make no problem of a run: the made-up server, and the settings, whose faults have the same names."""


@cache
def trees() -> tuple[ast.Module, ...]:
    """Return the syntax tree of each module whose codes are codes of a run."""
    return tuple(
        ast.parse(path.read_text("utf-8"), str(path))
        for path in sorted(ENGINE.rglob("*.py"))
        if path.relative_to(ENGINE).parts[0] not in WITHOUT_PROBLEMS
    )


def constants(found: Iterable[ast.Module]) -> dict[str, str]:
    """Return the modules' text constants by name."""
    texts = {}
    for tree in found:
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                names = [target.id for target in node.targets if isinstance(target, ast.Name)]
                texts.update({name: node.value.value for name in names if isinstance(node.value.value, str)})
    return texts


def name_of(called: ast.expr) -> str:
    """Return the last name of what is called, such as `stop_short` of `self.books.stop_short`; else an empty text."""
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


def handed_in(tree: ast.Module, sinks: dict[str, tuple[int, str]]) -> Iterator[ast.expr]:
    """Yield each expression that stands where one of `sinks` takes a code: by name, the argument's place and name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called, arguments = name_of(node.func), list(node.args)
            if called == "partial" and arguments:
                called, arguments = name_of(arguments[0]), arguments[1:]
            place, keyword = sinks.get(called, (0, ""))
            named = [each.value for each in node.keywords if each.arg == keyword]
            yield from named or (arguments[place : place + 1] if called in sinks else [])


def of_classes(tree: ast.Module) -> Iterator[ast.expr]:
    """Yield what each class is given as its own `slug` or `code`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for line in node.body:
                if isinstance(line, ast.Assign) and {name_of(target) for target in line.targets} & {"slug", "code"}:
                    yield line.value


def text_of(expression: ast.expr, texts: dict[str, str]) -> str | None:
    """Return the text that an expression stands for: a literal, or a module's constant; None: neither."""
    if isinstance(expression, ast.Constant) and isinstance(expression.value, str):
        return expression.value
    return texts.get(ast.unparse(expression))
