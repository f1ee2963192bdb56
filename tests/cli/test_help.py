"""`dimsync help` as typed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from engine.cli.codes import CODES
from engine.cli.show.pages import page, title, topics
from tests.cli.conftest import Here
from tests.cli.program import dimsync
from tests.nursery import ROOT, environment
from tests.tables import each_of

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


def test_a_command_stays_on_one_line(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    @each_of(list(CODES))
    def stays(code: str) -> None:
        done = here("help", code)
        assert done.returncode == 0
        assert all(line.count("`") % 2 == 0 and len(line) <= 80 for line in done.stdout.splitlines())

    stays()


def test_all_codes_fit_the_terminal(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    shown = here("help").stdout
    pages, _, codes = shown.partition("\n\nCODE")
    head, *lines = codes.partition("\n\n")[0].splitlines()
    assert head.split() == ["CAUSE"]
    assert [line.split()[0] for line in lines] == list(CODES)
    assert max(map(len, lines)) == 60
    assert any(line.endswith(CUT) for line in lines)
    head, *lines = pages.splitlines()
    assert head.split() == ["TOPIC", "WHAT", "IT", "TELLS"]
    assert [line.split()[0] for line in lines] == topics()
    assert shown.splitlines()[-1].startswith("`dimsync help TOPIC`")


def test_a_pipe_gets_whole_lines() -> None:
    pages, codes, _ = dimsync("help").stdout.split("\n\n")
    assert [line.split(maxsplit=1)[1] for line in codes.splitlines()[1:]] == [entry.cause for entry in CODES.values()]
    assert [line.split(maxsplit=1)[1] for line in pages.splitlines()[1:]] == [title(topic) for topic in topics()]


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
        ("sources.md", "is it sources or source?"),
        ("../ARCHITECTURE", "`dimsync help` lists all"),
        ("mass-crate", "there is no topic or code 'mass-crate'; is it mass-create or"),
        ("sync", "there is no topic or code 'sync'; `dimsync sync --help` tells of that verb"),
        ("xyzzy", "there is no topic or code 'xyzzy'; `dimsync help` lists all"),
        ("\x1b[2J", r"there is no topic or code '\x1b[2J'"),
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


def test_a_page_is_laid_out_for_a_terminal_and_markdown_elsewhere(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    assert here("help", "sources").stdout.splitlines()[:2] == ["# What can be a source, and how is it read?", ""]
    monkeypatch.setenv("COLUMNS", "80")
    shown = here("help", "sources").stdout
    assert shown.splitlines()[:2] == ["What can be a source, and how is it read?", "=" * 41]
    assert "```" not in shown
    assert "| you write |" not in shown


def test_a_page_as_json(here: Here) -> None:
    document = json.loads(here("help", "sources", "--output", "json").stdout)
    assert document == {
        "schema": "dimsync.page/1",
        "topic": "sources",
        "title": title("sources"),
        "text": page("sources"),
    }
