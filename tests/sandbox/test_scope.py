"""Scope first: what the API user may see is asked for once a day, and a company that is not there is not begun."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from engine import Company, Dimension, EngineError, RunResult
from engine.errors import AccountParked, IncompleteListing
from engine.model.directory import VisibleCompany
from engine.sandbox.server import Options, Sandbox
from tests.sandbox.conftest import (
    DEMO,
    OTHER,
    Clock,
    World,
    account,
    assert_exact,
    columns,
    company,
    dims,
    kinds,
    verdict,
)

COMPANIES = {"operation": "companies"}


class Untouched:
    """A source that fails the test when it is read."""

    def __aiter__(self) -> AsyncIterator[Dimension]:
        raise AssertionError("the source was read")


def directory_pages(world: World) -> int:
    return world.sent("companies")


async def test_a_company_that_is_not_visible_is_refused_before_its_source_is_read(either_world: World) -> None:
    world = either_world
    world.place(1)
    world.place(2, owner=OTHER.account_id)
    result = await world.sync(company(1, dims(5)), Company(id=2, source=Untouched()), Company(id=3, source=Untouched()))
    first, *others = result.companies
    assert (verdict(first), result.exit_code) == (("synced", 0, []), 1)
    for each in others:
        assert verdict(each) == ("failed", 1, ["out-of-scope"])
        assert (each.balance.source_rows, kinds(each.requests)) == (None, {})
        assert "not among the companies" in each.problems[0].message
        assert "`dimsync companies --refresh`" in each.problems[0].message
    assert (result.requests.directory, directory_pages(world), result.requests.apart) == (1, 1, 2)


async def test_it_is_listed_once_a_day(world: World) -> None:
    """First contact, then from the ledger; a day later anew; a clock that went back counts as too old."""
    world.place(1)
    seen = []
    for hours in (0, 23, 2, -10):
        world.clock.forward(hours=hours)
        await world.sync_one(1, dims(5))
        seen.append(directory_pages(world))
    assert seen == [1, 0, 1, 1]


async def test_a_company_that_was_granted_meanwhile_is_found(world: World) -> None:
    """What the remembered directory does not show is looked for once more, once an hour and once a run, or `fresh`."""
    world.place(1)
    fleet = [company(n, dims(5)) for n in (1, 2, 3, 4)]
    await world.sync(*fleet)
    for place, minutes, fresh, codes, pages in (
        (2, 50, False, [0, 1, 1, 1], 0),
        (2, 20, False, [0, 0, 1, 1], 1),
        (3, 1, True, [0, 0, 0, 1], 1),
    ):
        world.place(place)
        world.clock.forward(minutes=minutes)
        result = await world.sync(*fleet, fresh=fresh)
        assert ([each.exit_code for each in result.companies], directory_pages(world)) == (codes, pages)


async def test_l17_a_company_granted_after_the_directory_was_read_is_found_at_once(world: World) -> None:
    """One request for all that are missed; what stays missing is looked for after 1 h, 6 h, then once a day."""
    world.place(1)
    assert (await world.sync_one(1, dims(5))).exit_code == 0
    world.place(2)
    fleet = [company(n, dims(5)) for n in (1, 2, 3, 4)]
    result = await world.sync(*fleet)
    assert ([each.exit_code for each in result.companies], directory_pages(world)) == ([0, 0, 1, 1], 1)
    for hours in (1, 6, 23.5, 23.5):
        world.clock.forward(hours=hours, minutes=-1)
        result = await world.sync(*fleet)
        assert ([each.exit_code for each in result.companies], directory_pages(world)) == ([0, 0, 1, 1], 0)
        assert "looked for again from" in str(result.companies[2].problems)
        world.clock.forward(minutes=1)
        result = await world.sync(*fleet)
        assert ([each.exit_code for each in result.companies], directory_pages(world)) == ([0, 0, 1, 1], 1)
        assert verdict(result.companies[2]) == ("failed", 1, ["out-of-scope"])
    world.place(3)
    result = await world.sync(*fleet, fresh=True)
    assert [each.exit_code for each in result.companies] == [0, 0, 0, 1]


async def test_l18_runs_that_begin_together_read_the_directory_once(world: World) -> None:
    for n in range(1, 51):
        world.place(n)
    results = []
    async with world.engine() as engine, anyio.create_task_group() as tasks:

        async def one(n: int) -> None:
            results.append(await engine.sync([company(n, dims(2))]).result())

        for n in range(1, 51):
            tasks.start_soon(one, n)
    assert {result.exit_code for result in results} == {0}
    assert (len(results), directory_pages(world), world.sent("token")) == (50, 1, 1)


def codes(result: RunResult) -> list[str]:
    """Return the codes of a run's problems, but for the notice of a first one."""
    return [problem.code for problem in result.problems if problem.code != "new-ledger"]


async def test_a_directory_that_cannot_be_listed_is_tried_less_and_less_often(world: World) -> None:
    """After 1 h, 6 h, then once a day; the companies go on without it, and the run says so each time."""
    world.limit(max_attempts=1)
    world.place(1)
    world.script({"effect": "malformed", "match": COMPANIES})
    for hours in (1, 6, 23.5, 23.5):
        result = await world.sync(company(1, dims(5)))
        assert (result.exit_code, directory_pages(world), codes(result)) == (
            0,
            1,
            ["directory"],
        )
        world.clock.forward(hours=hours, minutes=-1)
        result = await world.sync(company(1, dims(5)))
        assert (directory_pages(world), codes(result)) == (0, ["directory"])
        assert "it is not tried again before" in result.problems[0].message
        world.clock.forward(minutes=1)
    world.script()
    result = await world.sync(company(1, dims(5)))
    assert (directory_pages(world), codes(result)) == (1, [])


async def test_250_companies_take_three_pages(world: World) -> None:
    for n in range(1, 251):
        world.place(n)
    result = await world.sync(company(250, dims(2)), company(251, dims(2)))
    assert (result.requests.directory, [each.exit_code for each in result.companies]) == (3, [0, 1])


@pytest.mark.parametrize("base", [0, 1])
@pytest.mark.sockets
async def test_pages_are_counted_from_0_or_from_1(tmp_path: Path, clock: Clock, base: int) -> None:
    """Documents disagree: rows are missed for lack of page 0, and found there (API-FACTS, policy 5)."""
    async with Sandbox(Options(accounts=(DEMO,), directory_base=base), clock=clock) as sandbox:
        world = World(sandbox=sandbox, ledger_url=f"sqlite:///{tmp_path}/ledger.db", clock=clock)
        for n in range(1, 131):
            world.place(n)
        result = await world.sync(*(company(n, dims(1)) for n in (1, 130, 131)))
        assert [each.exit_code for each in result.companies] == [0, 0, 1]


@pytest.mark.parametrize(
    "rule",
    [
        {"effect": "status", "status": 404, "envelope": "Not found"},
        {"effect": "status", "status": 403, "envelope": "no account-wide access"},
        {"effect": "status", "status": 503},
        {"effect": "html"},
        {"effect": "malformed"},
    ],
    ids=["404", "403", "503", "html", "malformed"],
)
@pytest.mark.sockets
async def test_a_directory_that_cannot_be_read_refuses_nobody(world: World, rule: dict[str, object]) -> None:
    """The API user may be scoped to companies alone: then each company tells for itself. The run says so."""
    world.place(1)
    world.place(2, owner=OTHER.account_id)
    world.script({**rule, "match": COMPANIES})
    result = await world.sync(company(1, dims(5)), company(2, dims(5)))
    assert [verdict(each) for each in result.companies] == [("synced", 0, []), ("failed", 1, ["out-of-scope"])]
    assert [problem.code for problem in result.problems] == ["directory", "new-ledger"]
    assert "could not be listed" in result.problems[0].message
    assert columns(result.companies[1]) == {"deferred": 5}


async def test_an_account_whose_credentials_are_refused_counts_its_rows(world: World) -> None:
    world.place(1)
    world.script({"effect": "status", "status": 403, "match": COMPANIES})
    result = await world.sync(company(1, dims(5)), company(2, dims(6)))
    assert [verdict(each) for each in result.companies] == [("deferred", 8, ["authentication"])] * 2
    assert (columns(result), result.exit_code, result.requests.total) == ({"deferred": 11}, 8, 2)


async def test_two_accounts_have_a_directory_each(world: World) -> None:
    world.accounts = (account("main"), account("other", OTHER))
    world.place(1)
    world.place(2, owner=OTHER.account_id)
    result = await world.sync(company(1, dims(3), account="main"), company(2, dims(3), account="other"))
    assert (result.exit_code, directory_pages(world)) == (0, 2)
    wrong = await world.sync(company(1, dims(3), account="other"), company(2, dims(3), account="main"))
    assert [verdict(each) for each in wrong.companies] == [("failed", 1, ["out-of-scope"])] * 2


async def test_an_account_id_that_is_not_among_those_in_reach_is_a_mistake_of_the_settings(world: World) -> None:
    world.place(1)
    world.accounts = (replace(account(), account_id="racc_typo"),)
    result = await world.sync(company(1, dims(3)))
    assert verdict(result.companies[0]) == ("failed", 2, ["wrong-contract"])
    assert "no 'racc_typo' among the accounts that its credentials reach (racc_demo)" in str(
        result.companies[0].problems
    )
    assert (columns(result), result.exit_code, result.requests.directory) == ({"deferred": 3}, 2, 2)


async def test_names_come_from_the_directory_where_the_settings_have_none(world: World) -> None:
    world.place(1)
    result = await world.sync(Company(id=1, source=company(1, dims(2)).source))
    assert result.companies[0].name == "Company 1"


# By itself


async def test_the_whole_directory(either_world: World) -> None:
    world = either_world
    for n in (1, 2):
        world.place(n, dims(1))
    async with world.engine() as engine:
        seen = await engine.directory()
        again = await engine.directory()
        requests = len(world.sandbox.service.log)
        fresh = await engine.directory(refresh=True)
    assert [(each.id, each.name) for each in seen.companies] == [(1, "Company 1"), (2, "Company 2")]
    assert [each.id for each in seen.accounts or ()] == [DEMO.account_id]
    assert {each.company for each in seen.locations or ()} == {"Company 1", "Company 2"}
    assert (again, fresh, requests) == (seen, seen, 4)


@pytest.mark.sockets
async def test_a_directory_that_falls_short_is_not_believed(world: World) -> None:
    world.place(1)
    body = '{"count":2,"page":1,"limit":100,"results":[{"id":1,"name":"Company 1"}]}'
    world.script({"effect": "status", "status": 200, "body": body, "match": COMPANIES})
    async with world.engine() as engine:
        with pytest.raises(IncompleteListing, match="2 companies are declared and 1 shown"):
            await engine.directory()
    result = await world.sync(company(1, dims(2)), company(2, dims(2)))
    assert [each.exit_code for each in result.companies] == [0, 1]
    assert [problem.code for problem in result.problems] == ["directory", "new-ledger"]


async def test_a_directory_that_goes_on_for_ever_does_not_use_up_the_quota(world: World) -> None:
    world.place(1, dims(2))
    entries = [{"id": 1, "name": "Company 1"}, *({"id": number, "name": "x"} for number in range(100, 199))]
    body = json.dumps({"count": 20_001, "page": 1, "limit": 100, "results": entries})
    world.script({"effect": "status", "status": 200, "body": body, "match": COMPANIES})
    result = await world.sync(company(1, dims(2)))
    assert (result.exit_code, result.requests.directory) == (0, 1)
    assert "20,001 companies are declared, and at most 20,000 are read" in result.problems[0].message


async def test_single_rows(either_world: World) -> None:
    """Get one, create one: the two operations that no sync needs."""
    world = either_world
    world.place(1, dims(2))
    world.place(2, dims(1), owner=OTHER.account_id)
    mine, theirs = (world.sandbox.tenant.companies[n].rows[0].id for n in (1, 2))
    new = dims(1, first=7, type_code="location")[0]
    async with world.engine() as engine:
        client = await engine.client(1)._opened()  # which can write single rows: `CompanyApi.create` is the public way
        one = await client.one(mine)
        assert one is not None
        assert (one.id, one.name, one.erp_id) == (mine, "Name 00000", "00000")
        assert (one.key, one.code) == (("K00000", "C0") if world.contract == "reference" else (None, None))
        assert await client.one("dim_none") is None
        assert await client.one("../../accounts") is None
        assert await client.one(theirs) is None
        made = await client.create(new, "once")
        again = await client.create(new, "once")
        assert (made, made.name) == (again, new.name)
    assert_exact(world, 1, [*dims(2), new])


async def test_a_stopped_account_says_so(world: World) -> None:
    world.script({"effect": "status", "status": 403})
    async with world.engine() as engine:
        with pytest.raises(AccountParked, match="gateway refuses"):
            await engine.directory()
        with pytest.raises(EngineError):
            await engine.client(1).one("dim_1")


@pytest.mark.sockets
async def test_a_ledger_that_remembers_another_host_is_not_asked(world: World) -> None:
    """A rehearsal's companies never stand for production's."""
    world.place(1)
    await world.sync_one(1, dims(2))
    async with world.open_ledger() as ledger:
        found = await ledger.directory("https://api.ottimate.com:443/v1", DEMO.account_id)
        here = await ledger.directory(world.sandbox.base_url, DEMO.account_id)
    assert found is None
    assert here is not None
    assert here.companies == (VisibleCompany(1, "Company 1", here.companies[0].locations, "standard"),)
