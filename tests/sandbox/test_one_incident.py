"""Whose trouble it is: one company's, one account's, or the host's, which is one incident however many meet it.

What these cases do is wait, so they are played in memory, in virtual time.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import pytest

from engine import CompanyResult, RunResult
from engine.model.events import Waiting
from engine.sandbox.access import Credentials
from engine.sandbox.server import Options
from tests.sandbox.conftest import World, account, assert_exact, columns, company, dims, memory_world, verdict, watch
from tests.sandbox.memory import perform

FAULT = {"effect": "status", "status": 503}


def credentials(accounts: int) -> tuple[Credentials, ...]:
    return tuple(
        Credentials(account_id=f"racc_{n}", api_key=f"key-{n}", client_id=f"client-{n}", client_secret=f"secret-{n}")
        for n in range(accounts)
    )


class Fleet:
    """A world of so many accounts, each with so many companies, and what is asked of it."""

    def __init__(self, world: World, accounts: int, companies: int) -> None:
        self.world = world
        self.ids = [(n, 100 * n + k + 1) for n in range(accounts) for k in range(companies)]
        for n, company_id in self.ids:
            world.place(company_id, owner=f"racc_{n}")

    @property
    def log(self) -> list[str]:
        return [entry.operation for entry in self.world.sandbox.service.log]

    async def sync(self, rows: int = 5, ids: Iterable[int] = ()) -> RunResult:
        """Run all companies, or those named; requests are not held against the contract here."""
        self.world.sandbox.service.log.clear()
        chosen = [
            company(company_id, dims(rows), account=f"a{n}")
            for n, company_id in self.ids
            if not ids or company_id in set(ids)
        ]
        async with self.world.unchecked_engine() as engine:
            result = await engine.sync(chosen).result()
        self.world.check(result, chosen)
        return result


def told(result: CompanyResult) -> tuple[str, int, str]:
    state, code, codes = verdict(result)
    return state, code, " ".join(codes)


def play(accounts: int, companies: int, main: Callable[[World, Fleet], Coroutine[Any, Any, None]]) -> None:
    """Run a case in virtual time."""

    async def run() -> None:
        known = credentials(accounts)
        with memory_world(Options(accounts=known)) as world:
            world.accounts = tuple(account(f"a{n}", each) for n, each in enumerate(known))
            world.limit(max_attempts=6, max_concurrency=64, timeout_s=35.0)
            await main(world, Fleet(world, accounts, companies))

    perform(run())


# W13: the host

ANY = ("any",)
BUT_TOKENS = ("companies", "accounts", "list", "bulk", "get")
ASKS = {**FAULT, "headers": {"Retry-After": "1"}}

OUTAGES: dict[str, tuple[dict[str, Any], tuple[str, ...], int, int, bool]] = {
    "503, one account of 20": (FAULT, ANY, 1, 20, False),
    "503, one account of 20, known": (FAULT, ANY, 1, 20, True),
    "503 but for tokens, one account of 20": (FAULT, BUT_TOKENS, 1, 20, True),
    "503 but for tokens, one company": (FAULT, BUT_TOKENS, 1, 1, False),
    "503 with a time to wait, three accounts": (ASKS, BUT_TOKENS, 3, 5, False),
    "503 with a time to wait, one account of 20": (ASKS, BUT_TOKENS, 1, 20, True),
    "503 with a time to wait, two companies": (ASKS, ANY, 1, 2, True),
    "500, three accounts": ({"effect": "status", "status": 500}, BUT_TOKENS, 3, 5, True),
    "cut, a company an account": ({"effect": "reset"}, ANY, 12, 1, True),
}
"""The fault, what it befalls, accounts, companies of each, and whether there was a run before it."""


@pytest.mark.parametrize(("outage", "operations", "accounts", "companies", "known"), OUTAGES.values(), ids=OUTAGES)
def test_w13_an_outage_is_one_incident(
    outage: dict[str, Any], operations: tuple[str, ...], accounts: int, companies: int, known: bool
) -> None:
    """At most 3 x accounts + 10 requests; all is deferred, nothing rests, and the run after it does everything."""

    async def case(world: World, fleet: Fleet) -> None:
        if known:
            assert (await fleet.sync(4)).exit_code == 0
            world.clock.forward(minutes=10)
        world.script(*({**outage, "match": {"operation": operation}} for operation in operations))
        result = await fleet.sync()
        assert len(fleet.log) <= 3 * accounts + 10, Counter(fleet.log)
        assert {told(each) for each in result.companies} == {("deferred", 5, "host-down")}
        (problem,) = result.problems
        assert (problem.code, result.exit_code) == ("host-down", 5)
        assert "answered nothing since 2026-11-20 07:" in problem.message
        assert "the next run does it" in problem.message
        world.script()
        after = await fleet.sync()
        assert (after.exit_code, len(after.companies), after.problems) == (0, accounts * companies, ())
        for _, company_id in fleet.ids:
            assert_exact(world, company_id, dims(5))

    play(accounts, companies, case)


def test_w13_a_short_outage_is_as_if_nothing_had_been() -> None:
    async def case(world: World, fleet: Fleet) -> None:
        assert (await fleet.sync(4)).exit_code == 0
        world.script({**FAULT, "after": 1})
        asyncio.get_running_loop().call_later(8.0, world.script)
        result = await fleet.sync()
        assert (result.exit_code, columns(result), result.problems) == (0, {"unchanged": 160, "created": 40}, ())
        assert len(fleet.log) <= 1 + 40 + 40 + 13

    play(1, 40, case)


def test_w13_a_host_that_cannot_be_reached() -> None:
    async def case(world: World, fleet: Fleet) -> None:
        assert world.line is not None
        world.line.down_until = math.inf
        chosen = [company(company_id, dims(5), account="a0") for _, company_id in fleet.ids]
        async with world.unchecked_engine() as engine:
            result = await engine.sync(chosen).result()
        assert {told(each) for each in result.companies} == {("deferred", 5, "host-down")}
        assert "cannot connect to sandbox.test:" in result.problems[0].message
        assert (result.exit_code, result.requests.total) == (5, 0)

    play(1, 4, case)


def test_w13_an_outage_in_the_middle_of_the_writing() -> None:
    """What was sent is uncertain, what was not is deferred, and the next run settles all of it."""

    async def case(world: World, fleet: Fleet) -> None:
        world.limit(max_concurrency=4)
        world.script(
            {"effect": "reset", "commit": True, "match": {"operation": "bulk"}, "after": 6},
            {**FAULT, "match": {"operation": "list"}, "after": 12},
            {**FAULT, "match": {"operation": "companies"}, "after": 1},
        )
        result = await fleet.sync()
        assert result.exit_code == 10
        assert {problem.code for problem in result.problems} == {"host-down"}
        assert {str(each.state) for each in result.companies} <= {"synced", "deferred", "partial"}
        world.script()
        assert (await fleet.sync()).exit_code == 0
        for _, company_id in fleet.ids:
            assert_exact(world, company_id, dims(5))

    play(1, 12, case)


@pytest.mark.parametrize("troubled", [1, 2, 5])
def test_w13_companies_in_trouble_are_no_outage(troubled: int) -> None:
    """The others are answered: as many fail as are in trouble, each after its own attempts, and rest."""

    async def case(world: World, fleet: Fleet) -> None:
        bad = [company_id for _, company_id in fleet.ids[:troubled]]
        world.limit(max_attempts=3)
        world.script(*({**FAULT, "match": {"operation": "list", "company": company_id}} for company_id in bad))
        result = await fleet.sync()
        failed = {each.company_id: verdict(each) for each in result.companies if each.exit_code}
        assert failed == dict.fromkeys(bad, ("failed", 1, ["unavailable"]))
        assert [world.sent("list", company_id) for company_id in bad] == [3] * troubled
        assert (result.exit_code, result.totals.created) == (1, 5 * (20 - troubled))
        assert world.sent("companies") <= 1 + troubled
        assert (await fleet.sync(ids=bad)).requests.total == 0

    play(1, 20, case)


@pytest.mark.parametrize(("asked", "code"), [("2", 0), ("1000", 5)])
def test_w13_a_503_that_names_a_time_is_waited_for(asked: str, code: int) -> None:
    """As a 429 is: it is no attempt, the whole key waits, and what is longer than a run's patience is remembered."""

    async def case(world: World, fleet: Fleet) -> None:
        world.limit(max_attempts=1)
        rule = {**FAULT, "headers": {"Retry-After": asked}, "match": {"operation": "bulk"}, "times": 1}
        world.script(rule)
        chosen = [company(company_id, dims(5), account="a0") for _, company_id in fleet.ids]
        async with world.unchecked_engine() as engine:
            events, result = await watch(engine, *chosen)
        waits = [event.seconds for event in events if isinstance(event, Waiting)]
        assert (result.exit_code, waits) == ((0, [2.0]) if code == 0 else (10, []))
        if code:
            again = await fleet.sync()
            assert (again.exit_code, again.requests.total) == (5, 0)
            assert "asked at 2026-11-20 07:00 UTC to wait until" in again.companies[0].problems[0].message

    play(1, 1, case)


# W12: the account, or the company

ODD: dict[str, tuple[dict[str, Any], str, tuple[str, int, list[str]]]] = {
    "401 at its listing": ({"status": 401, "envelope": "no"}, "list", ("failed", 1, ["out-of-scope"])),
    "403 at its listing": ({"status": 403}, "list", ("failed", 1, ["out-of-scope"])),
    "404 at its listing": ({"status": 404, "envelope": "no"}, "list", ("failed", 1, ["out-of-scope"])),
    "429 at its listing": (
        {"status": 429, "body": '{"message":"Limit Exceeded"}'},
        "list",
        ("failed", 1, ["refused"]),
    ),
    "401 at its chunks": ({"status": 401, "envelope": "no"}, "bulk", ("partial", 3, ["rejected"])),
    "403 at its chunks": ({"status": 403}, "bulk", ("partial", 3, ["rejected"])),
    "a page of the firewall": (
        {"status": 403, "body": "<html>", "content_type": "text/html"},
        "bulk",
        ("partial", 3, ["rejected"]),
    ),
    "404 at its chunks": ({"status": 404, "envelope": "no"}, "bulk", ("failed", 1, ["out-of-scope"])),
    "405 at its chunks": ({"status": 405, "envelope": "no"}, "bulk", ("failed", 1, ["out-of-scope"])),
    "429 at its chunks": (
        {"status": 429, "body": '{"message":"Limit Exceeded"}'},
        "bulk",
        ("failed", 1, ["refused"]),
    ),
}


@pytest.mark.parametrize(("fault", "operation", "said"), ODD.values(), ids=ODD)
def test_w12_one_company_in_trouble_is_one_of_24(
    fault: dict[str, Any], operation: str, said: tuple[str, int, list[str]]
) -> None:
    """23 are done, one request more of the directory tells, and the one rests."""

    async def case(world: World, fleet: Fleet) -> None:
        world.script({"effect": "status", **fault, "match": {"operation": operation, "company": 7}})
        result = await fleet.sync()
        assert {each.company_id: verdict(each) for each in result.companies if each.exit_code} == {7: said}
        assert columns(result) == {"created": 115, ("rejected" if said[1] == 3 else "deferred"): 5}
        assert world.sent("companies") <= 2
        assert world.sent("token") <= 2
        assert (await fleet.sync(ids=[7])).requests.total == 0

    play(1, 24, case)


def test_w12_with_one_company_a_key_a_revoked_key_is_its_accounts() -> None:
    """The directory's answer decides, not the number of companies."""

    async def case(world: World, fleet: Fleet) -> None:
        before, now = (
            [company(company_id, dims(rows), account=f"a{n}") for n, company_id in fleet.ids] for rows in (5, 6)
        )
        async with world.unchecked_engine() as engine:
            assert (await engine.sync(before).result()).exit_code == 0
            world.sandbox.service.access.by_key.pop("key-3")
            world.sandbox.service.log.clear()
            result = await engine.sync(now).result()
        failed = {each.company_id: verdict(each) for each in result.companies if each.exit_code}
        assert failed == {301: ("deferred", 8, ["authentication"])}
        assert [entry.operation for entry in world.sandbox.service.log if entry.account is None] == [
            "list",
            "companies",
        ]

    play(6, 1, case)


@pytest.mark.parametrize("code", [404, 405])
def test_w12_a_bulk_path_that_three_companies_miss_is_the_contracts(code: int) -> None:
    async def case(world: World, fleet: Fleet) -> None:
        world.script({"effect": "status", "status": code, "match": {"operation": "bulk"}})
        result = await fleet.sync()
        assert (result.exit_code, columns(result)) == (2, {"deferred": 100})
        ends = [told(each) for each in result.companies]
        assert ends.count(("failed", 1, "out-of-scope")) == 2
        assert ends.count(("failed", 2, "wrong-contract")) == 18

    play(1, 20, case)


def test_w12_a_bulk_path_that_the_only_company_misses_is_the_contracts() -> None:
    async def case(world: World, fleet: Fleet) -> None:
        world.script({"effect": "status", "status": 404, "match": {"operation": "bulk"}})
        (result,) = (await fleet.sync()).companies
        assert verdict(result) == ("failed", 2, ["wrong-contract"])

    play(1, 1, case)


def test_w12_a_day_that_three_companies_of_a_key_are_told_of_is_used_up() -> None:
    """Whatever the directory says: what is used up may be the key's bulk requests alone."""

    async def case(world: World, fleet: Fleet) -> None:
        said = {"effect": "status", "status": 429, "body": '{"message":"Limit Exceeded"}'}
        world.script({**said, "match": {"operation": "bulk"}})
        result = await fleet.sync()
        ends = [told(each) for each in result.companies]
        refused, waiting = ends.count(("failed", 1, "refused")), ends.count(("deferred", 5, "quota"))
        assert refused + waiting == 20
        assert refused <= 2  # those that the directory had spoken for before the third was told
        assert (await fleet.sync()).requests.total == 0

    play(1, 20, case)


def test_a_witness_whose_token_is_dead_gets_another() -> None:
    """A request that may not be repeated is no prober; what becomes of it is for the witness to say."""

    async def case(world: World, fleet: Fleet) -> None:
        world.limit(max_attempts=1)
        world.script(
            {"effect": "status", "status": 500, "match": {"operation": "list"}, "times": 1},
            {"effect": "expire-tokens", "match": {"operation": "companies"}, "after": 1, "times": 1},
        )
        (result,) = (await fleet.sync()).companies
        assert verdict(result) == ("failed", 1, ["unavailable"])
        assert world.sent("token") == 2

    play(1, 1, case)
