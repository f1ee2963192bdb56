"""Run benchmarks: `scripts/bench [WHAT ...]`. Without a word, all of them; README.md says what there is."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.distributed import distributed
from benchmarks.distributed_tables import NAME as DISTRIBUTED
from benchmarks.distributed_tables import render_distributed
from benchmarks.economy import simulate
from benchmarks.figures import render_figures
from benchmarks.hammer import capacity
from benchmarks.headline import MONTH, month
from benchmarks.headline_tables import render_headline
from benchmarks.lateness import lateness, render_stalls, stalled
from benchmarks.launch import Server, serving
from benchmarks.limits import along
from benchmarks.machine import describe
from benchmarks.measure import Result, measure, work_cpu
from benchmarks.reading import measured as read_exports
from benchmarks.reading_tables import render_reading
from benchmarks.stalls import ROWS, cases
from benchmarks.tables import render, render_limits, update_readme
from benchmarks.workloads import ALL, AXES, HEADLINES, WORKLOADS, Workload, growth

RESULTS = Path(__file__).with_name("results")
BY_NAME = {workload.name: workload for workload in (*HEADLINES, *WORKLOADS)}
OTHERS = ("capacity", MONTH, "stalls", "growth", "economy", "limits", "reading", DISTRIBUTED)
GROUP = {"headline": [*(each.name for each in HEADLINES), MONTH]}
ALONE = {"limits", "reading", "report", DISTRIBUTED}
"""Benchmarks that run none of the programs."""

ROUNDS = 3
"""Of what is no workload."""

COMPARED = ("floor", "ours")


def options(words: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    known = (*GROUP, *BY_NAME, *OTHERS, "report")
    what = ", ".join(known)
    parser.add_argument("what", nargs="*", metavar="WHAT", help=f"{what}; `report` only draws what is measured")
    parser.add_argument("--program", action="append", default=[], choices=(*ALL, "ours_command"), help="only these")
    parser.add_argument("--runs", type=int, help="rounds of each workload")
    parser.add_argument("--quick", action="store_true", help="small fleets, one round, results/quick: does it work?")
    chosen = parser.parse_args(words)
    for name in chosen.what:
        if name not in known:
            parser.error(f"there is no {name!r}; there are: {what}")
    return chosen


def main(words: Sequence[str]) -> int:
    """Measure what is asked for, keep the results, and write tables and plots.

    Returns the exit code: 1 if the event loop was held up for longer than the lines of `benchmarks.stalls` allow.
    """
    chosen = options(words)
    folder = RESULTS / "quick" if chosen.quick else RESULTS
    asked = chosen.what or [*OTHERS[:1], *BY_NAME, *OTHERS[1:]]
    what = [each for name in asked for each in GROUP.get(name, [name])]
    with serving() as server:
        if not ALONE.issuperset(what):
            rehearse(server, chosen.program)
        for name in what:
            if name in BY_NAME:
                _sized(BY_NAME[name], chosen, server).save(folder)
            elif name == "growth":
                for axis in AXES:
                    _keep(folder, f"growth-{axis}", _curve(axis, chosen, server))
            elif name != "report":
                _keep(folder, name, _other(name, chosen, server))
    from benchmarks.plots import draw  # noqa: PLC0415  plots need a library that measuring does not

    draw(folder)
    if chosen.quick:
        print(*filter(None, _sections(folder).values()), sep="\n\n")
    else:
        update_readme(_sections(folder))
    faults = stalled(folder) if "stalls" in what else []
    print(*faults, sep="\n", file=sys.stderr, end="\n" if faults else "")
    return int(bool(faults))


def _other(name: str, chosen: argparse.Namespace, server: Server) -> dict[str, Any]:
    """Return the measurements of one of `OTHERS`."""
    quick, runs = chosen.quick, chosen.runs or ROUNDS
    found: dict[str, Callable[[], dict[str, Any]]] = {
        "capacity": lambda: {"machine": describe(), **capacity(server)},
        MONTH: lambda: month(server, quick=quick),
        "stalls": lambda: _late(server, quick=quick, runs=runs),
        "economy": lambda: simulate(server, quick=quick),
        "limits": lambda: along(quick=quick),
        "reading": lambda: read_exports(quick=quick, runs=runs),
        DISTRIBUTED: lambda: distributed(quick=quick),
    }
    return found[name]()


def _late(server: Server, *, quick: bool, runs: int) -> dict[str, Any]:
    """Return how late the event loop is."""
    return lateness(server, cases(2_000), runs=1, enough=0) if quick else lateness(server, cases(ROWS), runs=runs)


def _sections(folder: Path) -> dict[str, str]:
    """Return the tables of each section of the README."""
    return {
        "headline": render_headline(folder),
        "figures": render_figures(folder),
        "results": "\n\n".join(filter(None, (render(folder), render_stalls(folder)))),
        "limits": render_limits(folder),
        "reading": render_reading(folder),
        DISTRIBUTED: render_distributed(folder),
    }


def rehearse(server: Server, programs: Sequence[str]) -> None:
    """Run every program once on next to nothing: what Python compiles is compiled before anything is measured."""
    small = replace(BY_NAME["first-load"].quickly(), name="rehearsal", programs=(*ALL, "ours_command"))
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
    sys.exit(main(sys.argv[1:]))
