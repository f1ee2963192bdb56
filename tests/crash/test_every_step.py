"""`kill -9` at every write of the ledger, every request and every await of a sync: enumerated, not sampled."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import run
from typing import Any

import orjson
import pytest

from tests.nursery import ROOT
from tests.postgres_server import PostgresServer

ALL = os.environ.get("DIMSYNC_KILL") == "all"
"""Die at all turns of tasks as well, not only at those that leave something else than the one before; and at each step,
not only where no death before it would leave the same."""


def die(folder: Path, *options: str) -> dict[str, Any]:
    """Return what the program that dies has to tell."""
    command = [sys.executable, "-m", "tests.crash.every_step", str(folder), *options]
    program = run(command, cwd=ROOT, capture_output=True, check=False)
    assert (program.returncode, program.stderr) == (0, b"")
    told: dict[str, Any] = orjson.loads(program.stdout)
    return told


@pytest.mark.long
@pytest.mark.timeout(0 if ALL else 240)
def test_whatever_step_a_sync_dies_at_the_next_one_ends_exact(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    told = die(tmp_path, "all" if ALL else "every")
    steps, looked, deaths = told["steps"], told["looked"], told["deaths"]
    sys.stdout.write(f"of {steps} looked at {looked}, died at {deaths}\n")
    record_property("deaths", deaths)
    assert told["wrong"] == {}
    assert (looked["statements"], looked["requests"]) == (steps["statements"], steps["requests"])
    assert min(steps["statements"], steps["awaits"]) > 100
    assert steps["requests"] > 20
    assert sum(deaths.values()) > 50  # of the others, each would leave what one of these did


@pytest.mark.timeout(0 if ALL else 60)
def test_whatever_step_a_sync_over_postgres_dies_at_the_next_one_ends_exact(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    """At some of the steps: which ledger calls there are, and what they mean, is the same as above."""
    told = die(tmp_path, "every" if ALL else "few", "--postgres", postgres.url("{}"))
    sys.stdout.write(f"died at {told['deaths']} of {told['steps']}\n")
    assert told["wrong"] == {}
    assert told["steps"]["requests"] > 20
    assert min(told["deaths"]["statements"], told["deaths"]["requests"]) > 1


def test_without_intents_some_deaths_leave_what_is_wrong(tmp_path: Path) -> None:
    """The mutation of `test_kill`: a ledger that is written after the answer alone."""
    assert die(tmp_path, "few", "--ack-only")["wrong"]
