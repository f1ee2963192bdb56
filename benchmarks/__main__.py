"""Run benchmarks: `scripts/bench [WHAT ...]`. Without a word, all of them; README.md says what there is."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.economy import simulate
from benchmarks.hammer import capacity
from benchmarks.launch import Server, serving
from benchmarks.limits import along
from benchmarks.machine import describe
from benchmarks.measure import Result, measure, work_cpu
from benchmarks.reading import measured as read_exports
from benchmarks.reading_tables import render_reading
from benchmarks.tables import render, render_limits, update_readme
from benchmarks.workloads import ALL, AXES, WORKLOADS, Workload, growth

RESULTS = Path(__file__).with_name("results")
BY_NAME = {workload.name: workload for workload in WORKLOADS}
OTHERS = ("capacity", "growth", "economy", "limits", "reading")
ALONE = {"limits", "reading", "report"}
"""Benchmarks that run none of the programs."""

READINGS = 3
"""Rounds of reading."""

COMPARED = ("floor", "ours")


def options(words: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    what = ", ".join((*BY_NAME, *OTHERS, "report"))
    parser.add_argument("what", nargs="*", metavar="WHAT", help=f"{what}; `report` only draws what is measured")
    parser.add_argument("--program", action="append", default=[], choices=(*ALL, "ours_command"), help="only these")
    parser.add_argument("--runs", type=int, help="rounds of each workload")
    parser.add_argument("--quick", action="store_true", help="small fleets, one round, results/quick: does it work?")
    chosen = parser.parse_args(words)
    for name in chosen.what:
        if name not in (*BY_NAME, *OTHERS, "report"):
            parser.error(f"there is no {name!r}; there are: {what}")
    return chosen


def main(words: Sequence[str]) -> None:
    """Measure what is asked for, keep the results, and write tables and plots."""
    chosen = options(words)
    folder = RESULTS / "quick" if chosen.quick else RESULTS
    what = chosen.what or [*OTHERS[:1], *BY_NAME, *OTHERS[1:]]
    with serving() as server:
        if not ALONE.issuperset(what):
            rehearse(server, chosen.program)
        for name in what:
            if name in BY_NAME:
                _sized(BY_NAME[name], chosen, server).save(folder)
            elif name == "capacity":
                _keep(folder, name, {"machine": describe(), **capacity(server)})
            elif name == "economy":
                _keep(folder, name, simulate(server, quick=chosen.quick))
            elif name == "limits":
                _keep(folder, name, along(quick=chosen.quick))
            elif name == "reading":
                _keep(folder, name, read_exports(quick=chosen.quick, runs=chosen.runs or READINGS))
            elif name == "growth":
                for axis in AXES:
                    _keep(folder, f"growth-{axis}", _curve(axis, chosen, server))
    if chosen.quick:
        print(*_sections(folder).values(), sep="\n\n")
        return
    from benchmarks.plots import draw  # noqa: PLC0415  plots need a library that measuring does not

    update_readme(_sections(folder))
    draw(folder)


def _sections(folder: Path) -> dict[str, str]:
    """Return the tables of each section of the README."""
    return {"results": render(folder), "limits": render_limits(folder), "reading": render_reading(folder)}


def rehearse(server: Server, programs: Sequence[str]) -> None:
    """Run every program once on next to nothing: what Python compiles is compiled before anything is measured."""
    small = replace(WORKLOADS[0].quickly(), name="rehearsal", programs=(*ALL, "ours_command"))
    measure(small, server, programs)


def _sized(workload: Workload, chosen: argparse.Namespace, server: Server) -> Result:
    sized = workload.quickly() if chosen.quick else workload
    return measure(replace(sized, runs=chosen.runs or sized.runs), server, chosen.program)


def _curve(axis: str, chosen: argparse.Namespace, server: Server) -> dict[str, Any]:
    """Return the points of a growth curve."""
    points = []
    for at, workload in growth(axis)[: 2 if chosen.quick else None]:
        result = _sized(workload, chosen, server)
        points.append({"at": at, "rows": result.workload.shape.wanted, "runs": len(result.rounds), **_point(result)})
    return {"machine": describe(), "points": points}


def _point(result: Result) -> dict[str, dict[str, float]]:
    rows = result.workload.shape.wanted
    return {
        program: {
            "us_row": result.spread(program, lambda run: work_cpu(run) / rows * 1e6).median,
            "wall_s": result.spread(program, lambda run: float(run.report["work_wall_s"])).median,
        }
        for program in COMPARED
    }


def _keep(folder: Path, name: str, found: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
