"""How late the event loop is: what is done with one company, by which event loop, and how its source gives rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.launch import Server
from benchmarks.machine import describe
from benchmarks.measure import Spread
from benchmarks.stage import staged
from benchmarks.stalls import LONGEST_MS, P999_MS, SERVICE, Figures, beyond, measured
from benchmarks.tables import cell
from benchmarks.workloads import Workload


def lateness(
    server: Server, chosen: Iterable[Workload], *, runs: int, ways: Iterable[str] = tuple(SERVICE)
) -> dict[str, Any]:
    """Return the figures of each run, case by case. `chosen`: what is done, of `benchmarks.stalls.cases`."""
    found: list[dict[str, Any]] = []
    for case in chosen:
        with staged(case, server) as stage:
            for way in ways:
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
        f" of its threads. Within {LONGEST_MS:.0f} ms, and {P999_MS:.0f} at p99.9:"
        f" {sum(not beyond(runs) for _, runs in _by_case(found))} of {len(found['cases'])}"
    )
    heads = ("", "loop, source", "longest", "of that at work", "p99.9", "of that at work", "memory, B a row")
    lines = [told, "", f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for case, runs in _by_case(found):
        columns = (Spread.of(column) for column in zip(*_ordered(runs), strict=True))
        lines.append(f"| {case['case']} | {case['way']} | {' | '.join(cell(column) for column in columns)} |")
    return "\n".join(lines)


def stalled(folder: Path) -> list[str]:
    """Return the cases that are beyond a line, in words; none: all are within, or nothing was measured."""
    path = folder / "stalls.json"
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"cases": []}
    told = ((f"{case['case']}, {case['way']}", beyond(runs)) for case, runs in _by_case(found))
    return [f"{name}: {faults}" for name, faults in told if faults]


def _by_case(found: dict[str, Any]) -> Iterator[tuple[dict[str, Any], list[Figures]]]:
    """Yield each case with its runs."""
    return ((case, [Figures(**run) for run in case["runs"]]) for case in found["cases"])


def _ordered(runs: list[Figures]) -> list[tuple[float, ...]]:
    return [(run.longest, run.longest_work, run.p999, run.p999_work, run.bytes_row) for run in runs]
