"""Whole systems for the proofs: workers as forks of the nursery, and what has to be true in the end."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.rig.site import Site
from benchmarks.rig.workers import Process
from tests.nursery import Nursery, environment

WHOLE = os.environ.get("DIMSYNC_PROOFS") == "all"
"""Whether the proofs are run at their full size, which takes minutes; else each is run on a small fleet."""

SEEDS = range(int(os.environ.get("DIMSYNC_SEEDS", "1")))


@dataclass(frozen=True, slots=True)
class Forks:
    """Starts programs as forks of one process that has loaded the engine."""

    nursery: Nursery

    def __call__(self, *words: str, cwd: Path, env: Mapping[str, str], log: Path) -> Process:
        """Start `dimsync WORDS`."""
        with log.open("wb") as out:
            return self.nursery.start("engine", *words, cwd=cwd, stdout=out, stderr=out, env=environment(**env))


def tell(text: str) -> None:
    """Print what a proof found; pytest shows it with `-s`."""
    sys.stdout.write(f"\n{text}\n")


def must_be_right(site: Site, *, died: int | None = 0) -> None:
    """Assert that rows, exclusivity, and the count of requests are right.

    `died`: runs of companies that were ended by force, at most. Each has counted at most two requests for each that it
    sent, and one more. Without any, the count is exact; None: it may be higher by any number.
    """
    assert site.wrong() == [], "companies with other rows than their sources"
    assert site.witness.overlaps() == [], "companies that were written by two runs at once"
    counted = site.counted()
    ahead = {key: counted[key] - use.requests for key, use in site.witness.keys(site.fleet).items()}
    assert min(ahead.values()) >= 0, f"requests that were sent and not counted: {ahead}"
    tell(f"requests that were counted and not sent: {sum(ahead.values())} of {site.requests()}")
    if died is not None:
        assert max(ahead.values()) <= died * (1 + site.fleet.most_requests), f"counted and not sent: {ahead}"


def must_rest(site: Site) -> None:
    """Assert that a further sync finds all rows as they should be."""
    unchanged, _ = site.look_again()
    assert unchanged == sum(rows for rows, _ in site.fleet.wanted().values())
    assert site.wrong() == []
