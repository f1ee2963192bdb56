"""What a hostile review found, kept from coming back: each case once ended green but wrong, or cost far too much."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import anyio
import pytest

from engine import (
    Account,
    Api,
    Company,
    ConfigError,
    Engine,
    LedgerError,
    RunResult,
    Secret,
    Settings,
    State,
)
from engine.ledger.sqlite.ledger import SqliteLedger
from engine.model.events import Waiting
from tests.sandbox.conftest import (
    DEMO,
    Rows,
    World,
    account,
    assert_exact,
    columns,
    company,
    dims,
    kinds,
    slugs,
    verdict,
    watch,
)

BULK = {"operation": "bulk"}
LIST = {"operation": "list"}


async def test_a_task_cancelled_from_outside_while_rows_are_out_leaves_them_unknown(world: World) -> None:
    """`asyncio.run` cancels all tasks when its main ends: no shield stops that, and the server goes on."""
    world.place(1)
    a, b = dims(5), [row._replace(name=f"B {row.name}") for row in dims(5)]
    await world.sync_one(1, a)
    world.script({"effect": "latency", "seconds": 0.3, "match": BULK})
    world.limit(server_timeout_s=0.8)
    world.sandbox.service.log.clear()
    others = asyncio.all_tasks()
    async with world.unchecked_engine() as engine:
        run = asyncio.ensure_future(engine.sync([company(1, b)]).result())
        with anyio.fail_after(10):
            while not world.sent("bulk"):  # noqa: ASYNC110  the sandbox has no event for it
                await anyio.sleep(0.005)
        for task in asyncio.all_tasks() - others:
            if "engine" in repr(task.get_coro()) and "sandbox" not in repr(task.get_coro()):
                task.cancel()
        await asyncio.gather(run, return_exceptions=True)
    world.script()
    result = await world.sync_one(1, a)
    assert (result.exit_code, result.balance.updated) == (0, 5)
    assert_exact(world, 1, a)


async def test_a_request_that_was_given_up_may_still_land(world: World) -> None:
    """A -> B, which is given up while the server works on it -> A: what is sent next must not be overtaken."""
    world.place(1)
    a, b = dims(5), [row._replace(name=f"B {row.name}") for row in dims(5)]
    await world.sync_one(1, a)
    world.limit(max_attempts=1, timeout_s=0.1, server_timeout_s=1.0)
    world.script({"effect": "latency", "seconds": 0.7, "match": BULK, "times": 1})
    assert (await world.sync_one(1, b)).exit_code == 10
    world.limit(timeout_s=5.0)
    assert (await world.sync_one(1, a)).exit_code == 0
    assert_exact(world, 1, a)


@pytest.mark.parametrize("trouble", ["quota", "plan", "fresh"])
async def test_keys_that_led_nowhere_are_remembered_whatever_else_happens(world: World, trouble: str) -> None:
    """Each run that forgot it doubled two more rows, which nobody can delete."""
    world.limit(chunk_rows=2, max_concurrency=2)
    world.place(1)
    await world.sync_one(1, dims(10))
    wanted = [row._replace(name=f"New {row.name}") for row in dims(10)]
    quota = {"effect": "status", "status": 429, "body": '{"message":"Limit Exceeded"}', "match": BULK, "after": 1}
    world.script({"effect": "ignore-keys"}, *([quota] if trouble == "quota" else []))
    first = await world.sync_one(1, wanted)
    stored = len(world.stored(1))
    assert ("key-mismatch" in slugs(first), first.state) == (True, State.HELD)
    if trouble == "quota":
        world.clock.forward(hours=1)
    if trouble == "plan":
        world.clock.forward(days=15)
        async with world.engine() as engine:
            await engine.plan([company(1, wanted)], fresh=True).result()
    if trouble == "fresh":  # a person tries again, and the reading fails
        world.clock.forward(days=15)
        world.script({"effect": "lying-count", "by": 1}, {"effect": "ignore-keys"})
        assert "incomplete-listing" in slugs(await world.sync_one(1, wanted, fresh=True))
        world.clock.forward(days=15)
    again = await world.sync_one(1, wanted)
    assert (again.state, again.exit_code, kinds(again.requests), len(world.stored(1))) == (State.HELD, 4, {}, stored)


async def test_a_company_whose_keys_lead_again_is_free_once_a_person_said_so(world: World) -> None:
    world.limit(chunk_rows=2, max_concurrency=1)
    world.place(1)
    await world.sync_one(1, dims(10))
    wanted = [row._replace(name="New") if row.key < "K00002" else row for row in dims(10)]
    world.script({"effect": "ignore-keys"})
    assert (await world.sync_one(1, wanted)).exit_code == 4
    world.script()
    assert (await world.sync_one(1, wanted, fresh=True)).exit_code == 0
    assert (await world.sync_one(1, wanted)).state == State.UNCHANGED


async def test_eight_bad_rows_do_not_sink_the_good_ones(world: World) -> None:
    world.place(1)
    world.script(*({"effect": "poison", "erp_id": f"{n:05}"} for n in range(8)))
    result = await world.sync_one(1, dims(100))
    assert columns(result) == {"created": 92, "rejected": 8}


async def test_a_403_without_words_is_about_its_company(world: World) -> None:
    for n in (1, 2):
        world.place(n)
    body = '{"code":"Forbidden","message":null,"request_id":"r1"}'
    world.script({"effect": "status", "status": 403, "body": body, "match": {**LIST, "company": 1}})
    first, second = (await world.sync(company(1, dims(3)), company(2, dims(3)))).companies
    assert (verdict(first), verdict(second)) == (("failed", 1, ["out-of-scope"]), ("synced", 0, []))


@pytest.mark.sockets
async def test_a_404_on_a_bulk_path_that_was_there_is_about_its_company(world: World) -> None:
    for n in (1, 2, 3):
        world.place(n)
    body = '{"code":"Not found","message":"No such company."}'
    world.script({"effect": "status", "status": 404, "body": body, "match": {**BULK, "company": 2}})
    settings = replace(world.settings, companies_at_once=1)
    async with Engine(settings, now=world.clock, rng=world.rng) as engine:
        result = await engine.sync([company(n, dims(3)) for n in (1, 2, 3)]).result()
    assert [verdict(each)[2] for each in result.companies] == [[], ["out-of-scope"], []]


async def test_a_throttle_that_speaks_of_limits_is_no_used_up_day(world: World) -> None:
    world.place(1)
    body = '{"code":"Throttled","message":"Rate limit exceeded, retry in 1 s"}'
    rule = {"effect": "status", "status": 429, "body": body, "headers": {"Retry-After": "1"}, "times": 1, "match": LIST}
    world.script(rule)
    assert verdict(await world.sync_one(1, dims(3))) == ("synced", 0, [])


async def test_one_burst_of_429s_makes_one_pause(world: World) -> None:
    """Answers to requests that were out together once climbed to waits of half a minute: as many as are at first."""
    for n in range(1, 17):
        world.place(n)
    world.script({"effect": "status", "status": 429, "times": 8, "match": LIST})
    async with world.engine() as engine:
        events, result = await watch(engine, *(company(n, dims(3)) for n in range(1, 17)))
    waits = [event.seconds for event in events if isinstance(event, Waiting)]
    assert result.exit_code == 0
    assert (len(waits) <= 3, max(waits) <= 2.0) == (True, True)


async def test_a_count_far_too_high_is_not_paged_through(world: World) -> None:
    world.place(1, dims(50))
    world.script({"effect": "lying-count", "by": 20_000})
    result = await world.sync_one(1, dims(50))
    assert verdict(result) == ("held", 4, ["incomplete-listing"])
    assert result.requests.list <= 3 * (1 + 2 * 8)  # page 1, and what was out when the first empty page came


async def test_ids_that_are_numbers_are_ids(either_world: World) -> None:
    world = either_world
    world.place(1)
    world.follow({"listed_ids": "number", "answer_ids": "number"})
    assert columns(await world.sync_one(1, dims(5))) == {"created": 5}
    assert (await world.sync_one(1, dims(5), fresh=True)).state == State.UNCHANGED
    wanted = [row._replace(name="New") if row.key == "K00002" else row for row in dims(6)]
    world.script({"effect": "reset", "commit": True, "match": BULK})
    world.limit(max_attempts=1)  # so that the row is read back, by its id
    assert columns(await world.sync_one(1, wanted)) == {"unchanged": 4, "created": 1, "updated": 1}
    assert_exact(world, 1, wanted)


@pytest.mark.parametrize("what", ["api_key", "client_secret"])
async def test_credentials_that_were_changed_on_both_sides_cost_nothing(world: World, what: str) -> None:
    """The company is known by its account, whatever key leads to it: nothing is read anew, and nothing held."""
    world.place(1)
    await world.sync_one(1, dims(5))
    access = world.sandbox.service.access
    old = access.by_key.pop(DEMO.api_key)
    new = replace(old, **{what: "another-one"})
    access.by_key[new.api_key] = new
    access.meters.setdefault(new.api_key, access.meters[old.api_key])
    assert verdict(await world.sync_one(1, dims(6))) == ("deferred", 8, ["authentication"])
    world.accounts = (account(credentials=new),)
    assert (await world.sync_one(1, dims(5))).state == State.UNCHANGED
    assert world.sent() == 0
    assert columns(await world.sync_one(1, dims(6))) == {"unchanged": 5, "created": 1}
    assert_exact(world, 1, dims(6))


@pytest.mark.parametrize("rows", [1, 2])
async def test_pages_that_overlap_and_hide_nothing_are_whole(world: World, rows: int) -> None:
    """Each page begins so many rows before the last one ended; 70 rows are shown on four pages all the same."""
    world.limit(page_size=20)
    world.place(1, dims(70))
    shifts = {page: -rows * (page - 1) for page in (2, 3, 4)}
    world.script(*({"effect": "shifted-page", "by": by, "match": {**LIST, "page": n}} for n, by in shifts.items()))
    result = await world.sync_one(1, dims(72))
    assert columns(result) == {"unchanged": 70, "created": 2}
    assert result.certificate is not None
    assert (result.certificate.whole, result.certificate.repeats) == (True, 3 * rows)
    assert_exact(world, 1, dims(72))


async def test_codes_that_nobody_can_see_are_told(world: World) -> None:
    world.place(1, dims(5), keys=False)
    result = await world.sync_one(1, [row._replace(code="NEW") for row in dims(5)])
    assert (result.balance.adopted, result.exit_code) == (5, 0)
    assert [problem.code for problem in result.problems] == ["not-observable"]
    assert "5 adopted rows" in result.problems[0].message


class Broken:
    """A source whose connection fails when it is opened, or when it is closed."""

    def __init__(self, when: str) -> None:
        self.when = when

    def __aiter__(self) -> AsyncIterator[Any]:
        if self.when == "open":
            raise RuntimeError("database is down")
        return self

    async def __anext__(self) -> Any:
        raise StopAsyncIteration

    async def aclose(self) -> None:
        raise RuntimeError("database is down")


@pytest.mark.parametrize("source", [Broken("open"), Broken("close"), list(dims(3))], ids=["open", "close", "list"])
async def test_a_source_of_any_kind_fails_its_company_alone(world: World, source: Any) -> None:
    for n in (1, 2):
        world.place(n)
    first, second = (await world.sync(Company(id=1, source=source), company(2, dims(3)))).companies
    assert (verdict(first), verdict(second)) == (("failed", 1, ["source"]), ("synced", 0, []))


@pytest.mark.sockets
async def test_a_session_that_raises_by_itself_is_told_not_to(world: World) -> None:
    world.place(1)
    world.script({"effect": "poison", "erp_id": "00003"})
    async with (
        aiohttp.ClientSession(raise_for_status=True) as session,
        Engine(world.settings, session=session, now=world.clock, rng=world.rng) as engine,
    ):
        result = await engine.sync([company(1, dims(5))]).result()
    assert columns(result) == {"created": 4, "rejected": 1}


@pytest.mark.sockets
async def test_a_host_that_cannot_be_reached_stops_the_run_once(world: World) -> None:
    """No request is counted, nothing is in doubt, and nothing rests: the next run tries at once."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    world.limit(max_attempts=2)
    settings = replace(world.settings, api=Api(base_url=f"http://127.0.0.1:{port}/v1"))
    async with Engine(settings, now=world.clock, rng=world.rng) as engine:
        for _ in range(2):
            result = await engine.sync([company(n, dims(3)) for n in range(1, 6)]).result()
            assert {each.problems[0].code for each in result.companies} == {"host-down"}
            assert all("cannot connect" in each.problems[0].message for each in result.companies)
            assert (result.exit_code, result.requests.total, columns(result)) == (5, 0, {"deferred": 15})


@pytest.mark.sockets
async def test_a_host_that_goes_away_while_rows_are_sent_leaves_nothing_in_doubt(world: World) -> None:
    world.place(1)
    await world.sync_one(1, dims(5))
    world.limit(max_attempts=2)
    port = world.sandbox.port
    await world.sandbox.__aexit__(None, None, None)
    async with world.unchecked_engine() as engine:
        result = await engine.sync([company(1, [row._replace(name="New") for row in dims(5)])]).result()
    assert (result.exit_code, columns(result), kinds(result.requests)) == (5, {"deferred": 5}, {})
    assert world.sandbox.port == port


@pytest.mark.parametrize("secret", ["", "key\n", " key", "kéy"])
def test_a_secret_that_no_header_can_carry_is_refused_at_once(secret: str) -> None:
    accounts: tuple[Account, ...] = (replace(account(), api_key=Secret(secret)),)
    with pytest.raises(ConfigError, match="api_key of account 'main'"):
        Engine(Settings(accounts=accounts))


async def test_rows_of_one_source_may_be_read_twice(world: World) -> None:
    """A source object is iterated anew for each run."""
    world.place(1)
    source = Rows(dims(3))
    async with world.engine() as engine:
        for expected in (State.SYNCED, State.UNCHANGED):
            result = await engine.sync([Company(id=1, source=source)]).result()
            assert result.companies[0].state == expected


async def test_a_company_that_is_refused_whole_is_not_bisected_again_and_again(world: World) -> None:
    """2,000 rows and one constant refusal once cost 420 bulk requests, and again each day."""
    world.limit(max_concurrency=1)
    world.place(1)
    world.script(
        {"effect": "status", "status": 400, "body": '{"code":"Bad request","message":"no ERP"}', "match": BULK}
    )
    result = await world.sync_one(1, dims(2000))
    assert columns(result) == {"rejected": 2000}
    assert result.requests.bulk <= 4 * 25 + 20  # a bisection of what four workers had, then one request a chunk


async def test_a_journal_that_cannot_be_written_does_not_swallow_the_result(world: World) -> None:
    class Full(SqliteLedger):
        async def finish_run(self, result: RunResult) -> None:  # noqa: ARG002  the base's signature
            raise LedgerError("database or disk is full")

    world.place(1)
    async with (
        world.open_ledger() as ledger,
        world.engine(Full(ledger._thread, ledger._hold)) as engine,
    ):
        result = await engine.sync([company(1, dims(3))]).result()
    assert (result.exit_code, result.totals.created) == (1, 3)
    assert "disk is full" in result.problems[0].message


@pytest.mark.sockets
async def test_rows_that_may_have_landed_are_uncertain_although_their_account_stops(world: World) -> None:
    """The third refusal parks the account, after an earlier send of that chunk was carried out and never answered."""
    for n in (1, 2, 3):
        world.place(n)
    lost = [
        {"effect": "reset", "commit": True, "times": 1, "match": {"operation": "bulk", "company": n}} for n in (1, 2, 3)
    ]
    body = '{"code":"Bad request","message":"no"}'
    refused = [
        {"effect": "status", "status": 400, "body": body, "after": 1, "match": {"operation": "bulk", "company": n}}
        for n in (1, 2, 3)
    ]
    world.script(*lost, *refused)
    settings = replace(world.settings, companies_at_once=1)
    async with Engine(settings, now=world.clock, rng=world.rng) as engine:
        result = await engine.sync([company(n, dims(2)) for n in (1, 2, 3)]).result()
    assert (result.exit_code, columns(result.companies[2])) == (2, {"uncertain": 2})
    world.script()
    assert (await world.sync_one(3, dims(2))).exit_code == 0
    assert_exact(world, 3, dims(2))
