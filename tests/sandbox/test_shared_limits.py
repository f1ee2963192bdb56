"""Workers that share an API key through a ledger in Postgres, each with an engine and connections of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import psycopg
import pytest

from engine import Company, Engine, RunResult
from engine.ledger.opening import open_ledger
from engine.model.events import Waiting
from engine.model.origin import origin_of
from engine.net.departure import OTHERS_PAUSE
from engine.testing import Allowance, ReceivedRequest, Rule, Sandbox, faults
from tests.postgres_server import PostgresServer
from tests.sandbox.conftest import company, dims, watch

pytestmark = pytest.mark.sockets


class Workers:
    """Engines on one ledger, for one account of one sandbox."""

    def __init__(self, api: Sandbox, ledger_url: str) -> None:
        self.api = api
        self.ledger_url = ledger_url
        self.engines: list[Engine] = []
        self._open = AsyncExitStack()

    async def start(self, count: int, **limits: float) -> None:
        (account,) = self.api.accounts
        account = replace(account, limits=replace(account.limits, **limits))  # type: ignore[arg-type]
        settings = replace(self.api.settings(ledger_url=self.ledger_url), accounts=(account,))
        for _ in range(count):
            self.engines.append(await self._open.enter_async_context(Engine(settings)))

    async def stop(self) -> None:
        await self._open.aclose()

    async def sync(self, *companies_of: list[Company]) -> list[RunResult]:
        """Let each worker sync companies of its own, all at once."""
        runs = zip(self.engines, companies_of, strict=True)
        return await asyncio.gather(*(engine.sync(companies).result() for engine, companies in runs))

    def companies(self, *, each: int, rows: int = 3) -> list[list[Company]]:
        """Return some new companies for each worker."""
        numbers = iter(range(1, 1 + each * len(self.engines)))
        return [[self._company(next(numbers), rows) for _ in range(each)] for _ in self.engines]

    def _company(self, number: int, rows: int) -> Company:
        self.api.place(number)
        return company(number, dims(rows))

    def times(self) -> list[datetime]:
        """When requests arrived, by the server's clock."""
        return [request.time for request in self.api.requests()]


@pytest.fixture
async def workers(postgres_url: str) -> AsyncIterator[Workers]:
    async with Sandbox(allowance=Allowance(burst=2000)) as api:
        made = Workers(api, postgres_url)
        yield made
        await made.stop()


async def test_four_workers_fetch_one_token_and_list_the_directory_once(workers: Workers) -> None:
    await workers.start(4)
    results = await workers.sync(*workers.companies(each=2))
    assert [result.exit_code for result in results] == [0] * 4
    assert len(workers.api.requests("token")) == 1
    assert len(workers.api.requests("companies")) == 1


async def test_the_ledger_counts_what_workers_sent_to_the_request(workers: Workers) -> None:
    await workers.start(3)
    await workers.sync(*workers.companies(each=3))
    await workers.stop()
    (account,) = workers.api.accounts
    async with await open_ledger(workers.ledger_url) as ledger:
        use = await ledger.quota(origin_of(workers.api.base_url), account.key_id, datetime.now(UTC).date())
    assert use.used == len(workers.api.requests())


def most_in_a_second(times: list[datetime]) -> int:
    return max(sum(0 <= (other - one).total_seconds() < 1.0 for other in times) for one in times)


async def longest_stall_s() -> float:
    """Return how long the event loop, in which the server is, too, stood still at most; until it is cancelled."""
    loop, longest_s = asyncio.get_running_loop(), 0.0
    with suppress(asyncio.CancelledError):
        while True:
            began_s = loop.time()
            await asyncio.sleep(0.002)
            longest_s = max(longest_s, loop.time() - began_s)
    return longest_s


async def test_workers_together_keep_to_the_rate(workers: Workers) -> None:
    """A second and a half of a key's rate, over four workers. What a busy machine is late by, arrives in a heap."""
    await workers.start(4, requests_per_second=40.0)
    watching = asyncio.ensure_future(longest_stall_s())
    for results in await workers.sync(*workers.companies(each=6)):
        assert results.exit_code == 0
    watching.cancel()
    assert most_in_a_second(workers.times()) <= 42 + 2 * 40 * await watching
    assert len(workers.times()) >= 50


async def test_no_more_requests_are_out_than_may_be_even_for_more_workers_than_that(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the server's count; and all of them are used, by all workers."""
    await workers.start(4, max_concurrency=2)
    service, out = workers.api._server.service, list[int]()
    begin, end = service.open, service.finish

    def opened(*request: Any) -> Any:
        out.append(out[-1] + 1 if out else 1)
        return begin(*request)

    def finished(turn: Any) -> Any:
        out.append(out[-1] - 1)
        return end(turn)

    monkeypatch.setattr(service, "open", opened)
    monkeypatch.setattr(service, "finish", finished)
    workers.api.set_faults(Rule(effect=faults.Latency(seconds=0.05)))
    results = await workers.sync(*workers.companies(each=3))
    assert [result.exit_code for result in results] == [0] * 4
    assert max(out) == 2


async def test_what_one_worker_is_asked_to_wait_for_holds_the_others(workers: Workers) -> None:
    await workers.start(3, requests_per_second=200.0)
    workers.api.set_faults(Rule(effect=faults.Status(status=429, headers={"Retry-After": "1"}), after=12, times=1))
    runs = zip(workers.engines, workers.companies(each=12), strict=True)
    watched = await asyncio.gather(*(watch(engine, *companies) for engine, companies in runs))
    assert [result.exit_code for _, result in watched] == [0] * 3
    told = [{event.reason for event in events if isinstance(event, Waiting)} for events, _ in watched]
    assert sorted(map(len, told)) == [1, 1, 1]
    assert [reasons == {OTHERS_PAUSE} for reasons in told].count(True) == 2
    requests = workers.api.requests()
    (refused,) = [request for request in requests if request.status == 429]

    def late(request: ReceivedRequest) -> bool:
        return 0.1 < (request.time - refused.time).total_seconds() < 0.95

    assert len([request for request in requests if late(request)]) < 20  # those on their way; each second is of 200
    assert len([request for request in requests if request.time > refused.time + timedelta(seconds=0.95)]) > 30


async def test_a_token_that_is_refused_is_replaced_once_for_all_workers(workers: Workers) -> None:
    await workers.start(3)
    workers.api.set_faults(Rule(effect=faults.ExpireTokens(), after=12, times=1))
    results = await workers.sync(*workers.companies(each=6))
    assert [result.exit_code for result in results] == [0] * 3
    assert len(workers.api.requests("token")) == 2


async def test_a_cut_connection_of_the_limits_is_made_anew_in_the_run(
    workers: Workers, postgres: PostgresServer
) -> None:
    await workers.start(2, requests_per_second=100.0)
    companies = workers.companies(each=12)

    async def cut() -> None:
        while len(workers.api.requests()) < 20:  # noqa: ASYNC110  the sandbox tells nobody
            await anyio.sleep(0.005)
        await asyncio.to_thread(end_limits, postgres, workers.ledger_url)

    async with anyio.create_task_group() as group:
        group.start_soon(cut)
        results = await workers.sync(*companies)
    assert [result.exit_code for result in results] == [0, 0]
    assert [result.totals.created for result in results] == [36, 36]


def end_limits(postgres: PostgresServer, url: str) -> None:
    """End the sessions by which workers share limits."""
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(
            "select pid from pg_stat_activity where query like '%%leased(%%' and pid <> pg_backend_pid()"
        )
        for (pid,) in found.fetchall():
            postgres.end_session(pid)


async def test_with_the_database_away_nothing_is_sent_and_the_next_sync_goes_on(
    workers: Workers, postgres: PostgresServer
) -> None:
    await workers.start(2, requests_per_second=100.0)
    companies = workers.companies(each=12)

    async def cut() -> int:
        while len(workers.api.requests()) < 20:  # noqa: ASYNC110  the sandbox tells nobody
            await anyio.sleep(0.005)
        away = postgres.unreachable(workers.ledger_url)
        await asyncio.to_thread(away.__enter__)
        await anyio.sleep(0.05)
        before = len(workers.api.requests())
        await anyio.sleep(0.2)
        sent = len(workers.api.requests()) - before
        await asyncio.to_thread(away.__exit__, None, None, None)
        return sent

    cutting = asyncio.ensure_future(cut())
    await workers.sync(*companies)
    assert await cutting == 0
    results = await workers.sync(*companies)
    assert [result.exit_code for result in results] == [0, 0]
    for each in (*companies[0], *companies[1]):
        assert len(workers.api.rows(each.id)) == 3
