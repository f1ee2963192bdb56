"""Carrying out one company's part of a saved plan: exactly that, or nothing.

It rests on what the ledger knew, on the settings, and on how many rows were there. Where one of them has moved, the
plan is stale, and nothing is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import anyio

from engine.compare.subset import only
from engine.errors import AppliedBefore, StalePlan
from engine.guards.registry import ALLOWABLE
from engine.model.change import Plan
from engine.model.company_record import KEY_MISMATCH, STORED_OTHERWISE, CompanyRecord, linked_id
from engine.model.dimension import Dimension
from engine.model.outcome import Withheld
from engine.model.row_history import Applied
from engine.model.saved_plan import CompanyPlan
from engine.model.settings import Allow, Verify, VerifyMode
from engine.model.wanted import Wanted
from engine.net.channel import Channel
from engine.run.company import CompanyRun
from engine.run.context import Applying, Job, RunContext
from engine.run.endings import HELD, STOPPED
from engine.run.plan_part import settings_digest
from engine.run.visibility import Visible
from engine.run.write import to_do_of

LONGEST = timedelta(hours=24)
"""A plan is good for so long (DESIGN section 10)."""

Resting = Sequence[Withheld]

ANEW = "; nothing was sent: make a new plan"


class AppliedRun(CompanyRun):
    """One company's part of `dimsync apply`. Its source is not read: the rows are the plan's."""

    def __init__(
        self, job: Job, saved: CompanyPlan, applying: Applying, channel: Channel, visible: Visible, parts: RunContext
    ) -> None:
        super().__init__(job, channel, visible, parts)
        self._saved = saved
        self._applying = applying
        was_allowed = {slug for slug in ALLOWABLE if str(Allow(slug, job.company.id)) in applying.allowed}
        self._comparison.allowed = frozenset({"flapping", *was_allowed, *(["canary"] if saved.canaries else [])})
        self._books.lets_spellings = STORED_OTHERWISE in was_allowed
        self._comparison.verify = Verify(mode=VerifyMode.PROBE)
        self._comparison.company = replace(self.company, verify=None)

    async def _run(self) -> None:
        saved, books = self._saved, self._books
        if saved.source_rows is not None:
            books.wanted = Wanted(
                rows=[change.row for change in saved.changes],
                source_rows=saved.source_rows,
                invalid=saved.invalid,
                source_keys=dict(saved.source_keys),
            )
            books.aside = saved.source_rows - saved.invalid - len(saved.changes)
        parked = await self._look_for_it()
        for problem in saved.not_planned:
            raise StalePlan(
                f"it is not in the plan, as it could not be planned ({problem.code}: {problem.message}){ANEW}"
            )
        if saved.held_by:
            if saved.was_compared:
                self._take(self._plan(), ())
            for problem in saved.held_by:
                self._stop_short(problem.code, f"held when the plan was made: {problem.message}", HELD)
            return
        if parked is not None:
            raise parked
        async with self._parts.ledger.lock(self._scope):
            before = await self._begun()
            record = await self._settled()
            wanted = replace(books.wanted or Wanted(rows=[], source_rows=0), rows=list(_everything(saved, record)))
            plan, resting = await self._checked(wanted, record, before)
            self._take(plan, resting)
            books.wanted = books.source = wanted
            if plan.changes:
                await self._carry_out(plan, record, is_begun=before is not None)
            if self._ending is STOPPED:
                self._ending = None
            await self._note_end(record, is_begun=bool(before or plan.changes))

    async def _note_end(self, record: CompanyRecord, *, is_begun: bool) -> None:
        """Note that nothing of the plan is left to do, if that is so, and that all went well, likewise."""
        balance = self._books.balance()
        if is_begun and not (balance.deferred or balance.uncertain):
            with anyio.CancelScope(shield=True):
                await self._parts.ledger.end_plan(self._scope, self._applying.plan_id)
        if self._ending is None:
            await self._note_good_end(record)

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

    async def _checked(self, wanted: Wanted, record: CompanyRecord, before: Applied | None) -> tuple[Plan, Resting]:
        """Return what of the plan is to be sent, and rows of it that were refused since.

        Raises `StalePlan` naming what has moved, and `ApiError`.
        """
        if moved := await self._moved(record, before):
            raise StalePlan(moved + ANEW)
        if not self._saved.changes:
            return self._plan(), ()
        if before is None:
            if not await self._comparison.still(record):
                with anyio.CancelScope(shield=True):  # else the next plan would rest on the same ledger
                    await self._parts.ledger.checked(self._scope, None)
                raise StalePlan(f"Ottimate has another number of rows than when the plan was made{ANEW}")
            return self._plan(), ()
        await self._begin()
        keys = {change.row.key for change in self._saved.changes}
        compared = await self._comparison.compare(wanted, record)
        plan, _ = only(compared.plan, wanted, keys)
        resting = [row for row in compared.resting if row.change.row.key in keys]
        for hold in plan.holds:
            raise StalePlan(f"row {hold.key!r} cannot be told any more: {hold.message}{ANEW}")
        meant = {change.row.key for change in self._saved.creates}
        for change in plan.creates:
            if change.row.key not in meant:
                raise StalePlan(f"row {change.row.key!r} is not in Ottimate any more{ANEW}")
        return self._left(plan, len(resting)), resting

    def _left(self, plan: Plan, resting: int) -> Plan:
        """Return what is left of the saved plan: `plan` is to be sent, what else it meant to send is done."""
        done = len(self._saved.changes) - len(plan.changes) - resting
        return replace(
            self._plan(),
            creates=plan.creates,
            updates=plan.updates,
            canaries=plan.canaries,
            reverts=(),
            again=plan.again,
            unchanged=self._saved.unchanged + done,
        )

    async def _moved(self, record: CompanyRecord, before: Applied | None) -> str:
        """Return what the plan rests on that is not as it was; empty: nothing."""
        age = self._parts.now() - self._applying.made_at
        if not timedelta() <= age <= LONGEST:
            return f"the plan was made at {self._applying.made_at:%Y-%m-%d %H:%M} UTC, and is good for 24 hours"
        if record.state.failure == KEY_MISMATCH:
            return record.state.failure_message or "keys of the company led nowhere since the plan was made"
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
            again=saved.again,
            holds=saved.holds,
            unchanged=saved.unchanged,
            adopted=saved.adopted,
            code_unseen=saved.code_unseen,
        )

    def _take(self, plan: Plan, resting: Resting) -> None:
        """Open the books: rows that the plan found held, invalid or rejected stand as they stood."""
        self._books.take_plan(plan, resting, dry=False, advice={})
        self._books.refused(self._saved.refused)

    async def _carry_out(self, plan: Plan, record: CompanyRecord, *, is_begun: bool) -> None:
        if not is_begun:
            await self._begin()
        with anyio.CancelScope(shield=True):
            await self._brakes.remember(plan, record.state.passed)
        await self._write(plan, record, to_do_of(self._plan()))

    async def _begin(self) -> None:
        with anyio.CancelScope(shield=True):
            await self._parts.ledger.begin_plan(
                self._scope, self._applying.plan_id, self._parts.run_id, self._parts.now()
            )


def _everything(saved: CompanyPlan, record: CompanyRecord) -> Iterator[Dimension]:
    """Yield the plan's rows, and those that the ledger knows besides: the source as far as it can be told without it.

    What was an orphan when the plan was made is not in the source.
    """
    yield from (change.row for change in saved.changes)
    planned = {change.row.key for change in saved.changes}
    orphans = set(saved.orphans)
    for key, known in record.rows.items():
        if key not in planned and known.outcome_known and linked_id(key, known) not in orphans:
            yield known.row
