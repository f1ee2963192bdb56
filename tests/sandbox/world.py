"""A world for a test: the real engine, a ledger and the real sandbox, on loopback or in memory, and a clock to move.

What passes between engine and sandbox is held against the contract's file.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from random import Random
from typing import Any, cast

import aiohttp
from aiohttp.client_middlewares import ClientHandlerType, ClientMiddlewareType

from engine import (
    Account,
    Allow,
    Api,
    Company,
    CompanyResult,
    Dimension,
    Engine,
    Guards,
    Ledger,
    Limits,
    RunResult,
    Secret,
    Settings,
)
from engine.ledger.sql_ledger import SqlLedger
from engine.ledger.sqlite.ledger import open_ledger
from engine.model.balance import add
from engine.model.settings import Verify
from engine.sandbox.access import Credentials
from engine.sandbox.faults.effects import Outage
from engine.sandbox.faults.rules import parse_rules
from engine.sandbox.server import Options, Sandbox
from engine.sandbox.tenant import Values
from engine.sandbox.ways import Ways, parse_ways
from engine.testing import Clock
from tests.contract import check_answer, check_request, operation_known
from tests.sandbox.fuzz import Fate
from tests.sandbox.line import Line, Tapped
from tests.sandbox.memory import MemorySandbox, memory_ledger

DEMO = Credentials()
OTHER = Credentials(account_id="racc_2", api_key="other-key", client_id="other-client", client_secret="other-secret")
DIRECTORY = ("accounts", "companies", "locations")
"""Operations that are asked for once a day, apart from what a company costs."""
QUICK = Limits(timeout_s=5.0, max_attempts=3, max_concurrency=16, server_timeout_s=0.02)


BLIND = tuple(
    {"effect": "status", "status": 403, "envelope": "not now", "match": {"operation": operation}, "after": after}
    for operation, after in (("list", 1), ("get", 0))
)
"""Rules under which nothing can be read back after the first listing of a run."""


OPEN = Guards(mass_create_rows=10**9, mass_update_rows=10**9)
"""For tests of other things than guards, that change more at once than a guard lets pass."""


class Rows:
    """A source made of a list, as a program would write one. It tells its digest, as a file does."""

    def __init__(self, rows: Iterable[Dimension | Mapping[str, object]]) -> None:
        self.rows = list(rows)

    async def digest(self) -> bytes:
        return blake2b(repr(self.rows).encode("utf-8", "surrogatepass"), digest_size=16).digest()

    def __aiter__(self) -> _Given:
        return _Given(self)


class _Given:
    def __init__(self, source: Rows) -> None:
        self._source = source
        self._rows = iter(list(source.rows))
        self.digest: bytes | None = None  # when all are given

    def __aiter__(self) -> _Given:
        return self

    async def __anext__(self) -> Dimension | Mapping[str, object]:
        for row in self._rows:
            return row
        self.digest = await self._source.digest()
        raise StopAsyncIteration


def account(name: str = "main", credentials: Credentials = DEMO, limits: Limits = QUICK) -> Account:
    return Account(
        name=name,
        account_id=credentials.account_id,
        api_key=Secret(credentials.api_key),
        client_id=Secret(credentials.client_id),
        client_secret=Secret(credentials.client_secret),
        limits=limits,
    )


def dims(count: int, *, first: int = 0, type_code: str = "account", prefix: str = "K") -> list[Dimension]:
    """Return rows that differ in everything."""
    return [
        Dimension(f"{prefix}{n:05}", type_code, type_code.title(), f"Name {n:05}", f"{n:05}", f"C{n}")
        for n in range(first, first + count)
    ]


def company(company_id: int, rows: Iterable[Dimension | Mapping[str, object]], **settings: Any) -> Company:
    return Company(id=company_id, name=f"Company {company_id}", source=Rows(rows), **settings)


@dataclass(slots=True, kw_only=True)
class World:
    """A sandbox, a ledger file, a clock, and an engine made anew for each run, as a scheduler does."""

    sandbox: Sandbox
    ledger_url: str
    clock: Clock
    accounts: tuple[Account, ...] = field(default_factory=lambda: (account(),))
    verify: Verify = field(default_factory=Verify)
    guards: Guards = field(default_factory=Guards)
    rng: Random = field(default_factory=lambda: Random(7))
    speaks: str = ""  # the contract, where it is another one than the sandbox began with
    companies: tuple[Company, ...] = ()  # all that are configured, where a run leaves some out
    line: Line | None = None  # leads to the sandbox in memory; None: there are sockets
    ledger: SqlLedger | None = None  # in memory; None: a file

    @property
    def contract(self) -> str:
        """The contract that the sandbox speaks, and so the engine."""
        return self.speaks or self.sandbox.options.contract

    @property
    def settings(self) -> Settings:
        return Settings(
            accounts=self.accounts,
            api=Api(base_url=self.sandbox.base_url, contract=self.contract),
            ledger_url=self.ledger_url,
            verify=self.verify,
            guards=self.guards,
            companies=self.companies,
        )

    def limit(self, **limits: Any) -> None:
        self.accounts = tuple(replace(each, limits=replace(each.limits, **limits)) for each in self.accounts)

    def place(self, company_id: int, rows: Iterable[Dimension] = (), *, keys: bool = True, owner: str = "") -> None:
        """Make a company in the sandbox; `keys=False`: its rows were made by somebody else, under other keys."""
        values = [Values(*(row if keys else row._replace(key=f"other-{row.key}"))) for row in rows]
        self.sandbox.service.place(company_id, values, name=f"Company {company_id}", account=owner)

    def script(self, *rules: Mapping[str, Any]) -> None:
        """Set the sandbox's trouble from now on; none: honest again."""
        self.sandbox.service.script.replace(parse_rules(list(rules)))

    def follow(self, *ways: Mapping[str, Any]) -> None:
        """Give the sandbox ways of its own from now on; none: as its documents say again."""
        self.sandbox.service.ways = Ways(parse_ways(list(ways)))

    def stored(self, company_id: int) -> list[Dimension]:
        """Return what the sandbox holds, by key."""
        rows = self.sandbox.tenant.companies[company_id].rows
        assert all(row.values.key for row in rows)
        return sorted(Dimension(row.values.key or "", *row.values[1:]) for row in rows)

    def sent(self, operation: str | None = None, company_id: int | None = None) -> int:
        """Return how many requests came since the log was last cleared; unless asked for, without the directory's."""
        return sum(
            (entry.operation not in DIRECTORY if operation is None else entry.operation == operation)
            and (company_id is None or entry.company == company_id)
            for entry in self.sandbox.service.log
        )

    @asynccontextmanager
    async def engine(self, ledger: Ledger | None = None) -> AsyncIterator[Engine]:
        """Open an engine whose traffic is checked; what breaks the contract fails the test."""
        broken: list[AssertionError] = []
        async with (
            self._session(self._checker(broken)) as session,
            Engine(
                self.settings, session=session, ledger=ledger or self.ledger, now=self.clock, rng=self.rng
            ) as engine,
        ):
            yield engine
        if broken:
            raise broken[0]

    def unchecked_engine(self) -> Engine:
        """Return an engine whose traffic nobody checks, which takes longer than all the rest."""
        session = cast("aiohttp.ClientSession | None", self.line)
        return Engine(self.settings, session=session, ledger=self.ledger, now=self.clock, rng=self.rng)

    @asynccontextmanager
    async def open_ledger(self) -> AsyncIterator[SqlLedger]:
        """Open the ledger beside the engine, as another process does."""
        if self.ledger is not None:
            yield self.ledger
            return
        async with await open_ledger(self.ledger_url) as ledger:
            yield ledger

    @asynccontextmanager
    async def _session(self, middleware: ClientMiddlewareType) -> AsyncIterator[aiohttp.ClientSession]:
        if self.line is not None:
            yield cast("aiohttp.ClientSession", Tapped(self.line, middleware))
            return
        async with aiohttp.ClientSession(middlewares=(middleware,), cookie_jar=aiohttp.DummyCookieJar()) as session:
            yield session

    async def sync(self, *companies: Company, fresh: bool = False, allow: Iterable[tuple[str, int]] = ()) -> RunResult:
        """Run once, with the log cleared first; the result is checked for what must hold of any result."""
        self.sandbox.service.log.clear()
        async with self.engine() as engine:
            allowances = [Allow(slug, company_id) for slug, company_id in allow]
            result = await engine.sync(companies, fresh=fresh, allow=allowances).result()
        self.check(result, companies)
        return result

    async def sync_one(
        self, company_id: int, rows: Iterable[Dimension | Mapping[str, object]], **options: Any
    ) -> CompanyResult:
        """Run one company and return its part."""
        return (await self.sync(company(company_id, rows), **options)).companies[0]

    def check(self, result: RunResult, companies: Sequence[Company]) -> None:
        """Check the books of a run against themselves and the sandbox's record."""
        assert [each.company_id for each in result.companies] == [each.id for each in companies]
        assert result.totals.adds_up
        assert all(each.balance.adds_up for each in result.companies)
        for each in result.companies:  # L24: whatever became of the company
            if each.certificate is not None and each.certificate.whole:
                assert each.balance.remote_rows is not None, "a whole listing is not told"
        assert result.totals == add(each.balance for each in result.companies)
        reported, received = result.requests.total, len(self.sandbox.service.log)
        if any(isinstance(rule.effect, Outage) for rule in self.sandbox.service.script.rules):
            assert reported >= received, "a host that goes down may leave requests unread, which were sent all the same"
        else:
            assert reported == received, "requests reported and requests received differ"

    def _checker(self, broken: list[AssertionError]) -> Callable[[aiohttp.ClientRequest, ClientHandlerType], Any]:
        """Return a client middleware that holds requests, and an honest server's answers, against the contract."""

        async def check(request: aiohttp.ClientRequest, handler: ClientHandlerType) -> aiohttp.ClientResponse:
            method, url = request.method, str(request.url)
            response = await handler(request)
            if operation_known(method, url, contract=self.contract):
                body = request.body._value if isinstance(request.body, aiohttp.BytesPayload) else b""
                try:
                    check_request(method, url, dict(request.headers), bytes(body), contract=self.contract)
                    service = self.sandbox.service
                    is_honest = not service.script.rules and not service.ways.all
                    if is_honest and response.content_type == "application/json":
                        answer, headers = await response.read(), dict(response.headers)
                        check_answer(method, url, response.status, headers, answer, contract=self.contract)
                except AssertionError as error:
                    broken.append(error)
            return response

        return check


@contextmanager
def memory_world(
    options: Options,
    *,
    clock: Clock | None = None,
    rng: Random | None = None,
    ledger: Callable[[], AbstractContextManager[SqlLedger]] = memory_ledger,
) -> Iterator[World]:
    """Give a world in memory; `rng` draws how long requests are under way, and what the engine leaves to chance."""
    clock, chance = clock or Clock(), rng or Random(7)
    sandbox = MemorySandbox(options, clock=clock)
    line = Line(service=sandbox.service, fate=Fate(), rng=chance, watch=lambda _: None)
    with ledger() as opened:
        yield World(sandbox=sandbox, ledger_url="sqlite://", clock=clock, rng=chance, line=line, ledger=opened)
