"""The day's requests, counted by the engine, the ledger and the sandbox: three counts that have to agree."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from email.utils import format_datetime
from typing import Any

import anyio
import pytest

from engine import Engine, Parked, RunResult, Verify, open_ledger
from engine.model.events import PageRead
from engine.model.origin import origin_of
from engine.model.quota import DayUse
from engine.model.settings import CompanyKey
from tests.sandbox.conftest import DEMO, OTHER, World, account, assert_exact, columns, company, dims, verdict
from tests.sandbox.test_library import until

BULK = {"operation": "bulk"}
SAID = {"effect": "status", "status": 429, "body": '{"message":"Limit Exceeded"}'}


KEY_ID = account().key_id


async def today(world: World, key_id: str = KEY_ID, *, day: date | None = None) -> DayUse:
    async with world.open_ledger() as ledger:
        return await ledger.quota(origin_of(world.sandbox.base_url), key_id, day or world.clock().date())


def received(world: World, api_key: str = DEMO.api_key) -> int:
    """Return how many requests the sandbox has counted today."""
    return world.sandbox.service.access.meters[api_key].used


async def assert_counts_agree(world: World) -> None:
    """Compare the ledger's count, whatever ran, with the sandbox's."""
    assert (await today(world)).used == received(world)


# The count


async def test_three_counts_agree(world: World) -> None:
    """Tokens, the directory, probes and repeats are counted like any other request, in a sync and a plan."""
    for n in range(1, 6):
        world.place(n)
    fleet = [company(n, dims(250)) for n in range(1, 6)]
    world.script(
        {"effect": "expire-tokens", "match": BULK, "times": 2},
        {"effect": "status", "status": 503, "match": BULK, "times": 2},
        {"effect": "status", "status": 429, "match": {"operation": "list"}, "times": 1},
        {"effect": "reset", "match": {"operation": "list"}, "after": 1, "times": 1},
    )
    first = await world.sync(*fleet)
    assert (first.exit_code, (await today(world)).used) == (0, first.requests.total)
    await assert_counts_agree(world)
    world.clock.forward(hours=2)
    async with world.engine() as engine:
        second = await engine.plan([company(n, dims(251)) for n in range(1, 6)]).result()
    assert (await today(world)).used == first.requests.total + second.requests.total
    await assert_counts_agree(world)


async def test_a_run_that_asks_for_nothing_writes_nothing_down(world: World) -> None:
    world.place(1)
    await world.sync(company(1, dims(5)))
    world.clock.forward(hours=17)
    assert (await world.sync(company(1, dims(5)))).requests.total == 0
    assert await today(world) == DayUse(day=world.clock().date())


@pytest.mark.parametrize("how", ["client", "directory", "cancelled", "stopped"])
async def test_what_was_reserved_is_given_back_however_it_ends(world: World, how: str) -> None:
    world.place(1, dims(120))
    world.script({"effect": "latency", "seconds": 0.02, "match": {"operation": "list"}})
    async with world.engine() as engine:
        if how == "client":
            await engine.client(1).page(1, 20)
        elif how == "directory":
            await engine.directory()
        else:
            await leave_early(engine, how)
        await until(lambda: all(entry.status is not None for entry in world.sandbox.service.log))
    assert received(world) > 1
    await assert_counts_agree(world)


async def leave_early(engine: Engine, how: str) -> None:
    async with engine.sync([company(1, dims(400))]) as run:
        async for event in run:
            if isinstance(event, PageRead):
                if how == "cancelled":
                    break
                run.stop()


@pytest.mark.sockets
async def test_a_request_that_never_left_is_not_counted(world: World) -> None:
    world.place(1)
    await world.sandbox.__aexit__(None, None, None)
    world.limit(max_attempts=1)
    async with world.engine() as engine:
        result = await engine.sync([company(1, dims(5))]).result()
    assert (result.exit_code, result.requests.total) == (5, 0)
    assert (await today(world)).used == 0


async def test_runs_of_one_engine_share_a_day_and_accounts_do_not(world: World) -> None:
    world.accounts = (account(), account("other", OTHER))
    for n in (1, 2):
        world.place(n)
    world.place(9, owner=OTHER.account_id)
    async with world.engine() as engine, engine.sync([company(1, dims(250), account="main")]) as run:
        async for event in run:
            if isinstance(event, PageRead):
                await engine.sync(
                    [company(2, dims(250), account="main"), company(9, dims(5), account="other")]
                ).result()
    await assert_counts_agree(world)
    assert (await today(world, account("other", OTHER).key_id)).used == received(world, OTHER.api_key) == 4


@pytest.mark.sockets
async def test_a_ledger_that_is_handed_in_counts_too(world: World) -> None:
    world.place(1)
    async with await open_ledger("sqlite://") as ledger:
        async with world.engine(ledger) as engine:
            await engine.sync([company(1, dims(250))]).result()
        use = await ledger.quota(origin_of(world.sandbox.base_url), KEY_ID, world.clock().date())
    assert use.used == received(world) == 6


@pytest.mark.parametrize("days", [500, -500], ids=["ahead", "back"])
async def test_l13_a_clock_that_leaps_forgets_nothing(world: World, days: int) -> None:
    """Neither the day's count nor the trail: in the run that leapt, in those of the next hours, or when it is right."""
    world.place(1)
    await world.sync(company(1, dims(250)))
    world.clock.forward(days=2)
    await world.sync(company(1, dims(251)))
    day, before = world.clock().date(), await trail(world)
    used = (await today(world, day=day)).used
    assert (len(before[0]), len(before[1]), used > 0) == (2, 4, True)
    for leap in ({"days": days}, {"hours": 1}, {"hours": 1}, {"days": -days}):
        world.clock.forward(**leap)
        await world.sync(company(1, dims(251)))
        runs, attempts = await trail(world)
        assert (set(runs) >= set(before[0]), set(attempts) >= set(before[1])) == (True, True)
        assert (await today(world, day=day)).used >= used


async def trail(world: World) -> tuple[list[str], list[str]]:
    """Return the runs and the attempts of a row that the ledger remembers."""
    async with world.open_ledger() as ledger:
        origin = origin_of(world.sandbox.base_url)
        runs = [run.run_id for run in await ledger.history(origin, 99)]
        company_key = CompanyKey(origin=origin, account=DEMO.account_id, company_id=1)
        lives = [await ledger.life(company_key, key) for key in ("K00000", "K00100", "K00200", "K00250")]
        return runs, [attempt.attempt for life in lives for attempt in life.attempts]


async def test_l15_what_an_older_dimsync_noted_of_the_account_holds_for_its_key(world: World) -> None:
    """On the day of the upgrade, too, no request beyond the day's is sent, and `days` tells the whole count."""
    world.place(1)
    async with world.open_ledger() as ledger:
        origin, day = origin_of(world.sandbox.base_url), world.clock().date()
        await ledger.charge_requests(origin, DEMO.account_id, day, 8_998)
    result = await world.sync(company(1, dims(250)))
    assert (result.exit_code, result.requests.total, result.days[0].used) == (5, 2, 9_000)


async def test_l15_two_settings_files_of_one_key_share_its_day(world: World) -> None:
    """Another name and other limits for the account: what one has used, the other has not."""
    world.place(1)
    first = await world.sync(company(1, dims(250)))
    world.accounts = (account("the-other-files"),)
    second = await world.sync(company(1, dims(251)))
    assert second.days[0].used == first.requests.total + second.requests.total


# Our own limit


def scarce(world: World, per_day: int, reserve: int = 0) -> None:
    world.limit(requests_per_day=per_day, reserve_per_day=reserve)


async def test_a_run_larger_than_a_day_goes_on_the_next(world: World) -> None:
    """14 requests a day, ten companies of two each, and a token and the directory every night.

    Listings take no more than half of a day, so that each night something is written.
    """
    scarce(world, 17, 3)
    world.verify = Verify(probe_after_s=30 * 86_400.0)
    for n in range(1, 11):
        world.place(n)
    fleet = [company(n, dims(50)) for n in range(1, 11)]
    nights: list[RunResult] = []
    while not nights or nights[-1].exit_code == 5:
        nights.append(await world.sync(*fleet))
        assert len(world.sandbox.service.log) <= 14
        assert nights[-1].totals.created
        again = await world.sync(*fleet)  # the day's rest is none
        assert (again.exit_code, len(world.sandbox.service.log)) == (nights[-1].exit_code, 0)
        await assert_counts_agree(world)
        world.clock.forward(days=1)
    first, *_, last = nights
    assert (first.exit_code, first.requests.total) == (5, 14)
    assert {problem.code for each in first.companies for problem in each.problems} == {"quota", "budget"}
    assert 0 < (first.totals.created or 0) < 500
    assert first.totals.deferred == 500 - (first.totals.created or 0)
    assert (last.exit_code, last.totals.deferred, last.totals.uncertain) == (0, 0, 0)
    for n in range(1, 11):
        assert_exact(world, n, dims(50))


async def test_the_middle_of_a_load_is_a_place_to_stop(world: World) -> None:
    """Token, directory, listing, then chunks: with seven requests four chunks are sent, and none is in doubt."""
    scarce(world, 7)
    world.place(1)
    result = await world.sync(company(1, dims(1_000)))
    assert (verdict(result.companies[0]), columns(result)) == (
        ("deferred", 5, ["quota"]),
        {"created": 400, "deferred": 600},
    )
    assert "all 7 requests that account main may use on 2026-11-20 are used" in result.companies[0].problems[0].message
    scarce(world, 8)  # which counts at once: one more, for a token
    assert (await world.sync(company(1, dims(1_000)))).requests.total == 1
    world.clock.forward(days=1)
    scarce(world, 10_000, 1_000)
    assert columns(await world.sync(company(1, dims(1_000)))) == {"created": 600, "unchanged": 400}
    assert_exact(world, 1, dims(1_000))


async def test_midnight_in_mid_run_brings_new_requests(world: World) -> None:
    """Eight a day, and a run of twelve: it begins before midnight and is stopped by nothing."""
    scarce(world, 8)
    world.clock.forward(hours=16, minutes=59)  # 23:59
    world.limit(max_concurrency=1)
    world.place(1)
    async with world.engine() as engine, engine.sync([company(1, dims(900))]) as run:
        async for _ in run:
            if len(world.sandbox.service.log) >= 6 and world.clock().hour == 23:
                world.clock.forward(minutes=2)
    assert (run.result.exit_code, run.result.requests.total) == (0, 12)
    evening, morning = await today(world, day=world.clock().date() - timedelta(days=1)), await today(world)
    assert received(world) <= morning.used <= received(world) + 1  # one is out as the day turns
    assert evening.used + received(world) == 12
    assert_exact(world, 1, dims(900))


async def test_the_day_is_the_servers(world: World) -> None:
    """Our clock is two hours fast: the first request alone is counted on what it takes for the day."""
    world.clock.forward(hours=15)  # 22:00
    world.sandbox.service.shift = timedelta(hours=-2)
    world.clock.forward(hours=3)
    world.place(1)
    await world.sync(company(1, dims(50)))
    assert (await today(world)).used == 1
    assert (await today(world, day=world.clock().date() - timedelta(days=1))).used == received(world) == 4


# The API's word


async def test_a_key_that_others_use_up_is_left_alone_for_an_hour(world: World) -> None:
    """Our own count says that there are plenty."""
    world.place(1)
    world.script({**SAID, "match": BULK, "after": 1})
    world.limit(max_concurrency=1)
    assert columns(await world.sync(company(1, dims(300)))) == {"created": 100, "deferred": 200}
    world.clock.forward(minutes=59)
    result = await world.sync(company(1, dims(300)))
    assert (verdict(result.companies[0]), world.sandbox.service.log) == (("deferred", 5, ["quota"]), [])
    message = result.companies[0].problems[0].message
    assert message.startswith("said at 07:00 UTC: HTTP 429: Limit Exceeded; the API key's requests of the day are used")
    assert message.endswith(
        "tried again from 08:00 UTC, or when requests_per_day was changed; sync and plan try it now with --fresh"
    )
    world.clock.forward(minutes=1)
    tried = await world.sync(company(1, dims(300)))  # still refused: it is told anew, and an hour begins
    assert (tried.exit_code, world.sent("bulk")) == (5, 1)
    world.clock.forward(minutes=59)
    assert (await world.sync(company(1, dims(300)))).requests.total == 0
    world.script()
    world.clock.forward(minutes=1)
    assert columns(await world.sync(company(1, dims(300)))) == {"unchanged": 100, "created": 200}
    assert_exact(world, 1, dims(300))


@pytest.mark.parametrize("way", ["another limit", "another reserve", "fresh", "midnight"])
async def test_ways_to_try_it_at_once(world: World, way: str) -> None:
    world.place(1)
    world.clock.forward(hours=16, minutes=30)  # 23:30
    world.script({**SAID, "match": BULK})
    assert (await world.sync(company(1, dims(5)))).exit_code == 5
    world.script()
    assert (await world.sync(company(1, dims(5)))).requests.total == 0
    if way == "another limit":
        world.limit(requests_per_day=20_000)
    if way == "another reserve":
        world.limit(reserve_per_day=2_000)
    if way == "midnight":
        assert "tried again from 00:00 UTC" in (await world.sync(company(1, dims(5)))).companies[0].problems[0].message
        world.clock.forward(minutes=30)
    assert columns(await world.sync(company(1, dims(5)), fresh=way == "fresh")) == {"created": 5}


WAIT = {"effect": "status", "status": 429, "headers": {"Retry-After": "7200"}}


@pytest.mark.parametrize("said", [SAID, WAIT], ids=["used up", "wait"])
async def test_a_key_that_has_answered_well_since_is_not_left_alone_any_more(
    world: World, said: dict[str, Any]
) -> None:
    """A person tries it with --fresh, and it answers: the next run does not go by what was said before that."""
    world.place(1)
    world.script({**said, "match": BULK})
    assert (await world.sync(company(1, dims(5)))).exit_code == 5
    assert (await world.sync(company(1, dims(5)))).requests.total == 0
    assert (await world.sync(company(1, dims(5)), fresh=True)).exit_code == 5
    assert (await world.sync(company(1, dims(5)))).requests.total == 0
    world.script()
    assert columns(await world.sync(company(1, dims(5)), fresh=True)) == {"created": 5}
    assert columns(await world.sync(company(1, dims(6)))) == {"unchanged": 5, "created": 1}
    assert (await today(world)).used_up is None


async def test_a_word_of_midnight_belongs_to_the_day_on_which_it_was_said(world: World) -> None:
    """It is written down at the end of the run, after midnight: the new day is not closed by it."""
    world.accounts = (account(), account("other", OTHER))
    world.place(1)
    world.place(9, owner=OTHER.account_id)
    world.clock.forward(hours=16, minutes=59)  # 23:59
    world.script({**SAID, "match": {"operation": "bulk", "company": 1}})

    parked = anyio.Event()

    async def late() -> AsyncIterator[Any]:
        await parked.wait()
        world.clock.forward(minutes=2)
        for row in dims(5):
            yield row

    slow = company(9, [], account="other")
    async with world.engine() as engine:
        fleet = [company(1, dims(5), account="main"), type(slow)(id=9, source=late(), account="other")]
        async with engine.sync(fleet) as run:
            async for event in run:
                if isinstance(event, Parked):
                    parked.set()
        result = run.result
    assert [int(each.exit_code) for each in result.companies] == [5, 0]
    assert (await today(world)).used_up is None
    said = (await today(world, day=world.clock().date() - timedelta(days=1))).used_up
    assert said is not None
    assert f"{said.at:%H:%M}" == "23:59"


async def test_a_date_from_elsewhere_does_not_move_the_day(world: World) -> None:
    """An answer from a cache, three weeks old."""
    world.place(1)
    old = format_datetime(world.clock() - timedelta(weeks=3), usegmt=True)
    world.script(
        {"effect": "status", "status": 503, "headers": {"Date": old}, "match": {"operation": "list"}, "times": 1}
    )
    assert (await world.sync(company(1, dims(5)))).exit_code == 0
    await assert_counts_agree(world)
