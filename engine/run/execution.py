"""How a run goes: open channels, run the companies in order, add up, write down its end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import anyio

from engine.errors import LedgerError, SourceError
from engine.model.balance import Balance, ExitCode, worst
from engine.model.company_record import CompanyState
from engine.model.events import CompanyFinished, Event, RunFinished, RunStarted, SourceRead
from engine.model.known import recovered, with_since
from engine.model.origin import origin_of
from engine.model.outcome import Problem
from engine.model.result import AccountDay, CompanyResult, Requests, RunResult
from engine.model.settings import AccountCompany, Company, CompanyKey, NamedCompany, SourceRows
from engine.net.limits.budget import ListingBudget
from engine.observe.telemetry import Telling
from engine.run.accounts import RunAccounts
from engine.run.ahead import scheduled
from engine.run.company import CompanyRun
from engine.run.company_run import company_run
from engine.run.conclusion import late, not_written_down, too_many_held, with_totals
from engine.run.context import RunContext
from engine.run.dependencies import Dependencies
from engine.run.fleet import Fleet
from engine.run.loop_lag import watch_lag
from engine.run.run_events import RunEvents
from engine.run.schedule import rows_of, waves
from engine.run.sketches import Seen
from engine.run.tasks import Lines
from engine.run.work import Job, Work
from engine.sources.spools import Spools


class Execution:
    """One run, from its first line in the journal to its last. `execute` once; `stop` at any time.

    `result` is there when its last event is told.
    """

    def __init__(
        self,
        dependencies: Dependencies,
        work: Work,
        *,
        run_id: str,
        started_at: datetime,
        events: RunEvents,
        lines: Lines,
        telling: Telling,
    ) -> None:
        self._dependencies = dependencies
        self._ledger = dependencies.ledger
        self._work = work
        self._jobs = work.jobs
        self._run_id = run_id
        self._started_at = started_at
        self._started_s = 0.0  # on the event loop's clock
        self._events = events
        self._telling = telling
        self._origin = origin_of(dependencies.settings.api.base_url)
        self._accounts = RunAccounts(
            dependencies, work, origin=self._origin, lines=lines, emit=self._emit, listens=self._listens
        )
        self._refused: Mapping[int, SourceError] = {}  # companies that fail before any request
        self._finished: list[CompanyResult] = []  # as they were announced: the totals are checked against these
        self._fleet: Fleet | None = None
        self._stop_code: ExitCode | None = None
        self._is_late = False
        self.result: RunResult | None = None

    def stop(self, code: ExitCode = ExitCode.STOPPED) -> None:
        """End early: requests in flight are answered and written down, the rest is deferred. The first code stays."""
        if self._stop_code is None:
            self._stop_code = code
            self._events.wait_no_more()
            if self._fleet is not None:
                self._fleet.stop()

    async def execute(self) -> RunResult:
        """Do the work and return its outcome. Raises `LedgerError` when the journal cannot be begun."""
        self._started_s = anyio.current_time()
        with Spools(self._configured()) as spools:
            await self._begin(spools)
            accounts = {job.account.name: job.account for job in self._jobs}.values()
            companies = [NamedCompany(job.account.name, job.company.id) for job in self._jobs]
            await self._accounts.open(accounts, companies, self._started_s)
            mine = [AccountCompany(job.account.account_id, job.company.id) for job in self._jobs]
            days, states = await self._accounts.days(), await self._ledger.states(self._origin, mine)
            fleet = self._fleet = self._make_fleet(days, states)
            if self._stop_code is not None:
                fleet.stop()
            await self._run_companies(fleet, days, states)
            self.result = self._sum_up(fleet, spools)
        self.result = await self._write_down(self.result)
        await self._emit(RunFinished(result=self.result))
        return self.result

    async def _begin(self, spools: Spools) -> None:
        applying = self._work.applying
        if applying is not None and applying.resume:
            self._jobs = await self._unfinished(applying.plan_id)
        read = [job.company for job in self._jobs if self._work.mode.reads_source]  # a saved plan's rows are its own
        self._refused = self._dependencies.shared.refusals(read, self._configured())
        self._jobs = [_with_source(job, spools.source_of(job.company)) for job in self._jobs]
        await self._emit(RunStarted(run_id=self._run_id, companies=len(self._jobs)))
        verb, allowed = self._work.mode.verb, self._work.allowed_texts
        await self._ledger.start_run(self._run_id, verb, self._started_at, origin=self._origin, allowed=allowed)

    async def _unfinished(self, plan_id: str) -> Sequence[Job]:
        """Return the companies in which a plan that is resumed has something left to do; if in none, all of them."""
        left = []
        for job in self._jobs:
            company_key = CompanyKey(origin=self._origin, account=job.account.account_id, company_id=job.company.id)
            before = await self._ledger.applied(company_key, plan_id)
            if before is None or not before.finished:
                left.append(job)
        return left or self._jobs

    def _make_fleet(self, days: Iterable[AccountDay], states: Mapping[AccountCompany, CompanyState]) -> Fleet:
        context = replace(self._context(self._accounts.listing_budgets(days)), states=states)

        def start(turn: int) -> CompanyRun:
            name = self._jobs[turn].account.name
            return company_run(self._jobs[turn], self._accounts.channel(name), self._accounts.visible(name), context)

        names = [(job.company.id, job.company.name, job.account.name) for job in self._jobs]
        settings = self._dependencies.settings
        most_held = self._work.most_held(settings.fleet_share)
        return Fleet(names, start, self._emit, at_once=settings.companies_at_once, most_held=most_held)

    def _context(self, budgets: Mapping[str, ListingBudget]) -> RunContext:
        parts, work = self._dependencies, self._work
        return RunContext(
            run_id=self._run_id,
            origin=self._origin,
            dialect=parts.dialect,
            ledger=self._ledger,
            verify=parts.settings.verify,
            guards=parts.settings.guards,
            allowed=work.allowed,
            contract=parts.dialect.name,
            mode=work.mode,
            applying=work.applying,
            listing_budgets=budgets,
            fresh=work.fresh,
            now=parts.now,
            emit=self._emit,
            company_ids=frozenset(company.id for company in self._configured()),
            refused=self._refused,
            seen=Seen(now=parts.now, earlier=parts.earlier_sources),
        )

    def _configured(self) -> list[Company]:
        """Return every configured company, those of this run included, each once."""
        every = {company.id: company for company in self._dependencies.settings.companies}
        every.update((job.company.id, job.company) for job in self._jobs)
        return list(every.values())

    async def _run_companies(
        self, fleet: Fleet, days: Iterable[AccountDay], states: Mapping[AccountCompany, CompanyState]
    ) -> None:
        """Run all companies, known changes before listings; the deadline, if there is one, stops the run.

        `days`: what each API key may still use. `states`: what the ledger notes of each company. If an account's
        answers could not be read before, companies that tried in vain come last.
        """
        bounds, verify, now = self._work.bounds, self._dependencies.settings.verify, self._dependencies.now()
        await self._emit(scheduled(self._jobs, states, verify, now, days))
        rows = [rows_of(job, states.get(AccountCompany(job.account.account_id, job.company.id))) for job in self._jobs]
        async with anyio.create_task_group() as tasks:
            if self._telling.measures_lag:
                tasks.start_soon(watch_lag, self._telling.lagged)
            if bounds.seconds is not None:
                tasks.start_soon(self._stop_at, self._started_s + bounds.seconds)
            is_sparing = bounds.requests is not None or bounds.seconds is not None
            ordered = waves(self._jobs, states, verify, now, is_sparing=is_sparing)
            await fleet.run([sorted(wave, key=self._has_failed) for wave in ordered], rows)
            tasks.cancel_scope.cancel()

    def _has_failed(self, turn: int) -> bool:
        job = self._jobs[turn]
        return job.company.id in self._accounts.channel(job.account.name).trial.failed

    async def _stop_at(self, moment_s: float) -> None:
        await anyio.sleep_until(moment_s)
        self._is_late = True
        self.stop()

    def _sum_up(self, fleet: Fleet, spools: Spools) -> RunResult:
        empty = RunResult(
            run_id=self._run_id,
            verb=self._work.mode.verb,
            started_at=self._started_at,
            finished_at=self._dependencies.now(),
            elapsed_s=anyio.current_time() - self._started_s,
            exit_code=ExitCode.DONE,
            totals=Balance(),
            requests=Requests(),
            allowed=self._work.allowed_texts,
            is_part=self._is_part(),
        )
        result = with_totals(
            empty,
            [job.company.id for job in self._jobs],
            fleet.results(),
            finished=self._finished,
            spent=self._accounts.spent(),
            stop_code=self._stop_code,
        )
        rows_of_nobody = tuple(spools.problems())
        codes = (ExitCode(result.exit_code), *([ExitCode.REJECTED] if rows_of_nobody else []))
        problems = (*result.problems, *self._problems(fleet), *rows_of_nobody)
        return replace(result, exit_code=worst(codes), problems=problems)

    def _is_part(self) -> bool:
        chosen = {job.company.id for job in self._jobs}
        return any(company.write and company.id not in chosen for company in self._dependencies.settings.companies)

    def _problems(self, fleet: Fleet) -> list[Problem]:
        """Return the problems of the run as a whole."""
        found = self._accounts.problems()
        if self._is_late and self._work.bounds.seconds is not None:
            found.append(late(self._work.bounds.seconds))
        if fleet.is_held:
            found.append(too_many_held(fleet.held, len(self._jobs)))
        if self._work.mode.tells_notices:
            found += (*self._dependencies.notices, *self._dependencies.settings.notices)
            self._dependencies.notices.clear()
        return found

    async def _write_down(self, result: RunResult) -> RunResult:
        """Write down what was learnt of keys and fleets, and the run's end; return the result with each key's day."""
        try:
            await self._accounts.keep()
            result = replace(result, days=await self._accounts.days())
            mine = [NamedCompany(each.account, each.company_id) for each in result.companies]
            known = await self._ledger.known_problems(self._origin, mine)
            result = with_since(result, known)
            if self._work.mode.writes:
                result = replace(result, recovered=recovered(result, known))
            await self._ledger.finish_run(result)
            await self._keep_fleets()
            keep = timedelta(seconds=self._dependencies.settings.ledger_keep_s)
            if (before := await self._ledger.horizon(self._started_at, keep)) is not None:
                await self._ledger.prune(before)
        except LedgerError as error:
            return not_written_down(result, error)
        return result

    async def _keep_fleets(self) -> None:
        """Remember which companies a fleet's files stood for, so that a later run notices a file that is gone."""
        fleets: dict[str, list[AccountCompany]] = {}
        for job in self._jobs:
            if job.company.fleet:
                whose = AccountCompany(job.account.account_id, job.company.id)
                fleets.setdefault(job.company.fleet, []).append(whose)
        for fleet, companies in fleets.items():
            await self._ledger.keep_fleet(self._origin, fleet, companies)

    async def _emit(self, event: Event) -> None:
        """Take note of what an event tells of a company, and hand it on."""
        if isinstance(event, CompanyFinished):
            self._finished.append(event.result)
        elif isinstance(event, SourceRead) and self._fleet is not None:
            self._fleet.weigh(event.company_id, event.rows)
        self._telling.take(event)
        await self._events.emit(event)

    def _listens(self) -> bool:
        return self._events.is_watched or self._telling.listens()


def _with_source(job: Job, source: SourceRows) -> Job:
    """Return a company's part of the run with this source of its rows."""
    return job if source is job.company.source else replace(job, company=replace(job.company, source=source))
