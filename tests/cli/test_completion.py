"""What a shell completes, in the shells that are here; and where the program does not run at all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine import __main__ as program
from engine.cli.main import VERBS
from tests.cli.conftest import Here
from tests.cli.program import PROGRAM, dimsync
from tests.nursery import PATIENCE_S, environment

SHELLS = ("bash", "zsh", "fish")


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_is_printed_for_each_shell(shell: str, here: Here) -> None:
    done = here("completion", shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"_DIMSYNC_COMPLETE={shell}_complete" in done.stdout
    if path := shutil.which(shell):
        check = subprocess.run([path, "-n"], input=done.stdout, capture_output=True, text=True, check=False)
        assert (check.returncode, check.stderr) == (0, "")


def test_another_shell_is_refused_with_those_that_are_known(here: Here) -> None:
    done = here("completion", "tcsh")
    assert (done.returncode, done.stdout) == (2, "")
    assert "'bash', 'zsh', 'fish'" in done.stderr


COMPLETED = {
    "a verb": ("dimsync sta", {"status"}),
    "verbs": ("dimsync ", set(VERBS)),
    "a verb of a verb": ("dimsync ledger b", {"backup"}),
    "an option": ("dimsync sync --budg", {"--budget"}),
    "a value": ("dimsync sync --verify p", {"probe"}),
}


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_bash_completes_with_the_script(tmp_path: Path) -> None:
    command = tmp_path / "dimsync"
    command.write_text(f'#!/bin/sh\nexec {" ".join(PROGRAM)} "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    script = dimsync("completion", "bash").stdout
    env = environment(PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    for typed, wanted in COMPLETED.values():
        words = typed.split(" ")
        asked = " ".join(f"'{word}'" for word in words)
        call = (
            f'COMP_WORDS=({asked}); COMP_CWORD={len(words) - 1}; _dimsync_completion dimsync; echo "${{COMPREPLY[@]}}"'
        )
        done = subprocess.run(
            ["bash", "-c", f"{script}\n{call}"],
            env=env,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert (set(done.stdout.split()), done.stderr) == (wanted, ""), typed


def test_windows_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "name", "nt")
    monkeypatch.setattr(sys, "argv", ["dimsync", "--version"])
    with pytest.raises(SystemExit) as left:
        program.main()
    assert left.value.code == "Error: dimsync runs on Linux and macOS; on Windows use it in WSL or in a container"
