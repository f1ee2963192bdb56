"""`check`: where sources and Ottimate differ and who made it so. It writes nothing, and no guard hides anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest

from engine import CompanyResult, Dimension
from engine.model.company_record import CompanyRecord
from engine.model.difference import FieldDifference, Whose
from engine.model.origin import origin_of
from engine.model.settings import CompanyKey, VerifyMode
from engine.sandbox.tenant import Values
from tests.sandbox.conftest import (
    BLIND,
    DEMO,
    World,
    assert_exact,
    columns,
    company,
    dims,
    heal,
    kinds,
    verdict,
)

ERP, OTTIMATE, BOTH, UNSEEN = Whose.ERP, Whose.OTTIMATE, Whose.BOTH, Whose.UNSEEN
BULK = {"operation": "bulk"}
ROWS = dims(12)

Told = list[tuple[str, str | None, Whose]]


async def look(
    world: World, rows: Sequence[Dimension], *, mode: VerifyMode = VerifyMode.FULL, write: bool = True
) -> CompanyResult:
    """Check company 1, and that nothing was sent there."""
    world.sandbox.service.log.clear()
    one = company(1, rows, write=write)
    async with world.engine() as engine:
        result = await engine.check([one], verify=mode).result()
    world.check(result, [one])
    assert (world.sent("bulk"), world.sent("create")) == (0, 0)
    return result.companies[0]


def told(result: CompanyResult) -> Told:
    return [(each.kind, each.key, each.whose) for each in result.differences]


async def loaded(world: World, rows: Sequence[Dimension]) -> None:
    world.place(1)
    assert columns(await world.sync_one(1, rows)) == {"created": len(rows)}
    world.clock.forward(days=10)  # and list them
    assert columns(await world.sync_one(1, rows)) == ({"unchanged": len(rows)} if rows else {})


def company_key(world: World, company_id: int = 1) -> CompanyKey:
    return CompanyKey(origin=origin_of(world.sandbox.base_url), account=DEMO.account_id, company_id=company_id)


async def known(world: World) -> CompanyRecord:
    async with world.open_ledger() as ledger:
        return await ledger.read(company_key(world))


def rename_there(world: World, key: str, name: str) -> None:
    there = world.sandbox.tenant.companies[1]
    row = there.by_key[key]
    world.sandbox.tenant.change(there, row, row.values._replace(name=name))


def add_there(world: World) -> None:
    values = Values(None, "account", "Account", "Somebody's", "9999")
    world.sandbox.tenant.insert(world.sandbox.tenant.companies[1], values, by=0, at=world.clock())


def remove_there(world: World) -> None:
    there = world.sandbox.tenant.companies[1]
    world.sandbox.tenant.remove(there, there.by_key["K00001"])


def nothing(_world: World) -> None:
    """Leave Ottimate as it is."""


def renamed(name: str) -> list[Dimension]:
    return [row._replace(name=name) if row.key == "K00001" else row for row in ROWS]


class Case(NamedTuple):
    there: Callable[[World], None]
    source: list[Dimension]
    told: Told


CASES = {
    "nothing": Case(nothing, ROWS, []),
    "renamed in the ERP": Case(nothing, renamed("Ours"), [("differs", "K00001", ERP)]),
    "renamed in Ottimate": Case(
        lambda world: rename_there(world, "K00001", "Theirs"), ROWS, [("differs", "K00001", OTTIMATE)]
    ),
    "renamed in both": Case(
        lambda world: rename_there(world, "K00001", "Theirs"), renamed("Ours"), [("differs", "K00001", BOTH)]
    ),
    "renamed in both alike": Case(lambda world: rename_there(world, "K00001", "Ours"), renamed("Ours"), []),
    "new in the ERP": Case(nothing, [*ROWS, *dims(1, first=70)], [("missing", "K00070", ERP)]),
    "dropped from the source": Case(nothing, ROWS[:-1], [("orphan", "K00011", ERP)]),
    "new in Ottimate": Case(add_there, ROWS, [("orphan", None, OTTIMATE)]),
    "gone from Ottimate": Case(remove_there, ROWS, [("missing", "K00001", OTTIMATE)]),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_each_difference_has_its_cause(either_world: World, case: Case) -> None:
    """What `check` read is there for the `sync` that follows: it lists nothing a second time."""
    world = either_world
    await loaded(world, ROWS)
    case.there(world)
    result = await look(world, case.source)
    assert (told(result), kinds(result.requests)) == (case.told, {"list": 1})
    assert (result.exit_code, result.evidence) == (0, "listing")
    synced = await world.sync_one(1, case.source)
    assert synced.exit_code == 0
    assert "list" not in kinds(synced.requests)
    assert columns(synced) == columns(result)  # what `check` counts as intended is what a sync does


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=name)
        for name, case in CASES.items()
        if case.there not in {add_there, remove_there}  # from then on the ledger knows it so
    ],
)
async def test_a_second_check_says_the_same(world: World, case: Case) -> None:
    await loaded(world, ROWS)
    case.there(world)
    first = await look(world, case.source)
    world.clock.forward(hours=1)
    assert told(await look(world, case.source)) == told(first)


async def test_a_field_is_told_thrice(either_world: World) -> None:
    world = either_world
    await loaded(world, ROWS)
    rename_there(world, "K00001", "Theirs")
    (difference,) = (await look(world, renamed("Ours"))).differences
    assert difference.fields == (FieldDifference("name", "Name 00001", "Ours", "Theirs", BOTH),)
    there = world.sandbox.tenant.companies[1].by_key["K00001"]
    assert (difference.remote_id, difference.type_code, difference.name) == (there.id, "account", "Ours")


async def test_a_code_that_was_changed_there(either_world: World) -> None:
    """A guide listing shows no codes: nothing is claimed of it, neither that it differs nor who did it."""
    world = either_world
    await loaded(world, ROWS)
    there = world.sandbox.tenant.companies[1]
    row = there.by_key["K00001"]
    world.sandbox.tenant.change(there, row, row.values._replace(code="THEIRS"))
    result = await look(world, ROWS)
    assert told(result) == ([] if world.contract == "guide" else [("differs", "K00001", OTTIMATE)])


async def test_first_contact_is_not_observable(either_world: World) -> None:
    """Nobody has acknowledged anything: that rows differ is said, and not whose doing it is; the row is held."""
    world = either_world
    world.place(1, ROWS, keys=world.contract == "reference")
    add_there(world)
    result = await look(world, renamed("Ours"))
    assert told(result) == [("differs", "K00001", UNSEEN), ("orphan", None, UNSEEN)]
    assert result.exit_code == (4 if world.contract == "guide" else 0)


async def test_a_row_of_unknown_outcome_is_unsettled(world: World) -> None:
    await loaded(world, ROWS)
    world.limit(max_attempts=1)
    world.script({"effect": "reset", "commit": True, "match": BULK}, *({**rule, "after": 0} for rule in BLIND))
    assert columns(await world.sync_one(1, renamed("Ours"))) == {"unchanged": 11, "uncertain": 1}
    world.script()
    (difference,) = (await look(world, renamed("Ours"))).differences
    assert (difference.kind, difference.key, difference.fields) == ("unsettled", "K00001", ())
    await heal(world, 1, renamed("Ours"))


async def test_bad_data_is_no_difference(world: World) -> None:
    """The row of an invalid source row is no orphan, and its difference is nobody's."""
    await loaded(world, ROWS)
    result = await look(world, [*ROWS, ROWS[3]])
    assert (told(result), columns(result)) == ([], {"unchanged": 11, "invalid": 2})
    assert (result.balance.orphans, result.balance.contested) == (0, 1)


# Guards, locks and faults


async def test_a_held_guard_does_not_hide_the_drift(world: World) -> None:
    rows = dims(100)
    await loaded(world, rows)
    wanted = [row._replace(name=f"New {row.name}") for row in rows[:40]] + rows[40:]
    assert verdict(await world.sync_one(1, wanted)) == ("held", 4, ["mass-update"])
    before = await known(world)
    result = await look(world, wanted)
    assert [each.whose for each in result.differences] == [ERP] * 40
    assert (result.exit_code, columns(result)) == (0, {"unchanged": 60, "updated": 40})
    after = (await known(world)).state
    assert after.last_good_rows == before.state.last_good_rows == 100
    assert verdict(await world.sync_one(1, wanted)) == ("held", 4, ["mass-update"])


async def test_a_company_that_vanished_is_shown_row_by_row(world: World) -> None:
    await loaded(world, ROWS)
    world.place(1)
    result = await look(world, ROWS)
    assert told(result) == [("missing", row.key, OTTIMATE) for row in ROWS]


async def test_it_ends_nothing_and_begins_nothing(world: World) -> None:
    """States, notes and sketches of syncs stay as they are; the journal has it under its own verb."""
    await loaded(world, ROWS)
    async with world.open_ledger() as ledger:
        kept = await ledger.last_states(company_key(world).origin), await ledger.sketches(company_key(world).origin)
    before = (await known(world)).state
    world.clock.forward(hours=2)
    await look(world, [*renamed("Ours")[:5], *dims(3, first=80)])
    async with world.open_ledger() as ledger:
        assert (
            await ledger.last_states(company_key(world).origin),
            await ledger.sketches(company_key(world).origin),
        ) == kept
        assert [run.verb for run in await ledger.history(company_key(world).origin, 5)] == ["check", "sync", "sync"]
    after = (await known(world)).state
    assert (after.last_good_rows, after.failure, after.retry_at, after.passed) == (
        before.last_good_rows,
        None,
        None,
        None,
    )
    assert_exact(world, 1, ROWS)


async def test_a_check_does_not_push_a_started_load_back_behind_the_guards(world: World) -> None:
    world.place(1)
    world.limit(chunk_rows=20, max_concurrency=1)
    rows = dims(200)
    quota = {"effect": "status", "status": 429, "body": '{"message":"Limit Exceeded"}', "match": BULK, "after": 5}
    world.script(quota)
    assert (await world.sync_one(1, rows)).exit_code == 5
    world.script()
    world.clock.forward(hours=18)  # the quota's next day
    assert len(told(await look(world, rows))) == 100
    assert (await world.sync_one(1, rows)).exit_code == 0
    assert_exact(world, 1, rows)


async def test_a_read_only_company_is_checked(world: World) -> None:
    world.place(1, ROWS)
    rename_there(world, "K00001", "Theirs")
    assert told(await look(world, ROWS, write=False)) == [("differs", "K00001", UNSEEN)]


async def test_while_another_run_holds_the_company(world: World) -> None:
    await loaded(world, ROWS)
    async with world.open_ledger() as ledger, ledger.lock(company_key(world)):
        result = await look(world, renamed("Ours"))
    assert (str(result.state), result.exit_code, result.differences) == ("locked", 9, ())


async def test_companies_show_their_own_rows_and_one_that_fails_is_alone(world: World) -> None:
    for n in (1, 2, 3):
        world.place(n)
    await world.sync(*(company(n, dims(5, first=100 * n)) for n in (1, 2, 3)))
    world.script({"effect": "lying-count", "by": 3, "match": {"company": 2}})
    fleet = [company(n, dims(6, first=100 * n)) for n in (1, 2, 3)]
    async with world.engine() as engine:
        result = await engine.check(fleet).result()
    assert [(str(each.state), each.exit_code) for each in result.companies] == [
        ("synced", 0),
        ("held", 4),
        ("synced", 0),
    ]
    assert [told(each) for each in result.companies] == [
        [("missing", "K00105", ERP)],
        [],
        [("missing", "K00305", ERP)],
    ]


async def test_without_a_listing_the_ledger_is_held_against_the_source(world: World) -> None:
    await loaded(world, ROWS)
    rename_there(world, "K00002", "Theirs")
    result = await look(world, renamed("Ours"), mode=VerifyMode.NONE)
    assert (told(result), kinds(result.requests)) == ([("differs", "K00001", ERP)], {})


# A ledger that is not believed any more


async def distrust(world: World) -> int:
    async with world.engine() as engine:
        return await engine.distrust(company(1, ()))


async def test_a_distrusted_company_is_listed_and_nothing_is_sent_when_all_is_well(either_world: World) -> None:
    world = either_world
    await loaded(world, ROWS)
    assert await distrust(world) == 12
    result = await world.sync_one(1, ROWS)
    assert (columns(result), kinds(result.requests), world.sent("bulk")) == ({"unchanged": 12}, {"list": 1}, 0)
    assert kinds((await world.sync_one(1, ROWS)).requests) == {}


async def test_what_differs_from_a_distrusted_ledger_is_mended(either_world: World) -> None:
    """The backup is older than what was done since: a rename there, one here, a row that it does not know."""
    world = either_world
    await loaded(world, ROWS)
    rename_there(world, "K00002", "Theirs")
    later = dims(1, first=50)
    world.sandbox.tenant.upsert(
        world.sandbox.tenant.companies[1], Values(*later[0]), by=0, at=world.clock()
    )  # which a run made after the backup
    await distrust(world)
    wanted = [*renamed("Ours"), *later]
    assert {whose for *_, whose in told(await look(world, wanted))} == {UNSEEN}
    result = await world.sync_one(1, wanted)
    assert columns(result) == {"unchanged": 11, "updated": 2}
    assert_exact(world, 1, wanted)
