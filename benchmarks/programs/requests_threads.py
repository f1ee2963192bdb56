"""The `requests` loop in a pool of threads, a company each; every thread has a session of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import local

import requests

from benchmarks.programs.job import Meter
from benchmarks.programs.requests_loop import logged_in, sync


def main() -> None:
    """Run the job once. A thread keeps the connection to the host when it turns to another account."""
    meter = Meter()
    job, own = meter.job, local()

    def headers_of(account: str) -> dict[str, str | bytes]:
        with logged_in(job, account) as session:
            return dict(session.headers)

    def one(headers: dict[str, str | bytes], company: int, path: Path) -> None:
        if not hasattr(own, "session"):
            own.session = requests.Session()
        own.session.headers.update(headers)
        sync(own.session, job, company, path)

    accounts = job.by_account
    with ThreadPoolExecutor(job.concurrency) as pool:
        logins = pool.map(headers_of, accounts)
        turns = [
            (headers, company, path)
            for headers, sources in zip(logins, accounts.values(), strict=True)
            for company, path in sources.items()
        ]
        for _ in pool.map(lambda turn: one(*turn), turns):
            pass
    meter.report()


if __name__ == "__main__":
    main()
