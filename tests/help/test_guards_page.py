"""The page on guards shows what guards say: each example is a message that the engine's source can make."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from engine.guards.registry import REGISTRY
from tests.help.guards_reference import EXAMPLES
from tests.nursery import ROOT

ROOMS = ("compare", "guards", "net", "run")

SAYS_NOTHING = {"canary"}
"""What may be allowed, and is no problem itself."""

LEAST = 12
"""Letters that a message has besides its figures and names: shorter ones would match anything."""


def messages() -> Iterator[re.Pattern[str]]:
    """Yield each text with values in it that the rooms write, as a pattern."""
    for room in ROOMS:
        for path in (ROOT / "engine" / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    fixed = [part.value for part in node.values if isinstance(part, ast.Constant)]
                    if sum(map(len, map(str, fixed))) >= LEAST:
                        yield re.compile("".join(map(_pattern, node.values)))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) >= LEAST:
                    yield re.compile(re.escape(node.value))


def _pattern(part: ast.expr) -> str:
    return re.escape(str(part.value)) if isinstance(part, ast.Constant) else "(.*?)"


def test_each_guard_has_an_example() -> None:
    assert {guard.slug for guard in REGISTRY} == EXAMPLES.keys() | SAYS_NOTHING


def test_each_example_is_a_message_of_the_engine() -> None:
    missing = set(EXAMPLES)
    for message in messages():
        missing -= {slug for slug in missing if message.fullmatch(EXAMPLES[slug])}
    assert missing == set()
