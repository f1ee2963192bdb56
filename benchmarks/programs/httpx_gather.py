"""`httpx.AsyncClient` and `asyncio.gather`: one client, companies side by side, the pages of each gathered.

One client for all, with limits (https://www.python-httpx.org/async/, https://www.python-httpx.org/advanced/resource-limits/);
a semaphore bounds how many companies are open at once.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from benchmarks.programs.job import (
    BULK,
    Job,
    Meter,
    chunks,
    differing,
    key_headers,
    login_form,
    must_be_clean,
    read_rows,
    seen,
)
from benchmarks.programs.watch import watched

Headers = dict[str, str]


async def sync(client: httpx.AsyncClient, job: Job, headers: Headers, company: int, path: Path) -> None:
    """List one company, compare, and push what differs."""

    async def page(number: int) -> tuple[int, dict[tuple[str, str], str]]:
        parameters = {"ottimate_company_id": company, "page": number, "limit": job.page_size}
        response = await client.get("/dimensions", params=parameters, headers=headers)
        response.raise_for_status()
        listed = response.json()
        return listed["count"], seen(listed["dimensions"])

    async def push(rows: list[dict[str, str]]) -> None:
        body = {"ottimate_company_id": company, "dimensions": rows}
        response = await client.post(BULK, json=body, headers=headers)
        response.raise_for_status()
        must_be_clean(response.json())

    count, remote = await page(1)
    rest = await asyncio.gather(*(page(number) for number in range(2, -(-count // job.page_size) + 1)))
    for _, rows in rest:
        remote |= rows
    await asyncio.gather(*(push(rows) for rows in chunks(differing(read_rows(path), remote), job.chunk_rows)))


async def logged_in(client: httpx.AsyncClient, account: str) -> Headers:
    """Return the headers of an account's requests."""
    headers = key_headers(account)
    response = await client.post("/oauth/token", data=login_form(account), headers=headers)
    response.raise_for_status()
    return {**headers, "Authorization": f"Bearer {response.json()['access_token']}"}


async def fleet(client: httpx.AsyncClient, job: Job) -> None:
    """Sync all companies of all accounts, as many at a time as requests may be in flight."""
    room = asyncio.Semaphore(job.concurrency)

    async def one(headers: Headers, company: int, path: Path) -> None:
        async with room:
            await sync(client, job, headers, company, path)

    async def account(name: str, sources: dict[int, Path]) -> None:
        async with room:
            headers = await logged_in(client, name)
        await asyncio.gather(*(one(headers, company, path) for company, path in sources.items()))

    await asyncio.gather(*(account(name, sources) for name, sources in job.by_account.items()))


async def main() -> None:
    """Run the job once."""
    meter = Meter()
    job = meter.job
    limits = httpx.Limits(max_connections=job.concurrency, max_keepalive_connections=job.concurrency)
    timeout = httpx.Timeout(35, pool=None)
    async with (
        httpx.AsyncClient(base_url=job.base_url, limits=limits, timeout=timeout) as client,
        watched(wanted=job.watch_stalls) as watch,
    ):
        await fleet(client, job)
    meter.report(**watch.report())


if __name__ == "__main__":
    asyncio.run(main())
