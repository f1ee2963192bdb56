from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from engine.ledger.opening import open_ledger
from engine.ledger.protocols import Ledger
from engine.ledger.sqlite import ledger as sqlite
from engine.ledger.sqlite.ledger import SqliteLedger
from engine.testing import MemoryLedger
from tests.nursery import Forked, Nursery, environment


@dataclass(frozen=True, slots=True)
class Child:
    """A process that plays with the ledger."""

    process: Forked
    folder: Path
    out: IO[str]

    def heard(self) -> str:
        """Return the next line that it says."""
        return self.out.readline().strip()

    def go_on(self) -> None:
        """Let a play that waits for this go on."""
        (self.folder / "go").touch()

    def kill(self) -> list[str]:
        """Kill it, and return what it had said."""
        self.process.kill()
        self.process.wait()
        return self.out.read().split("\n")


Play = Callable[[str], AbstractContextManager[Child]]


@pytest.fixture(params=["file", "testing", "postgres"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    """Where an empty ledger is, in each kind of database in turn; None: in that for tests of other programs.

    A ledger of `sqlite://` is the one's thread with the other's database: `test_files` and `test_model` open it.
    """
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return {"file": f"sqlite:///{tmp_path}/ledger.db", "testing": None}[request.param]


@pytest.fixture
async def ledger(ledger_url: str | None) -> AsyncIterator[Ledger]:
    """Each implementation in turn, empty."""
    async with await open_ledger(ledger_url) if ledger_url else MemoryLedger() as opened:
        yield opened


@pytest.fixture
async def on_disk(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    """A SQLite ledger in `tmp_path / "ledger.db"`."""
    async with await sqlite.open_ledger("sqlite:///ledger.db", base=tmp_path) as opened:
        yield opened


@pytest.fixture
def play(nursery: Nursery, tmp_path: Path) -> Play:
    """Run one of `tests.ledger.plays` in a process of its own; kill it in the end."""

    @contextmanager
    def play(name: str) -> Iterator[Child]:
        ours, its = os.pipe()
        with os.fdopen(ours, encoding="utf-8") as out:
            with os.fdopen(its, "wb") as stdout, (tmp_path / f"{name}-errors").open("ab") as stderr:
                process = nursery.start(
                    "tests.ledger.plays", name, cwd=tmp_path, stdout=stdout, stderr=stderr, env=environment()
                )
            try:
                yield Child(process, tmp_path, out)
            finally:
                process.kill()

    return play
