"""Fixtures of worlds. What tests of a world need is named here, in one place: see `world` and `checks`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import pytest

from engine.sandbox.access import Allowance
from engine.sandbox.server import Options, Sandbox
from engine.testing import Clock
from tests.sandbox.checks import assert_exact, columns, heal, kinds, slugs, verdict, watch
from tests.sandbox.fuzz import StageLoop
from tests.sandbox.world import (
    BLIND,
    DEMO,
    DIRECTORY,
    OPEN,
    OTHER,
    QUICK,
    Rows,
    World,
    account,
    company,
    dims,
    memory_world,
)

__all__ = [
    "BLIND",
    "DEMO",
    "DIRECTORY",
    "OPEN",
    "OTHER",
    "QUICK",
    "Clock",
    "Rows",
    "World",
    "account",
    "assert_exact",
    "columns",
    "company",
    "dims",
    "heal",
    "kinds",
    "memory_world",
    "slugs",
    "verdict",
    "watch",
]


@pytest.fixture
def clock() -> Clock:
    return Clock()


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Let time pass by itself in tests of worlds in memory; tests with sockets have a clock that goes."""
    return {"real": asyncio.SelectorEventLoop} if item.get_closest_marker("sockets") else {"virtual": StageLoop}


@asynccontextmanager
async def new_world(request: pytest.FixtureRequest, clock: Clock, options: Options) -> AsyncIterator[World]:
    """Give a world in memory and virtual time; one with sockets and a ledger file for tests that are marked so."""
    if request.node.get_closest_marker("sockets") is None:
        with memory_world(options, clock=clock) as world:
            yield world
        return
    folder = request.getfixturevalue("tmp_path")
    async with Sandbox(options, clock=clock) as sandbox:
        yield World(sandbox=sandbox, ledger_url=f"sqlite:///{folder}/ledger.db", clock=clock)


@pytest.fixture
async def world(request: pytest.FixtureRequest, clock: Clock) -> AsyncIterator[World]:
    async with new_world(request, clock, Options(accounts=(DEMO, OTHER))) as world:
        yield world


@pytest.fixture(params=["guide", "reference"])
async def either_world(request: pytest.FixtureRequest, clock: Clock) -> AsyncIterator[World]:
    """A world under each contract in turn."""
    async with new_world(request, clock, Options(accounts=(DEMO, OTHER), contract=request.param)) as world:
        yield world


@pytest.fixture
async def scarce_world(request: pytest.FixtureRequest, clock: Clock) -> AsyncIterator[World]:
    """A world whose API keys have 12 requests a day."""
    options = Options(accounts=(DEMO, OTHER), allowance=Allowance(per_day=12))
    async with new_world(request, clock, options) as world:
        yield world
