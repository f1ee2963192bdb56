"""The trial balance as a check: a row lost, doubled or miscounted inside the engine turns the run red.

Each mutant is one such slip. Where a scene ends green without it, nothing but the mutant can have made it red.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from subprocess import PIPE, Popen

import pytest

from tests.mutants.mutate import ROOT, Ended, Mutant
from tests.mutants.scenes import SCENES
from tests.mutants.table import MUTANTS, UNSEEN


@dataclass(frozen=True, slots=True)
class Nursery:
    """A process in whose children mutants are planted."""

    process: Popen[str]

    def play(self, scene: str, mutant: str = "") -> list[Ended]:
        """Return what the runs of a scene ended with. Raises `RuntimeError` for what was raised out of one."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"scene": scene, "mutant": mutant}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if answer["crash"]:
            raise RuntimeError(answer["crash"])
        return [Ended(**run) for run in answer["runs"]]


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    command = [sys.executable, "-m", "tests.mutants.nursery"]
    with Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE, text=True) as process:
        yield Nursery(process)


def lies(runs: list[Ended]) -> list[str]:
    """Return what is not true of runs that ended green."""
    return [run.untrue for run in runs if run.exit_code == 0 and run.untrue]


def is_shown(run: Ended, sign: str) -> bool:
    return sign in run.codes and (run.exit_code == 1 if sign == "unbalanced" else run.exit_code != 0)


def test_names_are_unique() -> None:
    assert len({mutant.name for mutant in (*MUTANTS, *UNSEEN)}) == len(MUTANTS) + len(UNSEEN)


@pytest.mark.parametrize("mutant", [*MUTANTS, *UNSEEN], ids=lambda mutant: mutant.name)
def test_fits_its_module(mutant: Mutant) -> None:
    compile(mutant.source, mutant.module, "exec")


@pytest.mark.parametrize("scene", SCENES)
def test_without_a_mutant(nursery: Nursery, scene: str) -> None:
    runs = nursery.play(scene)
    assert [run.exit_code for run in runs] == list(SCENES[scene].ends)
    assert "unbalanced" not in {code for run in runs for code in run.codes}
    assert not lies(runs)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_turns_the_run_red(nursery: Nursery, mutant: Mutant) -> None:
    runs = nursery.play(mutant.scene, mutant.name)
    assert not lies(runs)
    assert any(is_shown(run, mutant.sign) for run in runs), runs


@pytest.mark.parametrize("mutant", UNSEEN, ids=lambda mutant: mutant.name)
def test_no_balance_can_see_it(nursery: Nursery, mutant: Mutant) -> None:
    """The sandbox's record does. A mutant that the engine has come to see belongs to the others."""
    assert lies(nursery.play(mutant.scene, mutant.name))
