"""Requests that a month of syncs costs, theirs and ours, against the day's quota.

Ours is counted by the server while the engine syncs every simulated day. Theirs follows from a formula: a program
without a ledger lists every company in every sync, ceil(rows / page) requests each, and sends a chunk for each company
that has changed. Tokens are left out on both sides.

The simulation has a tenth of the rows, in pages of a tenth of the size: a listing takes the same number of pages, and
the month is over sooner.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.data import Shape
from benchmarks.launch import Server
from benchmarks.machine import describe
from benchmarks.stage import Stage
from benchmarks.workloads import Workload

QUOTA = 10_000
"""Requests a day of an API key as the vendor limits them."""

ROWS_CHANGED = 5
SCALE = 10
PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """A fleet, and what happens in it: every day some companies change a few rows, and some of them get a new one."""

    shape: Shape  # a tenth of it is simulated
    days: int
    changing: int  # companies a day
    growing: int  # companies a day, of those that change
    syncs: int  # a day, evenly spread; a company changes in one of them

    def calendar(self) -> dict[str, Any]:
        """Return the syncs day by day, with the companies that change before each."""
        days, turn = [], 0
        for _ in range(self.days):
            steps: list[dict[str, list[Any]]] = [{"changed": [], "grown": []} for _ in range(self.syncs)]
            for place in range(self.changing):
                company = self.shape.ids[turn % self.shape.companies]
                step = steps[place * self.syncs // self.changing]
                step["changed"].append((company, turn))
                if place < self.growing:
                    step["grown"].append(company)
                turn += 7  # not the companies next to yesterday's
            days.append(steps)
        return {"step_s": 86_400 / self.syncs, "rows_changed": ROWS_CHANGED, "days": days}

    def theirs(self, page_size: int) -> int:
        """Return the requests of a day without a ledger: each listing in each sync, and a chunk for each change."""
        listing = self.shape.companies * -(-self.shape.rows // page_size)
        return self.syncs * listing + self.changing


def months(*, quick: bool) -> dict[str, Month]:
    """Return the months that are simulated."""
    if quick:
        daily = Month(shape=Shape(12, 1_200), days=3, changing=4, growing=1, syncs=1)
        return {"daily": daily, "hourly": replace(daily, syncs=24)}
    daily = Month(shape=Shape(300, 500), days=30, changing=40, growing=10, syncs=1)
    return {"daily": daily, "hourly": replace(daily, syncs=24)}


def simulate(server: Server, *, quick: bool) -> dict[str, Any]:
    """Return the requests of each day, theirs and ours."""
    found: dict[str, Any] = {"machine": describe(), "quota": QUOTA}
    for name, month in months(quick=quick).items():
        small = month.shape._replace(rows=month.shape.rows // SCALE)
        work = Workload(
            name=f"month-{name}", title=name, shape=small, quick=small, verify="auto", page_size=PAGE // SCALE
        )
        with TemporaryDirectory(prefix="dimsync-bench-") as folder:
            stage = Stage(work, server, Path(folder))
            run = stage.follow(json.dumps(month.calendar()))
        asked = [0, *run.report["asked"]]
        found[name] = {
            "companies": month.shape.companies,
            "rows": month.shape.rows,
            "syncs_a_day": month.syncs,
            "changing_a_day": month.changing,
            "growing_a_day": month.growing,
            "ours": [after - before for before, after in pairwise(asked)],
            "ours_by_kind": run.requests,
            "theirs_100": month.theirs(PAGE),
            "theirs_20": month.theirs(20),
        }
    return found
