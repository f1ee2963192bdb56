"""A sequential `requests` loop: a session an account, one company after another, as most such scripts are written.

A session keeps its connection open, as https://requests.readthedocs.io/en/latest/user/advanced/ advises.
"""

from __future__ import annotations

from pathlib import Path

import requests

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


def logged_in(job: Job, account: str) -> requests.Session:
    """Return a session that bears an account's key and token."""
    session = requests.Session()
    session.headers.update(key_headers(account))
    response = session.post(f"{job.base_url}/oauth/token", data=login_form(account), timeout=35)
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
    """Run the job once: a session for each account."""
    meter = Meter()
    for account, sources in meter.job.by_account.items():
        with logged_in(meter.job, account) as session:
            for company, path in sources.items():
                sync(session, meter.job, company, path)
    meter.report()


if __name__ == "__main__":
    main()
