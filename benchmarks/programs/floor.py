"""The floor: aiohttp and orjson doing the same requests and the same comparison, and nothing else.

No guards, no retries, no limits, no ledger, no proof that a listing was whole: what an expert would write for one fleet
in an afternoon, tuned.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from benchmarks.programs.job import BULK, Job, Meter, key_headers, login_form, must_be_clean
from benchmarks.programs.watch import watched
from benchmarks.server import run_fast


class Floor:
    """One fleet's sync."""

    def __init__(self, job: Job, session: aiohttp.ClientSession) -> None:
        self._job = job
        self._session = session
        self._room = asyncio.Semaphore(job.concurrency)
        self._headers: dict[int, dict[str, str]] = {}  # by company: its account's key and token

    async def run(self) -> None:
        """Log in to each account and look at its directory, then sync companies side by side."""
        accounts = self._job.by_account
        await asyncio.gather(*(self._account(account, ids) for account, ids in accounts.items()))
        turns = iter(self._job.sources.items())
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._job.concurrency):
                tasks.create_task(self._companies(turns))

    async def _account(self, account: str, companies: Iterable[int]) -> None:
        headers, url = key_headers(account), f"{self._job.base_url}/oauth/token"
        async with self._room, self._session.post(url, data=login_form(account), headers=headers) as response:
            token = orjson.loads(await response.read())["access_token"]
        headers["Authorization"] = f"Bearer {token}"
        self._headers.update(dict.fromkeys(companies, headers))
        number, left = 1, 1
        while left > 0:
            page = await self._get(f"/accounts/{account}/companies?page={number}&limit=100", headers)
            left, number = page["count"] - number * 100, number + 1

    async def _companies(self, turns: Any) -> None:
        for company, path in turns:
            await self._company(company, path)

    async def _company(self, company: int, path: Path) -> None:
        remote = await self._listing(company)
        differing = []
        with path.open("rb") as file:
            for line in file:
                row = orjson.loads(line)
                if remote.get((row["dimension_type_code"], row["erp_dimension_id"])) != row["name"]:
                    differing.append(line.rstrip())
        size = self._job.chunk_rows
        parts = [differing[start : start + size] for start in range(0, len(differing), size)]
        await asyncio.gather(*(self._push(company, part) for part in parts))

    async def _listing(self, company: int) -> dict[tuple[str, str], str]:
        """Read page 1, then the others together."""
        remote: dict[tuple[str, str], str] = {}
        size = self._job.page_size

        async def take(number: int) -> int:
            path = f"/dimensions?ottimate_company_id={company}&page={number}&limit={size}"
            page = await self._get(path, self._headers[company])
            for row in page["dimensions"]:
                remote[row["dimension_type"], row["erp_dimension_id"]] = row["name"]
            return int(page["count"])

        count = await take(1)
        await asyncio.gather(*(take(number) for number in range(2, -(-count // size) + 1)))
        return remote

    async def _get(self, path: str, headers: dict[str, str]) -> Any:
        async with self._room, self._session.get(self._job.base_url + path, headers=headers) as response:
            return orjson.loads(await response.read())

    async def _push(self, company: int, rows: list[bytes]) -> None:
        body = b'{"ottimate_company_id":%d,"dimensions":[%s]}' % (company, b",".join(rows))
        headers = {**self._headers[company], "Content-Type": "application/json"}
        async with self._room, self._session.post(self._job.base_url + BULK, data=body, headers=headers) as response:
            must_be_clean(orjson.loads(await response.read()))


async def main() -> None:
    """Run the job once."""
    meter = Meter()
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session,
        watched(wanted=meter.job.watch_stalls) as watch,
    ):
        await Floor(meter.job, session).run()
    meter.report(**watch.report())


if __name__ == "__main__":
    run_fast(main())
