"""`httpx.AsyncClient` and `asyncio.gather`: one client, companies side by side, the pages of each gathered.

One client for all, with limits (https://www.python-httpx.org/async/, https://www.python-httpx.org/advanced/resource-limits/);
a semaphore bounds how many companies are open at once.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from benchmarks.programs.job import BULK, FORM, HEADERS, Job, Meter, chunks, differing, must_be_clean, read_rows, seen


async def sync(client: httpx.AsyncClient, job: Job, company: int, path: Path) -> None:
    """List one company, compare, and push what differs."""

    async def page(number: int) -> tuple[int, dict[tuple[str, str], str]]:
        parameters = {"ottimate_company_id": company, "page": number, "limit": job.page_size}
        response = await client.get("/dimensions", params=parameters)
        response.raise_for_status()
        listed = response.json()
        return listed["count"], seen(listed["dimensions"])

    async def push(rows: list[dict[str, str]]) -> None:
        response = await client.post(BULK, json={"ottimate_company_id": company, "dimensions": rows})
        response.raise_for_status()
        must_be_clean(response.json())

    count, remote = await page(1)
    rest = await asyncio.gather(*(page(number) for number in range(2, -(-count // job.page_size) + 1)))
    for _, rows in rest:
        remote |= rows
    await asyncio.gather(*(push(rows) for rows in chunks(differing(read_rows(path), remote), job.chunk_rows)))


async def main() -> None:
    """Run the job once."""
    meter = Meter()
    job = meter.job
    limits = httpx.Limits(max_connections=job.concurrency, max_keepalive_connections=job.concurrency)
    timeout = httpx.Timeout(35, pool=None)
    async with httpx.AsyncClient(base_url=job.base_url, headers=HEADERS, limits=limits, timeout=timeout) as client:
        response = await client.post("/oauth/token", data=FORM)
        client.headers["Authorization"] = f"Bearer {response.json()['access_token']}"
        room = asyncio.Semaphore(job.concurrency)

        async def one(company: int, path: Path) -> None:
            async with room:
                await sync(client, job, company, path)

        await asyncio.gather(*(one(company, path) for company, path in job.sources.items()))
    meter.report()


if __name__ == "__main__":
    asyncio.run(main())
