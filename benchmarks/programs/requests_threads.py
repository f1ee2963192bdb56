"""The `requests` loop in a pool of threads, a company each; every thread has a session of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import local

import requests

from benchmarks.programs.job import Meter
from benchmarks.programs.requests_loop import logged_in, sync


def main() -> None:
    """Run the job once."""
    meter = Meter()
    job, own = meter.job, local()
    with logged_in(job) as first:
        headers = dict(first.headers)

    def one(company: int, path: Path) -> None:
        if not hasattr(own, "session"):
            own.session = _session(headers)
        sync(own.session, job, company, path)

    sources = job.sources
    with ThreadPoolExecutor(job.concurrency) as pool:
        for _ in pool.map(one, sources, sources.values()):
            pass
    meter.report()


def _session(headers: dict[str, str | bytes]) -> requests.Session:
    session = requests.Session()
    session.headers.update(headers)
    return session


if __name__ == "__main__":
    main()
