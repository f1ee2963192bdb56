"""Carrying out one company's part of a saved plan: exactly that, or nothing.

A plan rests on what the ledger knew, on the settings, and on the number of remote rows. If one of them has changed, the
plan is stale, and nothing is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import anyio

from engine.compare.subset import subset
from engine.errors import ApiError, AppliedBefore, StalePlan
from engine.guards.registry import ALLOWABLE
from engine.model.change import Plan
from engine.model.company_record import KEY_MISMATCH, CompanyRecord
from engine.model.dimension import Dimension
from engine.model.outcome import Withheld
from engine.model.resting import STORED_OTHERWISE
from engine.model.row_history import Applied
from engine.model.row_record import remote_id_of
from engine.model.saved_plan import CompanyPlan
from engine.model.settings import Allow, Verify, VerifyMode
from engine.model.wanted import Wanted
from engine.run.company_context import CompanyContext
from engine.run.endings import HELD, stop
from engine.run.good_end import note_good_end
from engine.run.guarding import GuardCheck
from engine.run.plan_part import settings_digest
from engine.run.plan_source import Decision, to_do_of
from engine.run.work import Applying

LONGEST = timedelta(hours=24)
"""How long a plan is good for."""

Resting = Sequence[Withheld]

ANEW = "; nothing was sent: make a new plan"


def for_saved_plan(company: CompanyContext, saved: CompanyPlan, applying: Applying) -> CompanyContext:
    """Return a company's context with the guards allowed that the plan was made with, and a probe to verify."""
    slugs = {slug for slug in ALLOWABLE if str(Allow(slug, company.id)) in applying.allowed}
    company.counts.lets_spellings = STORED_OTHERWISE in slugs
    allowed = frozenset({"flapping", *slugs, *(["canary"] if saved.canaries else [])})
    comparison = replace(
        company.comparison,
        comparer=replace(company.comparison.comparer, allowed=allowed),
        verify=Verify(mode=VerifyMode.PROBE),
        company=replace(company.job.company, verify=None),
    )
    return replace(company, comparison=comparison)


@dataclass(slots=True, kw_only=True)
class PlanFromFile:
    """Decides by a saved plan. The source is not read: the rows are the plan's."""

    company: CompanyContext
    guard: GuardCheck
    saved: CompanyPlan
    applying: Applying
    _before: Applied | None = field(default=None, init=False)  # where the plan was begun here before
    _is_begun: bool = field(default=False, init=False)

    def count_known(self) -> None:
        """Count the plan's rows. Until it is begun, all of them are deferred."""
        saved, counts = self.saved, self.company.counts
        if saved.source_rows is not None:
            counts.wanted = Wanted(
                rows=[change.row for change in saved.changes],
                source_rows=saved.source_rows,
                invalid=saved.invalid,
                source_keys=dict(saved.source_keys),
                left_out_by=saved.left_out_by,
                sources=saved.sources,
            )
            counts.not_to_send = saved.source_rows - saved.invalid - len(saved.changes)

    async def read(self, record: CompanyRecord | None = None) -> bool:  # noqa: ARG002  nothing is told by lines
        """Return whether the plan has a part for this company that no guard held. Raises `StalePlan`."""
        for problem in self.saved.not_planned:
            reason = f"it is not in the plan, as it could not be planned ({problem.code}: {problem.message})"
            raise StalePlan(f"{reason}{ANEW}")
        if self.saved.held_by and self.saved.was_compared:
            self._take(self._plan(), ())
        for problem in self.saved.held_by:
            text = f"held when the plan was made: {problem.message}"
            self.company.ending.take(stop(problem.code, text, HELD))
        return not self.saved.held_by

    async def check_begun(self) -> None:
        """Find out whether the plan was begun in this company before. Raises `AppliedBefore`, unless resuming."""
        before = await self.company.run.ledger.applied(self.company.company_key, self.applying.plan_id)
        if before is None:
            return
        when = f"{before.at:%Y-%m-%d %H:%M} UTC by run {before.run_ids[-1]}"
        if before.finished:
            raise AppliedBefore(f"this plan was applied here at {when}, and a plan is applied once")
        if not self.applying.resume:
            raise AppliedBefore(
                f"this plan was begun here at {when} and not finished: `dimsync apply` with --resume does"
            )
        self._before, self._is_begun = before, True

    async def decide(self, record: CompanyRecord) -> Decision:
        """Return the rest of the plan that is to be sent. Raises `StalePlan`, which names what has changed."""
        counts = self.company.counts
        wanted = replace(counts.wanted or Wanted(rows=[], source_rows=0), rows=list(_everything(self.saved, record)))
        plan, resting = await self._checked(wanted, record)
        self._take(plan, resting)
        counts.wanted = counts.source = wanted
        if plan.size:
            if self._before is None:
                await self._begin()
            await self.guard.remember(plan, record.state.passed)
        return Decision(plan=plan, to_do=to_do_of(self._plan()), is_begun=bool(plan.size))

    async def note_refusal(self, error: ApiError, record: CompanyRecord) -> None:
        """Note nothing: whether the company rests is for the next comparison to find."""

    async def finish(self, record: CompanyRecord) -> None:
        """Note that the plan is finished, if nothing of it is left, and note the good end of the company."""
        balance = self.company.counts.balance()
        if self._is_begun and not (balance.deferred or balance.uncertain):
            with anyio.CancelScope(shield=True):
                await self.company.run.ledger.end_plan(self.company.company_key, self.applying.plan_id)
        if self.company.ending.stopped is None:
            await note_good_end(self.company, record)

    async def _checked(self, wanted: Wanted, record: CompanyRecord) -> tuple[Plan, Resting]:
        """Return what of the plan is to be sent, and rows of it that were refused since.

        Raises `StalePlan` naming what has moved, and `ApiError`.
        """
        if moved := await self._moved(record):
            raise StalePlan(moved + ANEW)
        if not self.saved.changes:
            return self._plan(), ()
        if self._before is not None:
            return await self._compared(wanted, record)
        if not await self.company.comparison.still(record):
            with anyio.CancelScope(shield=True):  # else the next plan would rest on the same ledger
                await self.company.run.ledger.checked(self.company.company_key, None)
            raise StalePlan(f"Ottimate has another number of rows than when the plan was made{ANEW}")
        return self._plan(), ()

    async def _compared(self, wanted: Wanted, record: CompanyRecord) -> tuple[Plan, Resting]:
        """Return what is left of a plan that was begun before, by a comparison. Raises as `_checked`."""
        await self._begin()
        keys = {change.row.key for change in self.saved.changes}
        compared = await self.company.comparison.compare(wanted, record)
        plan, _ = subset(compared.plan, wanted, keys)
        resting = [row for row in compared.resting if row.change.row.key in keys]
        for hold in plan.holds:
            raise StalePlan(f"row {hold.key!r} cannot be told any more: {hold.message}{ANEW}")
        meant = {change.row.key for change in self.saved.creates}
        for change in plan.creates:
            if change.row.key not in meant:
                raise StalePlan(f"row {change.row.key!r} is not in Ottimate any more{ANEW}")
        return self._left(plan, len(resting)), resting

    def _left(self, plan: Plan, resting: int) -> Plan:
        """Return the rest of the saved plan: `plan` is still to be sent; all other rows that it would send are done."""
        done = len(self.saved.changes) - plan.size - resting
        return replace(
            self._plan(),
            creates=plan.creates,
            updates=plan.updates,
            canaries=plan.canaries,
            reverts=(),
            again=plan.again,
            unchanged=self.saved.unchanged + done,
        )

    async def _moved(self, record: CompanyRecord) -> str:
        """Return, in words, what the plan rests on and has changed; empty: nothing has."""
        company, run = self.company, self.company.run
        age = run.now() - self.applying.made_at
        if not timedelta() <= age <= LONGEST:
            return f"the plan was made at {self.applying.made_at:%Y-%m-%d %H:%M} UTC, and is good for 24 hours"
        if record.state.failure == KEY_MISMATCH:
            return record.state.failure_message or "keys of the company led nowhere since the plan was made"
        if self.saved.settings != settings_digest(company.job.company, run):
            return "the company's settings have changed since the plan was made"
        now = await run.ledger.generation(company.company_key)
        if now != self.saved.generation and not (self._before and now.run_id in self._before.run_ids):
            by = f"by run {now.run_id}" if now.run_id else "by a command"
            return f"what the ledger knows of the company has changed since the plan was made, {by}"
        return ""

    def _plan(self) -> Plan:
        saved = self.saved
        return Plan(
            creates=saved.creates,
            updates=saved.updates,
            canaries=saved.canaries,
            reverts=saved.reverts,
            again=saved.again,
            holds=saved.holds,
            unchanged=saved.unchanged,
            adopted=saved.adopted,
            code_unseen=saved.code_unseen,
        )

    def _take(self, plan: Plan, resting: Resting) -> None:
        """Count the plan: rows that it found held, invalid or rejected stand as they stood."""
        self.company.counts.take_plan(plan, resting, dry=False, advice={})
        self.company.counts.refused(self.saved.refused)

    async def _begin(self) -> None:
        company, run = self.company, self.company.run
        with anyio.CancelScope(shield=True):
            await run.ledger.begin_plan(company.company_key, self.applying.plan_id, run.run_id, run.now())
        self._is_begun = True


def _everything(saved: CompanyPlan, record: CompanyRecord) -> Iterator[Dimension]:
    """Yield the rows of the source as far as they are known without reading it: the plan's and the ledger's.

    Rows that were orphans when the plan was made are not in the source.
    """
    yield from (change.row for change in saved.changes)
    planned = {change.row.key for change in saved.changes}
    orphans = set(saved.orphans)
    for key, known in record.rows.items():
        if key not in planned and known.outcome_known and remote_id_of(key, known) not in orphans:
            yield known.row
