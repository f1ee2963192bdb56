"""The tasks of the queue, as procrastinate calls them."""

from __future__ import annotations

from typing import Any

from procrastinate.job_context import AbortReason, JobContext

from engine.distributed.company_job import TASK, CompanyJob
from engine.distributed.doing import Doing
from engine.distributed.queue import JobQueue

TIDY = "dimsync.tidy"
"""The name of the job that deletes old jobs."""

KEPT_HOURS = 7 * 24
"""How long cancelled and aborted jobs are kept; jobs that were done are deleted at once."""


def add_tasks(queue: JobQueue, doing: Doing) -> None:
    """Register what the queue's workers in this process do.

    No task uses procrastinate's `retry`: it sets a job back to waiting, which fails if another job of the company
    waits, and then blocks the company for ever. There is always a periodic task: without one, procrastinate does not
    notice that a worker's heartbeat, or its listening for new jobs, has broken.
    """
    app = queue.app

    @app.task(name=TASK, queue=queue.name, pass_context=True)
    async def sync_company(context: JobContext, /, **args: Any) -> None:
        await doing.do(CompanyJob.of(args), lambda: context.abort_reason() is AbortReason.USER_REQUEST)

    @app.periodic(cron="17 * * * *")
    @app.task(name=TIDY, queue=queue.name, queueing_lock=f"{queue.name} {TIDY}")
    async def tidy(timestamp: int) -> None:  # noqa: ARG001  procrastinate's signature
        with queue.explained():
            await app.job_manager.delete_old_jobs(
                nb_hours=KEPT_HOURS, queue=queue.name, include_cancelled=True, include_aborted=True
            )
