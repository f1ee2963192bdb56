"""Measure programs on a workload, run by run in turns, and sum the runs up: medians, and ratios within each run."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks.launch import Run, Server
from benchmarks.machine import describe
from benchmarks.stage import staged
from benchmarks.workloads import SEQUENTIAL, Workload

FLOOR = "floor"
WITH_LOOP = ("floor", "ours", "httpx_gather")
WATCHED = "_watched"
"""Ends the names of runs that only measure how late their event loop was."""


class Spread(NamedTuple):
    """A figure over several runs."""

    median: float
    least: float
    most: float

    @staticmethod
    def of(values: Sequence[float]) -> Spread:
        """Return it for these values."""
        return Spread(median(values), min(values), max(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """All runs of one workload: `rounds[n][program]`."""

    workload: Workload
    machine: dict[str, Any]
    rounds: list[dict[str, Run]]

    @property
    def programs(self) -> list[str]:
        """The programs that were run."""
        return [name for name in self.rounds[0] if not name.endswith(WATCHED)]

    def spread(self, program: str, figure: Callable[[Run], float]) -> Spread:
        """Return a figure of a program over the rounds."""
        return Spread.of([figure(runs[program]) for runs in self.rounds])

    def ratio(self, program: str, figure: Callable[[Run], float], to: str = FLOOR) -> Spread:
        """Return a figure against another program's, each pair taken from one round."""
        return Spread.of([figure(runs[program]) / figure(runs[to]) for runs in self.rounds])

    def save(self, folder: Path) -> None:
        """Write `<workload>.json`."""
        document = {
            "workload": asdict(self.workload),
            "machine": self.machine,
            "rounds": [{program: asdict(run) for program, run in runs.items()} for runs in self.rounds],
        }
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.workload.name}.json"
        path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def load(path: Path) -> Result:
    """Read a result again."""
    document = json.loads(path.read_text(encoding="utf-8"))
    return Result(
        workload=Workload(**document["workload"]),
        machine=document["machine"],
        rounds=[{program: Run(**run) for program, run in runs.items()} for runs in document["rounds"]],
    )


def measure(workload: Workload, server: Server, programs: Sequence[str] = ()) -> Result:
    """Run each program in each round, one after another, so that what disturbs the machine disturbs all of them."""
    chosen = [program for program in workload.programs if not programs or program in programs]
    sampled = [program for program in chosen if workload.samples and program in SEQUENTIAL]
    rounds: list[dict[str, Run]] = [{} for _ in range(workload.runs)]
    _rounds(replace(workload, programs=tuple(each for each in chosen if each not in sampled)), server, rounds)
    if sampled:
        sample = replace(workload.sample, programs=tuple(sampled))
        _rounds(sample, server, rounds, share=sample.shape.wanted / workload.shape.wanted)
    return Result(workload=workload, machine=describe(), rounds=rounds)


def _rounds(workload: Workload, server: Server, rounds: list[dict[str, Run]], share: float = 1.0) -> None:
    """Run a workload's programs in all rounds. `share`: how much of the fleet they are run on."""
    watched = WITH_LOOP if workload.watches_peers else ("ours",) if workload.watches_stalls else ()
    with staged(workload, server) as stage:
        for number, runs in enumerate(rounds):
            for program in workload.programs:
                runs[program] = replace(stage.run(program), share=share)
                if program in watched:
                    runs[f"{program}{WATCHED}"] = stage.run(program, watch_stalls=True)
            tell(workload, number, runs)


def tell(workload: Workload, number: int, runs: dict[str, Run]) -> None:
    """Say how a round went."""
    told = ", ".join(f"{program} {run.wall_s:.2f} s" for program, run in runs.items())
    sys.stderr.write(f"{workload.name} {number + 1}/{workload.runs}: {told}\n")


def work_cpu(run: Run) -> float:
    """Return what a run has used after its imports."""
    return float(run.report["work_cpu_s"])


def without_ledger_writes(run: Run) -> float:
    """Return the same without what the ledger's thread has used to write."""
    return work_cpu(run) - float(run.report.get("ledger_write_s", 0.0))
