"""The guards of one company at work: what trips, what a person lets pass, and what is remembered of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import anyio

from engine.model.change import Plan
from engine.model.known import KEY_MISMATCH, Acknowledged
from engine.model.settings import Guards, Scope
from engine.model.wanted import Wanted
from engine.planning.guard import Figures, Trip, joined, marks, not_passed, trips, within, without
from engine.planning.rest import failed_again
from engine.planning.sketch import OTHER_SHARE, OWN_SHARE, Sketch, likest, own_share
from engine.run.parts import Parts


@dataclass(slots=True, kw_only=True)
class Brakes:
    """Looks at a plan before it is written."""

    scope: Scope
    parts: Parts
    guards: Guards
    allowed: frozenset[str]  # slugs
    planned: frozenset[str] = frozenset()  # keys of this run's plan, likewise
    remembered: bytes | None = None  # marks of this run's plan, where it could trip a guard when it is stopped

    async def holding(self, plan: Plan, wanted: Wanted, acked: Acknowledged, there: int) -> list[Trip]:
        """Return the guards that hold the company; it rests then. None: the plan passes, or a person lets it.

        A plan that passed is remembered until it is finished: what is left of it passes, too. `there`: remote rows.
        """
        state = acked.state
        figures = Figures(
            source_rows=wanted.source_rows,
            last_good_rows=state.last_good_rows,
            there=there,
            creates=not_passed(plan.creates, state.passed),
            updates=not_passed(plan.updates + (() if "canary" in self.allowed else plan.canaries), state.passed),
        )
        tripped = [*await self._another_clients(plan, wanted, acked), *trips(figures, self.guards)]  # the gravest first
        held = [trip for trip in tripped if trip.slug not in self.allowed]
        with anyio.CancelScope(shield=True):
            if held and state.failure != KEY_MISMATCH:
                slug, message = held[0]
                now, asked_for = self.parts.now(), self.parts.fresh
                await self.parts.ledger.note(
                    self.scope, failed_again(state, wanted, slug, message, now, asked_for=asked_for)
                )
            elif not held and self.parts.writes:
                await self.remember(plan, state.passed)
        return held

    async def remember(self, plan: Plan, passed: bytes | None) -> None:
        """Remember a plan that passed, where what is left of it could trip a guard, should it be stopped.

        `passed`: what is left of an earlier one, of which a retry is a part.
        """
        rows = min(self.guards.mass_create_rows, self.guards.mass_update_rows)
        if max(len(plan.creates), len(plan.updates)) > rows:
            known = marks(plan.changes)
            self.planned = frozenset(change.row.key for change in plan.changes)
            self.remembered = joined(passed, known) if self.parts.is_part else known
            await self.parts.ledger.passed(self.scope, self.remembered)

    async def finish(self, passed: bytes | None, done: Collection[str], to_do: Collection[str]) -> None:
        """Keep of what passed only the rows that are not done; `passed`: what the ledger had before.

        `to_do`: keys of all rows that differed; of a retry, which is a part, only what is `done` tells.
        """
        before = self.remembered or passed
        if before is None:
            return
        is_part = self.parts.is_part
        is_done = self.remembered is not None and not is_part and self.planned.issubset(done)
        left = None if is_done else without(before, done)
        if left is not None and not is_part:
            left = within(left, to_do)
        if left != before:
            await self.parts.ledger.passed(self.scope, left)

    async def _another_clients(self, plan: Plan, wanted: Wanted, acked: Acknowledged) -> list[Trip]:
        """Return a trip where the source is another client's: little is this company's, nearly all is another's."""
        if not acked.rows or not plan.changes or plan.unchanged * 2 >= len(wanted.rows):
            return []
        if own_share(wanted.rows, acked) >= OWN_SHARE:
            return []
        mine = (self.scope.account, self.scope.company_id)
        others = [
            (company_id, Sketch(rows, marks))
            for account, company_id, rows, marks in await self.parts.ledger.sketches(self.scope.origin)
            if (account, company_id) != mine
        ]
        likeness = likest(wanted.rows, others)
        if likeness is None or likeness.share <= OTHER_SHARE:
            return []
        whose = f"company {likeness.company_id}'s, and few are this one's"
        text = f"some {likeness.share:.0%} of the source's rows are {whose}"
        return [Trip("wrong-client", f"{text}: has its file been swapped?")]
