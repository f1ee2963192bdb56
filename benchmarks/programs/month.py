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
    """Run all syncs of the month, and note how many requests the server had counted after each day."""
    meter = Meter()
    job, calendar = meter.job, json.loads(Path(sys.argv[1]).with_name("calendar.json").read_text(encoding="utf-8"))
    sources = {company: Source(path) for company, path in job.sources.items()}
    companies = [Company(id=company, source=source) for company, source in sources.items()]
    clock = [datetime.now(UTC)]
    made = replace(settings(job), ledger_url=f"sqlite:///{job.ledger}")
    limits = Limits(max_concurrency=job.concurrency)
    made = replace(made, accounts=tuple(replace(account, limits=limits) for account in made.accounts))
    asked: list[int] = []
    async with Engine(made, now=lambda: clock[0]) as engine:
        for day in calendar["days"]:
            for step in day:
                clock[0] += timedelta(seconds=calendar["step_s"])
                for company, turn in step["changed"]:
                    sources[company].change(calendar["rows_changed"], turn)
                for company in step["grown"]:
                    sources[company].grow(company)
                result = await engine.sync(companies).result()
                if result.exit_code:
                    raise SystemExit(f"exit code {result.exit_code} on day {len(asked) + 1}")
            asked.append(_asked(job.base_url))
    meter.report(asked=asked)


def _asked(base_url: str) -> int:
    """Return how many requests the server has counted, tokens left out."""
    connection = HTTPConnection(urlsplit(base_url).netloc, timeout=600)
    connection.request("GET", "/_bench/requests")
    counts: dict[str, int] = json.loads(connection.getresponse().read())
    connection.close()
    return sum(counts.values()) - counts.get("token", 0)


if __name__ == "__main__":
    run_fast(main())
