"""The public API as a typed program uses it. Never run: mypy reads it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import assert_type

import aiohttp
from prometheus_client import CollectorRegistry

from engine import (
    Account,
    Allow,
    Api,
    Balance,
    Certificate,
    ChunkSettled,
    Company,
    CompanyApi,
    CompanyFinished,
    CompanyInRun,
    CompanyResult,
    CompanyRows,
    ConfigError,
    Credentials,
    CredentialsProvider,
    Dimension,
    Directory,
    Engine,
    EngineError,
    Event,
    ExitCode,
    FileSource,
    Finding,
    Frame,
    GivenRows,
    Ledger,
    LedgerError,
    Limits,
    ListedRows,
    Locked,
    Lookup,
    OpenTelemetry,
    Page,
    Parked,
    PastResult,
    PastRun,
    Pending,
    PlanTotals,
    Problem,
    PrometheusMetrics,
    QuotaDay,
    RemoteRow,
    Requests,
    Run,
    RunFinished,
    RunResult,
    SavedPlan,
    Secret,
    Settings,
    SqlSource,
    Standing,
    State,
    Telemetry,
    Verify,
    VerifyMode,
    Waiting,
    again_after_s,
    from_frame,
    from_iterable,
    load_plan,
    open_ledger,
    plan_digest,
    read_invoices,
    read_plan,
    run_json,
    run_sync,
    save_plan,
    sync_company,
    write_plan,
)
from engine.testing import Clock, Match, MemoryLedger, ReceivedRequest, Rule, Sandbox, faults

SETTINGS = Settings(
    accounts=(
        Account(
            name="main",
            account_id="racc_1",
            api_key=Secret("key"),
            client_id=Secret("id"),
            client_secret=Secret("secret"),
            limits=Limits(requests_per_second=50.0, max_concurrency=8),
        ),
    ),
    api=Api(contract="guide"),
    verify=Verify(mode=VerifyMode.FULL),
)


async def dimensions() -> AsyncIterator[Dimension]:
    yield Dimension("K1", "account", "Account", "Cash", "1000")


async def mappings() -> AsyncIterator[Mapping[str, object]]:
    yield {"unique_key": "K1", "name": "Cash"}


async def batches() -> AsyncIterator[list[Dimension]]:
    yield [Dimension("K1", "account", "Account", "Cash", "1000", code="C")]


COMPANIES = [
    Company(id=1, name="One", source=dimensions()),
    Company(id=2, source=mappings(), account="main"),
    Company(id=3, source=batches(), write=False),
    Company(id=4, source=FileSource("4.csv")),
    Company(id=5, source=SqlSource("sqlite://", "select 1")),
]


async def watch() -> RunResult:
    async with Engine(SETTINGS) as engine:
        assert_type(engine, Engine)
        async with engine.sync(COMPANIES) as run:
            assert_type(run, Run)
            async for event in run:
                assert_type(event, Event)
                match event:
                    case ChunkSettled():
                        assert_type(event.created, int)
                    case Waiting():
                        assert_type(event.seconds, float)
                    case Parked():
                        assert_type(event.reason, str)
                    case CompanyFinished():
                        assert_type(event.result, CompanyResult)
                    case RunFinished():
                        assert_type(event.result, RunResult)
            run.stop(ExitCode.INTERRUPTED)
        return run.result


async def await_outcome(session: aiohttp.ClientSession, ledger: Ledger) -> None:
    async with Engine(SETTINGS, session=session, ledger=ledger) as engine:
        result = await engine.plan(COMPANIES, fresh=True).result()
    assert_type(result, RunResult)
    assert_type(result.totals, Balance)
    assert_type(result.requests, Requests)
    assert_type(result.ok, bool)
    assert_type(result.finished_at, datetime)
    for company in result.companies:
        assert_type(company.state, State)
        assert_type(company.balance.created, int | None)
        assert_type(company.problems, tuple[Problem, ...])
        assert_type([problem.key for problem in company.problems], list[str | None])
    assert_type(run_json(result), dict[str, object])


async def single_rows(engine: Engine) -> None:
    pending = engine.put(
        COMPANIES[0], Dimension("K1", "account", "Account", "Cash", "1000"), allow=[Allow("look-alike", 1)]
    )
    assert_type(pending, Pending)
    assert_type(await pending.result(), RunResult)
    listed = await engine.rows(COMPANIES[0])
    assert_type(listed, CompanyRows)
    assert_type(listed.certificate, Certificate | None)
    assert_type(await engine.get(COMPANIES[0], "1000"), list[RemoteRow])
    client = engine.client(1)
    assert_type(client, CompanyApi)
    assert_type(await client.one("dim_1"), RemoteRow | None)
    assert_type(await client.page(1, 100), Page)
    assert_type(await client.get("K1"), list[RemoteRow])
    assert_type(await client.count(), int)
    assert_type(client.list(), ListedRows)
    async for row in (rows := client.list()):
        assert_type(row, RemoteRow)
    assert_type(rows.certificate, Certificate)
    cash = Dimension("K1", "account", "Account", "Cash", "1000")
    assert_type(await client.create(cash), RunResult)
    assert_type(client.upsert([cash], allow=[Allow("look-alike", 1)]), Pending)
    assert_type(await client.lookup([{"ottimate_company_id": 1}]), list[Lookup])
    try:
        assert_type(await engine.directory(), Directory)
        assert_type(await engine.distrust(COMPANIES[0]), int)
    except Locked:
        pass


async def from_a_vault(account: Account) -> Credentials:
    key, client, secret = Secret("key"), Secret(f"client of {account.account_id}"), Secret("secret")
    return Credentials(api_key=key, client_id=client, client_secret=secret)


class Vault:
    async def __call__(self, account: Account) -> Credentials:
        return await from_a_vault(account)


async def accounts(engine: Engine) -> None:
    provider: CredentialsProvider = from_a_vault
    engine.add_account(Account(name="west", account_id="racc_2", credentials=provider))
    engine.add_account(Account(name="east", account_id="racc_3", credentials=Vault()))
    assert_type(await engine.quota("west"), QuotaDay)


async def plans(engine: Engine) -> None:
    plan = engine.saved_plan(await engine.plan(COMPANIES))
    assert_type(plan, SavedPlan)
    assert_type(plan.totals, PlanTotals)
    assert_type(read_plan(write_plan(plan)), SavedPlan)
    save_plan(plan, "plan.json")
    assert_type(engine.apply(load_plan("plan.json"), COMPANIES, approved=plan_digest(plan)), Pending)


async def the_past(engine: Engine) -> None:
    assert_type(await engine.history(), list[PastRun])
    assert_type(await engine.past_run("run"), PastResult | None)
    assert_type(await engine.company_history(1), list[CompanyInRun])
    assert_type(await engine.status(), Standing)


async def invoices(engine: Engine) -> None:
    bill = {"ottimate_company_id": 1, "line_items": [{"dimensions": {"Account": "1000"}}]}
    found = await engine.lookup(COMPANIES, [bill, *read_invoices(bill)], require=["account"], verify=VerifyMode.NONE)
    assert_type(found, list[Lookup])
    assert_type(found[0].ok, bool)
    assert_type(found[0].findings, tuple[Finding, ...])


async def bring_a_ledger() -> None:
    ledger = await open_ledger("sqlite:///x.db")
    taken: Ledger = ledger
    try:
        async with Engine(SETTINGS, ledger=taken):
            pass
    except (ConfigError, LedgerError) as error:
        base: EngineError = error
        print(base)  # noqa: T201  a program may print
    finally:
        await ledger.aclose()


class Watching:
    """A program's own telemetry."""

    def take(self, event: Event, run_id: str | None) -> None: ...

    def ended(self, run_id: str, error: BaseException | None) -> None: ...

    def lagged(self, seconds: float) -> None: ...


def without_an_event_loop(settings: Settings, companies: list[Company]) -> None:
    assert_type(run_sync(settings), RunResult)
    assert_type(run_sync(settings, companies, allow=(), budget=5, telemetry=Watching()), RunResult)


async def a_job(engine: Engine, company: Company) -> None:
    result = await sync_company(engine, company)
    assert_type(result, RunResult)
    assert_type(again_after_s(result, tries=2), float | None)


async def given(settings: Settings, rows: list[Dimension], frame: Frame) -> None:
    assert_type(from_iterable(rows), GivenRows)
    assert_type(from_iterable(lambda: ({"unique_key": row.key} for row in rows), in_thread=False), GivenRows)
    Company(id=1, source=from_frame(frame))
    telemetry: Telemetry = OpenTelemetry()
    Engine(settings, telemetry=telemetry)
    Engine(settings, telemetry=Watching())
    Engine(settings, telemetry=PrometheusMetrics(CollectorRegistry()))


async def tested(rows: list[Dimension]) -> None:
    clock = Clock()
    refused = Rule(effect=faults.RejectRows(key="a"), match=Match(operation="bulk"), times=1)
    with MemoryLedger() as ledger:
        async with Sandbox(clock=clock, faults=[refused]) as api:
            api.place(1, rows)
            assert_type(api.rows(1), list[Dimension])
            assert_type(api.requests("bulk"), list[ReceivedRequest])
            async with Engine(api.settings(), ledger=ledger, now=clock) as engine:
                await engine.sync([Company(id=1, source=from_iterable(rows))]).result()
    with Sandbox() as in_thread:
        assert_type(in_thread.base_url, str)
