"""Plans, runs, standing and quota as a program gets them: the values that the command line shows."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Awaitable
from datetime import timedelta
from pathlib import Path

import pytest

from engine import (
    Allow,
    CompanyInRun,
    ConfigError,
    EngineError,
    NamedCompany,
    PastResult,
    PastRun,
    load_plan,
    plan_digest,
    read_plan,
    save_plan,
    write_plan,
)
from tests.sandbox.conftest import World, assert_exact, columns, company, dims


@pytest.fixture
async def loaded(world: World) -> World:
    """A world with a company of 40 rows that a sync has loaded."""
    world.place(1)
    assert (await world.sync_one(1, dims(40))).exit_code == 0
    return world


# Plans


async def test_a_plan_is_shown_saved_approved_and_carried_out(loaded: World, tmp_path: Path) -> None:
    """What a web service does: one request makes the plan, a person approves it, another request applies it."""
    rows = [*(row._replace(name="Another") for row in dims(3)), *dims(40, first=3)]
    async with loaded.engine() as engine:
        plan = engine.saved_plan(await engine.plan([company(1, rows)]))
        assert plan.totals._asdict() == {"companies": 1, "held": 0, "creates": 3, "updates": 3, "requests": 2}
        (one,) = plan.companies
        assert one.updates[0].moves_to == (("name", "Name 00000", "Another"),)
        stored, approved = write_plan(plan), plan_digest(plan)  # as in a column of a table
    assert json.loads(stored)["digest"] == approved
    assert "demo-" not in stored
    async with loaded.engine() as engine:
        again = read_plan(stored)
        assert (again, plan_digest(again)) == (plan, approved)
        save_plan(plan, tmp_path / "plan.json")
        assert load_plan(tmp_path / "plan.json") == plan
        with pytest.raises(ConfigError, match=r"is not the one that was approved: its digest is \w{32}, and other was"):
            engine.apply(again, [company(1, [])], approved="other")
        loaded.sandbox.service.log.clear()
        result = await engine.apply(again, [company(1, [])], approved=approved)
    assert (result.exit_code, columns(result)) == (0, {"created": 3, "updated": 3, "unchanged": 37})
    assert (loaded.sent("list"), loaded.sent("bulk")) == (1, 1)
    assert_exact(loaded, 1, rows)


async def test_a_plan_that_guards_hold_says_so_and_one_that_is_allowed_says_that(loaded: World) -> None:
    rows = dims(200)
    async with loaded.engine() as engine:
        held = engine.saved_plan(await engine.plan([company(1, rows)]))
        allowed = engine.saved_plan(await engine.plan([company(1, rows)], allow=[Allow("mass-create", 1)]))
    assert (held.totals.held, held.totals.creates, held.totals.requests) == (1, 0, 0)
    assert [problem.code for problem in held.companies[0].held_by] == ["mass-create"]
    assert (allowed.totals.held, allowed.totals.creates, allowed.allowed) == (0, 160, ("mass-create:1",))


async def test_a_plan_is_made_of_what_plan_found_alone(loaded: World) -> None:
    async with loaded.engine() as engine:
        result = await engine.sync([company(1, dims(41))])
        with pytest.raises(ConfigError, match=r"is a sync: a plan is saved of what `plan` found"):
            engine.saved_plan(result)


async def test_a_file_that_holds_no_plan_is_refused_by_its_name(loaded: World, tmp_path: Path) -> None:
    for name, data, words in (
        ("a.json", b"\xff\xfe", r"a\.json is no saved plan: it is not UTF-8"),
        ("b.json", b"[]", r"b\.json is no saved plan"),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ConfigError, match=words):
            load_plan(tmp_path / name)
    with pytest.raises(ConfigError, match="the plan is no saved plan"):
        read_plan("{}")
    with pytest.raises(FileNotFoundError):
        load_plan(str(tmp_path / "c.json"))


# Runs, standing, quota


async def test_runs_of_the_past_are_told_as_values(loaded: World) -> None:
    async with loaded.engine() as engine:
        loaded.clock.forward(minutes=5)
        await engine.plan([company(1, dims(41))])
        loaded.clock.forward(minutes=5)
        result = await engine.client(1).upsert(dims(1, first=100))
        runs = await engine.history()
        newest = await engine.history(1)
        past = await engine.past_run(result.run_id)
        assert await engine.past_run("no such run") is None
        lines = await engine.company_history(1)
        assert await engine.company_history(2) == []
    assert [(type(run), run.verb) for run in runs] == [(PastRun, "put"), (PastRun, "plan"), (PastRun, "sync")]
    assert [run.run_id for run in newest] == [result.run_id]
    assert (runs[0].exit_code, runs[0].created, runs[0].companies) == (0, 1, 1)
    assert isinstance(past, PastResult)
    assert (past.companies, past.result.totals.created) == (1, 1)
    assert isinstance(lines[0], CompanyInRun)
    assert lines[0].run.verb == "put"
    assert lines[0].company.balance.created == 1


async def test_the_standing_tells_the_last_sync_and_who_rests(loaded: World) -> None:
    loaded.place(2)
    loaded.script({"effect": "status", "status": 500, "match": {"company": 2, "operation": "list"}})
    await loaded.sync(company(1, dims(40)), company(2, dims(3)))
    async with loaded.engine() as engine:
        standing = await engine.status()
    well, failed = NamedCompany("main", 1), NamedCompany("main", 2)
    assert standing.last is not None
    assert (standing.last.verb, standing.running, standing.died) == ("sync", (), ())
    assert {where: sync.state for where, sync in standing.syncs.items()} == {well: "unchanged", failed: "failed"}
    assert standing.rests.keys() == {failed}
    assert timedelta() < standing.rests[failed] - loaded.clock() <= timedelta(hours=1)
    assert [problem.code for problem in standing.companies[failed].problems] == ["unavailable"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        standing.last = None  # type: ignore[misc]


async def test_the_quota_counts_what_every_process_sends_on_the_key(loaded: World) -> None:
    async with loaded.engine() as engine:
        before = await engine.quota()
        await engine.sync([company(1, dims(41))])
        after = await engine.quota()
    assert before.used == 5 - 1  # directory, listing, chunk and a token
    assert (after.used, after.left) == (before.used + 3, after.usable - after.used)
    assert (after.day, after.per_day, after.reserve, after.closed_until) == (loaded.clock().date(), 10_000, 1_000, None)


async def test_none_of_it_needs_a_request_and_all_of_it_an_open_engine(loaded: World) -> None:
    loaded.sandbox.service.log.clear()
    async with loaded.engine() as engine:
        for asked in (engine.history(), engine.status(), engine.quota(), engine.company_history(1)):
            await asked
    assert not loaded.sandbox.service.log
    engine = loaded.unchecked_engine()
    closed: list[Awaitable[object]] = [engine.history(), engine.status(), engine.quota(), engine.past_run("x")]
    for each in closed:
        with pytest.raises(EngineError, match="the engine is not open"):
            await each


async def test_nothing_of_it_shows_a_secret(loaded: World) -> None:
    async with loaded.engine() as engine:
        told = [await engine.history(), await engine.status(), await engine.quota(), await engine.company_history(1)]
    assert "demo-key" not in repr(told)
