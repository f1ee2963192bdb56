"""What becomes the narrowest part as a fleet grows tenfold and a hundredfold, by simulation.

`python -m benchmarks.scale_simulation` prints the table of `dimsync help scale`. Nothing is measured here: companies
pass one after the other through queues for a worker's place, its processor, its connection to the ledger, the
database's processors and the API, in the order in which they come. What each of them takes is assumed below.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, replace

LATENCY_S = 0.04
"""Of an answer of the API."""

PLACES = 16
"""Companies at a time in one worker process."""

DATABASE_CORES = 4

WINDOW_S = 3600.0
"""A sync of all companies is to take no longer: it is what hourly schedules need."""

ACCOUNTS, COMPANIES_EACH = 300, 3
"""Of the fleet that is taken as 1: client accounts, each with its key, and companies of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What one company takes, in seconds. Processor times are what `benchmarks.distributed` measured, rounded up."""

    worker_company: float  # a worker's processor: the job, the source, the comparison
    worker_request: float
    ledger_company: float  # the worker's one connection to the ledger: statements one after the other, 1 ms each
    ledger_request: float
    database_company: float  # a core of the database
    database_request: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """A sync of a whole fleet."""

    name: str
    requests: int  # of each company
    rounds: int  # of them, how many one after the other; the others go beside them


PROBED = Night(name="all probed, 1 in 8 changed", requests=1, rounds=1)
LISTED = Night(name="all listed (1,250 rows)", requests=13, rounds=4)

COSTS = Costs(
    worker_company=0.030,
    worker_request=0.003,
    ledger_company=0.015,
    ledger_request=0.003,
    database_company=0.015,
    database_request=0.002,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """What a fleet is synced with."""

    workers: int = 1  # processes, each with a core of its own
    databases: int = 1  # each with its part of the accounts, `DATABASE_CORES` and workers of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a night went."""

    plant: Plant
    seconds: float
    use: dict[str, float]  # of the capacity of each part while the night lasted

    @property
    def narrowest(self) -> str:
        """The part that was used most."""
        return max(self.use, key=lambda part: self.use[part])


class Queue:
    """Serves one after the other, as many at a time as there are servers."""

    def __init__(self, servers: int) -> None:
        self._free_at = [0.0] * servers
        self._servers = servers
        self._busy_s = 0.0

    def serve(self, now: float, seconds: float) -> float:
        """Return when somebody has been served who comes now, after all who came before."""
        done = max(now, self._free_at[0]) + seconds
        heapq.heapreplace(self._free_at, done)
        self._busy_s += seconds
        return done

    def use(self, seconds: float) -> float:
        """Return the share of its capacity that was used in a span of time."""
        return self._busy_s / self._servers / seconds


def simulate(scale: int, night: Night, plant: Plant, costs: Costs = COSTS) -> Outcome:
    """Return how a night goes at one database and its part of the fleet and of the workers."""
    companies = ACCOUNTS * COMPANIES_EACH * scale // plant.databases
    count = max(1, plant.workers // plant.databases)
    database, workers = Queue(DATABASE_CORES), [(Queue(1), Queue(1)) for _ in range(count)]
    waiting = iter(range(companies))
    events = [(0.0, turn, turn % count, 0) for turn in range(min(companies, count * PLACES)) if next(waiting) >= 0]
    heapq.heapify(events)
    turn, ended = len(events), 0.0
    while events:
        now, _, worker, step = heapq.heappop(events)
        processor, ledger = workers[worker]
        if step == 0:
            at = processor.serve(now, costs.worker_company + night.requests * costs.worker_request)
        elif step == 1:
            at = ledger.serve(now, costs.ledger_company + night.requests * costs.ledger_request)
        elif step == 2:
            at = database.serve(now, costs.database_company + night.requests * costs.database_request)
        elif step == 3:
            at = now + night.rounds * LATENCY_S
        else:
            ended = max(ended, now)
            if next(waiting, None) is None:
                continue
            at, step = now, -1
        turn += 1
        heapq.heappush(events, (at, turn, worker, step + 1))
    use = {
        "a worker's processor": max(processor.use(ended) for processor, _ in workers),
        "a worker's connection to the ledger": max(ledger.use(ended) for _, ledger in workers),
        "the database's processors": database.use(ended),
    }
    return Outcome(plant=plant, seconds=ended, use=use)


def grown(scale: int, night: Night) -> Iterator[Outcome]:
    """Yield what is tried: one worker at first, then twice of what is narrowest, until the night fits its window."""
    plant = Plant()
    while True:
        outcome = simulate(scale, night, plant)
        yield outcome
        if outcome.seconds <= WINDOW_S:
            return
        if outcome.narrowest.startswith("the database"):
            plant = replace(plant, databases=2 * plant.databases, workers=max(plant.workers, 2 * plant.databases))
        else:
            plant = replace(plant, workers=2 * plant.workers)


def render() -> str:
    """Return the table in Markdown."""
    lines = ["| companies | a sync of all | workers | databases | takes | used most |", "|---|---|---|---|---|---|"]
    for night in (PROBED, LISTED):
        for scale in (1, 10, 100):
            tried = list(grown(scale, night))
            lines += [_line(scale, night, outcome) for outcome in (tried[0], *tried[1:][-1:])]
    return "\n".join(lines)


def _line(scale: int, night: Night, outcome: Outcome) -> str:
    plant, narrowest = outcome.plant, outcome.narrowest
    minutes = outcome.seconds / 60
    return (
        f"| {ACCOUNTS * COMPANIES_EACH * scale:,} | {night.name} | {plant.workers} | {plant.databases}"
        f" | {minutes:.1f} min | {narrowest}: {outcome.use[narrowest]:.0%} |"
    )


if __name__ == "__main__":
    print(render())
