"""Jobs whose worker has died, or that ended in an error: they are put into the queue again.

A dead job is replaced by a new one, rather than set back to waiting: another job of the company may wait already, and
then it cannot be set back, while its company stays blocked. And a worker that was only frozen ends its own job when it
wakes, not the one that took its place.
"""

from __future__ import annotations

from dataclasses import replace

from procrastinate.jobs import Job

from engine.distributed.company_job import TASK, CompanyJob
from engine.distributed.pace import Pace
from engine.distributed.queue import JobQueue
from engine.run.one_company import growing_s


async def rescue(queue: JobQueue, pace: Pace) -> list[CompanyJob]:
    """Put the jobs of silent workers, and jobs that ended in an error, into the queue again; return the former.

    Several workers may do this at once: the second one to replace a job finds that a job of the company waits.
    """
    found = [await _replaced(queue, each, pace) for each in await queue.silent(pace.silent_s)]
    await queue.forget_silent_workers(pace.silent_s)
    for each in await queue.failed():  # the database was away when a job for later was to be added
        await queue.revive(each)
    return [job for job in found if job is not None]


async def _replaced(queue: JobQueue, dead: Job, pace: Pace) -> CompanyJob | None:
    """Add a successor, then delete the dead job; return None if the dead job has ended by itself meanwhile.

    In this order, a worker that dies between the two loses nothing. If several workers in a row die with a company's
    job, each successor waits longer.
    """
    if dead.task_name != TASK:
        await queue.forget(dead)
        return None
    job = CompanyJob.of(dead.task_kwargs)
    after_s = pace.scaled(growing_s(job.deaths - 1)) if job.deaths else 0.0
    await queue.put(replace(job, deaths=job.deaths + 1), after_s)
    return job if await queue.forget(dead) else None
