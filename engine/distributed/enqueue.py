"""Put companies into the queue, each once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from engine.distributed.members import Member, in_turn
from engine.distributed.queue import JobQueue


class Enqueued(NamedTuple):
    """What became of companies that were to be enqueued."""

    added: int
    hastened: int  # their jobs waited for a later time, and may begin now
    waiting: int  # their jobs wait for a worker already


async def enqueue(queue: JobQueue, members: Iterable[Member]) -> Enqueued:
    """Put companies into the queue, to be synced as soon as a worker has time.

    A company whose job waits is not enqueued twice; one that a worker is syncing now is, since nobody knows when during
    the run its source was read.
    """
    now, hastened = await queue.now(), 0
    later = {job.lock: job for job in await queue.waiting() if job.scheduled_at is not None and job.scheduled_at > now}
    jobs = [member.job for member in in_turn(members)]
    for job in jobs:
        if (put_off := later.get(job.lock)) is not None and await queue.take_out(put_off):
            hastened += await queue.put(job)
    added = await queue.put_all(jobs)
    return Enqueued(added, hastened, len(jobs) - added - hastened)


async def busy_locks(queue: JobQueue) -> set[str | None]:
    """Return the names of all jobs that wait or are under way."""
    return {job.lock for job in (*await queue.waiting(), *await queue.under_way())}
