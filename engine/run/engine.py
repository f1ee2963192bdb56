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
from engine.errors import ConfigError, EngineError
from engine.ledger.opening import open_ledger
from engine.ledger.protocols import Ledger
from engine.model.dimension import Dimension, RemoteRow, clean
from engine.model.directory import Directory, VisibleAccount
from engine.model.invoice import Invoice, Lookup
from engine.model.origin import origin_of
from engine.model.outcome import Problem
from engine.model.saved_plan import SavedPlan
from engine.model.settings import Account, Allow, Company, CompanyKey, RawRow, Settings, VerifyMode
from engine.run.conclusion import new_ledger
from engine.run.connections import Connections, account_of
from engine.run.dependencies import Dependencies
from engine.run.inspect import CompanyApi, Explanation, changed_keys, explain
from engine.run.looks import Looks
from engine.run.lookup import look_up_all
from engine.run.mode import APPLY, CHECK, PLAN, PUT, RETRY, SYNC, Mode
from engine.run.remote_rows import CompanyRows
from engine.run.run import Pending, Run
from engine.run.tasks import RunHost
from engine.run.validation import refuse_foreign, refuse_twice, sound_accounts, sound_allowances, sound_dialect
from engine.run.work import Applying, Bounds, Job, Work, for_rows, with_plans
from engine.wire.invoices import read_invoices

if TYPE_CHECKING:
    import aiohttp


class Engine:
    """Syncs companies' dimensions. Brings its own HTTP session and ledger, or takes yours and leaves them open.

        async with Engine(settings) as engine:
            async with engine.sync(companies) as run:
                async for event in run: ...
            result = run.result
            result = await engine.sync(companies).result()   # or only the outcome

    One engine serves one event loop; several runs of different companies may go on at once.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        session: aiohttp.ClientSession | None = None,
        ledger: Ledger | None = None,
        now: Callable[[], datetime] | None = None,
        rng: Random | None = None,
    ) -> None:
        self._settings = settings
        self._origin = origin_of(settings.api.base_url)
        self._ledger_handed_in = ledger
        self._ledger = ledger  # the one in use; None: not opened
        self._now = now or _utc_now
        self._rng = rng or SystemRandom()
        self._accounts = sound_accounts(settings)
        self._dialect = sound_dialect(settings)
        self._connections = Connections(settings, session=session, now=self._now, rng=self._rng)
        self._host = RunHost()
        self._notices: list[Problem] = []
        self._is_entered = False
        self._own = AsyncExitStack()

    async def __aenter__(self) -> Self:
        if self._is_entered:
            text = "this engine has been entered and not left yet: share the engine that its `async with` gives,"
            raise EngineError(f"{text} or make a second one")
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
        chosen = [company for company in companies if company.write]
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
            for company in companies
        ]
        return self._pending(CHECK, self._jobs(listed))

    def apply(self, saved: SavedPlan, companies: Iterable[Company], *, resume: bool = False) -> Pending:
        """Carry out a saved plan, exactly, in those of its companies that are given (read-only ones are left out).

        A company whose plan has gone stale, or was begun before, is skipped (exit 7); `resume` finishes what was begun.
        Raises `ConfigError` for a plan of another API or contract.
        """
        refuse_foreign(saved, self._origin, self._dialect.name)
        jobs = with_plans(self._jobs(company for company in companies if company.write), saved.companies)
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
        writable = self._jobs(company for company in companies if company.write)
        jobs = for_rows(writable, keys, corrected or {}, corrected_in)
        return self._pending(RETRY, jobs, allow=allow)

    def put(self, company: Company, row: Dimension, *, allow: Iterable[Allow] = ()) -> Pending:
        """Create or update one row; nothing is said or done of the company's others, and its source is not read.

        A run of its own, as safe as a sync: under the company's lock, compared with what Ottimate has, held by the
        guards that look at single rows (`look-alike` ...; not by those that count), known to the ledger. A row whose
        key the ledger knows costs one request at most; a new one a probe besides, and first contact a listing. The next
        sync finds it unchanged where the source has it by then, else an orphan. Raises `ConfigError` for a company that
        is read-only (`write=False`).
        """
        if not company.write:
            raise ConfigError(f"company {company.id} is read-only (write = false): nothing is written to it")
        given = replace(company, source=_given(row))
        jobs = [replace(job, only=frozenset({clean(row.key)})) for job in self._jobs([given])]
        return self._pending(PUT, jobs, allow=allow)

    def _jobs(self, companies: Iterable[Company]) -> list[Job]:
        jobs = [Job(company=company, account=self._owner(company)) for company in companies]
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
            notices=self._notices,
            transport=self._connections.transport,
            ledger=self._opened(),
            now=self._now,
            rng=self._rng,
        )
        work = Work(
            mode=mode,
            jobs=jobs,
            fresh=fresh,
            allowed=sound_allowances(allow, [job.company for job in jobs]),
            applying=applying,
            bounds=bounds or Bounds(),
        )
        return Pending(Run(dependencies, work))

    def client(self, company_id: int, account: str | None = None) -> CompanyApi:
        """Return one company's API as it is, to look at, under the account's limits and token. To write, `put` a row.

        Its calls raise `ApiError` and, once the account is stopped, `AccountParked`.
        """
        return self._looks().client(company_id, account_of(self._accounts, account, f"company {company_id}"))

    async def directory(self, account: str | None = None, *, refresh: bool = False) -> Directory:
        """Return accounts, companies and locations as the account's API user sees them, from the ledger or the API.

        The API is asked when nothing whole is remembered, or to `refresh`: ceil(entries / 100) requests for each of the
        three. Raises `ApiError`, `AccountParked`, `IncompleteListing`.
        """
        looks = self._looks()
        return await looks.directory(account_of(self._accounts, account, "the directory"), refresh=refresh)

    async def visible(self, account: str | None = None) -> Directory:
        """Ask the API which companies the account's API user sees, and nothing else: one request for 100 of them.

        It is remembered as a run remembers it. Raises what `directory` raises.
        """
        return await self._looks().visible(account_of(self._accounts, account, "the directory"))

    async def reached(self, account: str | None = None) -> tuple[VisibleAccount, ...]:
        """Ask the API which accounts an account's credentials reach: one request. Raises what `directory` raises."""
        return await self._looks().reached(account_of(self._accounts, account, "the directory"))

    def clock_ahead(self, account: str | None = None) -> timedelta | None:
        """Return by how much the API's clock is ahead of ours, by its last answer; None: not known."""
        asked = account_of(self._accounts, account, "the clock")
        return self._connections.key(asked).quota.told_ahead

    async def rows(self, company: Company) -> CompanyRows:
        """List one company's rows as Ottimate shows them, whole, with the certificate that shows it.

        Costs ceil(rows / 100) requests. Read-only companies are listed as well. Raises `ApiError`, `AccountParked`,
        `IncompleteListing`, `TenantLeak` and, while a run has the company, `Locked`.
        """
        return await self._looks().remote(company.id, self._owner(company)).listed()

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
        read = [each for one in invoices for each in ((one,) if isinstance(one, Invoice) else read_invoices(one))]
        by_id = {company.id: company for company in companies}
        looks = self._looks()
        return await look_up_all(
            by_id, read, require, lambda company: looks.invoice_lookup(company, self._owner(company), verify)
        )

    async def get(self, company: Company, what: str) -> list[RemoteRow]:
        """Return the rows that a key, an ERP id or an id in Ottimate means, as Ottimate shows them now.

        One request for each row of that key or ERP id that the ledger knows; if it knows none, one for a row of that
        id. Empty: there is none, or the ledger does not know of it; `rows` lists all.
        """
        return await self._looks().meant(company.id, self._owner(company), what)

    async def explain(self, company: Company, what: str, *, ask: bool = True) -> Explanation:
        """Return the life of one row, found by its key, ERP id, code or a part of its name; of several, who they are.

        `ask`: in one request, how it stands in Ottimate.
        """
        ledger, account = self._opened(), self._owner(company)
        return await explain(
            company,
            self._company_key(company),
            what,
            client=self._looks().client(company.id, account) if ask else None,
            ledger=ledger,
            codes=self._dialect.type_codes,
        )

    async def changed_keys(self, company: Company) -> list[Rekey]:
        """Return the source's rows that Ottimate has under another key, one that the source has no more."""
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
        return account_of(self._accounts, company.account, f"company {company.id}")

    def _opened(self) -> Ledger:
        if self._ledger is None or not self._host.is_open:
            raise EngineError("the engine is not open: use it as `async with Engine(settings) as engine`")
        return self._ledger


async def _given(row: Dimension) -> AsyncIterator[Dimension]:
    yield row


def _utc_now() -> datetime:
    return datetime.now(UTC)
