"""One fleet synced by 1, 2 and 4 workers that share a Postgres: rates, quotas, processor time, jobs and leases.

`python -m benchmarks.distributed [--quick]` does what `scripts/bench distributed` does, without plots. The API keys
bear 253 requests a second in all, so one process is not the narrowest part: what is shown is that several of them keep
to the same limits, that nothing is counted wrongly, and what sharing costs.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any

from benchmarks.distributed_tables import NAME, render_distributed
from benchmarks.launch import ProgramFailed
from benchmarks.machine import describe
from benchmarks.rig.fleet import Fleet
from benchmarks.rig.postgres import postgres
from benchmarks.rig.server import witness
from benchmarks.rig.site import Site, moment, site

RUNS = {"memory": (1, 2, 4), "disk": (1, 4)}
"""Numbers of workers, by where the database's files are: in memory nobody waits for a disk at each commit."""

MEMORY = Path("/dev/shm")  # noqa: S108  a folder of our own is made in it

JOBS = 30
"""Companies at a time in each worker: more than there are keys, so that one worker alone can keep all of them busy."""

FLEET = Fleet(companies=500, keys=20, rows_by_rate=24, new_rows=20)
QUICK = Fleet(companies=12, keys=4, rows_by_rate=10, new_rows=20)
LATENCY_S = 0.03
"""Of each answer: half of the usual 30 to 50 ms of a network would leave no two requests of a slow key under way."""

NIGHTS = 3
"""Syncs with nothing to do, to see what a run takes in Postgres."""

LEASES = """
    select coalesce(sum(n_tup_ins + n_tup_upd), 0)::bigint from pg_stat_user_tables
    where schemaname = 'dimsync' and relname = 'key_rates'
"""
"""Each permit or block of permits is one change of its key's row."""


def distributed(*, quick: bool, runs: Mapping[str, Sequence[int]] = RUNS) -> dict[str, Any]:
    """Measure and print a line for each number of workers."""
    fleet = QUICK if quick else FLEET
    found: dict[str, Any] = {
        "machine": describe(),
        "fleet": {**asdict(fleet), "rates": fleet.rates},
        "jobs": JOBS,
        "latency_s": LATENCY_S,
        "disk_ms": _disk_ms(),
        "runs": [],
    }
    for place, counts in runs.items():
        for count in counts:
            with ExitStack() as stack:
                folder = Path(stack.enter_context(TemporaryDirectory(prefix="dimsync-bench-")))
                within = MEMORY if place == "memory" and MEMORY.is_dir() else None
                database = stack.enter_context(postgres(within))
                server = stack.enter_context(witness(LATENCY_S))
                stage = stack.enter_context(site(fleet, server, database, folder))
                run = {**measured(stage, count), "place": place}
                if not found["runs"]:
                    found["size"] = sizes(stage)
            found["runs"].append(run)
            print(told(run), flush=True)
    return found


def _disk_ms() -> float:
    """Return how long the disk takes to have written a page, which a commit waits for."""
    with TemporaryFile(buffering=0) as file:
        taken = []
        for _ in range(51):
            file.write(bytes(8192))
            began = moment()
            os.fsync(file.fileno())
            taken.append(1000 * (moment() - began))
    return median(taken)


def measured(stage: Site, count: int, jobs: int = JOBS) -> dict[str, Any]:
    """Let some workers sync the fleet twice, and return what that took. Raises `ProgramFailed` if anything is wrong.

    The second time there is nothing to do: that is what jobs cost by themselves.
    """
    fleet = stage.fleet
    stage.enqueue()
    began = _used(stage)
    for _ in range(count):
        stage.workers.start(jobs)
    stage.wait(patience_s=600.0)
    loaded = _used(stage)
    _hold(stage, signal.SIGSTOP)
    stage.enqueue()
    held = _used(stage)
    _hold(stage, signal.SIGCONT)
    stage.wait(patience_s=600.0)
    ended = _used(stage)
    stage.workers.end()
    must_be_right(stage)
    keys = stage.witness.keys(fleet)
    times = sorted(at for each in stage.witness.arrivals().values() for at in each)
    return {
        "workers": count,
        "busy_s": times[-1] - times[0],
        "requests": len(times),
        "companies": fleet.companies,
        "rows": sum(rows for rows, _ in fleet.wanted().values()),
        "counted": sum(stage.counted().values()),
        "keys": {name: {**asdict(use), "share": use.share, "most": use.most} for name, use in keys.items()},
        "load": _spent(began, loaded),
        "nothing": _spent(held, ended),
        "course": _course(times),
    }


def _hold(stage: Site, number: signal.Signals) -> None:
    """Stop the workers, or let them go on: jobs that are being enqueued are to be begun together."""
    for worker in stage.workers.all:
        worker.signal(number)


def must_be_right(stage: Site) -> None:
    """Refuse a run that left wrong rows, wrote a company twice at once, or counted otherwise than the server."""
    if wrong := stage.wrong():
        raise ProgramFailed(f"{len(wrong)} companies have other rows than their sources: {wrong[:5]}")
    if overlaps := stage.witness.overlaps():
        raise ProgramFailed(f"{len(overlaps)} times a company was written by two runs at once: {overlaps[0]}")
    seen = {key: use.requests for key, use in stage.witness.keys(stage.fleet).items()}
    if (counted := stage.counted()) != seen:
        raise ProgramFailed(f"the ledger counted {counted}, and the server {seen}")


def sizes(stage: Site) -> dict[str, Any]:
    """Return the bytes of the ledger's tables by row, and what each run of a company adds that finds nothing to do."""
    rows = sum(count for count, _ in stage.fleet.wanted().values())
    first = stage.database.size("dimsync")
    for _ in range(NIGHTS):
        stage.workers.run("sync", "--fresh", "--quiet")
    grown = stage.database.size("dimsync") - first
    return {
        "bytes_a_row": first / rows,
        "bytes_a_run": grown / NIGHTS / stage.fleet.companies,
        "jobs_bytes": stage.database.size("dimsync_jobs"),
    }


def told(run: dict[str, Any]) -> str:
    """Return a line on a run."""
    keys, load, nothing = run["keys"].values(), run["load"], run["nothing"]
    shares = [key["share"] for key in keys]
    over = max(key["worst"] / key["most"] for key in keys)
    return (
        f"{run['workers']} workers, database: {run['place']}: {run['busy_s']:.1f} s, {run['requests']} requests"
        f" (counted: {run['counted']}), keys at {min(shares):.1%} to {max(shares):.1%} of their rates"
        f" (median {median(shares):.1%}), worst second"
        f" {over:.0%} of the bound; CPU s: workers {load['workers_cpu_s']:.1f}, Postgres {load['postgres_cpu_s']:.1f};"
        f" {run['companies'] / run['busy_s']:.1f} jobs/s, {load['leases'] / run['busy_s']:.1f} leases/s; with nothing"
        f" to do {run['companies'] / nothing['seconds']:.0f} jobs/s, CPU s {nothing['workers_cpu_s']:.1f} and"
        f" {nothing['postgres_cpu_s']:.1f}"
    )


def _used(stage: Site) -> dict[str, float]:
    """Return the resources that were used so far."""
    ((leases,),) = stage.database.ask(LEASES)
    return {
        "seconds": moment(),
        "leases": float(leases),
        "transactions": float(stage.database.transactions()),
        "postgres_cpu_s": stage.database.cpu_s(),
        "workers_cpu_s": sum(worker.cpu_s() for worker in stage.workers.all),
    }


def _spent(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    return {name: after[name] - before[name] for name in before}


def _course(times: Sequence[float]) -> list[int]:
    """Return the requests of each second from the first one on."""
    seconds = Counter(int(at - times[0]) for at in times)
    return [seconds[second] for second in range(max(seconds) + 1)]


def main(words: Sequence[str]) -> None:
    """Measure, keep the results, and print the table; `scripts/bench report` draws the plot."""
    folder = Path(__file__).with_name("results") / ("quick" if "--quick" in words else "")
    folder.mkdir(exist_ok=True)
    found = distributed(quick="--quick" in words)
    (folder / f"{NAME}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(render_distributed(folder))


if __name__ == "__main__":
    main(sys.argv[1:])
