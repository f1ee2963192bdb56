from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine import __version__
from tests.cli.conftest import Here
from tests.cli.program import Fleet, dimsync, start
from tests.nursery import ROOT, Nursery, environment

VERBS = ("demo", "sandbox", "validate", "plan", "sync")


def test_version() -> None:
    done = dimsync("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"dimsync {__version__}\n", "")


def test_help_and_version_load_nothing_heavy() -> None:
    lines = [["--version"], ["--help"], *([verb, "--help"] for verb in VERBS)]
    heavy = ("aiohttp", "anyio", "orjson", "pydantic", "rich", "sqlite3")
    code = (
        "import sys; from engine.cli.main import run; "
        f"assert not any(run(words) for words in {lines!r}); print([n for n in {heavy!r} if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), cwd=ROOT, capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_what_the_ledger_remembers_is_told_without_loading_what_asks_the_api(fleet: Fleet) -> None:
    fleet.configure(99_001)
    fleet.source(99_001, ["Cash"])
    assert fleet.run("plan").returncode == 1  # there is no such company; the ledger is made
    code = (
        "import sys; from engine.cli.main import run; assert not run(['status']) + run(['history']); "
        "print(sorted(name for name in sys.modules if name.startswith(('aiohttp', 'engine.net', 'engine.run'))))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=environment(), cwd=fleet.folder, capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_names_every_verb(here: Here) -> None:
    text = here("--help").stdout
    for verb in VERBS:
        assert f"\n  {verb} " in text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["sink"], "No such command 'sink'"),
        (["sync", "--verify", "maybe"], "'maybe' is not one of"),
        (["sync", "--output", "xml"], "'xml' is not one of"),
        (["sync"], "dimsync.toml: cannot be read: No such file or directory"),
        (["plan", "-c", "no\x1bne.toml"], r"no\x1bne.toml: cannot be read"),
    ],
)
def test_usage_and_missing_settings_exit_2(words: list[str], told: str, here: Here) -> None:
    done = here(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


def test_every_fault_of_the_settings_is_told_at_once(fleet: Fleet, here: Here) -> None:
    fleet.configure(1, 1)
    path = fleet.folder / "dimsync.toml"
    path.write_text(path.read_text("utf-8").replace("chunk_rows = 10", 'chunk_rows = "ten"\nchunk_rose = 1'), "utf-8")
    done = here("sync")
    assert (done.returncode, done.stdout) == (2, "")
    for key in ("limits.chunk_rows", "limits.chunk_rose", "companies[1].id"):
        assert f"Error: dimsync.toml: {key}: " in done.stderr


def test_a_fleet_of_read_only_companies_cannot_be_synced(fleet: Fleet, here: Here) -> None:
    fleet.configure(1)
    path = fleet.folder / "dimsync.toml"
    path.write_text(f"{path.read_text('utf-8')}write = false\n", "utf-8")
    done = here("sync")
    assert done.returncode == 2
    assert "read-only" in done.stderr


def test_validate_lists_faults_as_its_result(fleet: Fleet, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet.configure(1, 2)
    fleet.source(1, ["Cash"])
    done = here("validate", "--output", "json")
    assert done.returncode == 2
    document = json.loads(done.stdout)
    assert (document["schema"], document["ok"]) == ("dimsync.validate/1", False)
    (error,) = document["errors"]
    assert (error["file"], error["key"]) == ("dimsync.toml", "companies[1].source")
    assert "2.csv" in error["message"]
    done = here("validate")
    assert done.returncode == 2
    assert "companies[1].source" in done.stdout
    assert "1 fault to put right" in done.stdout
    monkeypatch.delenv("API_KEY")
    monkeypatch.delenv("CLIENT_SECRET")
    keys = [error["key"] for error in json.loads(here("validate", "--output", "json").stdout)["errors"]]
    assert keys == ["accounts.main.api_key", "accounts.main.client_secret"]


def test_validate_sums_up_what_is_in_order(fleet: Fleet, here: Here) -> None:
    fleet.configure(1, 2)
    fleet.source(1, ["Cash"])
    fleet.source(2, ["Cash"])
    done = here("validate")
    assert (done.returncode, done.stderr) == (0, "")
    assert "dimsync.toml is in order" in done.stdout
    assert "companies  2\n" in done.stdout
    assert json.loads(here("validate", "--output", "json").stdout)["ok"] is True


def test_the_sandbox_ends_with_whoever_holds_its_input(tmp_path: Path) -> None:
    words = ("sandbox", "--port", "0", "--companies", "2", "--until-stdin-ends")
    with start(*words, cwd=tmp_path, stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        ready = json.loads(process.stdout.readline())
        assert ready["ready"] is True
        port = ready["base_url"].split(":")[2].removesuffix("/v1")
        taken = dimsync("sandbox", "--port", port)
        assert taken.returncode == 1
        assert f"cannot listen on 127.0.0.1:{port}" in taken.stderr
        assert "Traceback" not in taken.stderr
        process.stdin.close()
        assert process.wait(10) == 0


def test_the_demo_agrees_with_the_sandbox(tmp_path: Path, nursery: Nursery, here: Here) -> None:
    words = ("demo", "--companies", "12", "--keep", "kept", "--output", "json")
    done = nursery.run("engine", *words, cwd=tmp_path, env=environment())
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    first, edited, last = document["runs"]
    assert document["faults"] == []
    assert first["created"] == document["rows"]
    assert edited["created"] > 0
    assert edited["updated"] > 0
    assert (last["created"], last["updated"], last["requests"]) == (0, 0, 0)
    assert document["truth"]["rows_equal"] == document["truth"]["rows_wanted"] == last["unchanged"]
    assert {path.name for path in (tmp_path / "kept").iterdir()} >= {
        "dimsync.toml",
        "dimsync.db",
        "sources",
        "report.html",
        "report.csv",
    }
    assert here("validate", "-c", "kept/dimsync.toml").returncode == 0
    again = here("demo", "--keep", "kept")
    assert again.returncode == 2
    assert "is not empty" in again.stderr
