"""One run over many companies: started once, watched through its events, stopped if need be, ended with a result."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from math import inf
from random import Random
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import anyio

from engine.errors import EngineError, LedgerError, SourceError, plain
from engine.ledger.protocols import Ledger
from engine.model.balance import ExitCode, add, row_exit_codes, worst
from engine.model.events import CompanyFinished, Event, RequestSent, RunFinished, RunStarted, SourceRead
from engine.model.outcome import Problem
from engine.model.result import CompanyResult, Requests, RunResult
from engine.model.settings import Account, Allow, Company, CompanyKey, Settings
from engine.net.channel import Channel
from engine.net.feed import Feed
from engine.net.http.exchange import Transport
from engine.net.key import Key
from engine.net.limits.budget import Budget, ListingBudget
from engine.net.trouble.host import Host
from engine.run.company import CompanyRun
from engine.run.company_run import company_run
from engine.run.context import Applying, Bounds, Job, RunContext
from engine.run.fleet import Fleet
from engine.run.key_memory import KeyMemory
from engine.run.mode import Mode
from engine.run.schedule import rows_of, waves
from engine.run.tasks import Hosted, Lines, RunHost, drain, tell_loop
from engine.run.totals import agrees
from engine.run.visibility import Visible
from engine.sources.sharing import refusals
from engine.sources.spools import Spools
from engine.wire.dialect import Dialect

EVENTS_AHEAD = 256
"""Events that may wait for their reader before the run waits, too: enough for a burst of pages."""


def new_ledger(path: str) -> Problem:
    """Return what is said of a ledger that knows of no run yet."""
    text = (
        f"the ledger {path} is new: no run was written down in it before this one. If dimsync has run here before, what"
        " it knew is lost: put the ledger on a volume that stays, and use --expect-ledger"
    )
    return Problem(code="new-ledger", message=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """What an engine hands to each of its runs."""

    settings: Settings
    dialect: Dialect
    transport: Callable[[Account], Transport]
    key: Callable[[Account], Key]  # the same one for all runs
    host: RunHost  # keeps the run until it has ended
    notices: list[Problem]  # for the result of the run that ends first
    ledger: Ledger
    now: Callable[[], datetime]
    rng: Random


class Run:
    """A run that is under way: an async iterator of its events. `result` is there when they have ended.

    Its events are kept for their reader up to `EVENTS_AHEAD`, then the run waits; one that was stopped waits no more.
    """

    def __init__(
        self,
        wiring: Dependencies,
        mode: Mode,
        jobs: Sequence[Job],
        *,
        fresh: bool = False,
        allowed: frozenset[Allow] = frozenset(),
        applying: Applying | None = None,
        bounds: Bounds | None = None,
    ) -> None:
        self._wiring = wiring
        self._mode = mode
        self._jobs = jobs
        self._fresh = fresh
        self._allowed = allowed
        self._applying = applying
        self._bounds = bounds or Bounds()
        self._budget = Budget(left=self._bounds.requests)
        self._host = Host()
        self._is_late = False
        self._started_at = wiring.now()
        self.run_id = f"{self._started_at:%Y%m%dT%H%M%SZ}-{wiring.rng.getrandbits(32):08x}"
        self._feed = Feed[Event](EVENTS_AHEAD)
        self._origin = origin_of(wiring.settings.api.base_url)
        self._memory = KeyMemory(
            ledger=wiring.ledger, origin=self._origin, now=wiring.now, rests=mode.spares_accounts, fresh=fresh
        )
        self._finished: list[CompanyResult] = []  # as they were told of: the totals are held against these
        self._is_watched = False
        self._lines = Lines()
        self._hosted: Hosted | None = None  # None: not begun
        self._fleet: Fleet | None = None
        self._stop_code: ExitCode | None = None
        self._result: RunResult | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        """Return the next event. Raises `EngineError` once the run's block was left."""
        try:
            return await anext(self._feed)
        except anyio.ClosedResourceError:
            raise EngineError("the run's block was left, and with it its events: read them inside of it") from None

    @property
    def result(self) -> RunResult:
        """The outcome. Raises `EngineError` while the run has not ended."""
        if self._result is None:
            raise EngineError("the run has not ended: read its events to their end, or leave its block")
        return self._result

    def stop(self, code: ExitCode = ExitCode.STOPPED) -> None:
        """End early: requests in flight are answered and written down, the rest is deferred. The first code stays."""
        if self._stop_code is None:
            self._stop_code = code
            self._feed.widen()
            if self._fleet is not None:
                self._fleet.stop()

    def begin(self, *, watched: bool) -> None:
        """Begin the run in a task of its own. `watched`: somebody reads its events. Once; raises `EngineError`."""
        if self._hosted is not None:
            text = "this run was begun before: a call of `sync`, `plan` or the like gives one run, by its block or its"
            raise EngineError(f"{text} `result()`, once; call it again for another run")
        if not self._wiring.host.is_open:
            raise EngineError("the engine that this run was made by has been left: nothing can be sent any more")
        self._is_watched = watched
        self._hosted = self._wiring.host.take(
            self._execute(),
            name=f"{self._mode.verb} {self.run_id}",
            stop=self.stop,
            break_off=self._lines.break_off,
            longest_s=max((job.account.limits.timeout_s for job in self._jobs), default=0.0),
        )

    async def outcome(self) -> RunResult:
        """Wait for the end of a run that nobody watches. Cancelled, drain the run before the cancellation passes."""
        hosted = self._begun()
        try:
            await asyncio.wait({hosted.task})
        except asyncio.CancelledError as error:
            await drain([hosted], is_cancelled=True)
            self._raise_failure(error)
            raise
        self._raise_failure(None)
        return self.result

    async def leave(self, error: BaseException | None) -> None:
        """End the block in which the run was watched, with the error that ends it: stop the run and drain it."""
        hosted = self._begun()
        self._feed.leave()
        await drain([hosted], is_cancelled=isinstance(error, asyncio.CancelledError))
        self._raise_failure(error)

    def _begun(self) -> Hosted:
        if self._hosted is None:
            raise EngineError("the run has not begun")
        return self._hosted

    def _raise_failure(self, error: BaseException | None) -> None:
        """Raise what ended the run instead of a result, unless the caller has an error of its own.

        An `EngineError` of the caller is replaced, as the failure may be its cause ("the run has not ended"), and stays
        as the context. A failure that is not raised goes to the event loop's exception handler.
        """
        hosted = self._begun()
        failure = hosted.failure()
        if failure is None:
            return
        if error is None or isinstance(error, EngineError):
            raise failure
        tell_loop(failure, hosted.task)

    async def _execute(self) -> RunResult:
        try:
            with plain(), Spools(self._configured()) as spools:
                return await self._run(spools)
        finally:
            self._feed.end()

    async def _run(self, spools: Spools) -> RunResult:
        wiring, started_s = self._wiring, anyio.current_time()
        if self._applying is not None and self._applying.resume:
            self._jobs = await self._unfinished(self._applying)
        refused = self._refused()
        self._jobs = [
            replace(job, company=replace(job.company, source=spools.source_of(job.company))) for job in self._jobs
        ]
        await self._emit(RunStarted(run_id=self.run_id, companies=len(self._jobs)))
        allowed = self._allowed_texts()
        await wiring.ledger.start_run(
            self.run_id, self._mode.verb, self._started_at, origin=self._origin, allowed=allowed
        )
        channels = await self._open_channels(started_s)
        visible = {
            name: Visible(channel, wiring.ledger, self._origin, now=wiring.now, fresh=self._fresh)
            for name, channel in channels.items()
        }
        parts = self._parts(await self._rooms(channels), refused)

        def start(turn: int) -> CompanyRun:
            name = self._jobs[turn].account.name
            return company_run(self._jobs[turn], channels[name], visible[name], parts)

        names = [(job.company.id, job.company.name, job.account.name) for job in self._jobs]
        at_once = wiring.settings.companies_at_once
        self._fleet = Fleet(names, start, self._emit, at_once=at_once, most_held=self._most_held())
        if self._stop_code is not None:
            self._fleet.stop()
        await self._run_waves(self._fleet, channels, started_s)
        self._result = self._sum_up(self._fleet, channels.values(), anyio.current_time() - started_s)
        troubles = tuple(Problem(code="directory", message=one.trouble) for one in visible.values() if one.trouble)
        if self._host.down is not None:
            troubles = (Problem(code="host-down", message=str(self._host.down)),)
        if self._is_late:
            text = f"stopped after {self._bounds.seconds:g} s, the deadline; the next run goes on from there"
            troubles += (Problem(code="deadline", message=text),)
        if self._fleet.is_held:
            text = (
                f"{self._fleet.held:,} of {len(names):,} companies are held, so nothing more was begun: what have they"
            )
            troubles += (Problem(code="fleet", message=f"{text} in common? To go on all the same: --allow fleet"),)
        if self._mode.tells_notices:
            troubles += tuple(wiring.notices)
            wiring.notices.clear()
        if strays := tuple(spools.problems()):
            troubles += strays
            self._result = replace(self._result, exit_code=worst((self._result.exit_code, ExitCode.REJECTED)))
        self._result = replace(self._result, problems=(*self._result.problems, *troubles))
        try:
            for each in visible.values():
                await each.keep()
            await self._memory.keep(channels.values())
            self._result = replace(self._result, days=await self._memory.days(channels.values()))
            await wiring.ledger.finish_run(self._result)
            await self._keep_fleets()
            keep = timedelta(seconds=wiring.settings.ledger_keep_s)
            if (before := await wiring.ledger.horizon(self._started_at, keep)) is not None:
                await wiring.ledger.prune(before)
        except LedgerError as error:  # what was done is done, and is told all the same
            problem = Problem(code="ledger", message=f"the end of the run could not be written down: {error}")
            code = worst((ExitCode(self._result.exit_code), ExitCode.FAILED))
            self._result = replace(self._result, exit_code=code, problems=(*self._result.problems, problem))
        await self._emit(RunFinished(result=self._result))
        return self._result

    async def _run_waves(self, fleet: Fleet, channels: Mapping[str, Channel], started_s: float) -> None:
        """Run all companies, known changes before listings; the deadline, if there is one, stops the run.

        Where an account's answers are tried again, a company that tried in vain before comes last.
        """
        states = await self._wiring.ledger.states(self._origin)
        is_sparing = self._bounds != Bounds()
        now, verify = self._wiring.now(), self._wiring.settings.verify
        rows = [rows_of(job, states.get((job.account.account_id, job.company.id))) for job in self._jobs]
        async with anyio.create_task_group() as tasks:
            if self._bounds.seconds is not None:
                tasks.start_soon(self._stop_at, started_s + self._bounds.seconds)
            ordered = waves(self._jobs, states, verify, now, is_sparing=is_sparing)
            await fleet.run([sorted(wave, key=partial(self._is_tried, channels)) for wave in ordered], rows)
            tasks.cancel_scope.cancel()

    def _is_tried(self, channels: Mapping[str, Channel], turn: int) -> bool:
        job = self._jobs[turn]
        return job.company.id in channels[job.account.name].trial.failed

    async def _stop_at(self, moment_s: float) -> None:
        await anyio.sleep_until(moment_s)
        self._is_late = True
        self.stop()

    async def _unfinished(self, applying: Applying) -> Sequence[Job]:
        """Return the companies in which a plan that is resumed has something left to do; if in none, all of them."""
        left = []
        for job in self._jobs:
            company_key = CompanyKey(origin=self._origin, account=job.account.account_id, company_id=job.company.id)
            before = await self._wiring.ledger.applied(company_key, applying.plan_id)
            if before is None or not before.finished:
                left.append(job)
        return left or self._jobs

    async def _rooms(self, channels: Mapping[str, Channel]) -> dict[str, ListingBudget]:
        """Return what room each account has for listings: half of what is left of its day."""
        return {
            day.account: ListingBudget(left=day.left, budget=self._budget)
            for day in await self._memory.days(channels.values())
        }

    def _parts(self, rooms: Mapping[str, ListingBudget], refused: Mapping[int, SourceError]) -> RunContext:
        wiring = self._wiring
        return RunContext(
            run_id=self.run_id,
            origin=self._origin,
            dialect=wiring.dialect,
            ledger=wiring.ledger,
            verify=wiring.settings.verify,
            guards=wiring.settings.guards,
            allowed=self._allowed,
            contract=wiring.dialect.name,
            mode=self._mode,
            applying=self._applying,
            rooms=rooms,
            fresh=self._fresh,
            now=wiring.now,
            emit=self._emit,
            company_ids=frozenset(company.id for company in self._configured()),
            refused=refused,
        )

    async def _keep_fleets(self) -> None:
        """Remember which companies came by a fleet's files, so that a file which is there no more is missed."""
        fleets: dict[str, list[tuple[str, int]]] = {}
        for job in self._jobs:
            if job.company.fleet:
                fleets.setdefault(job.company.fleet, []).append((job.account.account_id, job.company.id))
        for fleet, companies in fleets.items():
            await self._wiring.ledger.keep_fleet(self._origin, fleet, companies)

    def _configured(self) -> list[Company]:
        """Return every configured company, those of this run included, each once."""
        every = {company.id: company for company in self._wiring.settings.companies}
        every.update((job.company.id, job.company) for job in self._jobs)
        return list(every.values())

    def _refused(self) -> dict[int, SourceError]:
        """Return why companies of this run fail before anything is asked. A saved plan's rows are its own."""
        read = [job.company for job in self._jobs if self._mode.reads_source]
        return refusals(read, self._configured())

    def _allowed_texts(self) -> tuple[str, ...]:
        was_allowed = self._applying.allowed if self._applying else ()
        return tuple(sorted({*map(str, self._allowed), *was_allowed}))

    def _most_held(self) -> int | None:
        """Return how many companies may be held before the run stops; None: all of them."""
        share = self._wiring.settings.fleet_share
        return None if share is None or "fleet" in self._allowed_texts() else int(share * len(self._jobs))

    async def _open_channels(self, started_s: float) -> dict[str, Channel]:
        """Return a channel for each account that has a company in this run."""
        channels = {}
        accounts = {job.account.name: job.account for job in self._jobs}.values()
        await self._wiring.ledger.carry_over(self._origin, {each.account_id: each.key_id for each in accounts})
        self._host = Host((job.account.name, job.company.id) for job in self._jobs)
        for account in accounts:
            key = self._wiring.key(account)
            channels[account.name] = Channel(
                key,
                self._wiring.settings.api,
                self._lines.over(self._wiring.transport(account)),
                emit=self._emit,
                now=self._wiring.now,
                rng=self._wiring.rng,
                budget=self._budget,
                host=self._host,
                give_up_at_s=started_s + (self._bounds.seconds or inf),
            )
            await self._memory.recall(channels[account.name])
        return channels

    def _sum_up(self, fleet: Fleet, channels: Iterable[Channel], elapsed_s: float) -> RunResult:
        """Return the run's result; totals that do not add up are a failure, whatever else happened."""
        companies = fleet.results()
        totals = add(company.balance for company in companies)
        codes = [ExitCode(company.exit_code) for company in companies]
        if self._stop_code is not None:
            codes.append(self._stop_code)
        codes += row_exit_codes(totals)
        problems: tuple[Problem, ...] = ()
        if not agrees([job.company.id for job in self._jobs], companies, totals, self._finished):
            codes.append(ExitCode.FAILED)
            problems = (Problem(code="unbalanced", message="the totals are not those of the companies that finished"),)
        spent = [company.requests for company in companies] + [channel.spent.requests() for channel in channels]
        return RunResult(
            run_id=self.run_id,
            verb=self._mode.verb,
            started_at=self._started_at,
            finished_at=self._wiring.now(),
            elapsed_s=elapsed_s,
            exit_code=worst(codes),
            totals=totals,
            requests=Requests.sum(spent),
            companies=companies,
            allowed=self._allowed_texts(),
            problems=problems,
        )

    async def _emit(self, event: Event) -> None:
        """Hand an event to the reader, if there is one who still listens."""
        if isinstance(event, CompanyFinished):
            self._finished.append(event.result)
        elif isinstance(event, SourceRead) and self._fleet is not None:
            self._fleet.weigh(event.company_id, event.rows)
        if self._is_watched:
            try:
                if isinstance(event, RequestSent):  # its part of the rate is taken: it may wait for nobody
                    self._feed.put(event)
                else:
                    await self._feed.send(event)
            except anyio.BrokenResourceError:
                self._is_watched = False


class Pending(AbstractAsyncContextManager[Run]):
    """A run that has not begun: `async with` it to watch it, or await `result()` for the outcome alone. Once.

    The run has a task of its own, which sees the caller's `contextvars`. It is stopped when its block is left early, by
    `break`, an error, a cancellation, or an async generator around it that nobody reads to its end, and when `result()`
    is cancelled; that waits until

    - requests in flight are answered, and what became of them is written down,
    - the run's end is in the ledger's journal, with the result as far as it got (exit code 5),

    for a request's timeout and 5 s at most (`asyncio.timeout` waits so long, too). Then the cancellation goes on to the
    caller. A second cancellation breaks off what is in flight: those rows are written down as of unknown outcome, the
    journal is closed, and that takes 5 s at most. A third one waits for nothing. Whatever was not written down then is
    as after a power cut: the intents are in the ledger, and the next run sends those rows again by their keys.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    async def result(self) -> RunResult:
        """Do the run and return its outcome. Cancelling it stops and drains the run first."""
        self._run.begin(watched=False)
        return await self._run.outcome()

    async def __aenter__(self) -> Run:
        self._run.begin(watched=True)
        return self._run

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._run.leave(error)


def origin_of(base_url: str) -> str:
    """Return what ledger entries are scoped by: scheme, host, port and path of the API, spelled one way."""
    parts = urlsplit(base_url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    return f"{parts.scheme}://{parts.hostname}:{port}{parts.path.rstrip('/')}"
