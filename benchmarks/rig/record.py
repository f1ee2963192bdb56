"""What a server saw of several workers: when each request arrived, by key, and which runs wrote which company when."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any


@dataclass(slots=True)
class Record:
    """Kept while requests come in. Times are seconds of the machine's monotonic clock."""

    arrivals: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    writes: defaultdict[int, dict[str, list[float]]] = field(default_factory=lambda: defaultdict(dict))
    """By company and run: when its writes arrived."""

    overlaps: list[tuple[int, str, str, float]] = field(default_factory=list)
    """A company, a run that was writing it, another run that wrote it at that time, and when."""

    _at_work: defaultdict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    @contextmanager
    def request(self, api_key: str, idempotency_key: str | None, at: float) -> Iterator[None]:
        """Note a request that arrives, and that it is at work until the block ends.

        The engine's idempotency keys are `RUN.COMPANY.NUMBER`; only its writes bear one.
        """
        self.arrivals[api_key].append(at)
        if idempotency_key is None:
            yield
            return
        run, company_id, _ = idempotency_key.rsplit(".", 2)
        company = int(company_id)
        self.writes[company].setdefault(run, []).append(at)
        at_work = self._at_work[company]
        self.overlaps += [(company, other, run, at) for other in at_work if other != run]
        at_work[run] += 1
        try:
            yield
        finally:
            at_work[run] -= 1
            if not at_work[run]:
                del at_work[run]

    def told(self) -> dict[str, Any]:
        """Return the record as JSON."""
        return {"arrivals": self.arrivals, "writes": self.writes, "overlaps": self.overlaps}


def interleaved(writes: Mapping[int, Mapping[str, Sequence[float]]]) -> list[tuple[int, str, str]]:
    """Return the companies that a run wrote after another one had begun to, which went on later, and both runs.

    `writes`: when they arrived, by company and run.
    """
    found = []
    for company, runs in writes.items():
        in_order = sorted(runs, key=lambda run: min(runs[run]))
        found += [(company, one, after) for one, after in pairwise(in_order) if max(runs[one]) >= min(runs[after])]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUse:
    """How one API key was used."""

    rate: float  # requests a second that it may send
    requests: int
    busy_s: float  # from its first request to its last
    worst: int  # the most requests in any second

    @property
    def share(self) -> float:
        """The requests that it sent a second, as a share of those that it may send."""
        return (self.requests - 1) / self.busy_s / self.rate if self.busy_s else 0.0

    @property
    def most(self) -> float:
        """The most requests that a second may have: a tolerance of 5 %, and of one request at least."""
        return self.rate + max(1.0, 0.05 * self.rate)


def used(times: Sequence[float], rate: float) -> KeyUse:
    """Return how a key was used whose requests arrived at these times, in any order."""
    ordered = sorted(times)
    busy_s = ordered[-1] - ordered[0] if ordered else 0.0
    return KeyUse(rate=rate, requests=len(ordered), busy_s=busy_s, worst=most_in_a_second(ordered))


def most_in_a_second(times: Sequence[float]) -> int:
    """Return the most of some moments, in order, that lie within one second."""
    most = first = 0
    for last, at in enumerate(times):
        while times[first] <= at - 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most
