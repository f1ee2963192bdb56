"""Workers over a queue: one engine for all of them, on the service's own
HTTP session and ledger.

A job may be delivered twice: the second time, nothing is left to do.
"""

import asyncio

import aiohttp
from dimsync import Company, CompanyResult, Engine, Ledger, Settings, State

AGAIN = {State.LOCKED, State.DEFERRED}  # somebody has it; no quota, no host


async def work(engine: Engine, jobs: asyncio.Queue[Company]) -> None:
    """Do one job after the other, until cancelled."""
    while True:
        company = await jobs.get()
        try:
            (done,) = (await engine.sync([company])).companies
            if done.state in AGAIN:
                await put_off(company, jobs)
            else:
                await acknowledge(done)
        finally:
            jobs.task_done()


async def put_off(company: Company, jobs: asyncio.Queue[Company]) -> None:
    """Give the job back. A real queue delivers it again later."""
    await asyncio.sleep(0.01)
    await jobs.put(company)


async def acknowledge(done: CompanyResult) -> None:
    """Tell the queue. Rows that were refused are `done.problems`."""
    print(done.company_id, done.state, len(done.problems))


async def serve(
    settings: Settings,
    ledger: Ledger,
    jobs: asyncio.Queue[Company],
    workers: int = 4,
) -> None:
    async with (
        aiohttp.ClientSession() as session,  # yours, as the ledger is
        Engine(settings, session=session, ledger=ledger) as engine,
        asyncio.TaskGroup() as tasks,
    ):
        for _ in range(workers):
            tasks.create_task(work(engine, jobs))
