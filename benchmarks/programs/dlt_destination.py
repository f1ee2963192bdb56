"""dlt: a resource of companies, a parallel transformer that lists and compares, a custom destination that pushes.

One pipeline for all accounts, whose tokens are fetched at the start.

Reading by its REST client with a paginator of our own (the API counts rows, not pages), as
https://dlthub.com/docs/general-usage/http/rest-client says; writing by a destination function in batches of the chunk
size, as https://dlthub.com/docs/dlt-ecosystem/destinations/destination says; pages rather than rows are yielded, and
files are rotated so that they load in parallel, as https://dlthub.com/docs/reference/performance says.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import Any

import dlt
import requests
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.paginators import PageNumberPaginator

from benchmarks.programs.job import BULK, Job, Meter, differing, must_be_clean, read_rows, seen
from benchmarks.programs.requests_loop import logged_in

ROWS_A_FILE = 5_000
Headers = dict[str, str]


class ByCount(PageNumberPaginator):
    """Ends when as many rows as are declared have been paged through, without asking for an empty page."""

    def __init__(self, page_size: int) -> None:
        super().__init__(base_page=1, total_path=None)
        self._page_size = page_size

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:
        """Look at the count of the page that came."""
        super().update_state(response, data)
        listed = response.json()
        if listed["page"] * self._page_size >= listed["count"]:
            self._has_next_page = False


def logins(job: Job) -> dict[int, Headers]:
    """Return the headers of each company's requests."""

    def login(account: str) -> Headers:
        with logged_in(job, account) as session:
            return {name: str(session.headers[name]) for name in ("X-Api-Key", "X-API-Version", "Authorization")}

    with ThreadPoolExecutor(job.concurrency) as pool:
        found = zip(pool.map(login, job.by_account), job.by_account.values(), strict=True)
        return {company: headers for headers, companies in found for company in companies}


def changes(job: Job, headers: dict[int, Headers]) -> Any:
    """Return the resource of all rows that differ, each with its company."""
    client = RESTClient(base_url=job.base_url)

    @dlt.resource
    def companies() -> Iterator[dict[str, Any]]:
        for company, path in job.sources.items():
            yield {"company": company, "path": str(path)}

    @dlt.transformer(data_from=companies, parallelized=True)
    def dimensions(item: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
        remote: dict[tuple[str, str], str] = {}
        parameters = {"ottimate_company_id": item["company"], "limit": job.page_size}
        pages = client.paginate(
            "/dimensions",
            params=parameters,
            headers=headers[item["company"]],
            paginator=ByCount(job.page_size),
            data_selector="dimensions",
        )
        for page in pages:
            remote |= seen(page)
        rows = differing(read_rows(Path(item["path"])), remote)
        yield [{**row, "ottimate_company_id": item["company"]} for row in rows]

    return dimensions


def main() -> None:
    """Run the job once."""
    meter = Meter()
    job = meter.job
    os.environ |= {
        "EXTRACT__WORKERS": str(job.concurrency),
        "NORMALIZE__DATA_WRITER__FILE_MAX_ITEMS": str(ROWS_A_FILE),
        "RUNTIME__LOG_LEVEL": "WARNING",
    }
    headers = logins(job)
    with requests.Session() as session:

        @dlt.destination(batch_size=job.chunk_rows, name="ottimate", max_parallel_load_jobs=job.concurrency)
        def ottimate(items: list[dict[str, Any]], table: dict[str, Any]) -> None:  # noqa: ARG001  dlt's signature
            for company, rows in groupby(items, key=lambda row: row["ottimate_company_id"]):
                bare = [{name: value for name, value in row.items() if name != "ottimate_company_id"} for row in rows]
                body = {"ottimate_company_id": company, "dimensions": bare}
                response = session.post(f"{job.base_url}{BULK}", json=body, headers=headers[company], timeout=35)
                response.raise_for_status()
                must_be_clean(response.json())

        pipeline = dlt.pipeline("bench", pipelines_dir=job.scratch, destination=ottimate)
        pipeline.run(changes(job, headers)).raise_on_failed_jobs()
    meter.report()


if __name__ == "__main__":
    main()
