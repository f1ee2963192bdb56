"""How late the event loop is while one company of many rows is worked on: `python -m benchmarks.stalls [ROWS [RUNS]]`.

A program that runs the engine beside other things cares for this more than for the time that a run takes. Each case is
run with asyncio and with uvloop, with sources in batches and with single rows, and as the command collects cycles.
`work` is what of the same this process was at work for, in any of its threads: the rest of a stall are other processes,
of which a machine that measures should have none.

The longest is that of all runs of a case. p99.9 is over the ticks of all its runs together, and over those that would
have come while the loop was held (`benchmarks.ticks`). A run has 700 to 5,000 ticks; of fewer than 1,000, the latest is
the p99.9. So a case is run until there are `ENOUGH` ticks, RUNS times at least and `MOST` times at most.

A line that a case is beyond is told beside its figures, and then the exit code is 1.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from statistics import median
from typing import NamedTuple

from benchmarks.data import Shape
from benchmarks.launch import Server, serving
from benchmarks.stage import Stage, staged
from benchmarks.ticks import Ticks, p999_ms
from benchmarks.workloads import Workload

ROWS = 100_000
RUNS = 3

ENOUGH = 3_000
"""Ticks that came, in all runs of a case: with fewer, its p99.9 would be its one or two latest."""

MOST = 8
"""Runs of a case, unless more are asked for."""

LONGEST_MS = 20.0
P999_MS = 10.0
"""Within these is the event loop's lateness to be, over all runs of a case."""

SERVICE = {
    "asyncio, batches": {"uvloop": False},
    "asyncio, single rows": {"uvloop": False, "single_rows": True},
    "uvloop, batches": {"uvloop": True},
    "uvloop, single rows": {"uvloop": True, "single_rows": True},
}
"""The ways in which a service has the engine inside: fields of the job, by what they mean."""

WAYS = SERVICE | {"uvloop, batches, as the command": {"uvloop": True, "command": True}}


class Figures(NamedTuple):
    """What one run told, in milliseconds; its ticks; and its peak of memory above the start, in bytes a row."""

    longest: float
    longest_work: float
    ticks: Ticks
    work_ticks: Ticks
    bytes_row: float


class Late(NamedTuple):
    """What all runs of a case together told, in milliseconds; and the median of their memory, in bytes a row."""

    longest: float
    longest_work: float
    p999: float
    p999_work: float
    ticks: int  # that came
    bytes_row: float


def cases(rows: int) -> Iterator[Workload]:
    """Yield the workloads."""
    company = Shape(1, rows)
    for name, shape, filled, verify in (
        ("first load", company, False, "full"),
        ("unchanged", company, True, "auto"),
        ("2 % edited", company._replace(changed=20), True, "auto"),
        ("full listing", company, True, "full"),
    ):
        yield Workload(name=name, title=name, shape=shape, quick=shape, filled=filled, verify=verify)


def measured(stage: Stage, way: str) -> Figures:
    """Run a case once."""
    report = stage.run("ours", watch_stalls=True, **WAYS[way]).report
    return Figures(
        longest=report["longest_stall_s"] * 1_000,
        longest_work=report["longest_work_s"] * 1_000,
        ticks=report["stall_ticks"],
        work_ticks=report["work_ticks"],
        bytes_row=(report["peak_bytes"] - report["ready_bytes"]) / stage.workload.shape.rows,
    )


def measured_enough(stage: Stage, way: str, *, runs: int, enough: int = ENOUGH) -> list[Figures]:
    """Run a case until there are `enough` ticks: `runs` times at least, and `MOST` times at most, or `runs` times."""
    found: list[Figures] = []
    while len(found) < runs or (len(found) < MOST and _ticks(found) < enough):
        found.append(measured(stage, way))
    return found


def over_all(runs: Sequence[Figures]) -> Late:
    """Return how late the event loop was over all runs of a case."""
    return Late(
        longest=max(run.longest for run in runs),
        longest_work=max(run.longest_work for run in runs),
        p999=p999_ms(run.ticks for run in runs),
        p999_work=p999_ms(run.work_ticks for run in runs),
        ticks=_ticks(runs),
        bytes_row=median(run.bytes_row for run in runs),
    )


def _ticks(runs: Sequence[Figures]) -> int:
    return sum(sum(run.ticks.values()) for run in runs)


def beyond(runs: Sequence[Figures]) -> str:
    """Return which lines a case is beyond, over all of its runs; empty: none."""
    late = over_all(runs)
    told = (("longest", late.longest, LONGEST_MS), ("p99.9", late.p999, P999_MS))
    return ", ".join(f"{name} {figure:.1f} > {line:.0f} ms" for name, figure, line in told if figure > line)


def main(words: list[str]) -> int:
    """Print a line for each case and way, and return the exit code: 1 if any is beyond a line."""
    rows, runs = int(words[0]) if words else ROWS, int(words[1]) if words[1:] else RUNS
    print(f"One company of {rows:,} rows: by how many ms the event loop is late.")
    print(f"Longest: of all runs of a case: {runs}, or more until {ENOUGH:,} ticks have come.")
    print("p99.9: of the ticks of all its runs, and of those that were due while the loop was held.")
    heads = ("longest", "of work", "p99.9", "of work", "runs", "ticks", "B a row")
    print(f"{'':46}{''.join(f'{head:>9}' for head in heads)}")
    with serving() as server:
        found = [faults for case in cases(rows) for faults in _shown(case, server, runs)]
    print(f"{sum(map(bool, found))} of {len(found)} are beyond {LONGEST_MS:.0f} ms, or {P999_MS:.0f} ms at p99.9")
    return int(any(found))


def _shown(case: Workload, server: Server, runs: int) -> Iterator[str]:
    """Print the figures of a case; yield which lines each way is beyond."""
    with staged(case, server) as stage:
        for way in WAYS:
            found = measured_enough(stage, way, runs=runs)
            late, faults = over_all(found), beyond(found)
            figures = "".join(f"{each:9.1f}" for each in late[:4])
            counts = "".join(f"{each:9,.0f}" for each in (len(found), *late[4:]))
            print(f"{case.name + ', ' + way:46}{figures}{counts}  {faults or 'within'}", flush=True)
            yield faults


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
