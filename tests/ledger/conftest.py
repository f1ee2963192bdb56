from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.ledger.protocols import Ledger
from engine.ledger.sqlite.ledger import SqliteLedger, open_ledger
from engine.testing import MemoryLedger


@pytest.fixture(params=["sqlite:///ledger.db", ":memory:", ""], ids=["file", "memory", "testing"])
async def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ledger]:
    """Each implementation in turn, empty: by its URL, and the one for tests of other programs, which has none."""
    async with await open_ledger(request.param, base=tmp_path) if request.param else MemoryLedger() as opened:
        yield opened


@pytest.fixture
async def on_disk(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    """A SQLite ledger in `tmp_path / "ledger.db"`."""
    async with await open_ledger("sqlite:///ledger.db", base=tmp_path) as opened:
        yield opened
