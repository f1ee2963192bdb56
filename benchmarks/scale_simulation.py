"""What becomes the narrowest part as a fleet grows tenfold and a hundredfold, by simulation.

`python -m benchmarks.scale_simulation` prints the tables of `dimsync help scale`. Nothing is measured here: companies
pass one after the other through queues for a worker's place, its processor, its connection to the ledger, the
database's processors and the API, in the order in which they come. What each of them takes is assumed in `COSTS`.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, replace

LATENCY_S = 0.04
"""Of an answer of the API."""

PLACES = 8
"""Companies at a time in one worker, which is its default."""

DATABASE_CORES = 4

WINDOW_S = 1_800.0
"""A sync of all companies is to take no longer. Hourly schedules then use half of the machines' time."""

ACCOUNTS, COMPANIES_EACH = 300, 3
"""Of the fleet that is taken as 1: client accounts, each with its key, and companies of each."""

ROWS = 1_250
"""Of a company."""

SCALES = (1, 10, 100)

PARTS = PROCESSOR, LEDGER, DATABASE = "worker's processor", "its connection to the ledger", "database's processors"
"""What may be narrow."""

MOST = 9_000
"""Companies that are simulated of one database's; what more of them take goes on at the same pace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What one company takes, in seconds, and in bytes of the database."""

    worker_company: float  # a worker's processor: the job, the source, the comparison
    worker_request: float
    ledger_company: float  # the worker's connection to the ledger, on which transactions come one after the other
    ledger_request: float
    database_company: float  # a core of the database
    database_request: float
    row_bytes: int  # with indexes, after the first load
    run_bytes: int  # of a company with nothing to do


COSTS = Costs(
    worker_company=0.020,
    worker_request=0.003,
    ledger_company=0.020,
    ledger_request=0.002,
    database_company=0.007,
    database_request=0.001,
    row_bytes=300,
    run_bytes=800,
)
"""Processor times and bytes: as `benchmarks.distributed` measured them, rounded up. A company with nothing to do takes
22 transactions, of which some 10 wait for the disk: over a network of 0.4 ms, to a disk of 1 ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """A sync of a whole fleet."""

    name: str
    requests: int  # of each company
    rounds: int  # how many of its requests are sent one after the other; the rest go beside these


PROBED = Round(name="each probed", requests=1, rounds=1)
LISTED = Round(name="each listed", requests=-(-ROWS // 100), rounds=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """What a fleet is synced with."""

    workers: int = 1  # processes, each with a core of its own
    databases: int = 1  # each with its part of the accounts, `DATABASE_CORES` and workers of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a sync of all companies went."""

    plant: Plant
    seconds: float
    use: dict[str, float]  # by part: the share of its capacity that was in use

    @property
    def narrowest(self) -> str:
        """The part that was used most."""
        return max(self.use, key=lambda part: self.use[part])


class Queue:
    """Serves one after the other, as many at a time as there are servers."""

    def __init__(self, servers: int) -> None:
        self._free_at = [0.0] * servers
        self._busy_s = 0.0

    def serve(self, now: float, seconds: float) -> float:
        """Return when somebody has been served who comes now, after all who came before."""
        done = max(now, self._free_at[0]) + seconds
        heapq.heapreplace(self._free_at, done)
        self._busy_s += seconds
        return done

    def use(self, seconds: float) -> float:
        """Return the share of its capacity that was used in a span of time."""
        return self._busy_s / len(self._free_at) / seconds


def simulate(scale: int, what: Round, plant: Plant, costs: Costs = COSTS) -> Outcome:
    """Return how a sync goes at one of the databases, with its part of the fleet and of the workers."""
    companies = ACCOUNTS * COMPANIES_EACH * scale // plant.databases
    left = simulated = min(companies, MOST)
    count, requests = plant.workers // plant.databases, what.requests
    database, workers = Queue(DATABASE_CORES), [(Queue(1), Queue(1)) for _ in range(count)]
    steps = (
        costs.worker_company + requests * costs.worker_request,
        costs.ledger_company + requests * costs.ledger_request,
        costs.database_company + requests * costs.database_request,
    )
    begun = min(left, count * PLACES)
    left -= begun
    events = [(0.0, turn, turn % count, 0) for turn in range(begun)]  # when, in which order, whose, which step
    now = 0.0
    while events:
        now, turn, worker, step = events[0]
        if step < len(steps):
            queue = database if step == 2 else workers[worker][step]
            heapq.heapreplace(events, (queue.serve(now, steps[step]), turn, worker, step + 1))
        elif step == len(steps):
            heapq.heapreplace(events, (now + what.rounds * LATENCY_S, turn, worker, step + 1))
        elif left:
            left -= 1
            heapq.heapreplace(events, (now, turn, worker, 0))
        else:
            heapq.heappop(events)
    use = {
        PROCESSOR: max(processor.use(now) for processor, _ in workers),
        LEDGER: max(ledger.use(now) for _, ledger in workers),
        DATABASE: database.use(now),
    }
    return Outcome(plant=plant, seconds=now * companies / simulated, use=use)


def grown(scale: int, what: Round) -> Iterator[Outcome]:
    """Yield each attempt: one worker at first, then twice the narrowest part, until all are done in the window."""
    plant = Plant()
    while True:
        outcome = simulate(scale, what, plant)
        yield outcome
        if outcome.seconds <= WINDOW_S:
            return
        if outcome.narrowest == DATABASE:
            databases = 2 * plant.databases
            plant = replace(plant, databases=databases, workers=max(plant.workers, databases))
        else:
            plant = replace(plant, workers=2 * plant.workers)


def narrow_parts() -> str:
    """Return the table of how busy each part is: with one worker, where a database is too small, and in the end."""
    lines = [
        f"| companies | a sync of all | workers | databases | takes | {' | '.join(PARTS)} |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for what in (PROBED, LISTED):
        for scale in (*SCALES, 1000):
            tried = list(grown(scale, what))
            told = [outcome for outcome in tried if outcome in (tried[0], tried[-1]) or outcome.narrowest == DATABASE]
            lines += [_line(scale, what, outcome) for outcome in told]
    return "\n".join(lines)


def _line(scale: int, what: Round, outcome: Outcome) -> str:
    plant, minutes = outcome.plant, outcome.seconds / 60
    use = " | ".join(
        f"**{outcome.use[part]:.0%}**" if part == outcome.narrowest else f"{outcome.use[part]:.0%}" for part in PARTS
    )
    companies = ACCOUNTS * COMPANIES_EACH * scale
    return f"| {companies:,} | {what.name} | {plant.workers} | {plant.databases} | {minutes:.1f} min | {use} |"


def sizes() -> str:
    """Return the table of what a fleet needs that is synced each hour and listed each week."""
    head = "| companies | keys | rows | workers | jobs/s | leases/s | Postgres, rows | and a year of runs |"
    lines = [head, "|---|---|---|---|---|---|---|---|"]
    for scale in SCALES:
        companies, keys = ACCOUNTS * COMPANIES_EACH * scale, ACCOUNTS * scale
        (*_, last) = grown(scale, PROBED)
        requests = companies * (24 * PROBED.requests + LISTED.requests / 7)
        lines.append(
            f"| {companies:,} | {keys:,} | {companies * ROWS:,} | {last.plant.workers} | {companies / 3600:,.2g}"
            f" | {requests / 86_400:,.2g} | {_gigabytes(companies * ROWS * COSTS.row_bytes)}"
            f" | {_gigabytes(companies * 24 * 365 * COSTS.run_bytes)} |"
        )
    return "\n".join(lines)


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:,.1f} GB" if size < 1e10 else f"{size / 1e9:,.0f} GB"


if __name__ == "__main__":
    print(narrow_parts(), sizes(), sep="\n\n")
