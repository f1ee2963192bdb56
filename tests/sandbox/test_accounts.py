"""What an account's companies share: its token, its throttles, its quota, its end. And what nobody may ever see."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import orjson
import pytest

from engine import Account, AccountParked, RunResult, Secret, run_json
from engine.model.events import CompanyFinished, Parked, Waiting
from tests.sandbox.conftest import (
    DEMO,
    OTHER,
    World,
    account,
    assert_exact,
    columns,
    company,
    dims,
    heal,
    verdict,
    watch,
)

SECRETS = (DEMO.api_key, DEMO.client_secret, OTHER.api_key, OTHER.client_secret, "tok_", "wrong-")
TOKEN = {"operation": "token"}


def words(error: BaseException | None) -> Iterator[str]:
    """Yield everything that an exception and its causes say."""
    while error is not None:
        yield f"{error!r} {error} {error.args!r} {getattr(error, 'excerpt', '')}"
        error = error.__cause__ or error.__context__


def assert_no_secret(*things: object) -> None:
    """Check that no credential stands in any of these, however they are shown."""
    for thing in things:
        shown = " ".join(words(thing)) if isinstance(thing, BaseException) else f"{thing!r} {thing}"
        if isinstance(thing, RunResult):
            shown += orjson.dumps(run_json(thing)).decode()
        assert not [secret for secret in SECRETS if secret in shown], shown


def wrong(name: str = "main", **secrets: str) -> Account:
    fields = {field: Secret(text) for field, text in secrets.items()}
    return replace(account(name), **fields)  # type: ignore[arg-type]


# Tokens


@pytest.mark.parametrize("companies", [1, 12])
async def test_one_token_for_all_companies(world: World, companies: int) -> None:
    for n in range(companies):
        world.place(n + 1)
    result = await world.sync(*(company(n + 1, dims(5)) for n in range(companies)))
    assert (result.requests.token, world.sent("token"), result.requests.retry) == (1, 1, 0)


@pytest.mark.parametrize("operation", ["list", "bulk"])
async def test_an_expired_token_is_refreshed_once_for_all(world: World, operation: str) -> None:
    """Twelve companies at once meet 401 with one token: one refresh, and each refused request is repeated once."""
    for n in range(12):
        world.place(n + 1)
    world.script(
        {"effect": "latency", "seconds": 0.05, "match": {"operation": operation}},
        {"effect": "expire-tokens", "match": {"operation": operation}, "times": 1},
    )
    result = await world.sync(*(company(n + 1, dims(5)) for n in range(12)))
    refused = sum(entry.status == 401 for entry in world.sandbox.service.log)
    assert (result.exit_code, result.totals.created) == (0, 60)
    assert (result.requests.token, result.requests.retry) == (2, refused)
    assert refused >= 1
    for n in range(12):
        assert_exact(world, n + 1, dims(5))


async def test_a_token_that_dies_again_and_again(world: World) -> None:
    """A refresh helps each time: as many tokens as needed, nothing lost."""
    world.limit(max_concurrency=1)
    world.place(1)
    world.script(*({"effect": "expire-tokens", "match": {"operation": name}, "times": 1} for name in ("list", "bulk")))
    result = await world.sync(company(1, dims(5)))
    assert (result.exit_code, result.requests.token, result.requests.retry) == (0, 3, 2)
    assert_exact(world, 1, dims(5))


async def test_a_fresh_token_that_is_refused_parks_the_account(world: World) -> None:
    for n in (1, 2):
        world.place(n)
    refused = {"effect": "status", "status": 401, "body": '{"code":"Unauthorized"}'}
    world.script(
        {**refused, "match": {"operation": "list"}}, {**refused, "match": {"operation": "companies"}, "after": 1}
    )
    result = await world.sync(*(company(n, dims(5)) for n in (1, 2)))
    assert (result.exit_code, result.totals.deferred, result.requests.bulk) == (8, 10, 0)
    assert all(verdict(each) == ("deferred", 8, ["authentication"]) for each in result.companies)
    assert result.requests.token == 2
    assert result.requests.list + result.requests.retry <= 4
    await heal(world, 1, dims(5))


@pytest.mark.parametrize(
    ("credentials", "requests"),
    [({"client_secret": "wrong-secret"}, 1), ({"client_id": "wrong-client"}, 1), ({"api_key": "wrong-key"}, 1)],
    ids=["secret", "client", "api-key"],
)
async def test_wrong_credentials_park_their_account_alone(
    world: World, credentials: dict[str, str], requests: int
) -> None:
    world.accounts = (wrong(**credentials), account("other", OTHER))
    for n in (1, 2, 3):
        world.place(n)
    world.place(9, owner=OTHER.account_id)
    mine = [company(n, dims(5), account="main") for n in (1, 2, 3)]
    result = await world.sync(*mine, company(9, dims(5), account="other"))
    *parked, sound = result.companies
    assert all(verdict(each) == ("deferred", 8, ["authentication"]) for each in parked)
    assert all((columns(each), each.requests.total) == ({"deferred": 5}, 0) for each in parked)
    assert (sound.state, sound.exit_code, result.exit_code) == ("synced", 0, 8)
    assert sum(entry.status in (401, 403) for entry in world.sandbox.service.log) == requests
    assert_exact(world, 9, dims(5))
    world.accounts = (account(), account("other", OTHER))
    healed = await world.sync(*mine)  # a parked account is no failed reading: nothing rests
    assert (healed.exit_code, healed.totals.created) == (0, 15)


async def test_an_api_key_that_is_revoked_midway(world: World) -> None:
    """The gateway's 403 on a bulk call, and on the directory: the account is parked, what was not sent is deferred."""
    for n in (1, 2, 3):
        world.place(n)
    revoked = {"effect": "status", "status": 403}
    world.script(
        {**revoked, "match": {"operation": "bulk"}}, {**revoked, "match": {"operation": "companies"}, "after": 1}
    )
    result = await world.sync(*(company(n, dims(5)) for n in (1, 2, 3)))
    assert (result.exit_code, result.totals.deferred, result.totals.uncertain) == (8, 15, 0)
    assert all(verdict(each) == ("deferred", 8, ["authentication"]) for each in result.companies)
    for n in (1, 2, 3):
        await heal(world, n, dims(5))


async def test_a_token_endpoint_in_trouble(world: World) -> None:
    world.place(1)
    world.script({"effect": "status", "status": 500, "match": TOKEN, "times": 1})
    result = await world.sync(company(1, dims(5)))
    assert (result.exit_code, result.requests.token, result.requests.retry) == (0, 1, 1)
    assert_exact(world, 1, dims(5))


@pytest.mark.parametrize(
    "rule",
    [
        {"effect": "status", "status": 500},
        {"effect": "html"},
        {"effect": "status", "status": 200, "body": '{"token_type":"Bearer"}'},
        {"effect": "status", "status": 200, "body": '{"access_token":"","expires_in":3600}'},
    ],
    ids=["500", "html", "no-token", "empty-token"],
)
async def test_a_token_endpoint_that_stays_in_trouble(world: World, rule: dict[str, Any]) -> None:
    world.limit(max_attempts=1)
    for n in (1, 2):
        world.place(n)
    world.script({**rule, "match": TOKEN})
    result = await world.sync(*(company(n, dims(5)) for n in (1, 2)))
    assert result.exit_code != 0
    assert (world.sent("list"), world.sent("token"), result.totals.deferred) == (0, 1, 10)
    await heal(world, 1, dims(5))


# Throttles


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        ("bulk", "date"),
        ("list", "nothing"),
        ("bulk", "nonsense"),
        ("token", "zero"),
        ("list", "past"),
    ],
)
async def test_throttled_requests_are_repeated_and_are_no_attempts(world: World, operation: str, said: str) -> None:
    """One attempt is allowed, and a 429 uses none up; the wait is told."""
    world.limit(max_attempts=1)
    headers = {
        "date": {"Retry-After": format_datetime(world.clock() + timedelta(seconds=1), usegmt=True)},
        "nothing": {},
        "nonsense": {"Retry-After": "soon"},
        "zero": {"Retry-After": "0"},
        "past": {"Retry-After": format_datetime(world.clock() - timedelta(days=1), usegmt=True)},
    }[said]
    world.place(1)
    rule = {"effect": "status", "status": 429, "headers": headers, "match": {"operation": operation}, "times": 1}
    world.script(rule)
    async with world.engine() as engine:
        events, result = await watch(engine, company(1, dims(5)))
    assert (result.exit_code, result.requests.retry, result.totals.created) == (0, 1, 5)
    (waiting,) = [event for event in events if isinstance(event, Waiting)]
    assert waiting.account == "main"
    assert 0 < waiting.seconds <= 1.0
    assert (waiting.seconds == 1.0) == (said == "date")
    assert_exact(world, 1, dims(5))


async def test_the_whole_key_waits(world: World) -> None:
    """40 companies, one 429 with a second to wait: 39 do not run into the same wall, and another key goes on.

    More companies wait than there are places in all: the other account has its own.
    """
    world.accounts = (account(), account("other", OTHER))
    for n in range(40):
        world.place(n + 1)
    world.place(99, owner=OTHER.account_id)
    throttle = {"effect": "status", "status": 429, "headers": {"Retry-After": "1"}, "times": 1}
    world.script({**throttle, "match": {"operation": "list", "company": 1}})
    mine = [company(n + 1, dims(20), account="main") for n in range(40)]
    async with world.engine() as engine:
        events, result = await watch(engine, *mine, company(99, dims(250), account="other"))
    assert (result.exit_code, result.requests.retry) == (0, 1)
    assert [event.seconds for event in events if isinstance(event, Waiting)] == [1.0]
    ended = [event.result.company_id for event in events if isinstance(event, CompanyFinished)]
    assert ended[0] == 99  # the other key's company did not wait


@pytest.mark.parametrize("operation", ["token", "list", "bulk"])
async def test_a_wait_that_is_too_long_stops_the_key_at_once(world: World, operation: str) -> None:
    world.limit(max_wait_s=60.0)
    for n in (1, 2, 3):
        world.place(n)
    headers = {"Retry-After": "3600"}
    world.script({"effect": "status", "status": 429, "headers": headers, "match": {"operation": operation}})
    async with world.engine() as engine:
        events, result = await watch(engine, *(company(n, dims(5)) for n in (1, 2, 3)))
    assert (result.exit_code, result.totals.deferred) == (5, 15)
    assert all(verdict(each) == ("deferred", 5, ["throttled"]) for each in result.companies)
    assert sum(isinstance(event, Parked) for event in events) == 1
    assert not [event for event in events if isinstance(event, Waiting)]
    world.clock.forward(seconds=3_590)
    world.script()
    early = await world.sync(*(company(n, dims(5)) for n in (1, 2, 3)))  # remembered: nothing is sent
    assert (early.exit_code, early.totals.deferred, early.requests.total) == (5, 15, 0)
    assert "2026-11-20 08:00 UTC" in early.companies[0].problems[0].message
    world.clock.forward(seconds=20)
    await heal(world, 1, dims(5))


# The day's quota


async def test_a_used_up_day_defers_and_the_next_day_goes_on(scarce_world: World) -> None:
    """Twelve requests a day, six companies of three requests each: what is not sent waits, and all end exact."""
    world = scarce_world
    for n in range(1, 7):
        world.place(n)
    fleet = [company(n, dims(150)) for n in range(1, 7)]
    result = await world.sync(*fleet)
    assert (result.exit_code, (result.totals.created or 0) + (result.totals.deferred or 0)) == (5, 900)
    assert {"quota"} == {problem.code for each in result.companies for problem in each.problems}
    assert result.totals.created == sum(len(world.stored(n)) for n in range(1, 7))
    for _ in range(3):  # rows that are known are probed on a new day, which costs requests, too
        world.clock.forward(days=1)
        result = await world.sync(*fleet)
        assert result.exit_code in (0, 5)
    assert (result.exit_code, result.totals.deferred, result.totals.uncertain) == (0, 0, 0)
    for n in range(1, 7):
        assert_exact(world, n, dims(150))


async def test_a_used_up_key_does_not_stop_the_other(scarce_world: World) -> None:
    world = scarce_world
    world.accounts = (account(), account("other", OTHER))
    for n in range(1, 7):
        world.place(n)
    world.place(9, owner=OTHER.account_id)
    mine = [company(n, dims(150), account="main") for n in range(1, 7)]
    result = await world.sync(*mine, company(9, dims(150), account="other"))
    assert (result.exit_code, result.companies[-1].exit_code) == (5, 0)
    assert_exact(world, 9, dims(150))


@pytest.mark.parametrize("code", [5, 8], ids=["quota", "api-key"])
async def test_an_account_that_ends_while_a_company_is_written(world: World, code: int) -> None:
    """Ten chunks, one at a time, and the account ends at the third: two are stored, the rest is deferred."""
    world.limit(max_concurrency=1)
    world.place(1)
    status = {5: 429, 8: 403}[code]
    body = '{"message":"Limit Exceeded"}' if code == 5 else '{"message":"Forbidden"}'
    rule = {"effect": "status", "status": status, "body": body}
    world.script(
        {**rule, "match": {"operation": "bulk"}, "after": 2}, {**rule, "match": {"operation": "companies"}, "after": 1}
    )
    result = await world.sync(company(1, dims(1000)))
    assert (result.exit_code, columns(result)) == (code, {"created": 200, "deferred": 800})
    world.clock.forward(hours=1)  # before then, a key whose day is said to be used up is left alone
    await heal(world, 1, dims(1000))


# Secrets


def trouble(body: str | None = None) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = [{"effect": "status", "status": status} for status in (500, 404, 400, 200, 401)]
    return [rule if body is None else {**rule, "body": body} for rule in rules]


async def run_into_trouble(world: World, rules: list[dict[str, Any]]) -> list[object]:
    """Run a fleet in which each company meets a trouble of its own; returns all that a program gets to see."""
    world.limit(max_attempts=1)
    world.script(*({**rule, "match": {"company": n}} for n, rule in enumerate(rules, start=1)))
    for n in range(1, len(rules) + 1):
        world.place(n)
    async with world.engine() as engine:
        events, result = await watch(engine, *(company(n, dims(2), account="main") for n in range(1, len(rules) + 1)))
        return [engine, world.settings, *world.accounts, *events, result]


async def test_secrets_are_never_shown(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Not by events, results, problems, log records or a `repr`, whatever goes wrong."""
    caplog.set_level(logging.DEBUG)
    assert_no_secret(*await run_into_trouble(world, trouble()))
    for mistaken in (wrong(client_secret="wrong-secret"), wrong(api_key="wrong-key")):
        world.accounts = (mistaken,)
        assert_no_secret(*await run_into_trouble(world, trouble()))
    assert_no_secret(caplog.text)


async def test_secrets_that_the_api_echoes_are_not_shown(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    seen = await run_into_trouble(world, trouble(f'{{"message":"bad key {DEMO.api_key} of {DEMO.client_secret}"}}'))
    assert_no_secret(*seen, caplog.text)


# Credentials that are not there


async def test_an_account_without_credentials_stops_alone_and_goes_on_once_they_are_there(world: World) -> None:
    """Nothing is sent for it, nothing rests, and a company that is known to be unchanged is deferred all the same."""
    unset = Secret("env:KEY_2", fault="the environment variable KEY_2 is not set")
    well = account("other", OTHER)
    world.accounts = (account(), well)
    world.place(1)
    world.place(9, owner=OTHER.account_id)
    both = company(1, dims(3), account="main"), company(9, dims(3), account="other")
    assert (await world.sync(*both)).exit_code == 0

    world.accounts = (account(), replace(well, api_key=unset))
    result = await world.sync(*both)
    told = [(one.company_id, one.state, [problem.code for problem in one.problems]) for one in result.companies]
    assert told == [(1, "unchanged", []), (9, "deferred", ["authentication"])]
    assert (result.exit_code, columns(result.companies[1]), world.sent(company_id=9)) == (8, {"deferred": 3}, 0)
    assert "account other has no credentials: the environment variable KEY_2" in result.companies[1].problems[0].message
    assert [day.account for day in result.days] == ["main"]
    async with world.engine() as engine:
        with pytest.raises(AccountParked, match="KEY_2 is not set"):
            await engine.directory("other", refresh=True)

    world.accounts = (account(), well)
    assert (await world.sync(*both)).exit_code == 0
