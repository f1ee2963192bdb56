"""`dimsync help` as typed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from engine.cli.codes import CODES
from tests.cli.conftest import Here
from tests.cli.program import dimsync
from tests.nursery import ROOT, environment

CUT = "…"


def test_one_code_is_told_in_full(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    done = here("help", "mass-create")
    assert (done.returncode, done.stderr) == (0, "")
    code, *lines = done.stdout.splitlines()
    assert code == "mass-create"
    assert [line.split()[0] for line in lines if line[2] != " "] == ["cause", "effect", "next"]
    entry = CODES["mass-create"]
    assert " ".join(done.stdout.split()) == f"mass-create cause {entry.cause} effect {entry.effect} next {entry.next}"


@pytest.mark.parametrize("code", CODES)
def test_a_command_stays_on_one_line(code: str, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = here("help", code)
    assert done.returncode == 0
    assert all(line.count("`") % 2 == 0 and len(line) <= 80 for line in done.stdout.splitlines())


def test_all_codes_fit_the_terminal(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    head, *lines = here("help").stdout.splitlines()
    assert head.split() == ["CODE", "CAUSE"]
    assert [line.split()[0] for line in lines] == list(CODES)
    assert max(map(len, lines)) == 60
    assert any(line.endswith(CUT) for line in lines)


def test_a_pipe_gets_whole_lines() -> None:
    lines = dimsync("help").stdout.splitlines()[1:]
    assert [line.split(maxsplit=1)[1] for line in lines] == [entry.cause for entry in CODES.values()]


def test_programs_get_json(here: Here) -> None:
    document = json.loads(here("help", "--output", "json").stdout)
    assert document["schema"] == "dimsync.codes/1"
    assert [each["code"] for each in document["codes"]] == list(CODES)
    (one,) = json.loads(here("help", "4", "--output", "json").stdout)["codes"]
    assert one == CODES["4"]._asdict()
    assert set(one) == {"code", "cause", "effect", "next"}


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("mass-crate", "there is no code 'mass-crate'; is it mass-create or"),
        ("sync", "there is no code 'sync'; `dimsync sync --help` tells of that verb"),
        ("xyzzy", "there is no code 'xyzzy'; `dimsync help` lists all"),
        ("\x1b[2J", r"there is no code '\x1b[2J'"),
    ],
)
def test_an_unknown_code_is_a_usage_error(code: str, told: str, here: Here) -> None:
    done = here("help", code)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


def test_it_loads_nothing_heavy() -> None:
    heavy = ("aiohttp", "anyio", "orjson", "pydantic", "sqlite3")
    program = (
        "import sys; from engine.cli.main import run; "
        f"assert not run(['help', 'quota']); print([name for name in {(*heavy, 'rich')!r} if name in sys.modules]); "
        f"assert not run(['help']); print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), cwd=ROOT, capture_output=True, encoding="utf-8", check=True
    )
    assert [line for line in done.stdout.splitlines() if line.startswith("[")] == ["[]", "[]"]


def test_a_page_tells_when_a_row_is_in_order(here: Here) -> None:
    done = here("help", "agreement")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("# When is a row in order?")
    lines = [line for line in done.stdout.splitlines() if line.startswith("    dimsync ")]
    assert len(lines) == 4
    for line in lines:
        verb = line.split()[1]
        assert here(verb, "--help").returncode == 0, f"no such verb: {line}"
    for code in ("stored-otherwise", "not-applied", "mass-update"):
        assert f"`{code}`" in done.stdout


def test_the_page_on_sources_is_shown_without_its_marks_for_tests(here: Here) -> None:
    done = here("help", "sources")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("# What can be a source")
    assert 'mapping = "netsuite.accounts"' in done.stdout
    assert "<!--" not in done.stdout
