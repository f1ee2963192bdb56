"""The engine inside of services: each example with both kinds of event loop, and clients that come, share and leave."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

import aiohttp
import pytest

from engine import Dimension
from tests.sandbox.conftest import assert_exact, dims
from tests.service.conftest import Client, Play, Scenario, Stage, serve_aiohttp, spelled, until

HELD_BACK_S = 0.2  # long against what a disconnect takes to be seen, short against a test


def scenario(test: Scenario) -> Callable[[Play], None]:
    """Turn an async test into one that is played for each example and event loop."""

    def played(play: Play) -> None:
        play(test)

    return played


async def free(client: Client, company_id: int, rows: Sequence[Dimension]) -> tuple[int, int]:
    """Sync as soon as no earlier run holds the company; return the status and how many rows were created."""
    while True:
        status, result = await client.sync(company_id, rows)
        if status != 409:
            return status, result["totals"]["created"]


async def assert_in_books(stage: Stage, client: Client, company_id: int, rows: Sequence[Dimension]) -> None:
    """Check that the sandbox holds the rows, each once, and that the ledger knows: asked again, nothing is sent."""
    assert_exact(stage.world, company_id, rows)
    stage.world.sandbox.service.log.clear()
    status, result = await client.sync(company_id, rows)
    assert (status, result["companies"][0]["state"]) == (200, "unchanged")
    assert stage.world.sandbox.service.log == []


def slow_down(stage: Stage, company_id: int) -> None:
    """Make a company take many requests, four at a time, each of them held back."""
    stage.world.limit(chunk_rows=10)
    match = {"operation": "bulk", "company": company_id}
    stage.world.script({"effect": "latency", "seconds": HELD_BACK_S, "match": match})


@scenario
async def test_two_requests_at_once_share_the_token(stage: Stage) -> None:
    rows = {company_id: dims(150, first=1000 * company_id) for company_id in (1, 2)}
    for company_id in rows:
        stage.world.place(company_id)
    async with stage.service() as client:
        answers = await asyncio.gather(*(client.sync(*each) for each in rows.items()))
        assert [status for status, _ in answers] == [200, 200]
        assert [(result["exit_code"], result["totals"]["created"]) for _, result in answers] == [(0, 150)] * 2
        assert stage.world.sent("token") == 1
        for company_id, wanted in rows.items():
            await assert_in_books(stage, client, company_id, wanted)


@scenario
async def test_a_client_that_leaves_harms_nobody(stage: Stage) -> None:
    """What was in flight is written down, the rest is not sent; asked again, nothing is there twice."""
    for company_id in (1, 2):
        stage.world.place(company_id)
    slow_down(stage, 1)
    async with stage.service() as client:
        leaving = asyncio.ensure_future(client.sync(1, dims(300)))
        staying = asyncio.ensure_future(client.sync(2, dims(150, first=1000)))
        await until(lambda: stage.in_flight(1))
        leaving.cancel()
        status, result = await staying
        assert (status, result["totals"]["created"]) == (200, 150)
        await until(lambda: not stage.in_flight(1))
        stored = len(stage.world.stored(1))
        assert 0 < stored < 300
        stage.world.script()
        assert await free(client, 1, dims(300)) == (200, 300 - stored)
        for company_id, rows in ((1, dims(300)), (2, dims(150, first=1000))):
            await assert_in_books(stage, client, company_id, rows)
    assert leaving.cancelled()


@scenario
async def test_closing_the_app_ends_what_is_under_way(stage: Stage) -> None:
    """It waits for what is in flight and no longer; the next process goes on from there."""
    stage.world.place(1)
    slow_down(stage, 1)
    async with stage.service() as client:
        asked = asyncio.ensure_future(client.sync(1, dims(300)))
        await until(lambda: stage.in_flight(1))
    assert not stage.in_flight(1)
    with suppress(aiohttp.ClientError):  # or the connection is cut
        assert (await asked)[0] in (500, 503)
    stored = len(stage.world.stored(1))
    assert 0 < stored < 300
    stage.world.script()
    async with stage.service() as client:
        assert await free(client, 1, dims(300)) == (200, 300 - stored)
        await assert_in_books(stage, client, 1, dims(300))


@scenario
async def test_a_company_that_is_being_synced_is_a_conflict(stage: Stage) -> None:
    stage.world.place(1)
    slow_down(stage, 1)
    async with stage.service() as client:
        first = asyncio.ensure_future(client.sync(1, dims(5)))
        await until(lambda: stage.in_flight(1))
        status, result = await client.sync(1, dims(9))
        assert (status, result["exit_code"], result["companies"][0]["state"]) == (409, 9, "locked")
        assert (await first)[0] == 200
        assert await free(client, 1, dims(9)) == (200, 4)


@scenario
async def test_bad_rows_are_values_of_the_result(stage: Stage) -> None:
    stage.world.place(1)
    async with stage.service() as client:
        status, result = await client.post(1, [*map(spelled, dims(3)), {**spelled(dims(4)[3]), "name": "a\0b"}])
        assert (status, result["exit_code"], result["totals"]["created"], result["totals"]["invalid"]) == (200, 3, 3, 1)
        (problem,) = result["companies"][0]["problems"]
        assert (problem["code"], problem["key"]) == ("control-characters", "K00003")


@scenario
async def test_what_is_no_array_of_rows_is_refused_before_anything_is_asked(stage: Stage) -> None:
    async with stage.service() as client:
        for body in (b'{"rows": []}', b"[1, 2]", b'"rows"', b"[{"):
            async with client.session.post(f"{client.url}/companies/1/sync", data=body) as answer:
                assert answer.status in (400, 422)
    assert stage.world.sandbox.service.log == []


@scenario
async def test_a_company_that_cannot_be_done_is_the_gateway_s_fault(stage: Stage) -> None:
    """A company out of scope fails, one of an account that is stopped is deferred."""
    stage.world.place(1)
    async with stage.service() as client:
        assert (await client.sync(2, dims(3)))[0] == 502
        body = '{"message":"Limit Exceeded"}'
        stage.world.script({"effect": "status", "status": 429, "body": body, "match": {"operation": "list"}})
        status, result = await client.sync(1, dims(3))
        assert (status, result["companies"][0]["problems"][0]["code"]) == (503, "quota")


@pytest.mark.parametrize("serve", [partial(serve_aiohttp, handler_cancellation=False)], ids=["aiohttp-default"])
def test_a_handler_that_is_not_cancelled_goes_on_to_its_end(play: Play) -> None:
    """That is what aiohttp does by default: nobody reads the answer, and all rows are there."""

    async def leave(stage: Stage) -> None:
        stage.world.place(1)
        slow_down(stage, 1)
        async with stage.service() as client:
            leaving = asyncio.ensure_future(client.sync(1, dims(60)))
            await until(lambda: stage.in_flight(1))
            leaving.cancel()
            await until(lambda: len(stage.world.stored(1)) == 60)
            assert await free(client, 1, dims(60)) == (200, 0)
            await assert_in_books(stage, client, 1, dims(60))

    play(leave)
