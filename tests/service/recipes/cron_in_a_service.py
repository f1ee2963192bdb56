"""A sync every morning, in a task of a service that runs anyway."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, time, timedelta

from dimsync import Company, Engine, EngineError

AT = time(5, 0, tzinfo=UTC)  # the API's day, and its quota, begin at 00:00
LOG = logging.getLogger(__name__)


def seconds_until(at: time, now: datetime) -> float:
    """Return how long it is until that time of day comes next."""
    today = now.replace(hour=at.hour, minute=at.minute, second=0)
    due = today if today > now else today + timedelta(days=1)
    return (due - now).total_seconds()


async def each_morning(
    engine: Engine,
    companies: Callable[[], Iterable[Company]],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Sync all companies each day, until cancelled."""
    while True:
        await sleep(seconds_until(AT, datetime.now(UTC)))
        try:
            result = await engine.sync(companies(), deadline_s=7200)
        except EngineError:  # no run at all: the ledger's disk is full ...
            LOG.exception("no sync today")
            continue
        for company in result.companies:
            for problem in company.problems:
                if problem.is_news:  # no earlier run had told of it
                    LOG.warning("%s: %s", company.name, problem.message)
