"""Ask the guards about one company's plan: what they find, what a person lets pass, and what is remembered of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import anyio

from engine.compare.backoff import failed_again
from engine.guards.approved_plan import joined, marks_of, not_passed, within, without
from engine.guards.damaged_text import damaged
from engine.guards.left_out import left_out
from engine.guards.swapped_source import Asked, is_plainly_own, whose
from engine.guards.volume import Figures, Violation, violations
from engine.model.change import Plan, together
from engine.model.company_record import KEY_MISMATCH, CompanyRecord, CompanyState
from engine.model.dimension import Dimension
from engine.model.settings import Guards
from engine.model.table import distinct, has_all
from engine.model.wanted import Wanted
from engine.run.company_context import CompanyContext
from engine.run.thinking import think


@dataclass(slots=True, kw_only=True)
class GuardCheck:
    """Looks at a plan before it is written."""

    company: CompanyContext
    planned: Collection[str] = ()  # keys of this run's plan, where it is remembered
    remembered: bytes | None = None  # marks of this run's plan, where it could trip a guard when it is stopped

    @property
    def guards(self) -> Guards:
        """The limits that are set for the company."""
        return self.company.comparison.guards

    async def holding(self, plan: Plan, wanted: Wanted, record: CompanyRecord) -> list[Violation]:
        """Return the guards that hold the company; it rests then. None: the plan passes, or a person lets it.

        A plan that passed is remembered until it is finished: what is left of it passes, too.
        """
        state = record.state
        figures = await think(plan.size if state.passed else 0, partial(self._figures, plan, wanted, state))
        tripped = [
            *await self._another_clients(plan, wanted, record),
            *await self._source_signs(plan, wanted, record),
            *violations(figures, self.guards),
        ]  # the gravest first, and a cause before what follows from it
        held = [trip for trip in tripped if trip.slug not in self.company.allowed]
        if held and state.failure != KEY_MISMATCH:
            slug, message = held[0]
            now, asked_for = self.company.run.now(), self.company.run.fresh
            rests = failed_again(state, wanted, slug, message, now, asked_for=asked_for)
            with anyio.CancelScope(shield=True):
                await self.company.run.ledger.note(self.company.company_key, rests)
        elif not held and self.company.run.mode.writes:
            await self.remember(plan, state.passed)
        return held

    def _figures(self, plan: Plan, wanted: Wanted, state: CompanyState) -> Figures:
        updates = together(plan.first_updates, () if "canary" in self.company.allowed else plan.canaries)
        return Figures(
            source_rows=wanted.source_rows,
            last_good_rows=state.last_good_rows,
            there=self.company.comparison.there,
            creates=not_passed(plan.creates, state.passed),
            updates=not_passed(updates, state.passed),
        )

    async def remember(self, plan: Plan, passed: bytes | None) -> None:
        """Remember a plan that passed, if a guard could hold the rest of it after an interruption.

        `passed`: what is left of an earlier plan that passed; a retry adds its rows to that.
        """
        rows = min(self.guards.mass_create_rows, self.guards.mass_update_rows)
        if max(len(plan.creates), len(plan.updates)) > rows:
            self.planned, known = await think(plan.size, partial(_marked, plan))
            self.remembered = joined(passed, known) if self.company.run.mode.is_part else known
            with anyio.CancelScope(shield=True):
                await self.company.run.ledger.passed(self.company.company_key, self.remembered)

    async def finish(
        self, passed: bytes | None, rows: Sequence[Dimension], done: Collection[str], to_do: Collection[str]
    ) -> None:
        """Remember only the rows of the plan that are not done yet. `passed`: what the ledger remembered before.

        `rows`: the source's. `to_do`: keys of all rows that differed; not used for a retry, which compares some rows
        alone: it only takes away what is `done`.
        """
        before = self.remembered or passed
        if before is None:
            return
        with anyio.CancelScope(shield=True):
            left = await think(len(rows), partial(self._left, before, rows, done, to_do))
            if left != before:
                await self.company.run.ledger.passed(self.company.company_key, left)

    def _left(
        self, before: bytes, rows: Iterable[Dimension], done: Collection[str], to_do: Collection[str]
    ) -> bytes | None:
        is_part = self.company.run.mode.is_part
        if self.remembered is not None and not is_part and has_all(done, self.planned):
            return None
        left = without(before, (row for row in rows if row.key in done))
        if left is not None and not is_part:
            left = within(left, (row for row in rows if row.key in to_do))
        return left

    async def _source_signs(self, plan: Plan, wanted: Wanted, record: CompanyRecord) -> list[Violation]:
        """Return violations that the source itself shows: rows that its mapping leaves out, damaged texts."""
        before = record.good if wanted.left_out else None
        remotes, guards = self.company.comparison.remotes, self.guards
        return await think(
            len(wanted.rows),
            lambda: [*left_out(wanted, before, guards), *damaged(plan, wanted, record, remotes, guards)],
        )

    async def _another_clients(self, plan: Plan, wanted: Wanted, record: CompanyRecord) -> list[Violation]:
        """Return a violation if a sign shows that the source is another client's.

        At first contact it is asked again once this run has read the other sources, which may show a template.
        """
        asked = Asked(
            company_id=self.company.company_key.company_id,
            rows=wanted.rows,
            plan=plan,
            record=record,
            remotes=self.company.comparison.remotes,
            others=self.company.run.company_ids - {self.company.company_key.company_id},
        )
        await self.company.run.seen.take_listing(self.company.company_key, self.company.comparison)
        if is_plainly_own(asked, self.guards):
            return []
        found = await self._whose(asked)
        if found is not None and record.state.last_good_rows is None:
            await self.company.run.seen.until_read()
            found = await self._whose(asked)
        return [] if found is None else [found]

    async def _whose(self, asked: Asked) -> Violation | None:
        charts, fresh = await self.company.run.seen.charts(self.company.company_key, self.company.run.ledger)
        return await think(len(asked.rows), partial(whose, asked, charts, fresh, self.guards))


def _marked(plan: Plan) -> tuple[Collection[str], bytes]:
    """Return the keys of a plan's rows, and their marks."""
    return distinct(plan.keys), marks_of(plan.changes)
