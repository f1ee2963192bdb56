"""How late the event loop is while one company of many rows is worked on: `python -m benchmarks.stalls [ROWS]`.

A program that runs the engine beside other things cares for this more than for the time that a run takes. Each case is
run with asyncio and with uvloop, with sources in batches and with single rows, and as the command collects cycles.
`work` is what of the same this process was at work for, in any of its threads: the rest of a stall are other processes,
of which a machine that measures should have none.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import NamedTuple

from benchmarks.data import Shape
from benchmarks.launch import Server, serving
from benchmarks.stage import Stage, staged
from benchmarks.workloads import Workload

ROWS = 100_000

WAYS = {
    "asyncio, batches": {"uvloop": False},
    "uvloop, batches": {"uvloop": True},
    "uvloop, single rows": {"uvloop": True, "single_rows": True},
    "uvloop, batches, as the command": {"uvloop": True, "command": True},
}
"""Fields of the job, by what they mean."""


class Figures(NamedTuple):
    """What one run told, in milliseconds; and its peak of memory above the start, in bytes a row."""

    longest: float
    p999: float
    longest_work: float
    p999_work: float
    bytes_row: float


def cases(rows: int) -> Iterator[Workload]:
    """Yield what is done, by name."""
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


def main(words: list[str]) -> None:
    """Print a line for each case and way."""
    rows = int(words[0]) if words else ROWS
    heads = "".join(f"{head:>9}" for head in ("longest", "p99.9", "of work", "p99.9"))
    print(f"{f'one company of {rows:,} rows':50}{heads}  ms  B a row")
    with serving() as server:
        for case in cases(rows):
            _show(case, server)


def _show(case: Workload, server: Server) -> None:
    with staged(case, server) as stage:
        for way in WAYS:
            found = measured(stage, way)
            figures = "".join(f"{each:9.1f}" for each in found[:-1])
            print(f"{case.name + ', ' + way:50}{figures}{found.bytes_row:13,.0f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
