"""What verbs about one company begin with: its settings, and an engine to ask."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import anyio
import click

from engine.config import Configured, load
from engine.errors import AccountParked, plain
from engine.model.settings import Company
from engine.run.engine import Engine

T = TypeVar("T")


def load_company(config: Path, company_id: int) -> tuple[Configured, Company]:
    """Load the settings and return one company of them. Raises `ConfigError`, and `UsageError` if there is none."""
    configured = load(config, os.environ)
    for company in configured.companies:
        if company.id == company_id:
            return configured, company
    more = ", nor a file of it that [fleet] finds" if configured.fleet else ""
    raise click.UsageError(f"there is no company {company_id} in {config}{more}")


def with_engine(configured: Configured, work: Callable[[Engine], Awaitable[T]]) -> T:
    """Do `work` with an engine, in an event loop of its own, and return its result."""

    async def go() -> T:
        try:
            with plain():
                async with Engine(configured.settings) as engine:
                    return await work(engine)
        except AccountParked as parked:
            raise parked.reason from parked

    return anyio.run(go)
