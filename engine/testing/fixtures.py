"""Fixtures for pytest: `pytest_plugins = ["dimsync.testing.fixtures"]` in the topmost `conftest.py`.

They are plain functions, so they work with pytest-asyncio in both of its modes, with anyio's plugin, and in tests
without an event loop. The sandbox serves from a thread, so a blocking client, such as Starlette's, can reach it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.model.settings import Settings
from engine.run.engine import Engine
from engine.testing.clock import Clock
from engine.testing.ledger import MemoryLedger
from engine.testing.sandbox import Sandbox

__all__ = ["dimsync_clock", "dimsync_engine", "dimsync_ledger", "dimsync_sandbox", "dimsync_settings"]


@pytest.fixture
def dimsync_clock() -> Clock:
    """Give the clock of `dimsync_sandbox` and `dimsync_engine`: it stands still until the test moves it."""
    return Clock()


@pytest.fixture
def dimsync_sandbox(dimsync_clock: Clock) -> Iterator[Sandbox]:
    """Give a listening sandbox with one account and no companies."""
    with Sandbox(clock=dimsync_clock) as sandbox:
        yield sandbox


@pytest.fixture
def dimsync_ledger() -> Iterator[MemoryLedger]:
    """Give an empty ledger, which all engines of the test may share."""
    with MemoryLedger() as ledger:
        yield ledger


@pytest.fixture
def dimsync_settings(dimsync_sandbox: Sandbox) -> Settings:
    """Give settings that lead to `dimsync_sandbox`."""
    return dimsync_sandbox.settings()


@pytest.fixture
def dimsync_engine(dimsync_settings: Settings, dimsync_ledger: MemoryLedger, dimsync_clock: Clock) -> Engine:
    """Give an engine on the other fixtures: `async with dimsync_engine as engine`."""
    return Engine(dimsync_settings, ledger=dimsync_ledger, now=dimsync_clock)
