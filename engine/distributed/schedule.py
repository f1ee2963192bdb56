"""Enqueue companies when they are due by their schedules."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from engine.distributed.due import is_due
from engine.distributed.enqueue import busy_locks
from engine.distributed.members import Member, in_turn
from engine.distributed.pace import wait
from engine.distributed.queue import JobQueue
from engine.errors import ConfigError, LedgerError
from engine.ledger.sql_ledger import SqlLedger
from engine.model.schedule import Schedule
from engine.model.settings import AccountCompany, NamedCompany

TICK_S = 20.0
"""How often a scheduler looks which companies are due: points are at whole minutes."""


class Planned(NamedTuple):
    """A company with a schedule."""

    member: Member
    schedule: Schedule


async def enqueue_due(queue: JobQueue, ledger: SqlLedger, planned: Sequence[Planned], now: datetime) -> int | None:
    """Enqueue the companies that are due; return how many. None: another scheduler is doing so now.

    A company whose job waits or is under way is not enqueued. The queue is read before the ledger, so that a job that
    ends in between is found in the ledger. So each point is enqueued once, by any one of several schedulers.
    """
    async with queue.alone("schedule") as is_alone:
        if not is_alone:
            return None
        busy = await busy_locks(queue)
        begun, states = await ledger.last_begun(queue.origin), await ledger.states(queue.origin)
        due = []
        for member, schedule in planned:
            job, state = member.job, states.get(AccountCompany(member.job.account_id, member.company.id))
            last = begun.get(NamedCompany(member.account, member.company.id))
            rests_until = None if state is None else state.retry_at
            if job.lock not in busy and is_due(schedule, last, now, name=job.lock, rests_until=rests_until):
                due.append(member)
        return await queue.put_all([member.job for member in in_turn(due)])


async def keep_schedule(
    queue: JobQueue,
    ledger: SqlLedger,
    read: Callable[[], Sequence[Planned]],
    *,
    tell: Callable[[str], None],
    warn: Callable[[str], None],
    stop: asyncio.Event,
    tick_s: float = TICK_S,
) -> None:
    """Enqueue companies when they are due, until `stop` is set.

    `read`: returns the companies that have a schedule; called in a thread before each look, to notice changes.
    `tell` receives how many were enqueued; `warn`, once each, settings that cannot be read and a database that is away.
    """
    planned: Sequence[Planned] = ()
    trouble = ""
    while not stop.is_set():
        told = ""
        try:
            planned = await asyncio.to_thread(read)
        except ConfigError as error:
            told = f"the settings cannot be read, and stay as they were: {error}"
        try:
            if added := await enqueue_due(queue, ledger, planned, datetime.now(UTC)):
                tell(f"enqueued {added:,} {'company that is' if added == 1 else 'companies that are'} due")
        except LedgerError as error:
            told = f"{error} It is tried again."
        if told and told != trouble:
            warn(told)
        trouble = told
        await wait(stop, tick_s)
