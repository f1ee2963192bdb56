"""Compare a company's wanted rows with one view of Ottimate: the pure rules in their order, off the event loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from engine.compare.agreed import Agreed, agreed
from engine.compare.attribution import attribute, spellings
from engine.compare.collision import collided, held, without
from engine.compare.flapping import flapping
from engine.compare.join import join
from engine.compare.matching import Matching
from engine.compare.plan import DiffRules, diff
from engine.compare.recent_refusals import without_resting
from engine.compare.remote_view import RemoteView
from engine.compare.taken_keys import hold_taken
from engine.model.change import Plan
from engine.model.company_record import KEY_MISMATCH, CompanyRecord
from engine.model.difference import Difference
from engine.model.outcome import Withheld
from engine.model.resting import RestingRow
from engine.model.settings import Adopt
from engine.model.wanted import Wanted
from engine.run.thinking import think


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A plan and what it rests on."""

    plan: Plan
    resting: list[Withheld]  # rows that are not in the plan although they differ: rejected or uncertain
    differences: tuple[Difference, ...] = ()  # where they are asked for
    spellings: tuple[Difference, ...] = ()  # of rows that Ottimate shows in a spelling of its own, as agreed
    collisions: Mapping[str, RestingRow] = field(default_factory=dict)  # those that this listing showed, by key


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparer:
    """How one company's rows are compared in this run."""

    relabel: bool
    needs_code: bool  # the contract demands a code
    allowed: frozenset[str]  # slugs of guards that a person lets pass
    asks_again: bool  # rows that were refused lately are sent all the same
    explains: bool  # what differs is told field by field
    now: Callable[[], datetime]

    async def compare(
        self, wanted: Wanted, index: RemoteView, record: CompanyRecord, adopt: Adopt
    ) -> tuple[Matching, Compared]:
        """Return which rows belong together, and the plan. `adopt`: what becomes of rows whose key is unconfirmed."""
        known = collided(wanted, record)
        wanted, rows = without(wanted, known), size_of(wanted, index)
        settled = await think(rows, partial(self._agreed, wanted, index, record, adopt))
        matching, compared = await think(rows, partial(self._decide, wanted, index, record, settled, adopt))
        if known:
            holds = tuple(sorted((*compared.plan.holds, *held(known))))
            compared = replace(compared, plan=replace(compared.plan, holds=holds))
        return matching, compared

    def _agreed(self, wanted: Wanted, index: RemoteView, record: CompanyRecord, adopt: Adopt) -> Agreed:
        return agreed(
            record.resource.wanted_table(wanted.rows),
            record.entries,
            index.rows,
            resource=record.resource,
            relabel=self.relabel,
            adopts=adopt is not Adopt.HOLD,
            tells_renamed=not self.explains,  # what differs is explained from pairs
        )

    def _decide(
        self, wanted: Wanted, index: RemoteView, record: CompanyRecord, settled: Agreed, adopt: Adopt
    ) -> tuple[Matching, Compared]:
        matching = join(wanted, index, record, alike="look-alike" in self.allowed, agreed=settled)
        matching = replace(matching, relabel=self.relabel)
        plan = diff(matching, index, record, self._rules(record, adopt))
        plan, resting = without_resting(plan, record, self.now(), again=self.asks_again, allowed=self.allowed)
        plan = hold_taken(plan, index)  # a row that rests keeps its type and ERP id, too
        differences: tuple[Difference, ...] = ()
        spelled: tuple[Difference, ...] = ()
        if self.explains:
            differences = attribute(matching, index, record, relabel=self.relabel, needs_code=self.needs_code)
            spelled = spellings(matching, record, relabel=self.relabel)
        return matching, Compared(plan=plan, resting=resting, differences=differences, spellings=spelled)

    def _rules(self, record: CompanyRecord, adopt: Adopt) -> DiffRules:
        """Return the rules of the plan. A company whose keys once led nowhere tries none out, even where it may."""
        led_nowhere = record.state.failure == KEY_MISMATCH
        return DiffRules(
            relabel=self.relabel,
            needs_code=self.needs_code,
            adopt=Adopt.TRUST if led_nowhere and adopt is Adopt.PUSH else adopt,
            canary="canary" in self.allowed and not led_nowhere,
            flapping=() if "flapping" in self.allowed else flapping(record, self.now()),
        )


def size_of(wanted: Wanted, view: RemoteView) -> int:
    """Return how many rows the larger side has: what work on both takes."""
    return max(len(wanted.rows), len(view))
