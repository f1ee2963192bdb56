"""One company from source to result. The page to read first.

Source -> what the ledger knows -> as much reading as is needed -> plan -> chunks -> outcomes, under the company's lock.
Whatever stops it, `result()` accounts for every source row.
"""

from __future__ import annotations

from engine.errors import AccountParked, CompanyRefused, EngineError, LedgerError, OutOfScope
from engine.model.change import Plan
from engine.model.company_record import CompanyRecord, CompanyState
from engine.model.events import CompanyStarted, SourceRead
from engine.model.result import CompanyResult
from engine.run.as_before import is_as_before, may_be_as_before, tell_pages
from engine.run.by_lines import goes_by_lines
from engine.run.company_context import CompanyContext
from engine.run.company_result import result_of, thought_of
from engine.run.decide import tell_planned
from engine.run.endings import stop_of
from engine.run.guarding import GuardCheck
from engine.run.open_record import open_record, share
from engine.run.plan_source import Decision, PlanSource
from engine.run.same_rows import has_same_rows
from engine.run.skip_unchanged import skip_unchanged
from engine.run.thinking import free
from engine.run.visibility import Visible
from engine.run.write import write


class CompanyRun:
    """One company's part of a run. `run` raises no `EngineError`; `result` may be asked whenever, however it ends.

    Its parts know nothing of it: they count rows in `company.counts` and stop in `company.ending`, or raise.
    """

    def __init__(self, company: CompanyContext, plans: PlanSource, guard: GuardCheck, visible: Visible) -> None:
        self._company = company
        self._plans = plans
        self._guard = guard
        self._visible = visible
        self._record: CompanyRecord | None = None  # None: not read

    async def run(self) -> None:
        """Take all steps. An `EngineError` ends here, as a problem of the company's result."""
        company, run = self._company, self._company.run
        await run.emit(CompanyStarted(company_id=company.id, name=company.job.company.name))
        try:
            if (refused := run.refused.get(company.id)) is not None:
                raise refused
            run.seen.begin(company.id)
            await self._run()
        except EngineError as error:
            company.ending.take(stop_of(error))
        finally:
            run.seen.end(company.id)
        company.found.result = company.found.result or await thought_of(company)

    async def _run(self) -> None:
        company, plans = self._company, self._plans
        plans.count_known()
        parked = await self._find()
        before = self._before() if parked is None else None
        if await self._is_done(before):
            return
        if parked is None and goes_by_lines(company):
            async with company.run.ledger.lock(company.company_key):
                await self._read_and_write(before, await open_record(company))
            return
        if not await plans.read():
            return
        if parked is not None:
            raise parked
        async with company.run.ledger.lock(company.company_key):
            if not await has_same_rows(company, before):
                await self._decide_and_write()

    async def _read_and_write(self, before: CompanyState | None, record: CompanyRecord | None) -> None:
        """Read the source under the company's lock, and take the steps that need the lock. `before`: as of `_before`.

        `record`: what the ledger knows, if it may tell lines of the source.
        """
        if await self._plans.read(record) and not await has_same_rows(self._company, before):
            await self._decide_and_write(record)

    async def _decide_and_write(self, record: CompanyRecord | None = None) -> None:
        """Take the steps that need the company's lock. `record`: what the ledger knows, if it was read before."""
        company, plans = self._company, self._plans
        await plans.check_begun()
        self._record = record = record or await open_record(company)
        await share(company, record)
        decision = await plans.decide(record)
        if decision is None:
            return
        if company.run.mode.writes and decision.is_begun:
            await self._write(decision, record)
        company.ending.reached()
        await plans.finish(record)

    def result(self) -> CompanyResult:
        """Return the company's part of the run's result, as it stands."""
        return self._company.found.result or result_of(self._company)

    async def free(self) -> None:
        """Free the rows of a giant piece by piece, and keep the result.

        To free 100,000 rows at once holds the event loop for 30 ms; to free what was planned for them, as long again.
        """
        company, record = self._company, self._record
        company.found.result = self.result()
        source = company.counts.source
        planned = (plan.creates, plan.updates) if (plan := company.counts.plan) else ()
        company.counts.plan = company.found.compared = None
        rows = source.rows if source else ()
        await free(*planned, company.comparison.remotes, record.entries if record else (), rows)

    async def _find(self) -> AccountParked | None:
        """Make sure that the company may be seen, or raise `OutOfScope`.

        If the account is stopped, the error is returned rather than raised: the source is still read and counted.
        """
        company = self._company
        try:
            seen = await self._visible.company(company.id)
        except AccountParked as parked:
            return parked
        company.found.name = company.job.company.name or (seen.name if seen else "")
        return None

    def _before(self) -> CompanyState | None:
        """Return the ledger's notes on the company as the run began; None: they cannot show that it is as it was."""
        before = skip_unchanged(self._company).before()
        return None if before is None or not may_be_as_before(self._company, before) else before

    async def _is_done(self, before: CompanyState | None) -> bool:
        """Return whether the company is done: nothing has changed since a run that found nothing to do.

        If Ottimate was read for that and has changed, the company is compared and done under the same lock: what was
        read is of this moment. `before`: as of `_before`.
        """
        company, skip = self._company, skip_unchanged(self._company)
        if skip.applies:
            tell_pages(company)
        if before is None:
            return False
        async with skip.held(before) as state:
            if state is None:
                return False
            if company.comparison.rests_on(state) or await is_as_before(company, state):
                rows = state.clean_rows or 0
                company.counts.take_unchanged(rows, state.clean_adopted or 0, state.clean_left_out)
                company.ending.reached()
            elif company.comparison.early is None:
                return False
            else:
                await self._read_and_write(None, await open_record(company) if goes_by_lines(company) else None)
                return True
        await company.run.emit(SourceRead(company_id=company.id, rows=rows, invalid=0))
        await tell_planned(company, Plan(unchanged=rows))
        return True

    async def _write(self, decision: Decision, record: CompanyRecord) -> None:
        """Send a plan. A company whose bulk requests alone are refused rests."""
        try:
            await self._send(decision, record)
        except (CompanyRefused, OutOfScope) as error:
            await self._plans.note_refusal(error, record)
            raise

    async def _send(self, decision: Decision, record: CompanyRecord) -> None:
        """Send a plan. Unless the ledger has failed, remember what is left of a plan that passed the guards."""
        company, is_written_down = self._company, True
        try:
            await write(company, decision.plan, record, decision.to_do)
        except LedgerError:
            is_written_down = False
            raise
        finally:
            if is_written_down:
                rows = company.counts.source.rows if company.counts.source else ()
                await self._guard.finish(record.state.passed, rows, company.counts.done, decision.to_do)
