"""Servers that count, answer and tell the time in ways of their own: what a client makes of their answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from engine import Api, Engine, Settings, VerifyMode
from engine.model.events import Waiting
from engine.model.settings import Verify
from tests.sandbox.conftest import DEMO, World, assert_exact, columns, company, dims, kinds, verdict, watch

FULL = Verify(mode=VerifyMode.FULL)
BULK, LIST = {"operation": "bulk"}, {"operation": "list"}


# W6: what a count counts


async def test_w6_a_count_of_the_page_is_found_out_before_anything_is_made_twice(world: World) -> None:
    world.place(1, dims(120))
    world.follow({"count": "page"})
    result = await world.sync_one(1, dims(121))
    assert verdict(result) == ("held", 4, ["incomplete-listing"])
    assert "the API counts the rows of a page, not of all" in result.problems[0].message
    assert (kinds(result.requests), world.sent("bulk")) == ({"list": 6}, 0)


@pytest.mark.parametrize(("rows", "pages"), [(99, 1), (100, 2), (40, 1), (0, 1)])
async def test_w6_a_page_that_is_exactly_full_costs_one_more_until_the_key_knows(
    world: World, rows: int, pages: int
) -> None:
    world.limit(page_size=100)
    world.verify = FULL
    world.place(1, dims(rows))
    world.place(2, dims(100))
    world.place(3, dims(101))
    result = await world.sync_one(1, dims(rows))
    assert (result.state, kinds(result.requests)) == ("unchanged", {"list": pages})
    assert kinds((await world.sync_one(3, dims(101))).requests) == {"list": 2}
    assert kinds((await world.sync_one(2, dims(100))).requests) == {"list": 1}  # remembered from run to run


@pytest.mark.parametrize("code", [400, 404])
async def test_w6_a_server_that_refuses_the_page_behind_the_last(world: World, code: int) -> None:
    world.place(1, dims(100))
    world.script({"effect": "status", "status": code, "envelope": "Invalid page.", "match": {**LIST, "page": 2}})
    result = await world.sync_one(1, dims(100))
    assert (verdict(result), kinds(result.requests)) == (("unchanged", 0, []), {"list": 2})


# W7: answers that nobody can read


STRANGE: Mapping[str, Any] = {"effect": "status", "status": 200, "body": '{"ok": true}', "commit": True}


@pytest.mark.parametrize(
    ("operation", "words"),
    [("bulk", "no bulk answer: it has neither counters nor rows"), ("list", "no array `dimensions`")],
)
async def test_w7_answers_that_no_company_can_read_are_the_contracts(world: World, operation: str, words: str) -> None:
    """The account is stopped, and one company tries again after 1 h, 6 h, then once a day."""
    world.limit(max_attempts=6)
    fleet = [company(n, dims(3)) for n in range(1, 11)]
    for n in range(1, 11):
        world.place(n)
    world.script({**STRANGE, "match": {"operation": operation}})
    result = await world.sync(*fleet)
    assert result.exit_code == 2
    stopped = [each for each in result.companies if each.exit_code == 2]
    assert len(stopped) >= 8
    assert words in stopped[-1].problems[0].message
    assert "check api.contract" in stopped[-1].problems[0].message
    sent = world.sent(operation)
    assert sent <= 2 * 10
    for hours in (1, 6, 23.5, 23.5):
        world.clock.forward(hours=hours, minutes=-1)
        result = await world.sync(*fleet)
        assert (result.exit_code, world.sent(operation)) == (2, 0)
        assert "tried again from" in str([each.problems for each in result.companies])  # not of those that failed alone
        world.clock.forward(minutes=1)
        result = await world.sync(*fleet)
        assert result.exit_code == 2
        assert len({entry.company for entry in world.sandbox.service.log if entry.operation == operation}) == 1
        assert world.sent(operation) == 2
    world.script()
    world.clock.forward(hours=24)
    assert (await world.sync(*fleet)).exit_code == 0
    for n in range(1, 11):
        assert_exact(world, n, dims(3))


@pytest.mark.sockets
async def test_w7_other_settings_are_tried_at_once(world: World) -> None:
    fleet = [company(n, dims(3)) for n in range(1, 5)]
    for n in range(1, 5):
        world.place(n)
    world.script({**STRANGE, "match": BULK})
    assert (await world.sync(*fleet)).exit_code == 2
    world.script()
    assert (await world.sync(*fleet)).exit_code == 2
    changed = replace(world.settings, api=replace(world.settings.api, scope="another.scope"))
    async with Engine(changed, now=world.clock, rng=world.rng) as engine:
        result = await engine.sync(fleet).result()
    assert result.exit_code == 0


async def test_w7_one_company_that_cannot_be_read_is_that_companys(world: World) -> None:
    fleet = [company(n, dims(3)) for n in range(1, 7)]
    for n in range(1, 7):
        world.place(n)
    world.script({**STRANGE, "match": {**LIST, "company": 3}})
    result = await world.sync(*fleet)
    assert {each.company_id: verdict(each) for each in result.companies if each.exit_code} == {
        3: ("failed", 1, ["bad-answer"])
    }


# W14: what time it is there


@pytest.mark.parametrize("skew_s", [-3600.0, 3600.0, 7200.0])
async def test_w14_a_date_to_wait_until_is_of_the_servers_clock(world: World, skew_s: float) -> None:
    world.place(1)
    world.limit(max_wait_s=60.0)
    world.follow({"date_skew_s": skew_s})
    until = format_datetime(world.clock() + timedelta(seconds=skew_s + 1), usegmt=True)
    world.script({"effect": "status", "status": 429, "headers": {"Retry-After": until}, "match": BULK, "times": 1})
    async with world.engine() as engine:
        events, result = await watch(engine, company(1, dims(5)))
    assert result.exit_code == 0
    assert [event.seconds for event in events if isinstance(event, Waiting)] == [1.0]


# W16: settings that lead elsewhere


def settings(world: World, **api: str) -> Settings:
    given = {"base_url": world.sandbox.base_url, "contract": world.contract} | api
    return replace(world.settings, api=Api(**given))


@pytest.mark.sockets
async def test_w16_a_token_url_that_leads_nowhere(world: World) -> None:
    world.place(1)
    wrong = settings(world, token_url=f"{world.sandbox.url}/nowhere")
    async with Engine(wrong, now=world.clock, rng=world.rng) as engine:
        result = await engine.sync([company(1, dims(5))]).result()
    assert (result.exit_code, verdict(result.companies[0])) == (2, ("failed", 2, ["wrong-contract"]))
    assert "api.token_url" in result.companies[0].problems[0].message


@pytest.mark.parametrize("body", [None, "html"], ids=["404", "another program"])
@pytest.mark.sockets
async def test_w16_a_base_url_without_its_version(world: World, body: str | None) -> None:
    """The token is had elsewhere; listing and directory both are not there, or are somebody else's pages."""
    world.limit(max_attempts=2)
    world.place(1)
    if body is None:
        where = settings(world, base_url=world.sandbox.url, token_url=f"{world.sandbox.base_url}/oauth/token")
    else:
        where = settings(world)
        world.script(*({"effect": "html", "match": {"operation": each}} for each in ("list", "companies", "accounts")))
    async with Engine(where, now=world.clock, rng=world.rng) as engine:
        result = await engine.sync([company(1, dims(5)), company(2, dims(5))]).result()
    assert result.exit_code == 2
    assert "check api.base_url" in str(result.companies)


# W17: how a token is asked for


async def test_w17_a_token_endpoint_that_takes_json_alone(world: World) -> None:
    """The other encoding is tried once, and remembered."""
    world.place(1)
    world.follow({"grant_body": "json"})
    result = await world.sync(company(1, dims(5)))
    assert (result.exit_code, world.sent("token")) == (0, 2)
    world.clock.forward(days=1)
    result = await world.sync(company(1, dims(6)))
    assert (result.exit_code, world.sent("token")) == (0, 1)
    world.follow({"grant_body": "form"})
    world.clock.forward(days=1)
    result = await world.sync(company(1, dims(7)))
    assert (result.exit_code, world.sent("token")) == (0, 2)
    world.clock.forward(days=1)
    result = await world.sync(company(1, dims(8)))
    assert (result.exit_code, world.sent("token"), columns(result)) == (0, 1, {"unchanged": 7, "created": 1})


@pytest.mark.parametrize("code", [400, 415])
async def test_w17_credentials_that_both_encodings_refuse_stay_the_accounts(world: World, code: int) -> None:
    world.place(1)
    world.script({"effect": "status", "status": code, "envelope": "invalid_client", "match": {"operation": "token"}})
    result = await world.sync(company(1, dims(5)))
    assert (verdict(result.companies[0]), world.sent("token")) == (("deferred", 8, ["authentication"]), 2)
    assert DEMO.client_secret not in repr(result)
