"""Skip a company if nothing has changed since a run that found nothing to do.

Nothing means: the bytes of the source, the settings, the version of this program, and what the ledger knows. Another
comparison would find the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import TypeAlias

from engine.model.balance import State
from engine.model.company_record import CompanyState
from engine.model.ledger_writes import Clean
from engine.model.result import CompanyResult
from engine.model.settings import Company, CompanyKey
from engine.model.wanted import Wanted
from engine.run.company_context import CompanyContext
from engine.run.context import RunContext
from engine.run.memo import content_of_source
from engine.run.plan_part import settings_digest
from engine.run.rules import RULES
from engine.run.thinking import think
from engine.version import __version__

Listing: TypeAlias = Callable[[], Coroutine[object, object, bytes | None]]
"""Returns what to remember of a listing, the `listing` of `Rows.note_clean`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SkipUnchanged:
    """Decides for one company. `applies` False: the options of the run ask for a comparison in any case."""

    company: Company
    company_key: CompanyKey
    parts: RunContext
    applies: bool

    def before(self) -> CompanyState | None:
        """Return the ledger's notes on the company as the run began; None: no run found nothing to do.

        What they show has to be found once more in the notes that are read under the company's lock.
        """
        state = self.parts.states.get(self.company_key.of_account) if self.applies else None
        return None if state is None or state.clean is None else state

    @asynccontextmanager
    async def held(self, before: CompanyState) -> AsyncIterator[CompanyState | None]:
        """Hold the lock of a company that has not changed, and give the ledger's notes on it; None: it may have.

        `before`: these notes as of `before()`, which tell whether it is worth to look.
        """
        if not self._tells or await self._standing() != before.clean:
            yield None
            return
        async with self.parts.ledger.lock(self.company_key):
            state = await self.parts.ledger.brief(self.company_key)
            yield state if state is not None and state.clean == before.clean else None

    async def note(self, result: CompanyResult, wanted: Wanted | None, listing: Listing) -> Clean | None:
        """Return the note that this source leaves nothing to do, if that is what the run found.

        `listing`: tells what to remember of Ottimate then.
        """
        is_still = result.state is State.UNCHANGED and not result.problems
        if not self.applies or not is_still or wanted is None:
            return None
        rows = await self.rows_digest(wanted)
        digest = rows if wanted.digest is None else self._of(wanted.digest)
        if digest is None:
            return None
        counts = result.balance.source_rows or 0, result.balance.adopted or 0, result.left_out_by
        return Clean(digest, *counts, await listing(), rows)

    async def rows_digest(self, wanted: Wanted) -> bytes | None:
        """Return 16 bytes that change with all that a comparison rests on, except the ledger; None: not known."""
        content = await think(len(wanted.rows), partial(content_of_source, wanted))
        return None if content is None else self._of(content)

    @property
    def _tells(self) -> bool:
        """Whether the source can tell what it holds without being read."""
        return self.applies and hasattr(self.company.source, "digest")

    async def _standing(self) -> bytes | None:
        tell: Callable[[], Coroutine[object, object, object]] = getattr(self.company.source, "digest")  # noqa: B009
        try:
            source = await tell()
        except Exception:  # noqa: BLE001  a program's own source may raise anything: then it is read, and that tells
            return None
        return self._of(source) if isinstance(source, bytes) else None

    def _of(self, source: bytes) -> bytes:
        """Return 16 bytes that change with all that a comparison rests on, except the ledger."""
        text = f"{__version__} {RULES} {settings_digest(self.company, self.parts)} ".encode()
        return blake2b(text + source, digest_size=16).digest()


def skip_unchanged(company: CompanyContext) -> SkipUnchanged:
    """Return the object that decides whether a company is skipped."""
    run, job = company.run, company.job
    is_asked_for = run.fresh or bool(company.allowed) or job.only is not None
    applies = run.mode.skips_unchanged and not is_asked_for
    return SkipUnchanged(company=job.company, company_key=company.company_key, parts=run, applies=applies)
