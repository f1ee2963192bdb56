"""Do one job: sync its company, and add a job for later if this one could not be done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from engine.distributed.company_job import CompanyJob, portion
from engine.distributed.members import Member
from engine.distributed.pace import Pace
from engine.distributed.queue import JobQueue
from engine.distributed.roster import Roster
from engine.distributed.watching import Watcher
from engine.errors import EngineError
from engine.model.result import RunResult
from engine.observe.terminal import figures, safe, tell
from engine.run.engine import Engine
from engine.run.one_company import again_after_s, growing_s, sync_company

KEPT = timedelta(days=1)
"""How long a job is kept whose company is in no worker's settings."""

UNKNOWN_S = 10.0
"""After how long such a job is offered to the workers again, at first; twice as long each time, up to 20 minutes."""


class Doing:
    """What a worker does with its jobs, all on one engine. `tell`, `warn`: as in `Shift`."""

    def __init__(
        self,
        engine: Engine,
        queue: JobQueue,
        roster: Roster,
        *,
        pace: Pace,
        tell: Callable[[str], None],
        warn: Callable[[str], None],
        watchers: Sequence[Watcher] = (),
    ) -> None:
        self._engine = engine
        self._queue = queue
        self._roster = roster
        self._pace = pace
        self._tell = tell
        self._warn = warn
        self._watchers = watchers
        self._host = _Host(pace)
        self._has_told_of_others = False
        self.at_work = 0  # jobs under way

    async def do(self, job: CompanyJob, is_called_off: Callable[[], bool]) -> None:
        """Do a job. `is_called_off`: asked when the task is cancelled; True if a person aborted this job.

        When it is cancelled, it stops the run in order, adds a job for the rest unless a person aborted this one, and
        passes the cancellation on. Raises `LedgerError` if a job for later cannot be added; this job then counts as
        failed in the queue.
        """
        self.at_work += 1
        result = None
        try:
            for watcher in self._watchers:
                watcher.began(job)
            result = await self._do(job)
        except asyncio.CancelledError:
            if not is_called_off():
                await self._queue.put(job.afresh())
                self._tell(f"company {job.company_id}: stopped, and put into the queue again")
            raise
        finally:
            self.at_work -= 1
            for watcher in self._watchers:
                watcher.ended(job, result)

    async def _do(self, job: CompanyJob) -> RunResult | None:
        member = await self._roster.member(job)
        if member is None or member.job.lock != job.lock or self._roster.is_outdated_for(job):
            await self._pass_on(job, member)
            return None
        self._compare(job, member)
        if (down_s := self._host.down_s()) > 0:
            await self._put(job, down_s)
            return None
        try:
            result = await sync_company(self._engine, member.company)
        except Exception as error:  # noqa: BLE001  no error of a job may end the worker
            after_s = await self._put_off(job)
            self._warn(f"{_named(member)}: not synced, again in {_span(after_s)}: {_said(error)}")
            return None
        await self._conclude(job, member, result)
        return result

    async def _conclude(self, job: CompanyJob, member: Member, result: RunResult) -> None:
        """See what is left to do after a run, and tell how it ended."""
        self._host.learn(result)
        after_s = again_after_s(result, job.tries)
        if after_s is None:
            self._tell(_told(member, result))
            return
        after_s = await self._put(replace(job.afresh(), tries=job.tries + 1), after_s)
        self._tell(f"{_told(member, result)}; again in {_span(after_s)}")

    def _compare(self, job: CompanyJob, member: Member) -> None:
        """Warn once if the settings here differ from those where a job was enqueued. The run goes by those here."""
        if job.settings not in {"", member.company.settings} and not self._has_told_of_others:
            self._has_told_of_others = True
            self._warn(
                f"{_named(member)}: its sources or mapping here differ from those where it was enqueued. Give all"
                " workers and the scheduler the same settings, and restart them when these change"
            )

    async def _pass_on(self, job: CompanyJob, member: Member | None) -> None:
        """Leave a job to other workers, as the settings here lack its company or changes; give it up after a day."""
        now = await self._queue.now()
        since = job.unknown_since or now
        who = f"company {job.company_id} of account {safe(job.account_id)}"
        if member is None:
            why = f"{who} is not in the settings of this worker"
        elif member.job.lock == job.lock:
            why = f"{who} has changed in settings that this worker cannot take over"
        else:
            why = f"{who} is of account {safe(member.job.account_id)} in the settings of this worker"
        if now - since >= KEPT:
            self._warn(f"{why}. No worker that had its job knew it since {since:%Y-%m-%d %H:%M} UTC: it is given up")
            return
        after_s = await self._put(
            replace(job, tries=job.tries + 1, unknown_since=since), growing_s(job.tries) * UNKNOWN_S / growing_s(0)
        )
        self._warn(
            f"{why}: its job is put to the workers again in {_span(after_s)}. Give all workers the same settings, and"
            " restart those whose settings are older"
        )

    async def _put_off(self, job: CompanyJob) -> float:
        return await self._put(replace(job, tries=job.tries + 1), growing_s(job.tries))

    async def _put(self, job: CompanyJob, after_s: float) -> float:
        """Add a job for later, after up to a fifth more time so that not all come at once; return the seconds."""
        spread_s = self._pace.scaled(after_s) * (1.0 + 0.2 * portion(job.lock))
        await self._queue.put(job, spread_s)
        return spread_s


class _Host:
    """Whether the API answers. While it does not, companies are put off without a request each."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._until_s = 0.0  # on the monotonic clock
        self._tries = 0

    def down_s(self) -> float:
        """Return for how many seconds, at the usual pace, companies are put off; 0.0: they may ask the API."""
        return max(0.0, self._until_s - time.monotonic()) / self._pace.scaled(1.0)

    def learn(self, result: RunResult) -> None:
        """Learn from a run whether the API answered."""
        if any(problem.code == "host-down" for company in result.companies for problem in company.problems):
            if self.down_s() == 0:  # otherwise the failure of another company has set the time already
                self._until_s = time.monotonic() + self._pace.scaled(growing_s(self._tries))
                self._tries += 1
        elif result.requests.total:
            self._until_s, self._tries = 0.0, 0


def _named(member: Member) -> str:
    return f"company {member.company.id} {safe(member.company.name)}".rstrip()


def _told(member: Member, result: RunResult) -> str:
    if not result.companies:
        return f"{_named(member)}: read-only in these settings (write = false), and left out"
    (one,) = result.companies
    problems = (*one.problems, *result.problems)
    told = f"{_named(member)}: {one.state}, {figures(one.balance)}, {result.requests.total:,} requests"
    more = f" (and {len(problems) - 1:,} more)" if len(problems) > 1 else ""
    return f"{told}; {tell(problems[0])}{more}" if problems else told


def _said(error: Exception) -> str:
    text = safe(str(error)) or "no message"
    return text if isinstance(error, EngineError) else f"{type(error).__name__}: {text}"


def _span(seconds: float) -> str:
    return f"{seconds:,.0f} s" if seconds < 120 else f"{seconds / 60:,.0f} min"
