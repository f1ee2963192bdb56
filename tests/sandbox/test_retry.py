"""`retry`: the rows that a run left rejected or uncertain, and no others, with what the source says by now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

import pytest

from engine import Allow, Company, CompanyResult, Dimension, RunResult
from engine.model.origin import origin_of
from engine.model.outcome import Column
from engine.model.result import InTrouble
from engine.model.settings import CompanyKey, NamedCompany
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
Raw = Mapping[str, object]


def refuse(pattern: str, **more: Any) -> dict[str, Any]:
    return {"effect": "reject-rows", "erp_id": pattern, **more}


def company_key(world: World) -> CompanyKey:
    return CompanyKey(origin=origin_of(world.sandbox.base_url), account=DEMO.account_id, company_id=1)


async def left(world: World, run_id: str | None = None) -> InTrouble | None:
    async with world.open_ledger() as ledger:
        return await ledger.in_trouble(company_key(world).origin, run_id)


async def retry(
    world: World,
    rows: Iterable[Dimension | Raw],
    keys: Collection[str] | None = None,
    *,
    corrected: Sequence[Raw] = (),
    allow: str | None = None,
) -> CompanyResult:
    """Send company 1's rows again: those of `keys`, or those that the last run left; the books are checked."""
    if keys is None:
        found = await left(world)
        assert found is not None
        keys = found.keys.get(NamedCompany("main", 1), frozenset())
    world.clock.forward(minutes=1)
    world.sandbox.service.log.clear()
    one = company(1, rows)
    async with world.engine() as engine:
        pending = engine.retry(
            [one],
            {1: keys},
            corrected={1: corrected} if corrected else None,
            corrected_in="rejects.ndjson" if corrected else None,
            allow=[Allow(allow, 1)] if allow else [],
        )
        result = await pending.result()
    world.check(result, [one])
    return result.companies[0]


def rows_sent(world: World) -> list[int]:
    return [entry.rows for entry in world.sandbox.service.log if entry.operation == "bulk"]


async def refused(world: World, rows: Sequence[Dimension], pattern: str) -> CompanyResult:
    """Load company 1; the rows whose ERP id matches are refused. Then the server is honest again."""
    world.place(1)
    world.script(refuse(pattern))
    result = await world.sync_one(1, rows)
    world.script()
    return result


async def test_three_of_a_hundred(either_world: World) -> None:
    """One bulk request with three rows, and a result about three rows; a second time there is nothing to send."""
    world, rows = either_world, dims(100)
    first = await refused(world, rows, "^0000[123]$")
    assert columns(first) == {"created": 97, "rejected": 3}
    result = await retry(world, rows)
    assert (verdict(result), columns(result)) == (("synced", 0, []), {"created": 3})
    assert (rows_sent(world), kinds(result.requests)) == ([3], {"probe": 1, "bulk": 1})
    assert (result.balance.source_rows, result.balance.remote_rows) == (3, None)
    assert_exact(world, 1, rows)
    again = await retry(world, rows, {"K00001", "K00002", "K00003"})
    assert (columns(again), world.sent("bulk")) == ({"unchanged": 3}, 0)
    await heal(world, 1, rows)


async def test_after_a_retry_nothing_of_it_is_left(world: World) -> None:
    rows = dims(10)
    await refused(world, rows, "^0000[12]$")
    await retry(world, rows)
    found = await left(world)
    assert found is not None
    assert (found.verb, found.keys) == ("retry", {})


async def test_updates_that_were_refused(either_world: World) -> None:
    world, rows = either_world, dims(20)
    world.place(1)
    await world.sync_one(1, rows)
    wanted = [row._replace(name=f"New {row.name}") for row in rows[:5]] + rows[5:]
    world.script(refuse("^0000[34]$"))
    assert columns(await world.sync_one(1, wanted)) == {"unchanged": 15, "updated": 3, "rejected": 2}
    world.script()
    result = await retry(world, wanted)
    assert (columns(result), kinds(result.requests)) == ({"updated": 2}, {"bulk": 1})
    assert_exact(world, 1, wanted)


# What the rows are by now


async def test_rows_that_the_source_has_no_more(world: World) -> None:
    rows = dims(10)
    await refused(world, rows, "^0000[12]$")
    result = await retry(world, rows[:2] + rows[3:])
    assert (verdict(result), columns(result)) == (("partial", 3, ["not-in-source"]), {"created": 1})
    assert result.problems[0].key == "K00002"
    none = await retry(world, rows[:2] + rows[3:], {"K00002"})
    assert (columns(none), none.exit_code, world.sent("bulk")) == ({}, 3, 0)
    assert none.balance.source_rows == 0


async def test_rows_that_somebody_has_made_meanwhile(either_world: World) -> None:
    """It is there, and equal: adopted, not made twice."""
    world, rows = either_world, dims(10)
    await refused(world, rows, "^00001$")
    there = world.sandbox.tenant.companies[1]
    world.sandbox.tenant.insert(there, Values(*rows[1]), by=0, at=world.clock())
    result = await retry(world, rows)
    assert (columns(result), world.sent("bulk"), len(world.stored(1))) == ({"unchanged": 1}, 0, 10)


async def test_rows_that_are_invalid_by_now(world: World) -> None:
    rows = dims(10)
    await refused(world, rows, "^0000[12]$")
    result = await retry(world, [*rows[:2], *rows[3:], rows[2]._replace(name=" ")])
    assert (verdict(result), columns(result)) == (
        ("partial", 3, ["missing-field"]),
        {"created": 1, "invalid": 1},
    )


async def test_rows_that_are_held_by_now(world: World) -> None:
    """A row of its name has come to be there meanwhile: a person looks first."""
    rows = dims(10)
    await refused(world, rows, "^00001$")
    alike = Values(None, "account", "Account", "Name 00001", "77")
    world.sandbox.tenant.insert(world.sandbox.tenant.companies[1], alike, by=0, at=world.clock())
    result = await retry(world, rows)
    assert (verdict(result), columns(result)) == (("partial", 4, ["look-alike"]), {"held": 1})
    assert world.sent("bulk") == 0
    assert columns(await retry(world, rows, {"K00001"}, allow="look-alike")) == {"created": 1}


async def test_a_row_does_not_take_the_erp_id_of_one_that_is_not_sent_again(world: World) -> None:
    """Two keys have changed places in the source: a sync sends both rows; one of them alone would be there twice."""
    one, other = dims(2)
    world.place(1)
    await world.sync_one(1, [one, other])
    swapped = [one._replace(name=other.name, erp_id=other.erp_id), other._replace(name=one.name, erp_id=one.erp_id)]
    result = await retry(world, swapped, [one.key])
    assert (verdict(result), columns(result), world.sent("bulk")) == (("partial", 4, ["ambiguous"]), {"held": 1}, 0)
    assert "until its row is sent, too: `dimsync sync` sends both" in result.problems[0].message
    assert (await retry(world, swapped, [one.key, other.key])).exit_code == 0
    assert_exact(world, 1, swapped)


async def test_the_sources_values_of_now_are_sent(world: World) -> None:
    rows = dims(10)
    await refused(world, rows, "^00001$")
    wanted = [rows[0], rows[1]._replace(name="Corrected"), *rows[2:]]
    assert columns(await retry(world, wanted)) == {"created": 1}
    assert_exact(world, 1, wanted)


async def test_rows_that_are_refused_again(world: World) -> None:
    """It is no 24 hours since, and they are sent all the same; they are what the next retry is about."""
    rows = dims(10)
    await refused(world, rows, "^0000[12]$")
    world.script(refuse("^00002$", message="no such period"))
    result = await retry(world, rows)
    assert (verdict(result), columns(result)) == (("partial", 3, ["rejected"]), {"created": 1, "rejected": 1})
    (reject,) = result.rejects
    assert (reject.row, "no such period" in reject.message) == (rows[2], True)
    found = await left(world)
    assert found is not None
    assert (found.verb, found.keys) == ("retry", {NamedCompany("main", 1): frozenset({"K00002"})})


@pytest.mark.parametrize("commit", [True, False])
async def test_rows_of_unknown_outcome(either_world: World, commit: bool) -> None:
    """Listed first: those that landed are not made twice, and those that did not are made."""
    world, rows = either_world, dims(100)
    world.place(1)
    world.limit(chunk_rows=50, max_attempts=1)
    world.script({"effect": "reset", "commit": commit, "match": BULK, "after": 1}, *BLIND)
    assert columns(await world.sync_one(1, rows)) == {"created": 50, "uncertain": 50}
    world.script()
    result = await retry(world, rows)
    assert (result.exit_code, result.balance.source_rows, result.balance.uncertain) == (0, 50, 0)
    assert kinds(result.requests)["list"] == (2 if commit else 1)  # a page that is just full may not be the last
    assert_exact(world, 1, rows)
    assert columns(await world.sync_one(1, rows)) == {"unchanged": 100}


# Whose rows


async def test_other_rows_are_left_alone(world: World) -> None:
    """Ten others have changed in the source, one is new, one differs there: none of them is sent or counted."""
    rows = dims(60)
    await refused(world, rows, "^00059$")
    wanted = [row._replace(name=f"New {row.name}") for row in rows[:10]] + rows[10:] + dims(1, first=900)
    result = await retry(world, wanted)
    assert (columns(result), rows_sent(world)) == ({"created": 1}, [1])
    assert_exact(world, 1, rows)


async def test_which_run(world: World) -> None:
    """Of an older run, of a plan, of a run that there is not, of one that is about another company."""
    rows = dims(10)
    world.place(2)
    first = await refused(world, rows, "^0000[12]$")
    async with world.open_ledger() as ledger:
        first_run = (await ledger.history(company_key(world).origin, 9))[0].run_id
    async with world.engine() as engine:
        planned = await engine.plan([company(1, rows)]).result()
    world.clock.forward(minutes=1)
    other = await world.sync(company(2, dims(3)))
    newest, of_plan = await left(world), await left(world, planned.run_id)
    assert first.exit_code == 3
    assert newest is not None
    assert of_plan is not None
    assert (newest.run_id, newest.keys) == (other.run_id, {NamedCompany("main", 1): frozenset({"K00001", "K00002"})})
    assert newest.runs == {NamedCompany("main", 1): first_run}
    assert of_plan.keys == {
        NamedCompany("main", 1): frozenset({"K00001", "K00002"})
    }  # they rest, so that they are rejected there
    assert await left(world, "20260101T000000Z-00000000") is None
    async with world.open_ledger() as ledger:
        oldest = (await ledger.history(company_key(world).origin, 9))[-1]
        elsewhere = await ledger.in_trouble("http://127.0.0.1:9/v1", oldest.run_id)
    found = await left(world, oldest.run_id)
    assert (elsewhere, found and found.keys) == (None, {NamedCompany("main", 1): frozenset({"K00001", "K00002"})})


async def test_l12_keys_may_be_spelled_as_a_source_may_spell_them(world: World) -> None:
    rows = [Dimension("Caf\u00e9", "account", "Account", "Cash", "00001"), *dims(3, first=5)]
    await refused(world, rows, "^00001$")
    assert columns(await retry(world, rows, {" Cafe\u0301\t"})) == {"created": 1}


async def test_nothing_to_retry(world: World) -> None:
    world.place(1)
    await world.sync_one(1, dims(5))
    world.sandbox.service.log.clear()
    async with world.engine() as engine:
        result: RunResult = await engine.retry([company(1, dims(6))], {}).result()
    assert (result.exit_code, result.companies, len(world.sandbox.service.log)) == (0, (), 0)


# What it must leave as it is


async def test_it_ends_nothing_of_the_company(world: World) -> None:
    """State of the last sync, sketch and rows of the last good run are a whole sync's to write."""
    rows = dims(40)
    world.place(1)
    await world.sync_one(1, rows)
    world.script(refuse("^0000[12]$"))
    wanted = [row._replace(name=f"New {row.name}") for row in rows[:5]] + rows[5:]
    await world.sync_one(1, wanted)
    world.script()

    async def notes() -> tuple[object, ...]:
        async with world.open_ledger() as ledger:
            state = (await ledger.read(company_key(world))).state
            origin = company_key(world).origin
            return (
                await ledger.last_states(origin),
                [each.run_id for each in await ledger.last_syncs(origin)],
                await ledger.sketches(origin),
                (state.last_good_rows, state.failure, state.retry_at, state.passed),
            )

    before = await notes()
    assert columns(await retry(world, wanted)) == {"updated": 2}
    assert await notes() == before
    await heal(world, 1, wanted)


async def test_it_lifts_no_guard(world: World) -> None:
    """Two runs were refused 25 creates each, which is no mass; fifty at once, where a hundred rows are, is one."""
    rows, more = dims(100), dims(50, first=500)
    world.place(1)
    await world.sync_one(1, rows)
    world.script(refuse("^005"))
    for count in (25, 50):
        result = await world.sync_one(1, rows + more[:count])
        assert columns(result) == {"unchanged": 100, "rejected": count}
    world.script()
    keys = {row.key for row in more}
    held = await retry(world, rows + more, keys)
    assert (verdict(held), columns(held)) == (("held", 4, ["mass-create"]), {"held": 50})
    assert (world.sent("bulk"), len(world.stored(1))) == (0, 100)
    assert columns(await retry(world, rows + more, keys, allow="mass-create")) == {"created": 50}


async def test_what_was_let_pass_and_refused_passes_once_more(world: World) -> None:
    """Resends do not count again: they were in a plan that a person looked at."""
    rows, more = dims(100), dims(30, first=500)
    world.place(1)
    await world.sync_one(1, rows)
    world.script(refuse("^005"))
    first = (await world.sync(company(1, rows + more), allow=[("mass-create", 1)])).companies[0]
    assert columns(first) == {"unchanged": 100, "rejected": 30}
    world.script()
    assert columns(await retry(world, rows + more)) == {"created": 30}


async def test_a_load_that_ended_with_refused_rows_lends_no_leave(world: World) -> None:
    """Sixty of its rows are gone by the next run: to make them anew is a mass-create, refused row or not."""
    rows = dims(100)
    await refused(world, rows, "^00099$")
    there = world.sandbox.tenant.companies[1]
    for row in there.rows[40:]:
        world.sandbox.tenant.remove(there, row)
    world.clock.forward(days=12)
    assert verdict(await world.sync_one(1, rows)) == ("held", 4, ["mass-create"])


async def test_a_shrunken_source_is_held(world: World) -> None:
    rows = dims(40)
    world.place(1)
    await world.sync_one(1, rows)
    world.script(refuse("^00001$"))
    await world.sync_one(1, [rows[0], rows[1]._replace(name="New"), *rows[2:]])
    world.script()
    result = await retry(world, [rows[1]._replace(name="New"), *rows[2:10]])
    assert (verdict(result), columns(result)) == (("held", 4, ["shrunken-source"]), {"held": 1})


async def led_nowhere(world: World) -> list[Dimension]:
    """Let a canary make a second row: after that the company is held, whatever is allowed."""
    world.guards = OPEN
    rows = dims(20)
    world.place(1, rows, keys=False)
    wanted = [row._replace(name=f"New {row.name}") for row in rows]
    await world.sync(company(1, wanted), allow=[("canary", 1)])
    assert len(world.stored(1)) == 21
    return wanted


async def test_rows_whose_keys_led_nowhere_are_not_sent(world: World) -> None:
    wanted = await led_nowhere(world)
    result = await retry(world, wanted, {row.key for row in wanted})
    assert (result.exit_code, world.sent("bulk"), len(world.stored(1))) == (4, 0, 21)


@pytest.mark.parametrize("verb", ["retry", "sync --fresh"])
async def test_no_leave_lifts_the_brake_on_keys_that_led_nowhere(world: World, verb: str) -> None:
    wanted = await led_nowhere(world)
    if verb == "retry":
        await retry(world, wanted, {row.key for row in wanted}, allow="canary")
    else:
        await world.sync(company(1, wanted), allow=[("canary", 1)], fresh=True)
    assert (world.sent("bulk"), len(world.stored(1))) == (0, 21)


async def test_a_load_that_was_stopped_goes_on_after_a_retry(world: World) -> None:
    """Sixty of 300 are in, forty were refused, the quota is spent; the forty are retried; the 200 still may pass."""
    world.place(1)
    world.limit(chunk_rows=20, max_concurrency=1)
    rows = dims(300)
    world.script(refuse("^000[0-3].$"), QUOTA | {"after": 5})
    first = await world.sync_one(1, rows)
    assert columns(first) == {"created": 60, "rejected": 40, "deferred": 200}
    world.script()
    world.clock.forward(hours=18)  # the quota's next day
    assert columns(await retry(world, rows)) == {"created": 40}
    assert columns(await world.sync_one(1, rows)) == {"unchanged": 100, "created": 200}


async def test_a_retried_create_that_changes_another_row_is_not_green(world: World) -> None:
    """K4's key is that of the remote row which K5 was taken for: the sync says `overwritten`, and so must a retry."""
    world.place(1, [Dimension("K4", "account", "Account", "Rent", "29")])
    wanted = [Dimension("K4", "account", "Account", "Fuel", "11"), Dimension("K5", "account", "Account", "Rent", "29")]
    world.script(refuse("^11$"))
    assert columns(await world.sync_one(1, wanted)) == {"unchanged": 1, "rejected": 1}
    world.script()
    result = await retry(world, wanted)
    assert "overwritten" in slugs(result)
    assert result.exit_code != 0


@pytest.mark.parametrize("trouble", ["locked", "unreadable", "parked", "not whole"])
async def test_what_could_not_be_begun_counts_only_what_was_asked_for(world: World, trouble: str) -> None:
    rows = dims(100)
    await refused(world, rows, "^0000[123]$")
    rules = {
        "unreadable": {"effect": "status", "status": 403, "envelope": "no", "match": {"operation": "list"}},
        "parked": {"effect": "status", "status": 401, "match": {"operation": "list"}},
        "not whole": {"effect": "lying-count", "by": 3},
    }
    if trouble in rules:
        world.script(rules[trouble])
    async with AsyncExitStack() as stack:
        if trouble == "locked":
            ledger = await stack.enter_async_context(world.open_ledger())
            await stack.enter_async_context(ledger.lock(company_key(world)))
        result = await retry(world, rows, {"K00001", "K00002", "K00003"})
    assert result.exit_code in {1, 4, 8, 9}
    assert result.balance.source_rows == 3


async def test_a_source_that_cannot_be_read(world: World) -> None:
    await refused(world, dims(10), "^00001$")

    class Broken:
        def __aiter__(self) -> Any:
            raise OSError("no such share")

    async with world.engine() as engine:
        result = await engine.retry([Company(id=1, source=Broken())], {1: ["K00001"]}).result()
    assert (result.exit_code, result.totals.source_rows) == (1, None)


async def test_a_read_only_company_is_left_out(world: World) -> None:
    await refused(world, dims(10), "^00001$")
    world.sandbox.service.log.clear()
    async with world.engine() as engine:
        result = await engine.retry([company(1, dims(10), write=False)], {1: ["K00001"]}).result()
    assert (result.companies, len(world.sandbox.service.log)) == ((), 0)


# Rows that somebody has corrected


def line(row: Dimension, **other: object) -> dict[str, object]:
    """Return a row as a rejects file has it, with what was changed in it."""
    fields = {
        "unique_key": row.key,
        "type": row.type_label,
        "dimension_type_code": row.type_code,
        "name": row.name,
        "erp_dimension_id": row.erp_id,
        "code": row.code,
        "account": "main",
        "message": "refused",
        "line": 7,
    }
    return fields | other


async def test_corrected_rows_take_the_place_of_the_sources(either_world: World) -> None:
    world, rows = either_world, dims(10)
    await refused(world, rows, "^0000[12]$")
    better = [line(rows[1], name="Better 1"), line(rows[2], name="Better 2")]
    result = await retry(world, rows, {"K00001", "K00002"}, corrected=better)
    assert (columns(result), rows_sent(world)) == ({"created": 2}, [2])
    assert {row.name for row in world.stored(1)} >= {"Better 1", "Better 2"}


async def test_the_source_is_the_truth_at_the_next_sync(world: World) -> None:
    """A correction that is not made in the source, too, is undone: it says what the row should be."""
    rows = dims(10)
    await refused(world, rows, "^00001$")
    await retry(world, rows, {"K00001"}, corrected=[line(rows[1], name="Better")])
    assert columns(await world.sync_one(1, rows)) == {"unchanged": 9, "updated": 1}
    assert_exact(world, 1, rows)


async def test_a_corrected_row_that_no_source_has(world: World) -> None:
    rows = dims(10)
    await refused(world, rows, "^00001$")
    result = await retry(world, rows, {"strange"}, corrected=[line(rows[1], unique_key="strange")])
    assert (verdict(result), columns(result)) == (("partial", 3, ["not-in-source"]), {"invalid": 1})
    assert (result.problems[0].file, world.sent("bulk"), len(world.stored(1))) == ("rejects.ndjson", 0, 9)


async def test_good_and_bad_corrections(world: World) -> None:
    rows = dims(10)
    await refused(world, rows, "^0000[123]$")
    better: list[Raw] = [line(rows[1], name="Better"), {"name": "nothing else"}]
    result = await retry(world, rows, {"K00001", "None"}, corrected=better)
    assert (columns(result)["created"], columns(result)["invalid"], result.exit_code) == (1, 1, 3)
    assert len(world.stored(1)) == 8


@pytest.mark.parametrize(
    "better",
    [
        [line(dims(2)[1], name="A"), line(dims(2)[1], name="B")],
        [line(dims(2)[1], dimension_type_code="nonsense")],
        [line(dims(2)[1], name="")],
    ],
    ids=["twice", "unknown type", "no name"],
)
async def test_a_bad_correction_sends_nothing(world: World, better: list[dict[str, object]]) -> None:
    """Neither what is in the file nor, in its place, what was refused already."""
    rows = dims(10)
    await refused(world, rows, "^00001$")
    result = await retry(world, rows, {"K00001"}, corrected=better)
    assert (columns(result), world.sent("bulk")) == ({Column.INVALID.value: len(better)}, 0)
