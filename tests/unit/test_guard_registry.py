"""Each guard has one entry in the registry, and everything that lists guards is made from it."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections import Counter

import pytest

from engine.errors import UnsafePlan
from engine.guards.registry import ALLOWABLE, COMPANY_GUARDS, FIGURE_GUARDS, REGISTRY, Level
from engine.model.company_record import KEY_MISMATCH
from engine.run.endings import UNSAFE
from tests.unit.codes_in_source import ENGINE, constants, handed_in, text_of, trees

SLUGS = {guard.slug for guard in REGISTRY}

RAISED = {"Hold": (1, "slug"), "Violation": (0, "slug"), "_outsized": (0, "slug")}
"""What raises a guard of a row or a company: the place of its argument that is the slug, and the argument's name."""

HANDED_ON = {
    "slug",  # by `_outsized`, whose calls are looked at
    "row.code",  # of a row that an outcome keeps from being sent for now: no guard holds it
}
"""What is no literal where a slug is wanted."""

BY_HAND = {"canary", "fleet", "stored-otherwise", KEY_MISMATCH}
"""Guards that are no `Hold`, `Violation` or `UnsafePlan`: the run itself heeds them."""


def _raised() -> set[str]:
    """Return each guard slug that the engine's source raises."""
    found = trees()
    texts = constants(found)
    slugs = {kind.slug for kind in UnsafePlan.__subclasses__()}
    for expression in (each for tree in found for each in handed_in(tree, RAISED)):
        text = text_of(expression, texts)
        assert text is not None or ast.unparse(expression) in HANDED_ON, ast.unparse(expression)
        slugs |= {text} if text is not None else set()
    return slugs


def test_each_guard_that_is_raised_is_in_the_registry_and_each_of_the_registry_is_raised() -> None:
    raised = _raised()
    assert raised - SLUGS == set(), "without an entry"
    assert SLUGS - raised == BY_HAND, "nothing raises these"


def test_each_guard_is_there_once() -> None:
    assert not [slug for slug, count in Counter(guard.slug for guard in REGISTRY).items() if count > 1]


def test_a_run_holds_companies_by_the_guards_of_companies() -> None:
    assert UNSAFE == COMPANY_GUARDS
    assert FIGURE_GUARDS < COMPANY_GUARDS
    assert KEY_MISMATCH in COMPANY_GUARDS - set(ALLOWABLE)
    assert {kind.slug for kind in UnsafePlan.__subclasses__()} < COMPANY_GUARDS


def test_only_a_guard_of_the_run_is_allowed_without_a_company() -> None:
    assert [guard.slug for guard in REGISTRY if guard.level is Level.RUN] == ["fleet"]


WITH_A_NEW_ONE = """
import json, sys, types
from pathlib import Path
path = Path(sys.argv[1])
source = path.read_text("utf-8")
entry = '''Guard(slug="{slug}", level=Level.{level}, may_be_allowed=True, cause="C.", effect="E.", next="N."),'''
module = types.ModuleType("engine.guards.registry")
sys.modules[module.__name__] = module
exec(compile(source.replace("REGISTRY = (", "REGISTRY = (" + entry, 1), str(path), "exec"), module.__dict__)
from engine.cli.main import run
from engine.model.settings import Allow, Company
from engine.run.endings import UNSAFE
from engine.run.validation import sound_allowances
allowed = sound_allowances([Allow("{slug}", 1)], [Company(id=1, source=None)])
print(json.dumps([sorted(map(str, allowed)), "{slug}" in UNSAFE]), flush=True)
sys.exit(run(["help", "{slug}"]))
"""


@pytest.mark.parametrize("level", [Level.ROW, Level.COMPANY])
def test_a_new_guard_is_an_entry_and_the_function_that_raises_it(level: Level) -> None:
    """What lists guards needs no other change: `--allow`, the ending of a held company, and `dimsync help`."""
    program = WITH_A_NEW_ONE.replace("{slug}", "too-odd").replace("{level}", level.name)
    command = [sys.executable, "-c", program, str(ENGINE / "guards" / "registry.py")]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ENGINE.parent)
    facts, *told = ended.stdout.splitlines()
    assert json.loads(facts) == [["too-odd:1"], level is Level.COMPANY]
    assert told[0] == "too-odd"
    assert told[1].split() == ["cause", "C."]
