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
from benchmarks.stalls import ENOUGH, LONGEST_MS, P999_MS, SERVICE, Figures, beyond, measured_enough, over_all
from benchmarks.tables import cell
from benchmarks.workloads import Workload


def lateness(
    server: Server,
    chosen: Iterable[Workload],
    *,
    runs: int,
    enough: int = ENOUGH,
    ways: Iterable[str] = tuple(SERVICE),
) -> dict[str, Any]:
    """Return the figures of each run, case by case. `chosen`: what is done, of `benchmarks.stalls.cases`.

    `runs`, `enough`: of each case, as `benchmarks.stalls.measured_enough` takes them.
    """
    found: list[dict[str, Any]] = []
    for case in chosen:
        with staged(case, server) as stage:
            for way in ways:
                figures = measured_enough(stage, way, runs=runs, enough=enough)
                told = [run._asdict() for run in figures]
                found.append({"case": case.name, "rows": case.shape.rows, "way": way, "runs": told})
    return {"machine": describe(), "cases": found}


def render_stalls(folder: Path) -> str:
    """Return a table of the cases; empty when they were not measured."""
    path = folder / "stalls.json"
    if not path.exists():
        return ""
    found = json.loads(path.read_text(encoding="utf-8"))
    cases = list(_by_case(found))
    within = sum(not beyond(runs) for _, runs in cases)
    told = (
        f"### One company of {found['cases'][0]['rows']:,} rows: how late the event loop is\n\n`scripts/bench stalls` ·"
        " milliseconds. Longest: of all runs; p99.9: of the ticks of all runs together, and of those that were due"
        " while the loop was held; *at work*: what of it this process worked for, in any of its threads. Within"
        f" {LONGEST_MS:.0f} ms, and {P999_MS:.0f} at p99.9: {within} of {len(cases)}"
    )
    heads = ("", "loop, source", "longest", "at work", "p99.9", "at work", "runs", "ticks that came", "memory, B a row")
    lines = [told, "", f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for case, runs in cases:
        late = over_all(runs)
        figures = (late.longest, late.longest_work, late.p999, late.p999_work)
        counts = (f"{len(runs)}", f"{late.ticks:,}", cell(Spread.of([run.bytes_row for run in runs])))
        columns = (*(f"{figure:.1f}" for figure in figures), *counts)
        lines.append(f"| {case['case']} | {case['way']} | {' | '.join(columns)} |")
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
