"""Slips in how agreement is judged and kept, and in how it is told that nothing has changed.

No balance shows them, so that each is killed by a test of its own.
"""

from __future__ import annotations

import sys
from subprocess import run

import pytest

from tests.mutants.mutate import ROOT, Mutant
from tests.mutants.table import MUTANTS, TESTED, UNSEEN


def exit_code(name: str, file: str) -> int:
    """Return pytest's exit code for a file of tests, with this mutant planted; empty: none."""
    return run(
        [sys.executable, "-m", "tests.mutants.killed", name, file], cwd=ROOT, capture_output=True, check=False
    ).returncode


def test_names_are_unique() -> None:
    names = {mutant.name for mutant in (*TESTED, *MUTANTS, *UNSEEN)}
    assert len(names) == len(TESTED) + len(MUTANTS) + len(UNSEEN)


@pytest.mark.parametrize("file", sorted({mutant.test for mutant in TESTED}))
def test_without_a_mutant(file: str) -> None:
    assert exit_code("", file) == 0


@pytest.mark.parametrize("mutant", TESTED, ids=lambda mutant: mutant.name)
def test_a_test_fails(mutant: Mutant) -> None:
    assert exit_code(mutant.name, mutant.test) == 1
