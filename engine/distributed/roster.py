"""The companies that a worker knows: those of its settings, which are read again when a job shows that they changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from engine.distributed.company_job import CompanyJob
from engine.distributed.members import Member, members_of
from engine.errors import ConfigError, LedgerError
from engine.model.origin import origin_of
from engine.model.settings import Settings
from engine.run.engine import Engine

REREAD_S = 60.0
"""How long settings are not read anew for a company's job after a reading that did not help such a job."""


class Roster:
    """The companies that a worker's jobs may be about, as members."""

    def __init__(
        self, engine: Engine, settings: Settings, read: Callable[[], Settings] | None, warn: Callable[[str], None]
    ) -> None:
        """Take the members of the settings. `read`: returns the settings as they are now; called in a thread."""
        self._engine = engine
        self._origin = origin_of(settings.api.base_url)
        self._members = _by_id(settings)
        self._read = read
        self._reading = asyncio.Lock()
        self._in_vain_at_s: dict[tuple[str, str], float] = {}  # by lock and settings of a job, on the monotonic clock
        self._is_outdated = False  # the settings as they are now cannot be taken over
        self._warn = warn

    async def member(self, job: CompanyJob) -> Member | None:
        """Return the company with the id that a job names; None: there is none. Its account may be another one."""
        if not self._has(job):
            async with self._reading:  # jobs that begin meanwhile wait for what the settings say
                if not self._has(job):
                    await self._read_anew(job)
        return self._members.get(job.company_id)

    def is_outdated_for(self, job: CompanyJob) -> bool:
        """Return whether a job was enqueued by settings that this worker cannot take over."""
        return self._is_outdated and not self._has(job)

    def _has(self, job: CompanyJob) -> bool:
        """Return whether the settings here have a job's company as the settings had it where it was enqueued."""
        found = self._members.get(job.company_id)
        return found is not None and found.job.lock == job.lock and job.settings in {"", found.company.settings}

    async def _read_anew(self, job: CompanyJob) -> None:
        """Take over the companies and accounts as they are now. Any other change needs a restart of the worker."""
        now_s = time.monotonic()
        self._in_vain_at_s = {which: at_s for which, at_s in self._in_vain_at_s.items() if now_s < at_s + REREAD_S}
        if self._read is None or (which := (job.lock, job.settings)) in self._in_vain_at_s:
            return
        try:
            self._take(await asyncio.to_thread(self._read))
            self._is_outdated = False
        except (ConfigError, LedgerError) as error:
            self._is_outdated = True
            self._warn(f"the settings were read anew, and cannot be taken over: {error}. Restart the worker with them")
        if not self._has(job):
            self._in_vain_at_s[which] = now_s

    def _take(self, settings: Settings) -> None:
        """Take over the accounts and companies of settings. Raises `ConfigError`."""
        if origin_of(settings.api.base_url) != self._origin:
            raise ConfigError("they name another API")
        for account in settings.accounts:
            self._engine.add_account(account)
        self._members = _by_id(settings)


def _by_id(settings: Settings) -> dict[int, Member]:
    return {member.company.id: member for member in members_of(settings, settings.companies)}
