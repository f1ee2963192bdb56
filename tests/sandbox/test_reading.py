"""Listings that lie, move, break off or are refused: an incomplete reading never leads to a write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine import CompanyResult, Engine
from engine.sandbox.server import Options, Sandbox
from tests.sandbox.conftest import (
    DEMO,
    OTHER,
    Clock,
    World,
    assert_exact,
    columns,
    company,
    dims,
    heal,
    kinds,
    slugs,
    verdict,
)

LIST = {"operation": "list"}


async def sync_populated(world: World, *, rows: int = 250, more: int = 3, **options: Any) -> CompanyResult:
    """Run company 1: as many rows as placed are equal there, `more` are new."""
    return await world.sync_one(1, dims(rows + more), **options)


def assert_nothing_written(world: World, rows: int) -> None:
    assert world.sent("bulk") == 0
    assert len(world.sandbox.tenant.companies[1].rows) == rows


# The page size


@pytest.mark.sockets
async def test_a_refused_limit_is_halved_and_remembered(world: World) -> None:
    """100 is refused, 50 granted: asked for once, then known to the account's next companies and to the next run."""
    for n in (1, 2):
        world.place(n, dims(120))
    world.script({"effect": "refuse-limit", "above": 50})
    async with Engine(replace(world.settings, companies_at_once=1), now=world.clock) as engine:
        first, second = (await engine.sync([company(n, dims(120)) for n in (1, 2)]).result()).companies
    assert (first.requests.total, second.requests.total) == (1 + 4, 3)  # 1,000 are asked for once
    assert columns(first) == columns(second) == {"unchanged": 120}
    world.clock.forward(days=30)
    result = await world.sync_one(1, dims(120))
    assert (kinds(result.requests), result.evidence, result.exit_code) == ({"list": 3}, "listing", 0)


async def test_a_limit_is_halved_down_to_20_and_no_further(world: World) -> None:
    world.place(1, dims(50))
    world.script({"effect": "refuse-limit", "above": 20})
    result = await world.sync_one(1, dims(50))
    assert (columns(result), result.exit_code) == ({"unchanged": 50}, 0)
    assert result.requests.total == 4 + 3  # 1,000, 100, 50, 25 refused, then three pages of 20
    world.clock.forward(days=30)
    world.script({"effect": "refuse-limit", "above": 19})
    result = await world.sync_one(1, dims(50))
    assert (result.state, result.exit_code, columns(result)) == ("failed", 1, {"deferred": 50})
    assert result.requests.total <= 2


async def test_a_clamped_limit_is_believed_page_by_page(world: World) -> None:
    world.place(1, dims(95))
    world.script({"effect": "clamp-limit", "limit": 30})
    result = await sync_populated(world, rows=95)
    assert (columns(result), kinds(result.requests)) == ({"unchanged": 95, "created": 3}, {"list": 4, "bulk": 1})
    assert_exact(world, 1, dims(98))


# Whole or not

# Three readings of three pages; where a page came shorter than granted, one page past the expected end is asked for,
# too: a short page is no proof of the end, a page that brings nothing new is.
UNSOUND: Mapping[str, tuple[int, list[dict[str, Any]]]] = {
    "count-one-more": (9, [{"effect": "lying-count", "by": 1}]),
    "count-one-less": (9, [{"effect": "lying-count", "by": -1}]),
    "count-a-page-less": (6, [{"effect": "lying-count", "by": -100}]),
    "count-none": (3, [{"effect": "lying-count", "by": -250}]),
    "last-page-counts-more": (9, [{"effect": "lying-count", "by": 1, "match": {"page": 3}}]),
    "middle-page-counts-less": (9, [{"effect": "lying-count", "by": -1, "match": {"page": 2}}]),
    "page-shifted-on": (9, [{"effect": "shifted-page", "by": 1, "match": {"page": 2}}]),
    "page-shifted-back": (9, [{"effect": "shifted-page", "by": -1, "match": {"page": 2}}]),
    "page-repeated": (9, [{"effect": "shifted-page", "by": -100, "match": {"page": 2}}]),
    "page-empty": (12, [{"effect": "shifted-page", "by": 1000, "match": {"page": 2}}]),
    "first-page-empty": (12, [{"effect": "shifted-page", "by": 1000, "match": {"page": 1}}]),
}


@pytest.mark.parametrize(("cost", "rules"), UNSOUND.values(), ids=UNSOUND)
async def test_an_unsound_listing_holds_the_company(world: World, cost: int, rules: list[dict[str, Any]]) -> None:
    """Three readings; then nothing is created, updated or called an orphan."""
    world.place(1, dims(250))
    world.script(*rules)
    result = await sync_populated(world)
    assert verdict(result) == ("held", 4, ["incomplete-listing"])
    assert result.certificate is not None
    assert not result.certificate.whole
    assert (result.balance.created, result.balance.orphans) in ((0, None), (0, 0))
    assert_nothing_written(world, 250)
    assert kinds(result.requests) == {"list": cost}
    await heal(world, 1, dims(253), fresh=True)


@pytest.mark.parametrize(
    ("cost", "rule"),
    [
        (6, {"effect": "lying-count", "by": -1, "times": 1}),
        (6, {"effect": "shifted-page", "by": -1, "match": {"page": 2}, "times": 1}),
        (9, {"effect": "shifted-page", "by": -100, "match": {"page": 3}, "times": 2}),
    ],
    ids=["count", "shifted", "repeated-twice"],
)
async def test_a_second_or_third_reading_may_be_whole(world: World, cost: int, rule: dict[str, Any]) -> None:
    world.place(1, dims(250))
    world.script(rule)
    result = await sync_populated(world)
    assert (result.state, result.exit_code, slugs(result)) == ("synced", 0, [])
    assert columns(result) == {"unchanged": 250, "created": 3}
    assert kinds(result.requests) == {"list": cost, "bulk": 1}
    assert_exact(world, 1, dims(253))


async def test_rows_added_while_a_listing_is_read(world: World) -> None:
    """Somebody adds one row in front during the first reading: it is an orphan, and nobody else's row is touched."""
    world.place(1, dims(250))
    world.script({"effect": "drift", "match": {"page": 2}, "times": 1})
    result = await sync_populated(world)
    assert (result.state, result.exit_code, kinds(result.requests)) == ("synced", 0, {"list": 6, "bulk": 1})
    assert (result.balance.remote_rows, result.balance.matched, result.balance.orphans) == (251, 250, 1)
    assert len(world.stored(1)) == 254


async def test_rows_added_during_every_reading(world: World) -> None:
    world.place(1, dims(250))
    world.script({"effect": "drift", "match": {"page": 2}})
    result = await sync_populated(world)
    assert (verdict(result), kinds(result.requests)) == (("held", 4, ["incomplete-listing"]), {"list": 9})
    assert_nothing_written(world, 253)
    assert columns(result) == {"held": 253}


@pytest.mark.parametrize(("page", "theirs"), [(1, 4711), (2, 77), (3, 77)])
async def test_another_companys_row_stops_the_company(world: World, page: int, theirs: int) -> None:
    world.place(1, dims(250))
    world.place(77, dims(3, first=900), owner=OTHER.account_id)
    world.script({"effect": "foreign-row", "company": theirs, "match": {"company": 1, "page": page}})
    result = await sync_populated(world)
    assert (verdict(result), columns(result)) == (("held", 4, ["tenant-leak"]), {"held": 253})
    assert world.sent("list") <= 3  # read no second time
    assert_nothing_written(world, 250)
    assert "Someone else" not in repr(result)
    await heal(world, 1, dims(253), fresh=True)


# Not again for a while


@pytest.mark.parametrize(
    ("rule", "outcome", "cost"),
    [
        ({"effect": "lying-count", "by": -1}, ("held", 4, ["incomplete-listing"]), 3),
        ({"effect": "foreign-row", "company": 77}, ("held", 4, ["tenant-leak"]), 1),
        ({"effect": "status", "status": 404, "body": "{}"}, ("failed", 1, ["out-of-scope"]), 1),
        ({"effect": "malformed"}, ("failed", 1, ["unavailable"]), 1),
    ],
    ids=["incomplete", "leak", "out-of-scope", "senseless"],
)
async def test_a_company_that_failed_rests(
    world: World, rule: dict[str, Any], outcome: tuple[str, int, list[str]], cost: int
) -> None:
    """1 h, then 6 h, then a day, then a day: no request, the same state, exit code and problem."""
    world.limit(max_attempts=1)
    world.place(1, dims(50))
    world.script({**rule, "match": LIST})
    for hours in (1, 6, 23.5, 23.5):
        result = await sync_populated(world, rows=50)
        assert (verdict(result), world.sent("list")) == (outcome, cost), hours
        worded = [problem.message for problem in result.problems]
        world.clock.forward(hours=hours, minutes=-1)
        resting = await sync_populated(world, rows=50)
        state, code, met = outcome
        assert verdict(resting) == (state, code, sorted([*met, "resting"])), hours
        assert (kinds(resting.requests), columns(resting)) == ({}, columns(result)), hours
        assert all(message in resting.problems[0].message for message in worded)
        world.clock.forward(minutes=2)
    assert_nothing_written(world, 50)
    await heal(world, 1, dims(53))


async def test_rest_ends_when_the_source_changes_or_on_request(world: World) -> None:
    world.place(1, dims(50))
    world.script({"effect": "lying-count", "by": -1})
    await sync_populated(world, rows=50)
    assert (await sync_populated(world, rows=50)).requests.total == 0
    assert (await sync_populated(world, rows=50, fresh=True)).requests.list == 3
    assert (await sync_populated(world, rows=50)).requests.total == 0
    assert (await sync_populated(world, rows=50, more=4)).requests.list == 3
    assert (await sync_populated(world, rows=50, more=4)).requests.total == 0
    world.script()
    result = await sync_populated(world, rows=50, more=5)
    assert (result.state, columns(result)) == ("synced", {"unchanged": 50, "created": 5})


async def test_a_whole_listing_forgets_earlier_failures(world: World) -> None:
    """After a good reading the next failure rests for one hour again, not for six."""
    world.place(1, dims(50))
    world.script({"effect": "lying-count", "by": -1})
    await sync_populated(world, rows=50)
    world.script()
    await sync_populated(world, rows=50, fresh=True)
    world.clock.forward(days=30)
    world.script({"effect": "lying-count", "by": -1})
    assert (await sync_populated(world, rows=50)).requests.list == 3
    world.clock.forward(minutes=61)
    assert (await sync_populated(world, rows=50)).requests.list == 3


# Broken answers

BROKEN: Mapping[str, dict[str, Any]] = {
    "500": {"effect": "status", "status": 500},
    "502": {"effect": "status", "status": 502, "body": "<html>bad gateway</html>", "content_type": "text/html"},
    "503": {"effect": "status", "status": 503},
    "504": {"effect": "status", "status": 504},
    "hang": {"effect": "hang"},
    "html": {"effect": "html"},
    "malformed": {"effect": "malformed"},
    "truncated": {"effect": "truncated"},
    "huge": {"effect": "huge", "bytes": 300_000},
    "list-not-object": {"effect": "status", "status": 200, "body": "[]"},
    "null": {"effect": "status", "status": 200, "body": "null"},
    "other-shape": {"effect": "status", "status": 200, "body": '{"items": [], "total": 0}'},
    "rows-missing": {"effect": "status", "status": 200, "body": '{"count":0,"page":1,"limit":100}'},
    "rows-null": {"effect": "status", "status": 200, "body": '{"count":0,"page":1,"limit":100,"dimensions":null}'},
    "count-text": {"effect": "status", "status": 200, "body": '{"count":"x","page":1,"limit":100,"dimensions":[]}'},
    "count-missing": {"effect": "status", "status": 200, "body": '{"page":1,"limit":100,"dimensions":[]}'},
    "row-not-object": {"effect": "status", "status": 200, "body": '{"count":1,"page":1,"limit":9,"dimensions":[7]}'},
    "row-without-id": {"effect": "status", "status": 200, "body": '{"count":1,"page":1,"limit":9,"dimensions":[{}]}'},
    "empty-body": {"effect": "status", "status": 200, "body": ""},
    "no-content": {"effect": "status", "status": 204, "body": ""},
}


SENSELESS = {
    "list-not-object": "a JSON object was expected, not a list",
    "null": "a JSON object was expected, not null",
    "other-shape": "no array `dimensions`",
    "rows-missing": "no array `dimensions`",
    "rows-null": "no array `dimensions`",
    "count-text": "`count` is the text 'x', not a count",
    "count-missing": "no `count`: how many rows there are in all is not said",
    "row-not-object": "row 1 is the number 7, not an object",
    "row-without-id": "row 1 has no `id`",
}
"""Answers that are JSON and no page, and what is said of them (W15)."""


def break_listings(world: World, **timing: int) -> list[int]:
    """Place a company for each kind of broken answer, and script it; returns their ids."""
    world.limit(timeout_s=0.3, max_attempts=2, body_bytes=100_000)
    rules = []
    for n, rule in enumerate(BROKEN.values(), start=1):
        world.place(n, dims(20))
        rules.append({**rule, "match": {"operation": "list", "company": n}, **timing})
    world.script(*rules)
    return list(range(1, len(rules) + 1))


async def test_a_broken_answer_is_asked_for_again(world: World) -> None:
    """Each kind once, each at a company of its own: one repeat, and all end exact."""
    ids = break_listings(world, times=1)
    result = await world.sync(*(company(n, dims(21)) for n in ids))
    for name, each in zip(BROKEN, result.companies, strict=True):
        assert (each.state, each.exit_code, slugs(each)) == ("synced", 0, []), name
        assert kinds(each.requests) == {"list": 1, "bulk": 1, "retry": 1}, name
        assert_exact(world, each.company_id, dims(21))


async def test_broken_answers_without_end_fail_the_company(world: World) -> None:
    """`max_attempts` sends, then `failed`: nothing was written, and no neighbour minds."""
    ids = break_listings(world)
    world.place(99, dims(20))
    result = await world.sync(*(company(n, dims(21)) for n in [*ids, 99]))
    *broken, sound = result.companies
    for name, each in zip(BROKEN, broken, strict=True):
        code = "bad-answer" if name in SENSELESS else "unavailable"
        assert verdict(each) == ("failed", 1, [code]), (name, each.problems)
        assert SENSELESS.get(name, "") in each.problems[0].message
        assert (kinds(each.requests), columns(each)) == ({"list": 1, "retry": 1}, {"deferred": 21}), name
        assert world.sent("bulk", each.company_id) == 0
    assert (sound.state, result.exit_code) == ("synced", 1)
    assert_exact(world, 99, dims(21))


async def test_w15_a_page_that_is_none_is_asked_for_twice(world: World) -> None:
    """However many attempts there are: it is the same each time. The company rests then."""
    world.limit(max_attempts=6)
    world.place(1, dims(20))
    world.script({**BROKEN["count-missing"], "match": LIST})
    result = await world.sync_one(1, dims(21))
    assert (verdict(result), kinds(result.requests)) == (("failed", 1, ["bad-answer"]), {"list": 1, "retry": 1})
    assert (await world.sync_one(1, dims(21))).requests.total == 0
    await heal(world, 1, dims(21), fresh=True)


@pytest.mark.parametrize("page", [1, 3])
async def test_a_reset_connection(world: World, page: int) -> None:
    """On the engine's own session, which is told to repeat nothing by itself: each request is counted."""
    world.limit(max_attempts=2)
    world.place(1, dims(250))
    world.script({"effect": "reset", "match": {"operation": "list", "page": page}, "times": 1})
    async with world.unchecked_engine() as engine:
        run = await engine.sync([company(1, dims(253))]).result()
    world.check(run, [company(1, [])])
    (result,) = run.companies
    assert (result.state, kinds(result.requests)) == ("synced", {"list": 3, "bulk": 1, "retry": 1})
    assert_exact(world, 1, dims(253))


async def test_connections_that_are_always_reset(world: World) -> None:
    world.limit(max_attempts=2)
    world.place(1, dims(20))
    world.script({"effect": "reset", "match": LIST})
    async with world.unchecked_engine() as engine:
        run = await engine.sync([company(1, dims(21))]).result()
    (result,) = run.companies
    assert (verdict(result), kinds(result.requests)) == (("failed", 1, ["unavailable"]), {"list": 1, "retry": 1})
    assert_nothing_written(world, 20)


@pytest.mark.parametrize("status", [403, 404])
async def test_a_company_out_of_scope_fails_alone(world: World, status: int) -> None:
    """The directory shows it, and yet it may not be read. One request, no repeat."""
    world.place(1, dims(20))
    world.place(2, dims(20))
    world.script({"effect": "status", "status": status, "envelope": "no", "match": {"company": 1}})
    result = await world.sync(company(1, dims(21)), company(2, dims(21)))
    first, second = result.companies
    assert (verdict(first), kinds(first.requests)) == (("failed", 1, ["out-of-scope"]), {"list": 1})
    assert (second.state, second.exit_code, result.exit_code) == ("synced", 0, 1)
    assert columns(first) == {"deferred": 21}
    assert world.sent("bulk", 1) == 0


@pytest.mark.parametrize(
    ("operation", "status"), [("token", 302), ("list", 301), ("list", 307), ("bulk", 303), ("bulk", 308)]
)
async def test_a_redirect_is_not_followed(world: World, operation: str, status: int) -> None:
    """It would carry the token away: the settings are wrong, exit 2, and nothing knocks at the other door."""
    world.place(1, dims(20))
    elsewhere = {"Location": f"{world.sandbox.base_url}/elsewhere"}
    world.script({"effect": "status", "status": status, "headers": elsewhere, "match": {"operation": operation}})
    result = await sync_populated(world, rows=20)
    assert (result.exit_code, slugs(result)) == (2, ["wrong-contract"])
    assert world.sent(operation) == 1
    assert world.sent("unknown") == 0
    await heal(world, 1, dims(23), fresh=True)


@pytest.mark.sockets
async def test_larger_pages_are_found_out_once_and_remembered(tmp_path: Path) -> None:
    """A server that grants 1,000 rows a page: a first contact of 2,500 rows is three requests, as is the next one."""
    clock, rows = Clock(), dims(2_500)
    async with Sandbox(Options(accounts=(DEMO,), max_limit=1_000), clock=clock) as sandbox:
        world = World(sandbox=sandbox, ledger_url=f"sqlite:///{tmp_path}/ledger.db", clock=clock)
        world.place(1, rows)
        world.place(2, rows)
        world.place(3, rows[:40])
        for company_id in (1, 2):
            result = await world.sync_one(company_id, rows)
            assert (result.state, kinds(result.requests)) == ("unchanged", {"list": 3})
        assert kinds((await world.sync_one(3, rows[:40])).requests) == {"list": 1}
