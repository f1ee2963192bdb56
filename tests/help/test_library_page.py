"""The page for authors of services: its recipes are the files that tests run, and it names all that is public."""

from __future__ import annotations

import re

import pytest
from dimsync import CompanyApi, Engine, State, errors, events, testing

from tests.help import recipes
from tests.help.generated import path_of

TEXT = path_of(recipes.TOPIC).read_text("utf-8")
CODE = set(re.findall(r"`([^`\n]+)`", TEXT))


def test_each_recipe_is_shown_word_for_word() -> None:
    assert recipes.with_recipes(TEXT) == TEXT, "run scripts/help-pages"
    assert sorted(block[1] for block in recipes.BLOCK.findall(TEXT)) == recipes.names()
    assert TEXT.count("```python") == len(recipes.names()), "code on this page is a recipe, and tests run it"


@pytest.mark.parametrize(("owner", "prefix"), [(Engine, "engine"), (CompanyApi, "client")])
def test_each_public_method_is_named(owner: type, prefix: str) -> None:
    named = {match[1] for code in CODE if (match := re.match(rf"(?:await )?{prefix}\.(\w+)", code))}
    assert {name for name in vars(owner) if not name.startswith("_")} <= named


def test_each_state_and_each_module_is_named() -> None:
    assert set(State) <= CODE
    assert {module.__name__ for module in (errors, events, testing)} <= CODE


def test_it_speaks_of_the_package_by_one_name() -> None:
    assert re.findall(r"(?:from|import) engine\b", TEXT) == []
