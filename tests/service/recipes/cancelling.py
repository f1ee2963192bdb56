"""Three ways to end a run early. What is in flight is written down."""

import asyncio
from collections.abc import Iterable

from dimsync import Company, Engine, RunResult


async def with_a_deadline(
    engine: Engine, companies: Iterable[Company]
) -> RunResult:
    """Begin nothing more after ten minutes: the rest is deferred."""
    return await engine.sync(companies, deadline_s=600)


async def until_asked(
    engine: Engine, companies: Iterable[Company], asked: asyncio.Event
) -> RunResult:
    """Stop at a person's wish, and return how far it got."""
    async with engine.sync(companies) as run:
        async for _ in run:
            if asked.is_set():
                run.stop()
    return run.result


async def at_most(
    engine: Engine, companies: Iterable[Company], seconds: float
) -> RunResult | None:
    """Cancel, as a task that is cancelled does.

    It takes a request's timeout and 5 s more at most until it is over.
    `engine.history()` has how far it got.
    """
    try:
        async with asyncio.timeout(seconds):
            return await engine.sync(companies)
    except TimeoutError:
        return None
