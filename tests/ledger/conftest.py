from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.ledger.opening import open_ledger
from engine.ledger.protocols import Ledger
from engine.ledger.sqlite import ledger as sqlite
from engine.ledger.sqlite.ledger import SqliteLedger
from engine.testing import MemoryLedger


@pytest.fixture(params=["file", "memory", "testing", "postgres"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    """Where an empty ledger is, in each kind of database in turn; None: in that for tests of other programs."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return {"file": f"sqlite:///{tmp_path}/ledger.db", "memory": ":memory:", "testing": None}[request.param]


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
