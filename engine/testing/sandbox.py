"""The sandbox in the process of a test: its companies, rows, requests and trouble as values.

async with Sandbox() as api: ...   # in the test's own event loop
with Sandbox() as api: ...         # in a thread: for tests without a loop, or whose client blocks theirs
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Literal, ParamSpec, Self, TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from engine.errors import EngineError
from engine.model.dimension import Dimension
from engine.model.settings import Account, Api, Company, Limits, Secret, Settings
from engine.run.event_loop import require_asyncio
from engine.sandbox import server
from engine.sandbox.access import Allowance, Credentials
from engine.sandbox.faults.rules import Rule
from engine.sandbox.record import Entry
from engine.sandbox.service import Options
from engine.sandbox.tenant import Company as StoredCompany
from engine.sandbox.tenant import Row, Values
from engine.sandbox.ways import Way, Ways

P = ParamSpec("P")
T = TypeVar("T")

QUICK = Limits(timeout_s=5.0, server_timeout_s=0.1, max_attempts=3, max_concurrency=16)
"""Short limits for tests: a request that hangs ends after 5 s, and one that fails is sent three times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedRequest:
    """One request that the sandbox received."""

    number: int  # from 1, over all requests
    time: datetime  # by the sandbox's clock
    operation: str  # "token", "list", "get", "bulk", "accounts" ...: what a `Match` names
    account: str | None  # the account id that its API key belongs to
    company_id: int | None
    status: int | str | None  # "reset", "hang", "truncated" or "left" if it was cut off; None: not answered yet
    rows: int  # in the request, or on the page in the answer
    created: int
    updated: int
    rejected: int
    idempotency_key: str | None


class Sandbox:
    """A server on loopback that behaves as Ottimate's documents say, makes trouble on demand, and tells what happened.

        async with Sandbox() as api: ...   # serves from the test's own event loop
        with Sandbox() as api: ...         # serves from a thread: for tests without a loop, or whose client blocks it

    Methods return at once; unknown accounts, companies and keys raise `EngineError`.
    """

    def __init__(
        self,
        *,
        contract: Literal["guide", "reference"] = "guide",
        accounts: Sequence[str] = ("main",),
        allowance: Allowance | None = None,
        clock: Callable[[], datetime] | None = None,
        faults: Iterable[Rule] = (),
        ways: Iterable[Way] = (),
    ) -> None:
        """Make a sandbox without companies. `accounts`: names of client accounts, each with credentials of its own.

        `allowance`: what each API key may use (None: as documented); `clock`: its time of day (None: the real one);
        `faults` and `ways`: as `set_faults` and `set_ways` take them.
        """
        self.contract = contract
        self._credentials = {name: _credentials(name) for name in accounts}
        options = Options(
            contract=contract,
            accounts=tuple(self._credentials.values()),
            allowance=allowance or Allowance(),
            ways=tuple(ways),
        )
        self._server = server.Sandbox(options, rules=faults, clock=clock or server.utc_now)
        self._service = self._server.service
        self._portal: BlockingPortal | None = None  # None: it serves from the test's own loop
        self._in_loop, self._in_thread = AsyncExitStack(), ExitStack()

    async def __aenter__(self) -> Self:
        """Serve from this event loop. Raises `EngineError` unless it is asyncio's."""
        require_asyncio()
        await self._in_loop.enter_async_context(self._server)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._in_loop.aclose()

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            self._portal = opened.enter_context(start_blocking_portal())
            opened.enter_context(self._portal.wrap_async_context_manager(self._server))
            self._in_thread = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._portal = None
        self._in_thread.close()

    @property
    def base_url(self) -> str:
        """The URL for `Api.base_url`. Raises `EngineError` outside of the block."""
        if not self._server.port:
            raise EngineError("the sandbox does not listen yet: enter it with `async with` or `with` first")
        return self._server.base_url

    @property
    def api(self) -> Api:
        """What leads an engine here."""
        return Api(base_url=self.base_url, contract=self.contract)

    @property
    def accounts(self) -> tuple[Account, ...]:
        """The accounts as settings name them, with `QUICK` limits."""
        return tuple(_account(name, credentials) for name, credentials in self._credentials.items())

    def settings(self, *, ledger_url: str = "sqlite://", companies: Iterable[Company] = ()) -> Settings:
        """Return settings for an engine. `ledger_url`: by default a ledger in memory, of each engine's own.

        `dataclasses.replace` changes what else there is.
        """
        return Settings(accounts=self.accounts, api=self.api, ledger_url=ledger_url, companies=tuple(companies))

    def place(
        self, company_id: int, rows: Iterable[Dimension] = (), *, name: str = "", account: str | None = None
    ) -> None:
        """Make a company with these rows, or replace the one with this id. `account`: its name; None: the first.

        Rows with the key "" belong to another program and have no key.
        """
        values = [_values(row) for row in rows]
        owner = "" if account is None else self._known(account).account_id
        self._do(self._service.place, company_id, values, name=name, account=owner)

    def rows(self, company_id: int) -> list[Dimension]:
        """Return a company's rows as they are stored, in the order of their creation. A row without a key has "".

        Hidden rows are not returned.
        """
        return self._do(lambda: [_dimension(row) for row in self._company(company_id).rows if not row.hidden])

    def change(self, company_id: int, row: Dimension) -> None:
        """Replace the values of the row with this key, as a person does in Ottimate."""
        self._do(lambda: self._server.tenant.change(*self._found(company_id, row.key), _values(row)))

    def remove(self, company_id: int, key: str) -> None:
        """Take away the row with this key, which no call of the API can do."""
        self._do(lambda: self._server.tenant.remove(*self._found(company_id, key)))

    def hide(self, company_id: int, key: str) -> None:
        """Deactivate the row with this key: it is not listed any more, and its key stays taken."""
        self._do(lambda: self._server.tenant.hide(*self._found(company_id, key), hidden=True))

    def set_faults(self, *rules: Rule) -> None:
        """Make this trouble from now on, and no other; without arguments: no trouble."""
        self._do(self._service.script.replace, rules)

    def set_ways(self, *ways: Way) -> None:
        """Have these lasting habits from now on, and no others; without arguments: those of the documents."""
        self._do(setattr, self._service, "ways", Ways(ways))

    def requests(self, operation: str | None = None, *, company_id: int | None = None) -> list[ReceivedRequest]:
        """Return what was received, the oldest first: all, those of one operation, of one company, or of both."""
        received = self._do(lambda: [_received(entry) for entry in self._service.log])
        return [
            each for each in received if operation in (None, each.operation) and company_id in (None, each.company_id)
        ]

    def forget_requests(self) -> None:
        """Begin to record anew."""
        self._do(self._service.log.clear)

    def _do(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Work on the server's state, in the server's thread if it has one."""
        if self._portal is None:
            return work(*args, **kwargs)
        return self._portal.call(lambda: work(*args, **kwargs))

    def _known(self, account: str) -> Credentials:
        if account not in self._credentials:
            raise EngineError(f"the sandbox has no account {account!r}: {', '.join(self._credentials)}")
        return self._credentials[account]

    def _company(self, company_id: int) -> StoredCompany:
        company = self._server.tenant.company(company_id)
        if company is None:
            raise EngineError(f"the sandbox has no company {company_id}: `place` it first")
        return company

    def _found(self, company_id: int, key: str) -> tuple[StoredCompany, Row]:
        company = self._company(company_id)
        row = company.find(key)
        if row is None:
            raise EngineError(f"company {company_id} of the sandbox has no row with the key {key!r}")
        return company, row


def _credentials(name: str) -> Credentials:
    return Credentials(
        account_id=f"racc_{name}", api_key=f"{name}-key", client_id=f"{name}-client", client_secret=f"{name}-secret"
    )


def _account(name: str, credentials: Credentials) -> Account:
    return Account(
        name=name,
        account_id=credentials.account_id,
        api_key=Secret(credentials.api_key),
        client_id=Secret(credentials.client_id),
        client_secret=Secret(credentials.client_secret),
        limits=QUICK,
    )


def _values(row: Dimension) -> Values:
    return Values(*row)._replace(key=row.key or None)


def _dimension(row: Row) -> Dimension:
    values = row.values
    return Dimension(values.key or "", values.type_code, values.label, values.name, values.erp_id, values.code)


def _received(entry: Entry) -> ReceivedRequest:
    return ReceivedRequest(
        number=entry.number,
        time=datetime.fromisoformat(entry.time),
        operation=entry.operation,
        account=entry.account,
        company_id=entry.company,
        status=entry.status,
        rows=entry.rows,
        created=entry.created,
        updated=entry.updated,
        rejected=entry.rejected,
        idempotency_key=entry.idempotency_key,
    )
