"""Two engines in one event loop: two APIs, each with a ledger of its own.

Accounts of one API belong into one engine, which shares each key's token,
pace and quota among all runs.
"""

import asyncio
from collections.abc import Sequence

import aiohttp
from dimsync import Company, Engine, RunResult, Settings


async def sync_both(
    production: Settings, staging: Settings, companies: Sequence[Company]
) -> tuple[RunResult, RunResult]:
    async with (
        aiohttp.ClientSession() as session,  # may be shared
        Engine(production, session=session) as one,
        Engine(staging, session=session) as other,
    ):
        return await asyncio.gather(
            one.sync(companies).result(), other.sync(companies).result()
        )
