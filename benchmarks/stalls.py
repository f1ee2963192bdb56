"""How late the event loop is while one company of many rows is worked on: `python -m benchmarks.stalls [ROWS [RUNS]]`.

A program that runs the engine beside other things cares for this more than for the time that a run takes. Each case is
run with asyncio and with uvloop, with sources in batches and with single rows, and as the command collects cycles.
`work` is what of the same this process was at work for, in any of its threads: the rest of a stall are other processes,
of which a machine that measures should have none.

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
from benchmarks.workloads import Workload

ROWS = 100_000
RUNS = 3

LONGEST_MS = 20.0
P999_MS = 10.0
"""Within these is the event loop's lateness to be, by the median of a case's runs."""

SERVICE = {
    "asyncio, batches": {"uvloop": False},
    "asyncio, single rows": {"uvloop": False, "single_rows": True},
    "uvloop, batches": {"uvloop": True},
    "uvloop, single rows": {"uvloop": True, "single_rows": True},
}
"""The ways in which a service has the engine inside: fields of the job, by what they mean."""

WAYS = SERVICE | {"uvloop, batches, as the command": {"uvloop": True, "command": True}}


class Figures(NamedTuple):
    """What one run told, in milliseconds; and its peak of memory above the start, in bytes a row."""

    longest: float
    p999: float
    longest_work: float
    p999_work: float
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
        p999=report["p999_stall_s"] * 1_000,
        longest_work=report["longest_work_s"] * 1_000,
        p999_work=report["p999_work_s"] * 1_000,
        bytes_row=(report["peak_bytes"] - report["ready_bytes"]) / stage.workload.shape.rows,
    )


def beyond(runs: Sequence[Figures]) -> str:
    """Return which lines a case is beyond, by the median of its runs; empty: none."""
    longest, p999 = (median(column) for column in list(zip(*runs, strict=True))[:2])
    told = (("longest", longest, LONGEST_MS), ("p99.9", p999, P999_MS))
    return ", ".join(f"{name} {figure:.1f} > {line:.0f} ms" for name, figure, line in told if figure > line)


def main(words: list[str]) -> int:
    """Print a line for each case and way, and return the exit code: 1 if any is beyond a line."""
    rows, runs = int(words[0]) if words else ROWS, int(words[1]) if words[1:] else RUNS
    heads = "".join(f"{head:>9}" for head in ("longest", "p99.9", "of work", "p99.9"))
    print(f"{f'one company of {rows:,} rows, median of {runs} runs':50}{heads}  ms  B a row")
    with serving() as server:
        found = [faults for case in cases(rows) for faults in _shown(case, server, runs)]
    print(f"{sum(map(bool, found))} of {len(found)} are beyond {LONGEST_MS:.0f} ms, or {P999_MS:.0f} ms at p99.9")
    return int(any(found))


def _shown(case: Workload, server: Server, runs: int) -> Iterator[str]:
    """Print the figures of a case; yield which lines each way is beyond."""
    with staged(case, server) as stage:
        for way in WAYS:
            found = [measured(stage, way) for _ in range(runs)]
            middle = Figures(*map(median, zip(*found, strict=True)))
            figures = "".join(f"{each:9.1f}" for each in middle[:-1])
            faults = beyond(found)
            print(f"{case.name + ', ' + way:50}{figures}{middle.bytes_row:13,.0f}  {faults or 'within'}", flush=True)
            yield faults


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
