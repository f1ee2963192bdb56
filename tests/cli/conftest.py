from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.cli.main import run
from tests.cli.program import Door, Fleet, start
from tests.nursery import CREDENTIALS, PATIENCE_S, ROOT, Nursery

Here = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Door]:
    """One sandbox process for all tests; each test has companies of its own."""
    with start("sandbox", "--port", "0", "--until-stdin-ends", cwd=ROOT, stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        yield Door(base_url=ready["base_url"])
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0


@pytest.fixture
def door(sandbox: Door) -> Iterator[Door]:
    sandbox.ask("reset-log", {})  # what looks at the log again and again reads what is there for it alone
    yield sandbox
    sandbox.faults()
    sandbox.ways()


@pytest.fixture
def fleet(door: Door, tmp_path: Path, nursery: Nursery) -> Fleet:
    return Fleet(folder=tmp_path, door=door, nursery=nursery)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Here:
    """Run a command line in this process, in the fleet's folder: for what ends before the engine starts."""
    monkeypatch.chdir(tmp_path)
    for name in ("COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        code = run(words)
        out, err = capfd.readouterr()
        return subprocess.CompletedProcess(words, code, out, err)

    return call
