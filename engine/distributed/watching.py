"""What a worker tells those who watch it."""

from __future__ import annotations

from typing import Protocol

from engine.distributed.company_job import CompanyJob
from engine.model.result import RunResult


class Watcher(Protocol):
    """Whoever is told what a worker does. The worker waits for none of it, so that it must return at once."""

    def registered(self, worker_id: int) -> None:
        """Take the number under which the queue knows the worker from now on: a new one after a lost connection."""
        ...

    def began(self, job: CompanyJob) -> None:
        """Take the beginning of a job."""
        ...

    def ended(self, job: CompanyJob, result: RunResult | None) -> None:
        """Take its end, with the result of its run; None: there was none."""
        ...
