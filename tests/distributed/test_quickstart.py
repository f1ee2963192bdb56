"""The quickstart of the page on several workers is what happens: its settings, its files, its commands."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.cli.main import command_of
from tests.cli.program import Door, until
from tests.help.test_scale_page import BLOCKS
from tests.nursery import Forked, Nursery, environment
from tests.postgres_server import PostgresServer

API, DATABASE = "http://127.0.0.1:8700/v1", "postgresql://dimsync@127.0.0.1/dimsync"
COMPANIES = range(1001, 1005)


@pytest.fixture
def folder(door: Door, postgres: PostgresServer, tmp_path: Path) -> Iterator[Path]:
    """The page's files, in a folder, with companies and a database that are there."""
    door.place(*COMPANIES)
    with postgres.empty_database() as url:
        settings = BLOCKS["scale.toml"].replace(API, door.base_url).replace(DATABASE, url)
        (tmp_path / "dimsync.toml").write_text(settings, encoding="utf-8")
        (tmp_path / "chart.csv").write_text(BLOCKS["chart.csv"], encoding="utf-8")
        yield tmp_path


def test_two_workers_sync_the_companies_of_the_page(door: Door, nursery: Nursery, folder: Path) -> None:
    *lines, sandbox = BLOCKS["scale-prepare"].splitlines()
    subprocess.run(["bash", "-e", "-c", "\n".join(lines)], cwd=folder, check=True)
    _, verb, *words, _ = sandbox.split()
    assert {"--companies", str(len(COMPANIES))} == set(words)
    assert "--companies" in {option for parameter in command_of(verb).params for option in parameter.opts}

    validate, enqueue, *looks = BLOCKS["scale-ask"].splitlines()
    with _worker(nursery, folder, "first"), _worker(nursery, folder, "second"):
        assert "4 companies" in _said(nursery, folder, validate)
        assert _said(nursery, folder, enqueue) == "4 companies enqueued\n"
        until(lambda: sorted(_synced(folder)) == list(COMPANIES))
    for line in looks:
        assert _said(nursery, folder, line)
    assert {company: len(door.rows(company)) for company in COMPANIES} == dict.fromkeys(COMPANIES, 3)


@contextmanager
def _worker(nursery: Nursery, folder: Path, name: str) -> Iterator[None]:
    """Run a worker as the page says, and end it in order."""
    (line,) = BLOCKS["scale-worker"].splitlines()
    worker = _start(nursery, folder, line, f"{name}.log")
    try:
        until(lambda: "queue and ledger in " in _read(folder, f"{name}.log"))
        yield
        os.kill(worker.pid, signal.SIGTERM)
        assert worker.wait() == 0
    finally:
        worker.kill()


def _synced(folder: Path) -> list[int]:
    told = _read(folder, "first.log") + _read(folder, "second.log")
    return [int(company) for company in re.findall(r" company (\d+): synced, ", told)]


def _said(nursery: Nursery, folder: Path, line: str) -> str:
    assert _start(nursery, folder, line, "said").wait() == 0, _read(folder, "said")
    return _read(folder, "said")


def _start(nursery: Nursery, folder: Path, line: str, out: str) -> Forked:
    program, *words = line.split()
    assert program == "dimsync"
    with (folder / out).open("wb") as stream:
        return nursery.start("engine", *words, cwd=folder, stdout=stream, stderr=stream, env=environment())


def _read(folder: Path, name: str) -> str:
    return (folder / name).read_text("utf-8")
