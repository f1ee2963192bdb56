"""The recipes for services and programs do what they say, against the sandbox."""

from __future__ import annotations

import ast
import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from inspect import CO_COROUTINE
from pathlib import Path
from types import FunctionType
from typing import Any

import aiohttp
import pytest
from dimsync import Company, Dimension, Engine, Settings, State, from_iterable
from dimsync.testing import Match, MemoryLedger, Rule, Sandbox, check_source, faults

from tests.service.conftest import serve_asgi, spelled, until
from tests.service.recipes import (
    cancelling,
    cron_in_a_service,
    fastapi_service,
    first_program,
    own_credentials,
    own_queue,
    own_source,
    plain_script,
    queue_worker,
    two_engines,
)

RECIPES = Path(__file__).parent / "recipes"
ROWS = [Dimension(f"K{n}", "account", "GL Account", f"Account {n}", str(n)) for n in range(6)]
SLOW = Rule(effect=faults.Latency(seconds=0.05), match=Match(operation="bulk"))
HEADER = "unique_key,type,dimension_type_code,name,erp_dimension_id\n"


def company(company_id: int = 123) -> Company:
    return Company(id=company_id, source=from_iterable(ROWS))


def one_by_one(settings: Settings) -> Settings:
    """Send one row a request, one request at a time."""
    (account,) = settings.accounts
    limits = replace(account.limits, chunk_rows=1, max_concurrency=1)
    return replace(settings, accounts=(replace(account, limits=limits),))


@pytest.fixture
async def api() -> AsyncIterator[Sandbox]:
    async with Sandbox() as sandbox:
        sandbox.place(123)
        yield sandbox


async def test_the_first_program(api: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    secrets = (api.accounts[0].api_key, api.accounts[0].client_id, api.accounts[0].client_secret)
    settings = first_program.settings_for(api.base_url, *(each.reveal() for each in secrets))
    settings = replace(settings, accounts=(replace(settings.accounts[0], account_id=api.accounts[0].account_id),))
    assert (await first_program.main(settings)).totals.unchanged == 2
    assert [row.key for row in api.rows(123)] == ["123:account:0100", "123:department:D-7"]
    assert (tmp_path / "ledger.db").exists()


def test_a_script(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "123.csv").write_text(f"{HEADER}K1,GL Account,account,Rent,6000\n")
    (tmp_path / "124.csv").write_text(f"{HEADER}K1,GL Account,account,,6000\n")
    with Sandbox() as api:
        for company_id in (123, 124):
            api.place(company_id)
        assert plain_script.nightly(api.settings(), tmp_path) == 3
        assert len(api.rows(123)) == 1
    assert capsys.readouterr().out.startswith("124 ")


async def test_a_job_of_another_queue_is_one_run_and_is_done_later_where_a_company_is_locked(api: Sandbox) -> None:
    async with Engine(api.settings()) as engine:
        assert await own_queue.activity(engine, company(), 0) == 0
        assert len(api.rows(123)) == len(ROWS)
        async with engine._opened().lock(engine._company_key(company())):
            with pytest.raises(own_queue.LaterError, match="again in 30 s") as later:
                await own_queue.activity(engine, company(), 0)
        assert later.value.seconds == 30.0


def test_so_it_is_in_a_process_without_an_event_loop(tmp_path: Path) -> None:
    with Sandbox() as api:
        api.place(123)
        settings = api.settings(ledger_url=f"sqlite:///{tmp_path}/ledger.db")
        assert own_queue.task(settings, company(), 0) == 0
        api.set_faults(Rule(effect=faults.Status(status=503)))
        more = replace(company(), source=from_iterable([*ROWS, ROWS[0]._replace(key="K9", name="Nine", erp_id="9")]))
        with pytest.raises(own_queue.LaterError, match="again in 240 s"):
            own_queue.task(settings, more, 3)


async def test_fastapi_streams_the_events_of_a_run(api: Sandbox) -> None:
    async with (
        aiohttp.ClientSession() as session,
        serve_asgi(fastapi_service.create_app(api.settings())) as url,
        session.post(f"{url}/companies/123/sync", json=[spelled(row) for row in ROWS]) as answer,
    ):
        told = [block.splitlines() for block in (await answer.text()).rstrip().split("\n\n")]
    assert [each[0] for each in (told[0], told[-1])] == ["event: RunStarted", "event: RunFinished"]
    result = json.loads(told[-1][1].removeprefix("data: "))
    assert (result["exit_code"], result["totals"]["created"]) == (0, 6)
    assert api.rows(123) == ROWS


async def test_a_client_of_fastapi_that_leaves_stops_the_run(api: Sandbox) -> None:
    api.set_faults(SLOW)
    body = [spelled(row) for row in ROWS]
    async with (
        aiohttp.ClientSession() as session,
        serve_asgi(fastapi_service.create_app(one_by_one(api.settings()))) as url,
    ):
        async with session.post(f"{url}/companies/123/sync", json=body) as answer:
            while not (await answer.content.readline()).startswith(b"event: ChunkSettled"):
                pass
            answer.close()
        await until(lambda: all(request.status is not None for request in api.requests("bulk")))
        state = "locked"
        while state == "locked":
            async with session.post(f"{url}/companies/123/sync", json=body) as answer:
                *_, last = (await answer.text()).rstrip().split("\n\n")
            result = json.loads(last.partition("data: ")[2])
            state = result["companies"][0]["state"]
    assert 0 < result["totals"]["created"] < 6
    assert api.rows(123) == ROWS


async def test_workers_do_each_job_and_put_off_what_somebody_has(
    api: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    api.place(124)
    api.set_faults(SLOW)
    jobs: asyncio.Queue[Company] = asyncio.Queue()
    for company_id in (123, 123, 124):  # the second is delivered twice: one of the two workers is locked out
        jobs.put_nowait(company(company_id))
    with MemoryLedger() as ledger:
        serving = asyncio.create_task(queue_worker.serve(one_by_one(api.settings()), ledger, jobs, workers=3))
        await jobs.join()
        serving.cancel()
        await asyncio.wait([serving])
    assert sorted(capsys.readouterr().out.splitlines()) == ["123 synced 0", "123 unchanged 0", "124 synced 0"]
    assert (api.rows(123), api.rows(124)) == (ROWS, ROWS)


@pytest.mark.parametrize(
    ("now", "hours"), [((2026, 3, 1, 4, 0), 1), ((2026, 3, 1, 5, 0), 24), ((2026, 2, 28, 23, 30), 5.5)]
)
def test_the_next_morning(now: tuple[int, int, int, int, int], hours: float) -> None:
    assert cron_in_a_service.seconds_until(cron_in_a_service.AT, datetime(*now, tzinfo=UTC)) == 3600 * hours


async def test_each_morning_is_a_sync_and_old_problems_are_told_once(
    api: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    api.set_faults(Rule(effect=faults.RejectRows(key="K3", message="no such parent")))
    mornings = 0

    async def sleep(seconds: float) -> None:
        nonlocal mornings
        assert 0 < seconds <= 24 * 3600
        mornings += 1
        if mornings > 2:
            raise asyncio.CancelledError

    with caplog.at_level(logging.WARNING):
        async with Engine(api.settings()) as engine:
            with pytest.raises(asyncio.CancelledError):
                await cron_in_a_service.each_morning(engine, lambda: [company()], sleep)
            assert len(await engine.history()) == 2
    assert len([each for each in caplog.records if "no such parent" in each.getMessage()]) == 1


async def test_a_source_of_ones_own(api: Sandbox) -> None:
    records = [{"number": "0100", "name": "Food"}, {"number": "0200", "name": "Drinks"}, {"name": "Total"}]

    async def page(number: int) -> list[dict[str, str]]:
        return records[number - 1 : number]

    source = own_source.ErpAccounts(123, page)
    async with Engine(api.settings()) as engine:
        (failed,) = (await engine.sync([Company(id=123, source=source)])).companies
        assert (failed.state, failed.problems[0].code, api.requests("bulk")) == (State.FAILED, "source", [])
        assert "no account number" in failed.problems[0].message
        records.pop()
        assert (await engine.sync([Company(id=123, source=source)])).totals.created == 2
    assert [row.erp_id for row in api.rows(123)] == ["0100", "0200"]
    assert len(await check_source(lambda: source)) == 2


async def test_credentials_of_a_vault_are_asked_again_when_they_are_refused(api: Sandbox) -> None:
    (known,) = api.accounts
    secrets = {name: getattr(known, name).reveal() for name in ("api_key", "client_id", "client_secret")}
    given = [{**secrets, "client_secret": "the old one"}, secrets]
    asked: list[str] = []

    async def vault(path: str) -> Mapping[str, str]:
        asked.append(path)
        return given[min(len(asked), len(given)) - 1]

    accounts = own_credentials.VaultAccounts(vault)
    async with Engine(replace(api.settings(), accounts=())) as engine:
        for _ in range(2):  # as a worker does for each job
            engine.add_account(accounts.of("main", known.account_id))
        result = await engine.sync([company()])
    assert (result.exit_code, asked) == (0, ["ottimate/main"] * 2)


async def test_three_ways_to_end_early(api: Sandbox) -> None:
    api.set_faults(SLOW)
    async with Engine(one_by_one(api.settings())) as engine:
        assert await cancelling.at_most(engine, [company()], 0.1) is None
        assert (await engine.history())[0].exit_code == 5
        asked = asyncio.Event()
        asked.set()
        stopped = await cancelling.until_asked(engine, [company()], asked)
        assert (stopped.exit_code, stopped.companies[0].state) == (5, State.DEFERRED)
        api.set_faults()
        assert (await cancelling.with_a_deadline(engine, [company()])).exit_code == 0
    assert api.rows(123) == ROWS


async def test_two_engines_at_two_apis(api: Sandbox) -> None:
    async with Sandbox() as staging:
        staging.place(123)
        results = await two_engines.sync_both(api.settings(), staging.settings(), [company()])
        assert [result.totals.created for result in results] == [6, 6]
        assert api.rows(123) == staging.rows(123) == ROWS


async def test_the_cells_of_a_notebook(api: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a notebook runs them: `await` at the top, each cell in a task of its own, its last value shown."""
    (account,) = api.accounts
    monkeypatch.chdir(tmp_path)
    for name in ("api_key", "client_id", "client_secret"):
        monkeypatch.setenv(f"OTTIMATE_{name.upper()}", getattr(account, name).reveal())
    monkeypatch.setenv("OTTIMATE_ACCOUNT_ID", account.account_id)
    monkeypatch.setenv("OTTIMATE_URL", api.base_url)
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports/123.csv").write_text(f"{HEADER}K1,GL Account,account,Rent,6000\n")
    names: dict[str, Any] = {"__name__": "__main__"}
    shown = [
        await asyncio.create_task(run_cell(cell, names))
        for cell in (RECIPES / "notebook.py").read_text("utf-8").split("# %%\n")[1:]
    ]
    assert (shown[1].created, len(shown[2]), shown[3].created) == (1, 1, 1)
    assert [row.name for row in api.rows(123)] == ["Rent"]


async def run_cell(cell: str, names: dict[str, Any]) -> Any:
    """Run a cell, and return the value of the expression that it ends with."""
    tree = ast.parse(cell)
    if isinstance(last := tree.body[-1], ast.Expr):
        shown = ast.Assign([ast.Name("_shown", ast.Store())], last.value)
        tree.body[-1] = ast.fix_missing_locations(ast.copy_location(shown, last))
    code = compile(tree, "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    called = FunctionType(code, names)()
    if code.co_flags & CO_COROUTINE:
        await called
    return names.pop("_shown", None)
