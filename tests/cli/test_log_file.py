"""The log file of a run, and the times on standard error where it is no terminal."""

from __future__ import annotations

import re
import stat

import pytest

from engine.cli.streams import _Remarks
from tests.cli.conftest import Here
from tests.cli.program import Fleet
from tests.nursery import CREDENTIALS

DATED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \S.*")


def test_a_run_leaves_a_log_from_its_beginning_to_its_exit_code(fleet: Fleet) -> None:
    fleet.door.place(1511, 1512)
    fleet.configure(1511, 1512, 1513)
    fleet.source(1511, ["Cash", "Rent"])
    fleet.source(1512, ["\x1b[2JTaxes"])
    done = fleet.run("sync", "--log-file", "run.log", "--quiet")
    assert done.returncode == 1
    log = fleet.folder / "run.log"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    text = log.read_text(encoding="utf-8")
    lines = [line.split(" ", 1)[1] for line in text.splitlines()]
    assert re.match(r"INFO    dimsync \S+ sync, settings dimsync.toml", lines[0])
    assert lines[1].endswith("begins: 3 companies")
    assert "INFO    company 1511: 2 source rows, 0 invalid" in lines
    assert "INFO    company 1511: bulk request answered: 2 created, 0 updated, 0 rejected, 0 uncertain" in lines
    assert any(line.startswith("ERROR   company 1513: out-of-scope: ") for line in lines)
    assert re.match(r"ERROR   run \S+ ends: exit 1: .*, \d+ requests, took ", lines[-1])
    assert not any(value in text for value in CREDENTIALS.values())
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize("verb", ["sync", "plan", "check", "apply", "retry"])
def test_each_verb_that_runs_writes_down_why_it_could_not_begin(fleet: Fleet, here: Here, verb: str) -> None:
    (fleet.folder / "dimsync.toml").write_text("[api]\nbase_ur = 1\n", encoding="utf-8")
    (fleet.folder / "plan.json").write_text("{}", encoding="utf-8")
    words = [verb, "plan.json"] if verb == "apply" else [verb]
    assert here(*words, "--log-file", "run.log").returncode == 2
    (line, *_) = (fleet.folder / "run.log").read_text(encoding="utf-8").splitlines()
    assert "ERROR   dimsync.toml: " in line


def test_a_log_that_cannot_be_opened_is_an_error_before_anything_is_sent(fleet: Fleet, here: Here) -> None:
    fleet.configure(1514)
    done = here("sync", "--log-file", "nowhere/run.log")
    assert (done.returncode, "nowhere/run.log: No such file or directory" in done.stderr) == (1, True)
    assert fleet.door.requests(1514) == []


def test_what_a_run_says_is_dated_where_it_is_no_terminal(fleet: Fleet) -> None:
    fleet.configure(1515)
    done = fleet.run("sync")
    assert "out-of-scope: " in done.stderr
    assert all(DATED.fullmatch(line) for line in done.stderr.splitlines())
    usage = fleet.run("plan", "--selct", "x").stderr
    assert all(DATED.fullmatch(line) for line in usage.splitlines() if line)
    assert not DATED.match(fleet.run("status", "--selct", "x").stderr)


def test_a_line_that_comes_in_parts_is_dated_once() -> None:
    remarks = _Remarks(2, "w", closefd=False)
    parts = [remarks._dated(part) for part in (b"one ", b"line\nanother\n", b"\n", b"and ", b"more")]
    text = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", b"@", b"".join(parts))
    assert text == b"@one line\n@another\n\n@and more"
