"""Carrying out one company's part of a saved plan: exactly that, or nothing.

It rests on what the ledger knew, on the settings, and on how many rows were there. Where one of them has moved, the
plan is stale, and nothing is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import anyio

from engine.errors import AppliedBefore, StalePlan
from engine.model.change import Change, Plan
from engine.model.known import Acknowledged, Rejection
from engine.model.life import Applied
from engine.model.saved import CompanyPlan
from engine.model.settings import Verify, VerifyMode
from engine.model.wanted import Wanted
from engine.net.channel import Channel
from engine.run.company import CompanyRun
from engine.run.endings import HELD, STOPPED
from engine.run.parts import Applying, Job, Parts
from engine.run.saving import settings_digest
from engine.run.scope import Visible

LONGEST = timedelta(hours=24)
"""A plan is good for so long (DESIGN section 10)."""

Resting = Sequence[tuple[Change, Rejection]]

ANEW = "; nothing was sent: make a new plan"


class AppliedRun(CompanyRun):
    """One company's part of `dimsync apply`. Its source is not read: the rows are the plan's."""

    def __init__(
        self, job: Job, saved: CompanyPlan, applying: Applying, channel: Channel, visible: Visible, parts: Parts
    ) -> None:
        super().__init__(job, channel, visible, parts)
        self._saved = saved
        self._applying = applying
        self._comparison.allowed = frozenset({"look-alike", "flapping"} | ({"canary"} if saved.canaries else set()))
        self._comparison.verify = Verify(mode=VerifyMode.PROBE)
        self._comparison.company = replace(self.company, verify=None)

    async def _run(self) -> None:
        saved = self._saved
        wanted = self._books.wanted = _rows(saved)
        self._books.aside = saved.source_rows - saved.invalid - len(saved.changes)
        parked = await self._look_for_it()
        if saved.held_by:
            self._take(self._plan(), ())
            for problem in saved.held_by:
                self._stop_short(problem.code, f"held when the plan was made: {problem.message}", HELD)
            return
        if parked is not None:
            raise parked
        async with self._parts.ledger.lock(self._scope):
            before = await self._begun()
            acked = await self._settled()
            plan, resting = await self._checked(wanted, acked, before)
            self._take(plan, resting)
            if plan.changes:
                await self._carry_out(plan, acked)
            if self._ending is STOPPED:
                self._ending = None
            await self._note_end(is_begun=bool(before or plan.changes))

    async def _note_end(self, *, is_begun: bool) -> None:
        """Note that nothing of the plan is left to do, if that is so."""
        balance = self._books.balance()
        if is_begun and not (balance.deferred or balance.uncertain):
            with anyio.CancelScope(shield=True):
                await self._parts.ledger.end_plan(self._scope, self._applying.plan_id)
                await self._parts.ledger.passed(self._scope, None)

    async def _begun(self) -> Applied | None:
        """Return where the plan was begun here before and is to be finished. Raises `AppliedBefore`."""
        before = await self._parts.ledger.applied(self._scope, self._applying.plan_id)
        if before is None:
            return None
        when = f"{before.at:%Y-%m-%d %H:%M} UTC by run {before.run_ids[-1]}"
        if before.finished:
            raise AppliedBefore(f"this plan was applied here at {when}, and a plan is applied once")
        if not self._applying.resume:
            raise AppliedBefore(
                f"this plan was begun here at {when} and not finished: `dimsync apply` with --resume does"
            )
        return before

    async def _checked(self, wanted: Wanted, acked: Acknowledged, before: Applied | None) -> tuple[Plan, Resting]:
        """Return what of the plan is to be sent, and rows of it that were refused since.

        Raises `StalePlan` naming what has moved, and `ApiError`.
        """
        if moved := await self._moved(before):
            raise StalePlan(moved + ANEW)
        if not self._saved.changes:
            return self._plan(), ()
        if before is None:
            if not await self._comparison.still(acked):
                raise StalePlan("Ottimate has another number of rows than when the plan was made" + ANEW)
            return self._plan(), ()
        compared = await self._comparison.compare(wanted, acked)
        for hold in compared.plan.holds:
            raise StalePlan(f"row {hold.key!r} cannot be told any more: {hold.message}{ANEW}")
        done = len(self._saved.changes) - len(compared.plan.changes) - len(compared.resting)
        rest = replace(
            self._plan(),
            creates=compared.plan.creates,
            updates=compared.plan.updates,
            canaries=compared.plan.canaries,
            reverts=(),
            unchanged=self._saved.unchanged + done,
        )
        return rest, compared.resting

    async def _moved(self, before: Applied | None) -> str:
        """Return what the plan rests on that is not as it was; empty: nothing."""
        age = self._parts.now() - self._applying.made_at
        if not timedelta() <= age <= LONGEST:
            return f"the plan was made at {self._applying.made_at:%Y-%m-%d %H:%M} UTC, and is good for 24 hours"
        if self._saved.settings != settings_digest(self.company, self._parts):
            return "the company's settings have changed since the plan was made"
        now = await self._parts.ledger.generation(self._scope)
        if now != self._saved.generation and not (before and now.run_id in before.run_ids):
            by = f"by run {now.run_id}" if now.run_id else "by a command"
            return f"what the ledger knows of the company has changed since the plan was made, {by}"
        return ""

    def _plan(self) -> Plan:
        saved = self._saved
        return Plan(
            creates=saved.creates,
            updates=saved.updates,
            canaries=saved.canaries,
            reverts=saved.reverts,
            holds=saved.holds,
            unchanged=saved.unchanged,
            adopted=saved.adopted,
        )

    def _take(self, plan: Plan, resting: Resting) -> None:
        """Open the books: rows that the plan found held, invalid or rejected stand as they stood."""
        self._books.take_plan(plan, resting, listed_rows=None, dry=False, advice={})
        self._books.refused(self._saved.refused)

    async def _carry_out(self, plan: Plan, acked: Acknowledged) -> None:
        with anyio.CancelScope(shield=True):
            await self._parts.ledger.begin_plan(
                self._scope, self._applying.plan_id, self._parts.run_id, self._parts.now()
            )
            await self._brakes.remember(plan)
        await self._writing.write(plan, acked)


def _rows(saved: CompanyPlan) -> Wanted:
    """Return the plan's rows as if they were the source; all others are counted and not known."""
    return Wanted(rows=[change.row for change in saved.changes], source_rows=saved.source_rows, invalid=saved.invalid)
