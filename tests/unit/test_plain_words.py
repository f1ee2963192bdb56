"""What the program prints has none of the riddles that readers have stumbled over."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.nursery import ROOT
from tests.tables import each_of

RIDDLES = {
    "a selection that 'leaves' none": r"selectors leave",
    "figures that are none": r"\bno figures\b",
    "a verb without a subject": r"tells everything",
    "a threshold without a sentence": r"\((held|stopped) (under|above|over)",
    "what is understood, not what to write": r"\bunderstood (is|are)\b",
    "a contradiction, not a choice": r"contradict each other",
    "a shrug": r"it is not known why\b",
}
"""What must not be printed, by what is wrong with it."""

SHRUGS = {"run/remote_rows.py"}
"""Where nothing more is known: the ledger of an earlier version has no words for it."""


def texts(path: Path) -> Iterator[str]:
    """Yield all texts of a module but its docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value


@cache
def printed() -> list[tuple[Path, str]]:
    """Return what the program may print: each text, and the module that it stands in."""
    return [(path, text) for path in sorted((ROOT / "engine").rglob("*.py")) for text in texts(path)]


@each_of(RIDDLES)
def test_no_text_is_a_riddle(riddle: str) -> None:
    pattern = re.compile(riddle)
    found = [(path.relative_to(ROOT / "engine").as_posix(), text) for path, text in printed() if pattern.search(text)]
    assert [each for each in found if each[0] not in SHRUGS] == []
