"""How late the event loop is in eight cases: what is done with one company, and how its source gives rows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.launch import Server
from benchmarks.machine import describe
from benchmarks.measure import Spread
from benchmarks.stage import staged
from benchmarks.stalls import Figures, measured
from benchmarks.tables import cell
from benchmarks.workloads import Workload

COUNTED = ("uvloop, batches", "uvloop, single rows")


def lateness(server: Server, chosen: Iterable[Workload], *, runs: int) -> dict[str, Any]:
    """Return the figures of each run, case by case. `chosen`: what is done, of `benchmarks.stalls.cases`."""
    found: list[dict[str, Any]] = []
    for case in chosen:
        with staged(case, server) as stage:
            for way in COUNTED:
                figures = [measured(stage, way)._asdict() for _ in range(runs)]
                found.append({"case": case.name, "rows": case.shape.rows, "way": way, "runs": figures})
    return {"machine": describe(), "cases": found}


def render_stalls(folder: Path) -> str:
    """Return a table of the cases; empty when they were not measured."""
    path = folder / "stalls.json"
    if not path.exists():
        return ""
    found = json.loads(path.read_text(encoding="utf-8"))
    rounds = len(found["cases"][0]["runs"])
    told = (
        f"### One company of {found['cases'][0]['rows']:,} rows: how late the event loop is\n\n`scripts/bench stalls` ·"
        f" milliseconds, median (least to most) of {rounds} runs; *at work*: what of it this process worked for, in any"
        " of its threads"
    )
    heads = ("", "source gives", "longest", "of that at work", "p99.9", "of that at work", "memory, B a row")
    lines = [told, "", f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for case in found["cases"]:
        runs = [Figures(**run) for run in case["runs"]]
        columns = (Spread.of(column) for column in zip(*_ordered(runs), strict=True))
        name = case["way"].removeprefix("uvloop, ")
        lines.append(f"| {case['case']} | {name} | {' | '.join(cell(column) for column in columns)} |")
    return "\n".join(lines)


def _ordered(runs: list[Figures]) -> list[tuple[float, ...]]:
    return [(run.longest, run.longest_work, run.p999, run.p999_work, run.bytes_row) for run in runs]
