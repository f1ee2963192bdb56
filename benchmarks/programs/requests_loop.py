"""A sequential `requests` loop: one session, one company after another, as most such scripts are written.

A session keeps its connection open, as https://requests.readthedocs.io/en/latest/user/advanced/ advises.
"""

from __future__ import annotations

from pathlib import Path

import requests

from benchmarks.programs.job import BULK, FORM, HEADERS, Job, Meter, chunks, differing, must_be_clean, read_rows, seen


def logged_in(job: Job) -> requests.Session:
    """Return a session that bears a token."""
    session = requests.Session()
    session.headers.update(HEADERS)
    response = session.post(f"{job.base_url}/oauth/token", data=FORM, timeout=35)
    response.raise_for_status()
    session.headers["Authorization"] = f"Bearer {response.json()['access_token']}"
    return session


def sync(session: requests.Session, job: Job, company: int, path: Path) -> None:
    """List one company, compare, and push what differs."""
    remote: dict[tuple[str, str], str] = {}
    page, pages = 1, 1
    while page <= pages:
        parameters = {"ottimate_company_id": company, "page": page, "limit": job.page_size}
        response = session.get(f"{job.base_url}/dimensions", params=parameters, timeout=35)
        response.raise_for_status()
        listed = response.json()
        remote |= seen(listed["dimensions"])
        pages = -(-listed["count"] // job.page_size)
        page += 1
    for rows in chunks(differing(read_rows(path), remote), job.chunk_rows):
        body = {"ottimate_company_id": company, "dimensions": rows}
        response = session.post(f"{job.base_url}{BULK}", json=body, timeout=35)
        response.raise_for_status()
        must_be_clean(response.json())


def main() -> None:
    """Run the job once."""
    meter = Meter()
    with logged_in(meter.job) as session:
        for company, path in meter.job.sources.items():
            sync(session, meter.job, company, path)
    meter.report()


if __name__ == "__main__":
    main()
