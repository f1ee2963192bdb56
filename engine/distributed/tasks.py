"""What the queue's jobs do, as procrastinate is told of it."""

from __future__ import annotations

from typing import Any

from procrastinate.job_context import AbortReason, JobContext

from engine.distributed.company_job import TASK, CompanyJob
from engine.distributed.doing import Doing
from engine.distributed.queue import JobQueue

TIDY = "dimsync.tidy"
"""The name of the job that forgets old ones."""

KEPT_HOURS = 7 * 24
"""How long jobs are kept that were broken off; those that were done are forgotten at once."""


def add_tasks(queue: JobQueue, doing: Doing) -> None:
    """Let the queue's workers in this process do jobs.

    No task has procrastinate's `retry`: it sets a job back to waiting, which fails where another one of the company
    waits, and blocks the company for ever. And there is always a periodic task: without any, procrastinate does not
    notice that a worker's heartbeat or its listening for new jobs has broken.
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
