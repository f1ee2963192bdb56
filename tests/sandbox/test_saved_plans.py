"""Saved plans: applied exactly as they were made or not at all, once, and with every row accounted for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

import anyio
import pytest

from engine import Allow, Company, CompanyResult, ConfigError, Dimension, Engine, Guards, RunResult
from engine.documents.plan_file import read_plan, saved_plan, write_plan
from engine.errors import LedgerError
from engine.ledger.sqlite.ledger import SqliteLedger
from engine.model.company_record import CompanyState
from engine.model.events import ChunkSettled
from engine.model.origin import origin_of
from engine.model.saved_plan import SavedPlan
from engine.model.settings import CompanyKey, Verify, VerifyMode
from engine.run.run import Run
from engine.sandbox.tenant import Values
from tests.sandbox.conftest import (
    BLIND,
    DEMO,
    OPEN,
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

BULK = {"operation": "bulk"}
QUOTA = {"effect": "status", "status": 429, "body": '{"message":"Limit Exceeded"}', "match": BULK}


class Gone:
    """A source that is no more."""

    def __aiter__(self) -> AsyncIterator[Dimension]:
        raise AssertionError("a plan needs no source")


def gone(company_id: int, **settings: Any) -> Company:
    """Return a company as `apply` meets it: nothing of its rows can be read."""
    return replace(company(company_id, []), source=Gone(), **settings)


def renamed(rows: list[Dimension], count: int, name: str = "New") -> list[Dimension]:
    return [row._replace(name=f"{name} {row.name}") for row in rows[:count]] + rows[count:]


async def loaded(world: World, *company_ids: int, rows: list[Dimension]) -> None:
    for n in company_ids:
        world.place(n)
    result = await world.sync(*(company(n, rows) for n in company_ids))
    assert result.exit_code == 0


async def planned(world: World, *companies: Company, allow: Iterable[tuple[str, int]] = ()) -> tuple[SavedPlan, str]:
    """Make a plan and return it, as its file holds it, and the file's text."""
    async with world.engine() as engine:
        result = await engine.plan(companies, allow=[Allow(*one) for one in allow]).result()
    return kept(world, result)


def kept(world: World, result: RunResult) -> tuple[SavedPlan, str]:
    saved = saved_plan(result, origin=origin_of(world.settings.api.base_url), contract=world.contract)
    text = write_plan(saved)
    assert read_plan(text, "plan.json") == saved
    return saved, text


async def plan_of(world: World, *companies: Company, allow: Iterable[tuple[str, int]] = ()) -> SavedPlan:
    saved, _ = await planned(world, *companies, allow=allow)
    return saved


async def applied(world: World, saved: SavedPlan, *companies: Company, resume: bool = False) -> RunResult:
    """Apply a plan, with the log cleared first; what must hold of any result is checked."""
    world.sandbox.service.log.clear()
    async with world.engine() as engine:
        result = await engine.apply(saved, companies, resume=resume).result()
    world.check(result, [each for each in companies if each.id in {one.company_id for one in saved.companies}])
    return result


async def applied_one(world: World, saved: SavedPlan, *, resume: bool = False) -> CompanyResult:
    """Apply a plan of company 1."""
    (result,) = (await applied(world, saved, gone(1), resume=resume)).companies
    return result


def company_key(world: World, company_id: int = 1) -> CompanyKey:
    return CompanyKey(origin=origin_of(world.settings.api.base_url), account=DEMO.account_id, company_id=company_id)


async def interrupted(world: World, saved: SavedPlan, chunks: int = 1) -> RunResult:
    """Stop the apply of a plan of company 1 when so many chunks are settled, as a signal does."""
    world.sandbox.service.log.clear()
    async with world.engine() as engine, engine.apply(saved, [gone(1)]) as run:
        async for event in run:
            chunks -= isinstance(event, ChunkSettled)
            if chunks == 0:
                run.stop()
    world.check(run.result, [gone(1)])
    return run.result


def quota_is_back(world: World) -> None:
    """End the trouble, and wait until a spent quota is asked for again."""
    world.script()
    world.clock.forward(hours=2)


# Exactly the plan


async def test_a_plan_is_applied_as_it_was_made(either_world: World) -> None:
    """Sources have vanished meanwhile: the rows are the plan's. One probe where something is sent, else nothing."""
    world = either_world
    rows = dims(30)
    await loaded(world, 1, 2, 3, rows=rows)
    wanted = [*renamed(rows, 4), *dims(7, first=500)]
    sources = [company(1, wanted), company(2, rows), company(3, rows[:29])]
    async with world.engine() as engine:
        plan = await engine.plan(sources).result()
    saved, _ = kept(world, plan)
    assert world.sent("bulk") == 3  # of the load
    result = await applied(world, saved, gone(1), gone(2), gone(3))
    assert [verdict(each) for each in result.companies] == [
        ("synced", 0, []),
        ("unchanged", 0, []),
        ("unchanged", 0, []),
    ]
    assert [columns(each) for each in result.companies] == [columns(each) for each in plan.companies]
    assert columns(result) == columns(plan) == {"unchanged": 85, "created": 7, "updated": 4}
    assert [kinds(each.requests) for each in result.companies] == [{"probe": 1, "bulk": 1}, {}, {}]
    assert_exact(world, 1, wanted)
    assert (await world.sync(*sources)).exit_code == 0
    assert world.sent() == 0


@pytest.mark.parametrize("resume", [False, True])
async def test_a_plan_is_applied_once(world: World, resume: bool) -> None:
    """With --resume or without: nothing is sent a second time, even where somebody has undone it meanwhile."""
    rows = dims(10)
    await loaded(world, 1, rows=rows)
    saved = await plan_of(world, company(1, renamed(rows, 3)))
    assert columns(await applied_one(world, saved, resume=resume)) == {"unchanged": 7, "updated": 3}
    world.place(1, rows)
    again = await applied_one(world, saved, resume=resume)
    assert verdict(again) == ("deferred", 7, ["applied"])
    assert (columns(again), world.sent()) == ({"deferred": 10}, 0)
    assert "a plan is applied once" in again.problems[0].message


async def test_a_plan_of_nothing_can_be_applied_all_day(world: World) -> None:
    rows = dims(10)
    await loaded(world, 1, rows=rows)
    saved = await plan_of(world, company(1, rows))
    for _ in range(2):
        result = await applied_one(world, saved)
        assert (verdict(result), columns(result), world.sent()) == (("unchanged", 0, []), {"unchanged": 10}, 0)


async def test_a_first_load_by_plan_and_apply(world: World) -> None:
    world.place(1)
    rows = dims(250)
    saved = await plan_of(world, company(1, rows))
    result = await applied_one(world, saved)
    assert (columns(result), kinds(result.requests)) == ({"created": 250}, {"probe": 1, "bulk": 3})
    await heal(world, 1, rows)


async def test_only_the_companies_that_are_given_and_may_be_written_are_applied(world: World) -> None:
    rows = dims(10)
    await loaded(world, 1, 2, 3, rows=rows)
    saved = await plan_of(world, *(company(n, renamed(rows, 1), write=n != 2) for n in (1, 2, 3)))
    world.sandbox.service.log.clear()
    async with world.engine() as engine:
        result = await engine.apply(saved, [gone(1), gone(2, write=False)]).result()
    assert [each.company_id for each in result.companies] == [1]
    for n in (2, 3):
        assert_exact(world, n, rows)
    assert verdict((await applied(world, saved, gone(3))).companies[0]) == ("synced", 0, [])


@pytest.mark.parametrize("change", [{"origin": "https://api.ottimate.com:443/v1"}, {"contract": "reference"}])
async def test_a_plan_of_another_api_is_an_error(world: World, change: dict[str, Any]) -> None:
    """A rehearsal on a sandbox is none in production, nor is one in another contract."""
    await loaded(world, 1, rows=dims(3))
    saved = await plan_of(world, company(1, dims(4)))
    with pytest.raises(ConfigError, match="the plan was made for"):
        await applied(world, replace(saved, **change), gone(1))
    assert world.sent() == 0


# What makes a plan stale, and what does not


async def _synced(world: World) -> None:
    await world.sync(company(1, renamed(dims(20), 1)))


async def _foreign_row(world: World) -> None:
    remote = world.sandbox.tenant.companies[1]
    values = Values("theirs", "account", "Account", "Theirs", "77")
    world.sandbox.tenant.insert(remote, values, by=0, at=world.clock())


async def _row_gone(world: World) -> None:
    remote = world.sandbox.tenant.companies[1]
    world.sandbox.tenant.remove(remote, remote.rows[-1])


async def _listed_and_learnt(world: World) -> None:
    """A plan that lists learns of the foreign row, so that the count is as the ledger knows it."""
    await _foreign_row(world)
    world.verify = Verify(mode=VerifyMode.FULL)
    await planned(world, company(1, dims(20)))


async def _rekeyed(world: World) -> None:
    async with world.open_ledger() as ledger:
        await ledger.rekey(company_key(world), {"K99999": "K00001"}, world.clock())


async def _distrusted(world: World) -> None:
    async with world.engine() as engine:
        assert await engine.distrust(company(1, [])) == 20


async def _a_day_later(world: World) -> None:
    world.clock.forward(hours=24, seconds=1)


async def _an_hour_earlier(world: World) -> None:
    world.clock.forward(hours=-1)


async def _other_ledger(world: World) -> None:
    world.ledger_url += ".other"


async def _other_guards(world: World) -> None:
    world.guards = Guards(mass_create_rows=3)


Move = Callable[[World], Awaitable[None]]

MOVES: dict[str, tuple[Move, str]] = {
    "another sync wrote": (_synced, "by run 20"),
    "a foreign row is there": (_foreign_row, "another number of rows"),
    "a row is gone": (_row_gone, "another number of rows"),
    "a listing taught something": (_listed_and_learnt, "by run 20"),
    "rekeyed": (_rekeyed, "by a command"),
    "distrusted": (_distrusted, "by a command"),
    "older than a day": (_a_day_later, "made at 2026-11-20 07:00 UTC, and is good for 24 hours"),
    "the clock went back": (_an_hour_earlier, "is good for 24 hours"),
    "another ledger": (_other_ledger, "by a command"),
    "other guards": (_other_guards, "settings have changed"),
}


@pytest.mark.parametrize(("move", "told"), MOVES.values(), ids=MOVES)
@pytest.mark.sockets
async def test_a_stale_plan_sends_nothing_and_says_what_moved(world: World, move: Move, told: str) -> None:
    rows = dims(20)
    await loaded(world, 1, 2, rows=rows)
    saved = await plan_of(world, company(1, [*rows, *dims(1, first=70)]))
    await move(world)
    result = await applied_one(world, saved)
    assert verdict(result) == ("deferred", 7, ["stale"])
    assert (columns(result), world.sent("bulk")) == ({"deferred": 21}, 0)
    assert told in result.problems[0].message
    assert "nothing was sent: make a new plan" in result.problems[0].message


@pytest.mark.parametrize("settings", [{"relabel": True}, {"settings": "another mapping"}, {"guards": OPEN}])
async def test_a_companys_own_settings_make_its_plan_stale(world: World, settings: dict[str, Any]) -> None:
    rows = dims(20)
    await loaded(world, 1, 2, rows=rows)
    saved = await plan_of(world, *(company(n, renamed(rows, 1)) for n in (1, 2)))
    result = await applied(world, saved, gone(1, **settings), gone(2))
    assert [each.exit_code for each in result.companies] == [7, 0]
    assert "settings have changed" in result.companies[0].problems[0].message
    assert_exact(world, 1, rows)


async def _another_plan(world: World) -> None:
    await planned(world, company(1, renamed(dims(20), 9)))


async def _listed(world: World) -> None:
    world.verify = Verify(mode=VerifyMode.FULL)
    await planned(world, company(1, dims(20)))


async def _unchanged_sync(world: World) -> None:
    assert (await world.sync_one(1, dims(20))).state == "unchanged"


async def _checked(world: World) -> None:
    async with world.engine() as engine:
        await engine.check([company(1, renamed(dims(20), 9))]).result()


async def _neighbour_synced(world: World) -> None:
    assert (await world.sync_one(2, renamed(dims(20), 9))).exit_code == 0


async def _failed_sync(world: World) -> None:
    world.script({"effect": "status", "status": 400, "match": {"operation": "list"}})
    world.verify = Verify(mode=VerifyMode.FULL)
    assert (await world.sync_one(1, dims(20))).exit_code == 1
    world.script()


async def _a_day_to_the_second(world: World) -> None:
    world.clock.forward(hours=24)


CALM: dict[str, Move] = {
    "another plan": _another_plan,
    "a listing that taught nothing": _listed,
    "an unchanged sync": _unchanged_sync,
    "a check": _checked,
    "another company": _neighbour_synced,
    "a sync that failed": _failed_sync,
    "a day to the second": _a_day_to_the_second,
}


@pytest.mark.parametrize("move", CALM.values(), ids=CALM)
async def test_a_plan_is_not_stale_for_what_changes_nothing(world: World, move: Move) -> None:
    rows = dims(20)
    await loaded(world, 1, 2, rows=rows)
    wanted = [*renamed(rows, 2), *dims(1, first=70)]
    saved = await plan_of(world, company(1, wanted))
    await move(world)
    result = await applied_one(world, saved)
    assert (verdict(result), columns(result)) == (("synced", 0, []), {"unchanged": 18, "updated": 2, "created": 1})
    assert_exact(world, 1, wanted)


async def test_of_two_plans_made_alike_one_is_applied(world: World) -> None:
    """Both would create the same row."""
    await loaded(world, 1, rows=dims(5))
    first, second = [await plan_of(world, company(1, dims(6))) for _ in range(2)]
    assert columns(await applied_one(world, second)) == {"unchanged": 5, "created": 1}
    assert verdict(await applied_one(world, first)) == ("deferred", 7, ["stale"])
    assert_exact(world, 1, dims(6))


# What a plan holds back stays back


async def test_what_was_held_stays_held(world: World) -> None:
    """A company that a guard holds sends nothing, its unchanged rows stay unchanged; its neighbour is applied."""
    rows = dims(100)
    await loaded(world, 1, 2, rows=rows)
    async with world.engine() as engine:
        plan = await engine.plan([company(n, renamed(rows, 40 if n == 1 else 2)) for n in (1, 2)]).result()
    saved, _ = kept(world, plan)
    result = await applied(world, saved, gone(1), gone(2))
    assert [verdict(each) for each in result.companies] == [("held", 4, ["mass-update"]), ("synced", 0, [])]
    assert columns(result) == columns(plan) == {"unchanged": 158, "updated": 2, "held": 40}
    assert "held when the plan was made: would change 40 rows" in result.companies[0].problems[0].message
    assert kinds(result.companies[0].requests) == {}
    assert_exact(world, 1, rows)


async def test_a_plan_carries_what_was_allowed_into_the_journal(world: World) -> None:
    rows = dims(100)
    await loaded(world, 1, rows=rows)
    wanted = [*rows, *dims(40, first=500)]
    saved = await plan_of(world, company(1, wanted), allow=[("mass-create", 1)])
    world.clock.forward(minutes=1)
    result = await applied(world, saved, gone(1))
    assert (result.exit_code, result.allowed) == (0, ("mass-create:1",))
    async with world.open_ledger() as ledger:
        newest = (await ledger.history(company_key(world).origin, 1))[0]
    assert (newest.verb, newest.created, newest.allowed) == ("apply", 40, "mass-create:1")
    await heal(world, 1, wanted)


async def test_rows_that_were_held_invalid_or_refused_stand_as_they_stood(world: World) -> None:
    """Every column at once, and all of them add up to the same as in the plan."""
    world.place(1, [Dimension("theirs", "account", "Account", "Food sales", "0100")])
    alike = Dimension("L1", "account", "Account", "Food sales", "4000")
    wanted = [alike, *dims(4), dims(1, first=9)[0]._replace(key="")]
    world.script({"effect": "reject-rows", "erp_id": "^00003$"})
    first = await world.sync_one(1, wanted)
    assert columns(first) == {"created": 3, "rejected": 1, "held": 1, "invalid": 1}
    async with world.engine() as engine:
        plan = await engine.plan(
            [company(1, [*renamed(wanted[1:], 1)[:4], alike, wanted[-1], *dims(1, first=20)])]
        ).result()
    saved, _ = kept(world, plan)
    result = await applied(world, saved, gone(1))
    assert columns(result) == columns(plan)
    assert columns(result) == {"unchanged": 2, "created": 1, "updated": 1, "rejected": 1, "held": 1, "invalid": 1}
    assert (result.exit_code, result.companies[0].state, world.sent("bulk")) == (4, "partial", 1)


# Canaries


async def canaries(world: World, *, keys: bool) -> SavedPlan:
    """Plan to try out rows whose key nothing has confirmed."""
    world.guards = OPEN
    rows = dims(30)
    world.place(1, rows, keys=keys)
    return await plan_of(world, company(1, renamed(rows, 30)), allow=[("canary", 1)])


async def test_canaries_go_first_in_an_apply_too(world: World) -> None:
    saved = await canaries(world, keys=True)
    result = await applied_one(world, saved)
    assert (verdict(result), columns(result)) == (("synced", 0, []), {"updated": 30})
    assert [entry.rows for entry in world.sandbox.service.log if entry.operation == "bulk"] == [1, 10, 19]
    await heal(world, 1, renamed(dims(30), 30))


async def test_a_canary_that_leads_nowhere_stops_an_apply_for_good(world: World) -> None:
    saved = await canaries(world, keys=False)
    result = await applied_one(world, saved)
    assert (result.state, result.exit_code, columns(result)) == ("held", 4, {"created": 1, "held": 29})
    assert "key-mismatch" in slugs(result)
    for resume in (False, True):
        assert verdict(await applied_one(world, saved, resume=resume)) == ("deferred", 7, ["applied"])
    assert len(world.stored(1)) == 31
    assert (await world.sync_one(1, renamed(dims(30), 30))).exit_code == 4


async def test_canaries_are_resumed_as_canaries(world: World) -> None:
    """Stopped after the first: what is left is not pushed at once, nor held."""
    saved = await canaries(world, keys=True)
    world.script(QUOTA | {"after": 1})
    assert columns(await applied_one(world, saved)) == {"updated": 1, "deferred": 29}
    quota_is_back(world)
    result = await applied_one(world, saved, resume=True)
    assert (verdict(result), columns(result)) == (("synced", 0, []), {"unchanged": 1, "updated": 29})
    assert next(entry.rows for entry in world.sandbox.service.log if entry.operation == "bulk") == 1
    await heal(world, 1, renamed(dims(30), 30))


# What goes wrong on the way


async def test_refused_rows_end_a_plan_and_are_told(world: World) -> None:
    await loaded(world, 1, rows=dims(3))
    saved = await plan_of(world, company(1, dims(6)))
    world.script({"effect": "reject-rows", "erp_id": "^00004$", "message": "no such period"})
    result = await applied_one(world, saved)
    assert (verdict(result), columns(result)) == (
        ("partial", 3, ["rejected"]),
        {"unchanged": 3, "created": 2, "rejected": 1},
    )
    ((row, message, _, _),) = result.rejects
    assert (row, message.startswith("no such period")) == (dims(6)[4], True)
    assert verdict(await applied_one(world, saved, resume=True)) == ("deferred", 7, ["applied"])
    world.script()
    async with world.engine() as engine:
        retried = await engine.retry([company(1, dims(6))], {1: ["K00004"]}).result()
    assert columns(retried) == {"created": 1}


@pytest.mark.parametrize("commit", [True, False])
async def test_rows_of_unknown_outcome_are_settled_by_a_resume(world: World, commit: bool) -> None:
    """Nothing can be read back at first; nothing is created twice."""
    world.limit(max_attempts=1)
    rows = dims(10)
    await loaded(world, 1, rows=rows)
    wanted = [*renamed(rows, 3), *dims(4, first=50)]
    saved = await plan_of(world, company(1, wanted))
    world.script({"effect": "reset", "commit": commit, "match": BULK}, *BLIND)
    result = await applied_one(world, saved)
    assert (result.exit_code, columns(result)) == (10, {"unchanged": 7, "uncertain": 7})
    world.script()
    refused = await applied_one(world, saved)
    assert (verdict(refused), world.sent("bulk")) == (("deferred", 7, ["applied"]), 0)
    assert "--resume" in refused.problems[0].message
    resumed = await applied_one(world, saved, resume=True)
    assert (resumed.exit_code, sum(columns(resumed).values())) == (0, 14)
    remote = resumed.balance  # L24: it was listed, before the rest was sent
    assert resumed.certificate is not None
    assert (remote.remote_rows, remote.matched, remote.orphans) == (resumed.certificate.unique, remote.remote_rows, 0)
    assert_exact(world, 1, wanted)
    assert verdict(await applied_one(world, saved, resume=True)) == ("deferred", 7, ["applied"])
    await heal(world, 1, wanted)


@pytest.mark.parametrize("how", ["signal", "quota"])
async def test_what_was_interrupted_is_resumed(world: World, how: str) -> None:
    world.limit(chunk_rows=10, max_concurrency=1)
    rows = dims(60)
    await loaded(world, 1, rows=rows)
    wanted = [*renamed(rows, 20), *dims(30, first=500)]
    world.guards = OPEN
    saved = await plan_of(world, company(1, wanted))
    if how == "quota":
        world.script(QUOTA | {"after": 2})
    first = await (interrupted(world, saved, 2) if how == "signal" else applied(world, saved, gone(1)))
    assert first.exit_code == 5
    done = (first.totals.created or 0) + (first.totals.updated or 0)
    assert 20 <= done < 50
    quota_is_back(world)
    assert verdict(await applied_one(world, saved)) == ("deferred", 7, ["applied"])
    second = await applied_one(world, saved, resume=True)
    assert verdict(second) == ("synced", 0, [])
    assert second.balance.unchanged == 40 + done
    assert sum(columns(second).values()) == 90
    assert sum(entry.rows for entry in world.sandbox.service.log if entry.operation == "bulk") == 50 - done
    assert verdict(await applied_one(world, saved, resume=True)) == ("deferred", 7, ["applied"])
    await heal(world, 1, wanted)


async def half_applied(world: World, wanted: list[Dimension], rows: list[Dimension]) -> SavedPlan:
    """Load rows, plan to make them the wanted ones, and apply ten of that."""
    world.limit(chunk_rows=10, max_concurrency=1)
    await loaded(world, 1, rows=rows)
    world.guards = OPEN
    saved = await plan_of(world, company(1, wanted))
    assert (await interrupted(world, saved)).exit_code == 5
    return saved


async def test_a_resume_is_refused_when_a_sync_has_written_meanwhile(world: World) -> None:
    rows = dims(30)
    saved = await half_applied(world, renamed(rows, 30), rows)
    newest = renamed(rows, 30, "Newest")
    assert (await world.sync_one(1, newest)).exit_code == 0
    assert verdict(await applied_one(world, saved, resume=True)) == ("deferred", 7, ["stale"])
    assert_exact(world, 1, newest)


async def test_a_company_that_is_locked_is_not_applied(world: World) -> None:
    rows = dims(5)
    await loaded(world, 1, 2, rows=rows)
    saved = await plan_of(world, *(company(n, renamed(rows, 1)) for n in (1, 2)))
    async with world.open_ledger() as other, other.lock(company_key(world)):
        result = await applied(world, saved, gone(1), gone(2))
    assert [verdict(each) for each in result.companies] == [("locked", 9, ["locked"]), ("synced", 0, [])]
    assert columns(result) == {"unchanged": 4, "updated": 1, "deferred": 5}
    assert verdict((await applied(world, saved, gone(1))).companies[0]) == ("synced", 0, [])


async def test_one_plan_applied_by_two_at_once(world: World) -> None:
    """Each company is one's, and the other finds it locked or applied."""
    world.place(1)
    world.place(2)
    saved = await plan_of(world, *(company(n, dims(60, prefix=f"C{n}-")) for n in (1, 2)))
    results: list[RunResult] = []

    async def apply() -> None:
        async with world.engine() as engine:
            results.append(await engine.apply(saved, [gone(1), gone(2)]).result())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(apply)
        tasks.start_soon(apply)
    for pair in zip(*(result.companies for result in results), strict=True):
        assert sorted(each.exit_code for each in pair) in ([0, 7], [0, 9])
    for n in (1, 2):
        assert_exact(world, n, dims(60, prefix=f"C{n}-"))


TROUBLE = {
    "lost answers": ({"effect": "reset", "commit": True, "match": BULK, "share": 0.5},),
    "nothing to be read": ({"effect": "reset", "commit": True, "match": BULK, "share": 0.7}, *BLIND),
    "errors after the work": ({"effect": "status", "status": 503, "commit": True, "match": BULK, "share": 0.6},),
    "lying counters": ({"effect": "lying-counter", "counter": "updated_count", "by": -1, "match": BULK, "share": 0.5},),
}


@pytest.mark.parametrize("rules", TROUBLE.values(), ids=TROUBLE)
async def test_trouble_ends_exact_after_resumes(world: World, rules: tuple[dict[str, object], ...]) -> None:
    """However often it takes: no row twice, none lost, and each result adds up."""
    world.limit(chunk_rows=5, max_attempts=2)
    rows = dims(30)
    await loaded(world, 1, rows=rows)
    wanted = [*renamed(rows, 12), *dims(20, first=500)]
    world.guards = OPEN
    saved = await plan_of(world, company(1, wanted))
    world.script(*rules)
    result = await applied_one(world, saved)
    for _ in range(3):
        assert sum(columns(result).values()) == 50
        if result.exit_code == 0:
            break
        world.script()
        result = await applied_one(world, saved, resume=True)
    assert result.exit_code == 0, result.problems
    assert_exact(world, 1, wanted)
    world.script()
    assert verdict(await applied_one(world, saved, resume=True)) == ("deferred", 7, ["applied"])
    await heal(world, 1, wanted)


# Found by attacking it


async def test_a_create_that_changes_an_adopted_row_is_not_green(world: World) -> None:
    """K5 is taken for the row of its type and id; K4's create changes that very row, and K5 is nowhere then."""
    world.place(1, [Dimension("K4", "account", "Account", "Rent", "29")])
    wanted = [Dimension("K4", "account", "Account", "Fuel", "11"), Dimension("K5", "account", "Account", "Rent", "29")]
    saved = await plan_of(world, company(1, wanted))
    result = await applied_one(world, saved)
    assert len(world.stored(1)) == 1
    assert (result.exit_code, slugs(result)) == (5, ["overwritten"])


class Interrupting(SqliteLedger):
    """A ledger that stops the run when a guard asks it for sketches, as a signal at that moment does."""

    run: Run | None = None

    async def sketches(self, origin: str) -> list[tuple[str, int, int, bytes]]:
        if self.run is not None:
            self.run.stop()
        return await super().sketches(origin)


class Full(SqliteLedger):
    """A ledger that cannot note that a guard holds a company: its disk is full."""

    async def note(self, company_key: CompanyKey, state: CompanyState) -> None:  # noqa: ARG002  the base's signature
        raise LedgerError("database or disk is full")


async def test_a_plan_that_was_stopped_before_its_guards_cannot_be_applied(world: World) -> None:
    rows = dims(100)
    await loaded(world, 1, rows=rows)
    wanted = renamed(rows, 90)
    async with world.open_ledger() as opened:
        assert isinstance(opened, SqliteLedger)
        ledger = Interrupting(opened._thread, opened._hold)
        async with world.engine(ledger) as engine, engine.plan([company(1, wanted)]) as run:
            ledger.run = run
            async for _ in run:
                pass
    saved, _ = kept(world, run.result)
    assert run.result.exit_code == 5
    await applied(world, saved, gone(1))
    assert_exact(world, 1, rows)


async def test_a_plan_that_failed_at_its_guards_cannot_be_applied(world: World) -> None:
    rows = dims(100)
    await loaded(world, 1, rows=rows)
    async with world.open_ledger() as opened:
        assert isinstance(opened, SqliteLedger)
        async with world.engine(Full(opened._thread, opened._hold)) as engine:
            plan = await engine.plan([company(1, renamed(rows, 90))]).result()
    assert plan.exit_code == 1
    saved, _ = kept(world, plan)
    await applied(world, saved, gone(1))
    assert_exact(world, 1, rows)


async def test_a_resume_is_about_what_was_not_finished(world: World) -> None:
    """A company that the first apply finished is none of its business, and does not turn it red."""
    world.limit(chunk_rows=10, max_concurrency=1)
    rows = dims(30)
    await loaded(world, 1, 2, rows=rows)
    world.guards = OPEN
    saved = await plan_of(world, *(company(n, renamed(rows, 30 if n == 2 else 5)) for n in (1, 2)))
    refused = QUOTA | {"after": 1, "match": {"operation": "bulk", "company": 2}}
    world.script(refused, QUOTA | {"match": {"operation": "companies"}})  # so it is the key's
    first = await applied(world, saved, gone(1), gone(2))
    assert [each.state for each in first.companies] == ["synced", "deferred"]
    quota_is_back(world)
    async with world.engine() as engine:
        second = await engine.apply(saved, [gone(1), gone(2)], resume=True).result()
    assert [each.company_id for each in second.companies] == [2]
    assert (second.exit_code, columns(second)) == (0, {"unchanged": 10, "updated": 20})
    third = await applied(world, saved, gone(1), gone(2), resume=True)
    assert [verdict(each) for each in third.companies] == [("deferred", 7, ["applied"])] * 2


async def test_a_new_plan_after_a_stale_one_is_not_stale_again(world: World) -> None:
    """What moved is the number of rows, and a plan of updates alone does not look at it: the advice leads nowhere."""
    rows = dims(20)
    await loaded(world, 1, rows=rows)
    wanted = renamed(rows, 2)
    saved = await plan_of(world, company(1, wanted))
    await _foreign_row(world)
    assert verdict(await applied_one(world, saved)) == ("deferred", 7, ["stale"])
    saved = await plan_of(world, company(1, wanted))
    assert verdict(await applied_one(world, saved)) == ("synced", 0, [])


async def test_a_resume_creates_nothing_that_the_plan_updates(world: World) -> None:
    """Rows were removed in Ottimate since: the plan was to update them, and nobody has seen a create."""
    rows = dims(30)
    saved = await half_applied(world, renamed(rows, 30), rows)
    remote = world.sandbox.tenant.companies[1]
    for row in remote.rows[25:]:
        world.sandbox.tenant.remove(remote, row)
    result = await applied_one(world, saved, resume=True)
    assert (result.exit_code, result.balance.created) == (7, 0)
    assert len(world.stored(1)) == 25


async def test_a_resume_creates_no_row_that_looks_like_one_that_is_there(world: World) -> None:
    """Somebody made the row by hand meanwhile, under another id."""
    rows = dims(10)
    saved = await half_applied(world, [*rows, *dims(20, first=500)], rows)
    remote = world.sandbox.tenant.companies[1]
    values = Values("by hand", "account", "Account", "Name 00519", "BY-HAND")
    world.sandbox.tenant.insert(remote, values, by=0, at=world.clock())
    result = await applied_one(world, saved, resume=True)
    assert result.exit_code in {4, 7}
    assert [row.values.name for row in remote.rows].count("Name 00519") == 1


async def test_a_good_apply_is_a_good_run_for_shrunken_source(world: World) -> None:
    """Whoever works with plans alone is warned of half a source all the same."""
    world.place(1)
    rows = dims(40)
    saved = await plan_of(world, company(1, rows))
    assert (await applied_one(world, saved)).exit_code == 0
    assert verdict(await world.sync_one(1, renamed(rows[:5], 1))) == ("held", 4, ["shrunken-source"])


async def test_a_good_apply_is_sketched_for_wrong_client(world: World) -> None:
    world.guards = OPEN
    for n in (1, 2):
        world.place(n)
    charts = {n: [row._replace(name=f"{n} {row.name}", erp_id=f"{n}{row.erp_id}") for row in dims(40)] for n in (1, 2)}
    saved = await plan_of(world, *(company(n, charts[n]) for n in (1, 2)))
    assert (await applied(world, saved, gone(1), gone(2))).exit_code == 0
    assert verdict(await world.sync_one(1, charts[2])) == ("held", 4, ["wrong-client"])


async def test_a_company_whose_hold_was_allowed_and_applied_does_not_rest_as_held(world: World) -> None:
    rows = dims(100)
    await loaded(world, 1, rows=rows)
    wanted = [*rows, *dims(40, first=500)]
    world.verify = Verify(mode=VerifyMode.PROBE)
    assert verdict(await world.sync_one(1, wanted)) == ("held", 4, ["mass-create"])
    saved = await plan_of(world, company(1, wanted), allow=[("mass-create", 1)])
    assert (await applied_one(world, saved)).exit_code == 0
    result = await world.sync_one(1, wanted)
    assert (verdict(result), columns(result)) == (("unchanged", 0, []), {"unchanged": 140})


async def test_a_company_that_was_held_without_a_comparison_is_in_the_plan(world: World) -> None:
    """The guard's own rest keeps it from being compared again: the second plan must not lose it without a word."""
    rows = dims(100)
    await loaded(world, 1, 2, rows=rows)
    fleet = [company(1, renamed(rows, 90)), company(2, renamed(rows, 1))]
    await planned(world, *fleet)
    async with world.engine() as engine:
        plan = await engine.plan(fleet).result()
    assert plan.exit_code == 4
    saved, _ = kept(world, plan)
    world.sandbox.service.log.clear()
    async with world.engine() as engine:
        result = await engine.apply(saved, [gone(1), gone(2)]).result()
    assert result.exit_code == 4
    assert columns(result) == columns(plan)


async def test_a_plan_shows_what_rekeyed_rows_were_before(world: World) -> None:
    rows = dims(5)
    await loaded(world, 1, rows=rows)
    async with world.open_ledger() as ledger:
        await ledger.rekey(company_key(world), {"NEW": "K00000"}, world.clock())
    saved, text = await planned(world, company(1, [rows[0]._replace(key="NEW", name="After"), *rows[1:]]))
    assert [change.row.key for change in saved.companies[0].changes] == ["K00000"]
    assert '"from": "Name 00000"' in text


async def test_a_refused_row_is_told_by_its_sources_key(world: World) -> None:
    """As in a sync: `retry` and a corrected file know the row by no other."""
    rows = dims(5)
    await loaded(world, 1, rows=rows)
    async with world.open_ledger() as ledger:
        await ledger.rekey(company_key(world), {"NEW": "K00000"}, world.clock())
    saved = await plan_of(world, company(1, [rows[0]._replace(key="NEW", name="After"), *rows[1:]]))
    world.script({"effect": "reject-rows", "name": "After"})
    result = await applied_one(world, saved)
    assert [problem.key for problem in result.problems if problem.code == "rejected"] == ["NEW"]
    assert [reject.row.key for reject in result.rejects] == ["NEW"]


async def test_a_resume_sends_nothing_under_keys_that_led_nowhere(world: World) -> None:
    """The canary was lost and could not be looked at: no leave lifts that brake in a sync, nor does a resume."""
    saved = await canaries(world, keys=False)
    world.script({"effect": "reset", "match": BULK}, *BLIND)
    result = await applied_one(world, saved)
    assert ("key-mismatch" in slugs(result), columns(result)) == (True, {"uncertain": 1, "held": 29})
    world.script()
    resumed = await applied_one(world, saved, resume=True)
    assert (world.sent("bulk"), len(world.stored(1))) == (0, 30)
    assert resumed.exit_code != 0


async def test_rows_that_were_refused_before_are_named(world: World) -> None:
    world.place(1)
    world.script({"effect": "reject-rows", "erp_id": "^00003$"})
    assert columns(await world.sync_one(1, dims(5))) == {"created": 4, "rejected": 1}
    saved = await plan_of(world, company(1, dims(5)))
    result = await applied_one(world, saved)
    assert (result.exit_code, columns(result)) == (3, {"unchanged": 4, "rejected": 1})
    assert [problem.key for problem in result.problems] == ["K00003"]


@pytest.mark.sockets
async def test_a_leave_for_the_fleet_is_carried_too(world: World) -> None:
    """There is no --allow in `apply`: without it the plan can never be applied."""
    rows = dims(40)
    await loaded(world, 1, 2, 3, rows=rows)
    settings = replace(world.settings, fleet_share=0.3, companies_at_once=1)
    fleet = [company(n, renamed(rows, 1 if n == 3 else 40)) for n in (1, 2, 3)]
    async with Engine(settings, now=world.clock, rng=world.rng) as engine:
        plan = await engine.plan(fleet, allow=[Allow("fleet")]).result()
        saved, _ = kept(world, plan)
        result = await engine.apply(saved, [gone(1), gone(2), gone(3)]).result()
    assert columns(result) == columns(plan)
    assert [str(each.state) for each in result.companies] == ["held", "held", "synced"]


class Frail(SqliteLedger):
    """A ledger that fails once, when a plan is begun."""

    async def begin_plan(self, company_key: CompanyKey, plan_id: str, run_id: str, at: datetime) -> None:  # noqa: ARG002  likewise
        raise LedgerError("database or disk is full")


async def test_a_resume_that_died_after_its_listing_can_be_resumed(world: World) -> None:
    rows = dims(10)
    await loaded(world, 1, rows=rows)
    wanted = [*rows, *dims(20, first=500)]
    saved = await plan_of(world, company(1, wanted))
    world.script({"effect": "reset", "commit": True, "match": BULK}, *BLIND)
    assert (await applied_one(world, saved)).exit_code == 10
    world.script()
    remote = world.sandbox.tenant.companies[1]
    world.sandbox.tenant.remove(remote, remote.rows[-1])  # so that something is left to send
    async with world.open_ledger() as opened:
        assert isinstance(opened, SqliteLedger)
        async with world.engine(Frail(opened._thread, opened._hold)) as engine:
            assert (await engine.apply(saved, [gone(1)], resume=True).result()).exit_code == 1
    assert (await applied_one(world, saved, resume=True)).exit_code == 0
    assert_exact(world, 1, wanted)


async def test_what_cannot_be_seen_is_said_in_an_apply_too(world: World) -> None:
    """The code of an adopted row is not observable, and must not pass for equal."""
    world.place(1, dims(5))
    saved = await plan_of(world, company(1, dims(6)))
    result = await applied_one(world, saved)
    assert [problem.code for problem in result.problems] == ["not-observable"]


async def test_a_leave_for_look_alikes_holds_for_the_resume(world: World) -> None:
    """A person has looked at the row that it looks like, and that one is still there."""
    world.limit(chunk_rows=10, max_concurrency=1)
    world.place(1, [Dimension("theirs", "account", "Account", "Name 00015", "MINE")])
    rows = dims(20)
    saved = await plan_of(world, company(1, rows), allow=[("look-alike", 1)])
    assert (await interrupted(world, saved)).exit_code == 5
    result = await applied_one(world, saved, resume=True)
    assert (result.exit_code, slugs(result)) == (0, [])
    assert len(world.stored(1)) == 21


async def test_a_stale_plan_leaves_a_held_company_held(world: World) -> None:
    """What a guard noted stands; a plan with the same leave looks anew, at all rows."""
    rows = dims(100)
    await loaded(world, 1, rows=rows)
    wanted = [*rows, *dims(40, first=500)]
    assert verdict(await world.sync_one(1, wanted)) == ("held", 4, ["mass-create"])
    saved = await plan_of(world, company(1, wanted), allow=[("mass-create", 1)])
    await _foreign_row(world)
    assert verdict(await applied_one(world, saved)) == ("deferred", 7, ["stale"])
    assert (await world.sync_one(1, wanted)).exit_code == 4
    saved = await plan_of(world, company(1, wanted), allow=[("mass-create", 1)])
    assert verdict(await applied_one(world, saved)) == ("synced", 0, [])


async def test_a_new_plan_of_a_held_company_after_a_stale_one_is_not_stale_again(world: World) -> None:
    """Updates alone, which nobody looks for at the row count: the note of the guard is not all there is to know."""
    rows = dims(100)
    await loaded(world, 1, rows=rows)
    wanted = renamed(rows, 40)
    assert verdict(await world.sync_one(1, wanted)) == ("held", 4, ["mass-update"])
    saved = await plan_of(world, company(1, wanted), allow=[("mass-update", 1)])
    await _foreign_row(world)
    assert verdict(await applied_one(world, saved)) == ("deferred", 7, ["stale"])
    saved = await plan_of(world, company(1, wanted), allow=[("mass-update", 1)])
    assert verdict(await applied_one(world, saved)) == ("synced", 0, [])
