"""A company's plan from its source: read, compared with as much of Ottimate as is needed, and put to the guards."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import ceil

import anyio

from engine.compare.backoff import failed_again, is_resting
from engine.compare.creates_only import hold_existing
from engine.compare.rekey import rekeyed
from engine.compare.subset import gone, subset
from engine.compare.taken_keys import hold_taken
from engine.errors import ApiError, UnsafePlan
from engine.guards.registry import FIGURE_GUARDS, WAY_OUT
from engine.model.change import Plan
from engine.model.company_record import KEY_MISMATCH, CompanyRecord, CompanyState
from engine.model.events import Planned, SourceRead
from engine.model.outcome import Problem
from engine.model.resting import NOT_LISTED, STORED_OTHERWISE
from engine.model.row_record import RowRecord
from engine.model.wanted import Wanted
from engine.run.company_context import CompanyContext
from engine.run.comparer import Compared
from engine.run.endings import FAILED, HELD, REFUSED, UNSAFE, code_of, stop
from engine.run.good_end import note_good_end
from engine.run.guarding import GuardCheck
from engine.run.plan_source import Decision, to_do_of
from engine.run.read_source import read_source
from engine.run.spellings import let_spellings, told_spellings
from engine.run.thinking import think


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFromSource:
    """Decides by a comparison of the source with Ottimate."""

    company: CompanyContext
    guard: GuardCheck

    def count_known(self) -> None:
        """Count nothing: no row is known before the source is read."""

    async def read(self, record: CompanyRecord | None = None) -> bool:
        """Read the source. Raises `SourceError`."""
        wanted = self._wants(await read_source(self.company, record))
        event = SourceRead(company_id=self.company.id, rows=wanted.source_rows, invalid=wanted.invalid)
        await self.company.run.emit(event)
        return True

    async def check_begun(self) -> None:
        """Pass: a comparison may be made again and again."""

    async def decide(self, record: CompanyRecord) -> Decision | None:
        """Compare, and ask the guards. None: the company rests, or a guard holds it."""
        company, state = self.company, record.state
        wanted = self._wants(rekeyed(self._source, record.wire_keys), record.wire_keys)
        if not self._compares_resting(state) and is_resting(state, wanted, company.run.now()):
            self._rest(state)
            return None
        if state.failure == REFUSED.code:
            company.channel.earlier.refused.add(company.id)
        await company.run.seen.take_source(company.company_key, wanted.rows, record)
        compared, plan = await self._compare(wanted, record)
        if company.run.mode.asks_guards and await self._is_held(plan, wanted, record):
            return None
        to_do = await think(compared.plan.size, partial(to_do_of, compared.plan, compared.resting))
        return Decision(plan=plan, to_do=to_do)

    async def note_refusal(self, error: ApiError, record: CompanyRecord) -> None:
        """Let the company rest, as its bulk requests are refused; unless its keys led nowhere, which is graver."""
        now = await self.company.run.ledger.read(self.company.company_key)
        if now.state.failure != KEY_MISMATCH:
            await self._note_failure(error, self._source, record.state)

    async def finish(self, record: CompanyRecord) -> None:
        """Remember a good end, unless something stopped the company, or the run was about some rows alone."""
        if self.company.job.only is None and self.company.ending.stopped is None:
            await note_good_end(self.company, record)

    @property
    def _source(self) -> Wanted:
        return self.company.counts.source or Wanted(rows=[], source_rows=0)

    def _wants(self, wanted: Wanted, wire_keys: Mapping[str, str] | None = None) -> Wanted:
        """Take the source's rows. A retry counts only the rows that it was asked for."""
        counts, job = self.company.counts, self.company.job
        counts.source = counts.wanted = wanted
        if job.only is not None:
            _, counts.wanted = subset(Plan(), wanted, self._asked(wire_keys or {}), job.corrected_in)
        return wanted

    def _asked(self, wire_keys: Mapping[str, str]) -> frozenset[str]:
        """Return the keys that are asked for, as the source has them and as they go on the wire."""
        asked = self.company.job.only or frozenset()
        return asked | {wire_keys[key] for key in asked if key in wire_keys}

    def _compares_resting(self, state: CompanyState) -> bool:
        """Return whether the company is compared although it rests. `--allow` never lifts a key-mismatch stop."""
        run = self.company.run
        if run.fresh or run.mode.compares_resting:
            return True
        return state.failure != KEY_MISMATCH and bool(self.company.allowed or run.mode.tries_resting)

    def _rest(self, state: CompanyState) -> None:
        """End a company that rests as it ended before, without a request."""
        code = state.failure or FAILED.code
        message = state.failure_message or ""
        if code in FIGURE_GUARDS:
            message = f"{message}; {self._way_out(code)}"
        self.company.ending.take(stop(code, message, HELD if code in UNSAFE else FAILED))
        until = f"before {state.retry_at:%Y-%m-%d %H:%M} UTC" if state.retry_at else "by itself"
        text = f"not tried in this run, and not tried again {until} unless its source changes"
        text = f"{text}; sync and plan try it now with --fresh"
        self.company.counts.fault(Problem(code="resting", message=text))

    async def _compare(self, wanted: Wanted, record: CompanyRecord) -> tuple[Compared, Plan]:
        """Return the comparison, and the part of its plan that this run is about."""
        company, counts, writes = self.company, self.company.counts, self.company.run.mode.writes
        try:
            compared = part = await company.comparison.compare(wanted, record)
        except (ApiError, UnsafePlan) as error:
            await self._note_failure(error, wanted, record.state)
            raise
        company.found.compared = compared
        counts.lets_spellings = STORED_OTHERWISE in company.allowed
        if not writes:
            company.found.generation = await company.run.ledger.generation(company.company_key)
        if company.job.only is not None:
            part = self._only(compared, wanted, record)
        if company.run.mode.creates_only:
            part = replace(part, plan=hold_existing(part.plan))
        take = partial(counts.take_plan, part.plan, part.resting, dry=not writes, advice=_advice(company.id))
        await think(part.plan.size, take)
        if writes:
            await self._note_spellings(part.plan.otherwise, record)
        await tell_planned(company, part.plan)
        return compared, part.plan

    async def _note_spellings(self, otherwise: Collection[str], record: CompanyRecord) -> None:
        """Note which of the server's spellings a person accepts, and which are told again, for a run that died."""
        if otherwise and self.company.counts.lets_spellings:
            await let_spellings(self.company, otherwise)
        elif record.unfinished and (retold := [key for key in otherwise if _is_untold(record.rows.get(key), record)]):
            await told_spellings(self.company, retold)

    def _only(self, compared: Compared, wanted: Wanted, record: CompanyRecord) -> Compared:
        """Return the part of a comparison that is about the rows that are asked for; no other is counted."""
        counts, job, keys = self.company.counts, self.company.job, self._asked(record.wire_keys)
        differs = {row.change.row.key for row in compared.resting}
        plan, counts.wanted = subset(compared.plan, wanted, keys, job.corrected_in, differs)
        plan = hold_taken(plan, self.company.comparison.view, compared.plan)  # a row that is left out stays as it is
        for key in sorted(set(gone(job.only or (), wanted)) - {row.key for row in wanted.rows}):
            self.company.found.lacks_rows = True
            counts.problem("not-in-source", "the source has it no more: there is nothing to send", key)
        resting = [row for row in compared.resting if row.change.row.key in keys]  # not listed: never sent again
        return replace(compared, plan=plan, resting=resting)

    async def _is_held(self, plan: Plan, wanted: Wanted, record: CompanyRecord) -> bool:
        """Return whether guards hold the company, and tell why."""
        held = await self.guard.holding(plan, wanted, record)
        for slug, message in held:
            self.company.ending.take(stop(slug, f"{message}; {self._way_out(slug)}", HELD))
        if held:
            self.company.counts.dry = False  # what was planned is held, in a plan, too
        return bool(held)

    def _way_out(self, slug: str) -> str:
        """Return what to type if a guard holds the company. It rests then, so that `plan` needs `--fresh`."""
        return (
            f"{WAY_OUT} `dimsync plan --select company:{self.company.id} --details --fresh`, and to let it pass once:"
            f" --allow {slug}:{self.company.id}"
        )

    async def _note_failure(self, error: ApiError | UnsafePlan, wanted: Wanted, before: CompanyState) -> None:
        """Let the company rest. If its keys led nowhere, which is graver, that note stays."""
        if before.failure != KEY_MISMATCH:
            run = self.company.run
            state = failed_again(before, wanted, code_of(error), str(error), run.now(), asked_for=run.fresh)
            with anyio.CancelScope(shield=True):
                await run.ledger.note(self.company.company_key, state)


def _is_untold(known: RowRecord | None, record: CompanyRecord) -> bool:
    """Return whether a run told of a row's spelling, and died before it was closed in the journal."""
    return known is not None and known.agreement is not None and known.agreement.told_by in record.unfinished


def _advice(company_id: int) -> dict[str, str]:
    """Return, by the guard's slug, what a person can do to let a held row pass."""
    return {
        "flapping": f"; --allow flapping:{company_id} pushes it back all the same",
        "look-alike": f"; if it is another one, --allow look-alike:{company_id} creates it",
        "key-shift": f"; `dimsync rekey {company_id}` shows how it can keep that key",
        "key-unconfirmed": f"; --allow canary:{company_id} tries one row of each type first",
        NOT_LISTED: f"; activate it in Ottimate, or --allow not-listed:{company_id} sends it once more",
    }


async def tell_planned(company: CompanyContext, plan: Plan) -> None:
    """Tell what is going to be sent."""
    await company.run.emit(
        Planned(
            company_id=company.id,
            evidence=str(company.comparison.evidence),
            unchanged=plan.unchanged,
            creates=len(plan.creates),
            updates=len(plan.updates) + len(plan.canaries),
            held=len(plan.holds),
            chunks=ceil(plan.size / company.chunk_rows) if company.run.mode.writes else 0,
        )
    )
