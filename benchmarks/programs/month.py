"""A month of syncs in minutes: the engine by a clock that is moved on, its sources changed a little every day.

What the month's days are is in the job's `calendar`, see `benchmarks.economy`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from benchmarks.data import TYPES
from benchmarks.programs.job import Meter
from benchmarks.programs.ours import settings
from benchmarks.server import run_fast
from engine import Company, Dimension, Engine, Limits


class Source:
    """One company's wanted rows, which change from time to time."""

    def __init__(self, path: Path) -> None:
        read = map(orjson.loads, path.read_bytes().splitlines())
        self._rows = [
            Dimension(
                row["unique_key"],
                row["dimension_type_code"],
                row["type"],
                row["name"],
                row["erp_dimension_id"],
                row["code"],
            )
            for row in read
        ]

    async def __aiter__(self) -> AsyncIterator[list[Dimension]]:
        """Yield all rows at once."""
        yield self._rows

    def change(self, rows: int, turn: int) -> None:
        """Give some rows another name."""
        for at in range(rows):
            place = (turn * rows + at) % len(self._rows)
            row = self._rows[place]
            self._rows[place] = row._replace(name=f"{row.name.partition(' #')[0]} #{turn}")

    def grow(self, company: int) -> None:
        """Add a row."""
        number = len(self._rows)
        code, label = TYPES[number % len(TYPES)]
        key = f"{company}:{code}:{number:06d}"
        self._rows.append(Dimension(key, code, label, f"Opened later {number}", f"{number:06d}", f"{number:04d}"))


async def main() -> None:
    """Run all syncs of the month, and note what the server had counted after each day: tokens left out, and by key."""
    meter = Meter()
    job, calendar = meter.job, json.loads(Path(sys.argv[1]).with_name("calendar.json").read_text(encoding="utf-8"))
    sources = {company: Source(path) for company, path in job.sources.items()}
    companies = [
        Company(id=company, source=sources[company], account=account)
        for account, ids in job.by_account.items()
        for company in ids
    ]
    clock = [datetime.now(UTC)]
    made = replace(settings(job), ledger_url=f"sqlite:///{job.ledger}")
    limits = Limits(max_concurrency=job.concurrency)
    made = replace(made, accounts=tuple(replace(account, limits=limits) for account in made.accounts))
    asked: list[int] = []
    by_key: list[dict[str, int]] = []
    for day in calendar["days"]:
        async with Engine(made, now=lambda: clock[0]) as engine:  # a new one each day, as a nightly job has
            for step in day:
                clock[0] += timedelta(seconds=calendar["step_s"])
                for company, turn in step["changed"]:
                    sources[company].change(calendar["rows_changed"], turn)
                for company in step["grown"]:
                    sources[company].grow(company)
                result = await engine.sync(companies).result()
                if result.exit_code:
                    raise SystemExit(f"exit code {result.exit_code} on day {len(asked) + 1}")
        counted = _counted(job.base_url)
        asked.append(sum(counted["requests"].values()) - counted["requests"].get("token", 0))
        by_key.append(counted["by_key"])
    meter.report(asked=asked, by_key=by_key)


def _counted(base_url: str) -> dict[str, dict[str, int]]:
    """Return how many requests the server has counted, by kind and by API key."""
    connection = HTTPConnection(urlsplit(base_url).netloc, timeout=600)
    connection.request("GET", "/_bench/requests")
    counts: dict[str, dict[str, int]] = json.loads(connection.getresponse().read())
    connection.close()
    return counts


if __name__ == "__main__":
    run_fast(main())
