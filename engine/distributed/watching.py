"""What a worker tells those who watch it."""

from __future__ import annotations

from typing import Protocol

from engine.distributed.company_job import CompanyJob
from engine.model.result import RunResult


class Watcher(Protocol):
    """Is told what a worker does. Each call holds up the worker's event loop, so it must return at once."""

    def registered(self, worker_id: int) -> None:
        """Take the number under which the queue knows the worker from now on: a new one after a lost connection."""
        ...

    def began(self, job: CompanyJob) -> None:
        """Take the beginning of a job, in the task that does it."""
        ...

    def ended(self, job: CompanyJob, result: RunResult | None) -> None:
        """Take the end of a job, with the result of its run; None: there was no run."""
        ...
