"""The figures that are watched from version to version, each with the command that measures it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.launch import Run
from benchmarks.measure import Result, load
from benchmarks.stalls import Figures, over_all
from benchmarks.tables import MIB, TITLES, cell
from benchmarks.workloads import ALL, HEADLINES, WORKLOADS

BESIDE_FLOOR = ("full-listing", "listed-again", "daily-delta", "first-load", "thousand", "many")
GIANTS = ("giant", "giant-1")
PEERS = tuple(program for program in ALL if program not in ("floor", "ours"))
Line = tuple[str, str, str]
"""What, its value, and the word after `scripts/bench`; empty: all workloads."""


def render_figures(folder: Path) -> str:
    """Return the table of what has been measured; empty when nothing has."""
    results = {
        each.name: load(path) for each in (*HEADLINES, *WORKLOADS) if (path := folder / f"{each.name}.json").exists()
    }
    lines = [*_beside_floor(results), *_beside_peers(results), *_alone(results), *_peaks(results), *_stalls(folder)]
    if not lines:
        return ""
    told = [
        f"| {what} | {value} | `{' '.join(('scripts/bench', *command.split()))}` |" for what, value, command in lines
    ]
    commits = ", ".join(sorted({str(result.machine.get("commit")) for result in results.values()}))
    return "\n".join(
        [
            f"Measured at {commits}.",
            "",
            "| dimsync, library | median (least to most) | command |",
            "|---|---|---|",
            *told,
        ]
    )


def _beside_floor(results: dict[str, Result]) -> Iterator[Line]:
    for name in BESIDE_FLOOR:
        result = results.get(name)
        if result and {"floor", "ours"} <= set(result.programs):
            yield f"CPU, x floor. {result.workload.title}", cell(result.ratio("ours", _cpu)), name


def _beside_peers(results: dict[str, Result]) -> Iterator[Line]:
    """Yield a line for each peer, with all workloads in which it was run whole."""
    for peer in PEERS:
        beside = {
            name: result.ratio("ours", _cpu, peer)
            for name, result in results.items()
            if {peer, "ours"} <= set(result.programs)
        }
        if beside:
            told = "; ".join(f"{name} {spread.median:.2f}" for name, spread in beside.items())
            yield f"CPU, x that of {TITLES[peer]}", told, ""


def _alone(results: dict[str, Result]) -> Iterator[Line]:
    if found := results.get("throughput"):
        speed = found.spread("ours", lambda run: sum(run.requests.values()) / run.report["work_wall_s"])
        yield "requests/s of one process, pages of 100 decoded and compared", cell(speed), "throughput"
    for name in GIANTS:
        if found := results.get(name):
            memory = found.spread("ours", _above_start(found.workload.shape.wanted))
            yield f"memory above the start, B a row. {found.workload.title}", cell(memory), name
    for name in ("first-load", "full-listing", "giant"):
        if (found := results.get(name)) and found.rounds[0]["ours"].first_request_s is not None:
            first = found.spread("ours", lambda run: run.first_request_s or 0.0)
            yield f"first request after the start, s. {found.workload.title}", cell(first), name


def _peaks(results: dict[str, Result]) -> Iterator[Line]:
    peaks = {
        name: result.spread("ours", lambda run: run.report["peak_bytes"] / MIB)
        for name, result in results.items()
        if "ours" in result.programs
    }
    if peaks:
        told = "; ".join(f"{name} {spread.median:.0f}" for name, spread in peaks.items())
        yield "peak memory of the process, MiB", told, ""


def _stalls(folder: Path) -> Iterator[Line]:
    path = folder / "stalls.json"
    if not path.exists():
        return
    found = json.loads(path.read_text(encoding="utf-8"))
    late = [over_all([Figures(**run) for run in case["runs"]]) for case in found["cases"]]
    told = f"{max(each.longest for each in late):.0f}; p99.9 {max(each.p999 for each in late):.1f}"
    yield (
        f"event loop late at most, ms. One company of {found['cases'][0]['rows']:,} rows, worst of all cases",
        told,
        "stalls",
    )


def _cpu(run: Run) -> float:
    return run.cpu_s / run.share


def _above_start(rows: int) -> Callable[[Run], float]:
    return lambda run: (run.report["peak_bytes"] - run.report["ready_bytes"]) / rows
