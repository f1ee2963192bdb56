"""When a worker tells the targets of `[[notify]]`: when the queue is empty, and hourly while it is not."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from engine.cli.notices.round import of_round, read, trouble_of, was_told_lately, written
from engine.cli.notices.telling import harmless, tell_here
from engine.config import Configured
from engine.config.targets import Target
from engine.distributed.company_job import CompanyJob
from engine.distributed.queue import JobQueue, open_queue
from engine.errors import LedgerError
from engine.ledger.opening import open_ledger
from engine.ledger.sql_ledger import SqlLedger
from engine.model.origin import origin_of
from engine.model.result import RunResult
from engine.model.settings import NamedCompany
from engine.model.standing import RunTimes, Standing

LOOK_S = 30.0
"""How often a worker that has done something looks whether there is something to tell."""


class Notifier:
    """Tells the targets what trouble has come and gone, for all workers: the first worker that looks does it."""

    def __init__(self, configured: Configured, config: str) -> None:
        self._configured = configured
        self._config = config
        self._has_news = True  # a job has ended since the last look; at first, one of a worker that has ended

    def registered(self, worker_id: int) -> None:
        """Ignore the worker's number."""

    def began(self, job: CompanyJob) -> None:
        """Ignore the beginning of a job."""

    def ended(self, job: CompanyJob, result: RunResult | None) -> None:  # noqa: ARG002  a watcher's
        """Note that there may be something to tell."""
        self._has_news = True

    async def keep_telling(self, every_s: float = LOOK_S) -> None:
        """Look again and again, until cancelled."""
        while self._configured.notify:
            await asyncio.sleep(every_s)
            await self.look()

    async def look(self) -> None:
        """Tell what there is to tell, if it is time for that. Whatever goes wrong is told in a line."""
        if not (self._configured.notify and self._has_news):
            return
        self._has_news = False
        with harmless():
            settings = self._configured.settings
            origin = origin_of(settings.api.base_url)
            try:
                async with (
                    await open_ledger(settings.ledger_url) as ledger,
                    open_queue(settings.ledger_url, origin) as queue,
                    queue.alone("notify") as is_alone,
                ):
                    self._has_news = not is_alone or not await self._tell(ledger, queue)
            except LedgerError:
                self._has_news = True  # it is tried again, when the database is there

    async def _tell(self, ledger: SqlLedger, queue: JobQueue) -> bool:
        """Tell each target what it was not told yet; return whether all of that is done."""
        now, origin = datetime.now(UTC), queue.origin
        is_idle = not await queue.due() and not await queue.under_way()
        standing = await ledger.standing(origin, now=now)
        if standing.last is None:
            return True
        all_done = True
        for target in self._configured.notify:
            what = f"workers:{target.key}"
            told_at = await ledger.told(origin, what)
            if not is_idle and was_told_lately(told_at, now):
                all_done = False
                continue
            all_done &= await self._tell_one(ledger, target, what, standing, standing.last)
        return all_done

    async def _tell_one(self, ledger: SqlLedger, target: Target, what: str, standing: Standing, last: RunTimes) -> bool:
        origin = origin_of(self._configured.settings.api.base_url)
        memory = read(await ledger.told_words(origin, what))
        named = {NamedCompany(levels.account, number) for number, levels in self._configured.levels.items()}
        companies = [each for where, each in standing.companies.items() if where in named]
        message = of_round(companies, memory, last, self._configured.groups, self._config)
        if message.is_empty:
            return True
        reached = await tell_here([target], message)
        if all(reached.values()):
            now = datetime.now(UTC)
            await ledger.tell_again(origin, what, now, written(trouble_of(companies, now)))
        return all(reached.values())
