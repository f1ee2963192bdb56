"""A month of the headline's fleet: what an API key has to bear on each day, with ours and without a ledger.

Ours is counted by the server while the engine syncs every simulated day. Without a ledger a day costs what a program of
the same round was counted to send on one such day: it lists every company every day. All requests count on both sides,
those for tokens, too.

The simulation has a tenth of the rows, in pages of a tenth of the size: a listing takes as many pages, and the month is
over sooner.
"""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.data import Shape
from benchmarks.economy import PAGE, QUOTA, SCALE
from benchmarks.launch import Server
from benchmarks.machine import describe
from benchmarks.stage import Stage
from benchmarks.workloads import HEADLINE, Workload

DAYS = 30
BEFORE = 10
"""Days that are simulated first and not counted: by then the days on which companies are listed are spread out."""

MONTH = "headline-month"

CHANGING = {HEADLINE.name: False, "headline-changed": True}
"""Workloads whose days follow one another, and whether companies change in them."""


def calendar(shape: Shape, days: int, *, changing: bool) -> dict[str, Any]:
    """Return a sync each day; before it, each company changes one row, which is some percent of it, or none."""
    steps = [{"changed": [(each, turn) for each in shape.ids] if changing else [], "grown": []} for turn in range(days)]
    return {"step_s": 86_400, "rows_changed": 1, "days": [[step] for step in steps]}


def month(server: Server, *, quick: bool) -> dict[str, Any]:
    """Return the requests of each day, and of the busiest API key on each, by workload."""
    days, before = (2, 1) if quick else (DAYS, BEFORE)
    shape = HEADLINE.quick if quick else HEADLINE.shape
    small = shape._replace(rows=shape.rows // SCALE, most_rows=shape.most_rows // SCALE)
    work = replace(HEADLINE, shape=small, listed_before=0, hours_ago=0.0, tls=False, page_size=PAGE // SCALE)
    found: dict[str, Any] = {"machine": describe(), "quota": QUOTA}
    for name, changing in CHANGING.items():
        counted = _followed(work, server, json.dumps(calendar(small, before + days, changing=changing)))
        found[name] = {
            "total": [sum(day.values()) for day in counted[before:]],
            "busiest_key": [max(day.values(), default=0) for day in counted[before:]],
        }
    return found


def _followed(work: Workload, server: Server, days: str) -> list[dict[str, int]]:
    """Return the requests of each day by API key."""
    with TemporaryDirectory(prefix="dimsync-bench-") as folder:
        run = Stage(work, server, Path(folder)).follow(days)
    sums: list[dict[str, int]] = [{}, *run.report["by_key"]]
    return [{key: after[key] - before.get(key, 0) for key in after} for before, after in pairwise(sums)]
