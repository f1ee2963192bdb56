"""The engine: wires the parts together. The one way in for programs, and the command line is one of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random, SystemRandom
from types import TracebackType
from typing import TYPE_CHECKING, Self

import anyio

from engine.compare.rekey import Rekey
from engine.documents.plan_file import saved_plan
from engine.errors import ConfigError, EngineError
from engine.ledger.opening import open_ledger
from engine.ledger.protocols import Ledger
from engine.ledger.remembered import Remembered
from engine.model.dimension import Dimension, RemoteRow, clean
from engine.model.directory import Directory, VisibleAccount
from engine.model.invoice import Invoice, Lookup
from engine.model.origin import origin_of
from engine.model.outcome import Problem
from engine.model.past_run import CompanyInRun, PastResult
from engine.model.quota import QuotaDay
from engine.model.result import PastRun, RunResult
from engine.model.saved_plan import SavedPlan
from engine.model.settings import Account, Allow, Company, CompanyKey, RawRow, Settings, VerifyMode
from engine.model.standing import Standing
from engine.observe.telemetry import Telemetry
from engine.run.arguments import (
    account_of,
    allowances_of,
    companies_of,
    company_of,
    plan_of,
    refuse_other_parts,
    result_of,
    rows_of,
    settings_of,
)
from engine.run.company_api import CompanyApi
from engine.run.conclusion import new_ledger
from engine.run.connections import Connections
from engine.run.dependencies import Dependencies
from engine.run.event_loop import require_asyncio
from engine.run.inspect import Explanation, changed_keys, explain
from engine.run.known_accounts import KnownAccounts
from engine.run.looks import Looks
from engine.run.lookup import invoices_of, look_up_all
from engine.run.mode import APPLY, CHECK, CREATE, PLAN, PUT, RETRY, SYNC, Mode
from engine.run.remote_rows import CompanyRows
from engine.run.run import Pending, Run
from engine.run.shared_sources import SharedSources
from engine.run.sketches import EarlierSources
from engine.run.tasks import RunHost
from engine.run.validation import refuse_foreign, refuse_twice, refuse_unapproved, sound_allowances, sound_dialect
from engine.run.work import Applying, Bounds, Job, Work, for_rows, with_plans

if TYPE_CHECKING:
    import aiohttp


class Engine:
    """Syncs companies' dimensions. Brings its own HTTP session and ledger, or takes yours and leaves them open.

        async with Engine(settings) as engine:
            async with engine.sync(companies) as run:
                async for event in run: ...
            result = run.result
            result = await engine.sync(companies).result()   # or only the outcome

    One engine serves one event loop; several runs of different companies may go on at once. `telemetry` is told of all
    that it does, as `OpenTelemetry()` is.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        session: aiohttp.ClientSession | None = None,
        ledger: Ledger | None = None,
        now: Callable[[], datetime] | None = None,
        rng: Random | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        refuse_other_parts(session, ledger)
        self._settings = settings_of(settings)
        self._origin = origin_of(settings.api.base_url)
        self._ledger_handed_in = ledger
        self._ledger = ledger  # the one in use; None: not opened
        self._now = now or _utc_now
        self._rng = rng or SystemRandom()
        self._accounts = KnownAccounts(settings.accounts)
        self._configured = {company.id: company for company in settings.companies}
        self._dialect = sound_dialect(settings)
        self._telemetry = telemetry
        self._connections = Connections(
            settings, self._accounts, session=session, now=self._now, rng=self._rng, telemetry=telemetry
        )
        self._host = RunHost()
        self._shared = SharedSources()
        self._earlier_sources = EarlierSources()
        self._notices: list[Problem] = []
        self._is_entered = False
        self._own = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Open the ledger. Raises `EngineError` unless an asyncio event loop runs here, and `LedgerError`."""
        if self._is_entered:
            text = "this engine has been entered and not left yet: share the engine that its `async with` gives,"
            raise EngineError(f"{text} or make a second one")
        require_asyncio()
        self._is_entered = True
        try:
            async with AsyncExitStack() as opened:
                if self._ledger is None:
                    self._ledger = own = await open_ledger(self._settings.ledger_url)
                    opened.push_async_callback(own.aclose)
                    self._notices = [new_ledger(own.name)] if own.is_new else []
                await opened.enter_async_context(self._connections.opened(self._ledger))
                self._own = opened.pop_all()
        except BaseException:
            self._forget()
            raise
        self._host.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the runs that other tasks have under way, wait for what they have in flight, and close what is ours.

        `Pending` says how long it waits, and what a cancellation does meanwhile.
        """
        try:
            await self._host.close(is_cancelled=isinstance(error, asyncio.CancelledError))
        finally:
            with anyio.CancelScope(shield=True):
                await self._close()

    async def _close(self) -> None:
        try:
            await self._own.aclose()
        finally:
            self._forget()

    def _forget(self) -> None:
        """Return to the state before it was entered. What was handed in stays."""
        self._ledger = self._ledger_handed_in
        self._is_entered = False

    def sync(
        self,
        companies: Iterable[Company],
        *,
        fresh: bool = False,
        allow: Iterable[Allow] = (),
        budget: int | None = None,
        deadline_s: float | None = None,
    ) -> Pending:
        """Bring the companies' remote rows to their sources. Read-only companies (`write=False`) are left out.

        `fresh`: companies that rest after a failed reading are read all the same. `allow`: guards that a person lets
        pass in this run; it is written into the journal. `budget`: requests that it may send, tokens apart;
        `deadline_s`: seconds after which it stops. With either, known changes are sent before any listing.
        """
        chosen = [company for company in companies_of(companies) if company.write]
        bounds = Bounds(requests=budget, seconds=deadline_s)
        return self._pending(SYNC, self._jobs(chosen), fresh=fresh, allow=allow, bounds=bounds)

    def plan(
        self,
        companies: Iterable[Company],
        *,
        fresh: bool = False,
        allow: Iterable[Allow] = (),
        budget: int | None = None,
        deadline_s: float | None = None,
    ) -> Pending:
        """Read and compare, and write nothing remote: `created` and `updated` are the intended counts."""
        bounds = Bounds(requests=budget, seconds=deadline_s)
        return self._pending(PLAN, self._jobs(companies), fresh=fresh, allow=allow, bounds=bounds)

    def check(self, companies: Iterable[Company], *, verify: VerifyMode = VerifyMode.FULL) -> Pending:
        """Read and compare, tell what differs and who made it so (`CompanyResult.differences`); no guard is asked."""
        listed = [
            replace(company, verify=replace(company.verify or self._settings.verify, mode=verify))
            for company in companies_of(companies)
        ]
        return self._pending(CHECK, self._jobs(listed))

    def saved_plan(self, result: RunResult) -> SavedPlan:
        """Return what a run of `plan` found, to be shown, saved (`save_plan`), approved and carried out (`apply`).

        Raises `ConfigError` for the result of another verb.
        """
        if result_of(result).verb != PLAN.verb:
            raise ConfigError(f"the run {result.run_id} is a {result.verb}: a plan is saved of what `plan` found")
        return saved_plan(result, origin=self._origin, contract=self._dialect.name)

    def apply(
        self, saved: SavedPlan, companies: Iterable[Company], *, approved: str | None = None, resume: bool = False
    ) -> Pending:
        """Carry out a saved plan, exactly, in those of its companies that are given (read-only ones are left out).

        A company whose plan has gone stale, or was begun before, is skipped (exit 7); `resume` finishes what was begun.
        `approved`: the `plan_digest` of the plan that a person has approved. Raises `ConfigError` for a plan of another
        API or contract, or another one than was approved.
        """
        refuse_foreign(plan_of(saved), self._origin, self._dialect.name)
        refuse_unapproved(saved, approved)
        writable = [company for company in companies_of(companies) if company.write]
        jobs = with_plans(self._jobs(writable), saved.companies)
        applying = Applying(plan_id=saved.plan_id, made_at=saved.made_at, resume=resume, allowed=saved.allowed)
        return self._pending(APPLY, jobs, applying=applying)

    def retry(
        self,
        companies: Iterable[Company],
        keys: Mapping[int, Collection[str]],
        *,
        corrected: Mapping[int, Sequence[RawRow]] | None = None,
        corrected_in: str | None = None,
        allow: Iterable[Allow] = (),
    ) -> Pending:
        """Send these source keys' rows alone, with the source's values; the result counts no other row.

        Exit code 0 says that each of these rows is in order now: one that the source has no more makes it 3. `keys`: by
        company id, trimmed and put into NFC as sources' keys are. `corrected`: rows that take the place of the
        source's; `corrected_in`: what their file is called in messages.
        """
        writable = self._jobs(company for company in companies_of(companies) if company.write)
        jobs = for_rows(writable, keys, corrected or {}, corrected_in)
        return self._pending(RETRY, jobs, allow=allow)

    def put(self, company: Company, row: Dimension, *, allow: Iterable[Allow] = ()) -> Pending:
        """Create or update one row; the company's other rows are neither counted nor changed, and no source is read.

        A run of its own, as safe as a sync: under the company's lock, compared with what Ottimate has, held by the
        guards that look at single rows (`look-alike` ...; not by those that count), known to the ledger. A row whose
        key the ledger knows costs one request at most; a new one a probe besides, and first contact a listing. The next
        sync finds the row unchanged if the source has it by then; otherwise it is an orphan. Raises `ConfigError` for a
        company that is read-only (`write=False`).
        """
        return self._put(company, [row], allow=allow, creates_only=False)

    def _put(
        self, company: Company, rows: Iterable[Dimension], *, allow: Iterable[Allow], creates_only: bool
    ) -> Pending:
        """Return the run that writes these rows of a company, and no others. `creates_only`: what is there stays."""
        given = rows_of(rows)
        if not company_of(company).write:
            raise ConfigError(f"company {company.id} is read-only (write = false): nothing is written to it")
        keys = frozenset(clean(row.key) for row in given)
        jobs = self._jobs([replace(company, source=_given(given))] if given else [])
        return self._pending(CREATE if creates_only else PUT, [replace(job, only=keys) for job in jobs], allow=allow)

    def _jobs(self, companies: Iterable[Company]) -> list[Job]:
        jobs = [Job(company=company, account=self._owner(company)) for company in companies_of(companies)]
        refuse_twice([job.company for job in jobs])
        return jobs

    def _pending(
        self,
        mode: Mode,
        jobs: list[Job],
        *,
        fresh: bool = False,
        allow: Iterable[Allow] = (),
        applying: Applying | None = None,
        bounds: Bounds | None = None,
    ) -> Pending:
        dependencies = Dependencies(
            settings=self._settings,
            dialect=self._dialect,
            key=self._connections.key,
            host=self._host,
            shared=self._shared,
            earlier_sources=self._earlier_sources,
            notices=self._notices,
            transport=self._connections.transport,
            ledger=self._opened(),
            now=self._now,
            rng=self._rng,
            telemetry=self._telemetry,
        )
        work = Work(
            mode=mode,
            jobs=jobs,
            fresh=fresh,
            allowed=sound_allowances(allowances_of(allow), [job.company for job in jobs]),
            applying=applying,
            bounds=bounds or Bounds(),
        )
        return Pending(Run(dependencies, work))

    def client(self, company: int | Company, account: str | None = None) -> CompanyApi:
        """Return one company's API, to look at and to write to, under the account's limits and token.

        `company`: a company, or an id: of the company with this id in `Settings.companies`, or else of one of which
        nothing but the id is known. `account`: in place of the company's. Raises `ConfigError` for an invalid id, and
        for an account that is not there.
        """
        if isinstance(company, Company):
            one = company
        elif type(company) is int and company in self._configured:
            one = self._configured[company]
        else:
            one = Company(id=company, source=_given(()))
        one = one if account is None else replace(one, account=account)
        return CompanyApi(one, self._owner(one), self._looks(), self._put)

    def add_account(self, account: Account) -> None:
        """Take one more account, such as that of a client who has just come; companies may name it from now on.

        To add an equal account once more changes nothing, so a worker may add the account of each job. Raises
        `ConfigError` for another account with a known name, account id or API key. Credentials that change come from a
        provider (`Account.credentials`): give all accounts the same function, since with another one they are unequal.
        """
        self._accounts.add(account_of(account))

    async def directory(self, account: str | None = None, *, refresh: bool = False) -> Directory:
        """Return accounts, companies and locations as the account's API user sees them, from the ledger or the API.

        The API is asked when nothing whole is remembered, or to `refresh`: ceil(entries / 100) requests for each of the
        three. Raises `ApiError`, `AccountParked`, `IncompleteListing`.
        """
        looks = self._looks()
        return await looks.directory(self._accounts.one(account, "the directory"), refresh=refresh)

    async def visible(self, account: str | None = None) -> Directory:
        """Ask the API which companies the account's API user sees, and nothing else: one request for 100 of them.

        It is remembered as a run remembers it. Raises what `directory` raises.
        """
        return await self._looks().visible(self._accounts.one(account, "the directory"))

    async def reached(self, account: str | None = None) -> tuple[VisibleAccount, ...]:
        """Ask the API which accounts an account's credentials reach: one request. Raises what `directory` raises."""
        return await self._looks().reached(self._accounts.one(account, "the directory"))

    def clock_ahead(self, account: str | None = None) -> timedelta | None:
        """Return by how much the API's clock is ahead of ours, by its last answer; None: not known."""
        asked = self._accounts.one(account, "the clock")
        return self._connections.key(asked).quota.told_ahead

    async def history(self, most: int = 20) -> list[PastRun]:
        """Return the newest runs at this API, the newest first, of every process that uses the ledger."""
        return await self._remembered().history(most, self._now())

    async def past_run(self, run_id: str) -> PastResult | None:
        """Return how a finished run ended; None: there is no such run, or it has not ended."""
        return await self._remembered().past_run(run_id)

    async def company_history(self, company_id: int, most: int = 20) -> list[CompanyInRun]:
        """Return what became of a company in its newest runs; runs that told nothing of it are left out."""
        return await self._remembered().company_history(company_id, most)

    async def status(self) -> Standing:
        """Return how things stand, by the ledger: the last sync, runs under way, and how each company ended."""
        return await self._remembered().standing(self._accounts.names, self._now())

    async def quota(self, account: str | None = None) -> QuotaDay:
        """Return what an account's API key has used of its day, by the ledger; a provider is asked which key it is.

        Raises `AccountParked` where the credentials cannot be had.
        """
        remembered, now = self._remembered(), self._now()
        key = await self._connections.known_key(self._accounts.one(account, "the quota"))
        return await remembered.quota(key.account, key.quota.day_of(now), now)

    async def rows(self, company: Company) -> CompanyRows:
        """List one company's rows as Ottimate shows them, whole, with the certificate that shows it.

        Costs ceil(rows / 100) requests. Read-only companies are listed as well. Raises `ApiError`, `AccountParked`,
        `IncompleteListing`, `TenantLeak` and, while a run has the company, `Locked`.
        """
        account = self._owner(company)
        return await (await self._looks().remote(company.id, account)).listed()

    async def lookup(
        self,
        companies: Iterable[Company],
        invoices: Iterable[Invoice | Mapping[str, object]],
        *,
        require: Collection[str] = (),
        verify: VerifyMode | None = None,
    ) -> list[Lookup]:
        """Tell whether the dimensions that invoices name exist in the invoices' companies. Results have their order.

        `invoices`: as JSON objects in either contract's shape, or as `read_invoices` returns them. `require`: types
        that each line has to have ("account"). `verify`: what to look at remotely; None: as set. What the ledger knows
        is believed as long as it is for a sync; what it does not know is looked for with a probe, and a listing if that
        differs: one of each for a company at most. Raises `BadInvoice`, and what `rows` raises.
        """
        read = invoices_of(invoices)
        by_id = {company.id: company for company in companies_of(companies)}
        looks = self._looks()
        return await look_up_all(
            by_id, read, require, lambda company: looks.invoice_lookup(company, self._owner(company), verify)
        )

    async def get(self, company: Company, what: str) -> list[RemoteRow]:
        """Return the rows that a key, an ERP id or an id in Ottimate means, as Ottimate shows them now.

        One request for each row of that key or ERP id that the ledger knows; if it knows none, one for a row of that
        id. Empty: there is none, or the ledger does not know of it; `rows` lists all.
        """
        account = self._owner(company)
        return await self._looks().meant(company.id, account, what)

    async def explain(self, company: Company, what: str, *, ask: bool = True) -> Explanation:
        """Return the life of one row, found by its key, ERP id, code or a part of its name; if several match, these.

        `ask`: also ask Ottimate, in one request, how the row stands there.
        """
        ledger, account = self._opened(), self._owner(company)
        return await explain(
            company,
            self._company_key(company),
            what,
            client=await self._looks().client(company.id, account) if ask else None,
            ledger=ledger,
            codes=self._dialect.type_codes,
        )

    async def changed_keys(self, company: Company) -> list[Rekey]:
        """Return the source's rows that Ottimate has under another key, which the source has no more."""
        ledger = self._opened()
        return await changed_keys(company, self._company_key(company), ledger=ledger, codes=self._dialect.type_codes)

    async def rekey(self, company: Company, rekeys: Iterable[Rekey]) -> None:
        """Send these rows under the keys that Ottimate knows them by, from now on. Raises `Locked`."""
        ledger, company_key = self._opened(), self._company_key(company)
        async with ledger.lock(company_key):
            await ledger.rekey(company_key, {one.source_key: one.wire_key for one in rekeys}, self._now())

    async def unkey(self, company: Company) -> int:
        """Send all rows of a company under their own keys again; return how many were not. Raises `Locked`."""
        ledger, company_key = self._opened(), self._company_key(company)
        async with ledger.lock(company_key):
            keys = sorted((await ledger.read(company_key)).wire_keys)
            await ledger.unkey(company_key, keys)
        return len(keys)

    async def distrust(self, company: Company) -> int:
        """Forget what was acknowledged for a company: its next sync lists. Returns how many rows. Raises `Locked`."""
        ledger, company_key = self._opened(), self._company_key(company)
        async with ledger.lock(company_key):
            return await ledger.distrust(company_key)

    def _remembered(self) -> Remembered:
        return Remembered(ledger=self._opened(), origin=self._origin)

    def _looks(self) -> Looks:
        return Looks(
            origin=self._origin,
            dialect=self._dialect,
            verify=self._settings.verify,
            ledger=self._opened(),
            channel=self._connections.channel,
            now=self._now,
        )

    def _company_key(self, company: Company) -> CompanyKey:
        account = self._owner(company)
        return CompanyKey(origin=self._origin, account=account.account_id, company_id=company.id)

    def _owner(self, company: Company) -> Account:
        return self._accounts.one(company_of(company).account, f"company {company.id}")

    def _opened(self) -> Ledger:
        if self._ledger is None or not self._host.is_open:
            raise EngineError("the engine is not open: use it as `async with Engine(settings) as engine`")
        return self._ledger


async def _given(rows: Sequence[Dimension]) -> AsyncIterator[Sequence[Dimension]]:
    yield rows


def _utc_now() -> datetime:
    return datetime.now(UTC)
