"""Recipes that a page shows: files of the tests, word for word."""

from __future__ import annotations

import re

from tests.nursery import ROOT

FOLDER = ROOT / "tests" / "service" / "recipes"

TOPIC = "library"

BLOCK = re.compile(r"(<!-- recipe: (\w+) -->\n```python\n)(.*?)(```\n)", re.DOTALL)
"""A recipe in the page, below a mark with its name."""


def with_recipes(page: str) -> str:
    """Return a page in which each block of a recipe has the text of its file."""
    return BLOCK.sub(lambda block: f"{block[1]}{recipe(block[2])}{block[4]}", page)


def recipe(name: str) -> str:
    """Return the text of a recipe's file."""
    return (FOLDER / f"{name}.py").read_text("utf-8")


def names() -> list[str]:
    """Return the names of all recipes."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
