"""Guards that hold a company before anything is written, each with honest growth that it lets pass."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime

import pytest

from engine import Allow, Company, CompanyResult, ConfigError, Dimension, Engine, Guards
from engine.model.settings import Adopt, Verify, VerifyMode
from engine.sandbox.replay import Memory, Replays, Slot
from tests.sandbox.conftest import BLIND, OPEN, World, assert_exact, columns, company, dims, heal, kinds, slugs, verdict

BULK = {"operation": "bulk"}


def renamed(rows: list[Dimension], count: int) -> list[Dimension]:
    return [row._replace(name=f"New {row.name}") for row in rows[:count]] + rows[count:]


async def loaded(world: World, rows: list[Dimension]) -> None:
    """Load company 1, which is empty at first: that needs no ceremony."""
    world.place(1)
    assert columns(await world.sync_one(1, rows)) == {"created": len(rows)}


async def allowed(world: World, rows: list[Dimension], slug: str) -> CompanyResult:
    (result,) = (await world.sync(company(1, rows), allow=[(slug, 1)])).companies
    return result


# Each trips, and each lets honest growth pass

CREATES = {
    "27 on 100": (100, 27, True),
    "26 of 100 and 20 %, to the row": (130, 26, False),
    "25 on 100": (100, 25, False),  # a quarter, and no more than 25 rows
    "26 on 1000": (1_000, 26, False),
    "100 on 9": (9, 100, False),  # a company that is being loaded
}


@pytest.mark.parametrize(("there", "more", "trips"), CREATES.values(), ids=CREATES)
async def test_mass_create(either_world: World, there: int, more: int, trips: bool) -> None:
    world = either_world
    rows = dims(there)
    await loaded(world, rows)
    wanted = rows + dims(more, first=5_000)
    result = await world.sync_one(1, wanted)
    if not trips:
        assert (verdict(result), columns(result)) == (("synced", 0, []), {"unchanged": there, "created": more})
        return
    assert verdict(result) == ("held", 4, ["mass-create"])
    assert columns(result) == {"unchanged": there, "held": more}
    assert f"would create {more} rows where {there} are" in result.problems[0].message
    assert "--allow mass-create:1" in result.problems[0].message
    assert (world.sent("bulk"), len(world.stored(1))) == (0, there)
    assert columns(await allowed(world, wanted, "mass-create")) == {"unchanged": there, "created": more}
    await heal(world, 1, wanted)


UPDATES = {
    "31 of 100": (100, 31, True),
    "30 of 100, to the row": (100, 30, False),
    "25 of 50": (50, 25, False),
    "all 9": (9, 9, False),
}


@pytest.mark.parametrize(("there", "changed", "trips"), UPDATES.values(), ids=UPDATES)
async def test_mass_update(either_world: World, there: int, changed: int, trips: bool) -> None:
    world = either_world
    rows = dims(there)
    await loaded(world, rows)
    wanted = renamed(rows, changed)
    result = await world.sync_one(1, wanted)
    if not trips:
        assert columns(result).get("updated") == changed
        return
    assert verdict(result) == ("held", 4, ["mass-update"])
    assert columns(result) == {"unchanged": there - changed, "held": changed}
    assert_exact(world, 1, rows)
    assert columns(await allowed(world, wanted, "mass-update")) == {"unchanged": there - changed, "updated": changed}
    await heal(world, 1, wanted)


@pytest.mark.parametrize(("left", "trips"), [(0, True), (4, True), (5, False), (9, False)])
async def test_shrunken_source(world: World, left: int, trips: bool) -> None:
    """Nothing is ever deleted; but a source that lost its half is no source to create from."""
    rows = dims(10)
    await loaded(world, rows)
    wanted = [*rows[: left - 1], dims(1, first=70)[0]] if left else []
    result = await world.sync_one(1, wanted)
    if not trips:
        assert (result.exit_code, columns(result)) == (0, {"unchanged": left - 1, "created": 1})
        return
    assert verdict(result) == ("held", 4, ["shrunken-source"])
    assert f"shrank from 10 rows to {left}" in result.problems[0].message
    assert_exact(world, 1, rows)
    assert (await allowed(world, wanted, "shrunken-source")).exit_code == 0


async def test_a_source_without_an_earlier_good_run_cannot_have_shrunk(world: World) -> None:
    world.place(1, dims(10))
    assert (await world.sync_one(1, dims(1))).exit_code == 0


async def test_vanished_company(either_world: World) -> None:
    """All rows are gone behind our back: loaded anew only when somebody said so; and it is not forgotten meanwhile."""
    world = either_world
    rows = dims(12)
    await loaded(world, rows)
    world.place(1)
    world.clock.forward(days=8)
    for _ in range(2):
        result = await world.sync_one(1, rows)
        assert (result.state, result.exit_code, columns(result)) == ("held", 4, {"held": 12})
        assert slugs(result)[0] == "vanished-company"
        if result.certificate is not None:  # L24: it was whole, and showed nothing; at rest there is none
            remote = result.balance
            assert (remote.remote_rows, remote.matched, remote.contested, remote.orphans) == (0, 0, 0, 0)
        assert world.stored(1) == []
        world.clock.forward(hours=2)
    assert columns(await allowed(world, rows, "vanished-company")) == {"created": 12}
    await heal(world, 1, rows)


async def test_look_alike(world: World) -> None:
    """A person has looked: it is another row, and is created. Others of the company are not held meanwhile."""
    there = Dimension("theirs", "account", "Account", "Food sales", "0100")
    world.place(1, [there])
    wanted = [Dimension("K1", "account", "Account", "Food sales", "4000"), *dims(2)]
    result = await world.sync_one(1, wanted)
    assert (verdict(result), columns(result)) == (("partial", 4, ["look-alike"]), {"held": 1, "created": 2})
    assert columns(await allowed(world, wanted, "look-alike")) == {"unchanged": 2, "created": 1}
    assert len(world.stored(1)) == 4


# A plan that passed stays passed


@pytest.mark.parametrize("allow", [False, True], ids=["first load", "allowed"])
async def test_what_is_left_of_a_load_goes_on(world: World, allow: bool) -> None:
    """Stopped by the quota at half: the rest would be a mass-create by itself, and passes without a word."""
    there = dims(40) if allow else []
    if allow:
        await loaded(world, there)
    world.place(1, there)
    world.limit(chunk_rows=20, max_concurrency=1)
    wanted = there + dims(200, first=1_000)
    quota = {"effect": "status", "status": 429, "body": '{"message":"Limit Exceeded"}', "match": BULK, "after": 5}
    world.script(quota)
    first = await (allowed(world, wanted, "mass-create") if allow else world.sync_one(1, wanted))
    assert (first.exit_code, columns(first)["created"]) == (5, 100)
    world.script()
    world.clock.forward(hours=1)
    second = await world.sync_one(1, wanted)
    assert (second.exit_code, columns(second)["created"]) == (0, 100)
    await heal(world, 1, wanted)


async def test_what_is_new_beside_a_load_that_goes_on_counts(world: World) -> None:
    world.place(1)
    world.limit(chunk_rows=20, max_concurrency=1)
    wanted = dims(200)
    quota = {"effect": "status", "status": 429, "body": '{"message":"Limit Exceeded"}', "match": BULK, "after": 5}
    world.script(quota)
    assert (await world.sync_one(1, wanted)).exit_code == 5
    world.script()
    world.clock.forward(hours=1)
    result = await world.sync_one(1, wanted + dims(60, first=5_000))
    assert verdict(result) == ("held", 4, ["mass-create"])
    assert "would create 60 rows where 100 are" in result.problems[0].message


async def test_a_finished_load_lends_no_leave_to_the_next(world: World) -> None:
    rows = dims(100)
    await loaded(world, rows)
    for row in world.sandbox.tenant.companies[1].rows[40:]:
        world.sandbox.tenant.remove(world.sandbox.tenant.companies[1], row)
    world.clock.forward(days=12)
    assert verdict(await world.sync_one(1, rows)) == ("held", 4, ["mass-create"])


# Around them


async def test_a_held_company_rests_and_keeps_its_state(world: World) -> None:
    """No probe every hour for a plan that nobody looked at; a changed source or an allowance is looked at at once."""
    rows = dims(100)
    await loaded(world, rows)
    wanted = rows + dims(40, first=5_000)
    assert verdict(await world.sync_one(1, wanted)) == ("held", 4, ["mass-create"])
    again = await world.sync_one(1, wanted)
    assert (verdict(again), kinds(again.requests)) == (("held", 4, ["mass-create", "resting"]), {})
    assert "--allow mass-create:1" in again.problems[0].message
    assert (await world.sync_one(1, rows)).exit_code == 0


async def test_a_plan_shows_what_a_sync_would_hold(world: World) -> None:
    rows = dims(100)
    await loaded(world, rows)
    async with world.engine() as engine:
        (result,) = (await engine.plan([company(1, rows + dims(40, first=5_000))]).result()).companies
    assert (verdict(result), columns(result)) == (("held", 4, ["mass-create"]), {"unchanged": 100, "held": 40})
    assert result.digest is not None


async def test_thresholds_of_a_company_are_its_own(world: World) -> None:
    rows = dims(100)
    await loaded(world, rows)
    wanted = rows + dims(40, first=5_000)
    lax = Company(id=1, source=company(1, wanted).source, guards=Guards(mass_create_share=0.5))
    assert (await world.sync(lax)).exit_code == 0
    world.guards = Guards(min_rows=1, mass_update_share=0.0, mass_update_rows=0)
    assert slugs(await world.sync_one(1, renamed(wanted, 1))) == ["mass-update"]


async def test_one_companys_guard_is_that_companys_alone(world: World) -> None:
    for n in (1, 2):
        world.place(n)
    await world.sync(*(company(n, dims(50)) for n in (1, 2)))
    result = await world.sync(company(1, renamed(dims(50), 50)), company(2, renamed(dims(50), 2)))
    assert [each.exit_code for each in result.companies] == [4, 0]
    assert_exact(world, 2, renamed(dims(50), 2))
    other = await world.sync(company(1, renamed(dims(50), 50)), company(2, dims(50)), allow=[("mass-update", 2)])
    assert [each.exit_code for each in other.companies] == [4, 0]


@pytest.mark.sockets
async def test_what_was_allowed_is_in_the_journal(world: World) -> None:
    rows = dims(100)
    await loaded(world, rows)
    result = await world.sync(company(1, rows + dims(40, first=5_000)), allow=[("mass-create", 1)])
    assert result.allowed == ("mass-create:1",)
    with closing(sqlite3.connect(world.ledger_url.removeprefix("sqlite:///"))) as ledger:
        kept = ledger.execute("select allowed from runs where id = ?", (result.run_id,)).fetchone()
    assert kept == ("mass-create:1",)


@pytest.mark.parametrize(
    ("allow", "message"),
    [(("tenant-leak", 1), "cannot be allowed"), (("mass-create", 2), "no such company"), (("all", 1), "what can be")],
)
async def test_what_cannot_be_allowed_is_an_error(world: World, allow: tuple[str, int], message: str) -> None:
    world.place(1)
    with pytest.raises(ConfigError, match=message):
        await world.sync(company(1, dims(1)), allow=[allow])


# Rows whose key nothing has confirmed


@pytest.mark.parametrize(
    ("adopt", "first", "books", "stored"),
    [
        (Adopt.TRUST, ("partial", 4, ["key-unconfirmed"]), {"unchanged": 18, "held": 2}, 0),
        (Adopt.PUSH, ("synced", 0, []), {"unchanged": 18, "updated": 2}, 2),
        (Adopt.HOLD, ("partial", 4, ["key-unconfirmed"]), {"held": 20}, 0),
    ],
)
async def test_adopt(
    world: World, adopt: Adopt, first: tuple[str, int, list[str]], books: dict[str, int], stored: int
) -> None:
    """On first contact: equal rows are trusted, or not; differing ones are sent, or not."""
    rows = dims(20)
    world.place(1, rows)
    world.guards = Guards(adopt=adopt)
    result = await world.sync_one(1, renamed(rows, 2))
    assert (verdict(result), columns(result)) == (first, books)
    assert sum(row.name.startswith("New") for row in world.stored(1)) == stored


async def test_pushing_rows_of_another_key_stops_at_the_first_that_doubles(world: World) -> None:
    """Whoever sets `push` says that the keys are right; where they are not, one row shows it."""
    rows = dims(20)
    world.place(1, rows, keys=False)
    world.guards = Guards(adopt=Adopt.PUSH)
    result = await world.sync_one(1, renamed(rows, 20))
    assert (result.state, result.exit_code, world.sent("bulk"), len(world.stored(1))) == ("held", 4, 1, 21)
    assert "key-mismatch" in slugs(result)


# Another client's file


def chart(client: int, count: int = 40) -> list[Dimension]:
    """Return rows of one client; their keys are alike in all clients, as careless conventions have it."""
    numbers = [(f"K{n}", f"Client {client} account {n}", f"{client}{n:04}") for n in range(count)]
    return [Dimension(key, "account", "Account", name, erp_id, erp_id) for key, name, erp_id in numbers]


async def two_clients(world: World, rows: int = 40) -> None:
    for n in (1, 2):
        world.place(n)
    result = await world.sync(*(company(n, chart(n, rows)) for n in (1, 2)))
    assert result.exit_code == 0


@pytest.mark.parametrize("rows", [20, 400])
async def test_wrong_client(either_world: World, rows: int) -> None:
    """Two clients' files are swapped: nothing of one reaches the other, and no other guard is needed for that."""
    world = either_world
    world.guards = OPEN
    await two_clients(world, rows)
    swapped = await world.sync(company(1, chart(2, rows)), company(2, chart(1, rows)))
    for each, other in zip(swapped.companies, (2, 1), strict=True):
        assert verdict(each) == ("held", 4, ["wrong-client"])
        assert f"are company {other}'s" in each.problems[0].message
        assert_exact(world, each.company_id, chart(each.company_id, rows))
    assert world.sent("bulk") == 0
    right = await world.sync(*(company(n, chart(n, rows)) for n in (1, 2)))
    assert (right.exit_code, right.totals.unchanged) == (0, 2 * rows)


async def test_wrong_client_is_known_by_what_was_there_before_the_fault(world: World) -> None:
    """Of 40 rows three are its own by chance, as accounts of one number and name are in many charts."""
    world.guards = OPEN
    await two_clients(world)
    mixed = [*chart(2)[:37], *chart(1)[37:]]
    assert verdict((await world.sync(company(1, mixed))).companies[0]) == ("held", 4, ["wrong-client"])
    (leave,) = (await world.sync(company(1, mixed), allow=[("wrong-client", 1)])).companies
    assert (leave.exit_code, columns(leave)["updated"]) == (0, 37)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (chart(3), chart(3) + chart(2)),  # half of it is its own
        (chart(3), chart(4)),  # renumbered and renamed, and nobody's
        (chart(3)[:5], chart(2)[:5]),  # too few to tell
        ([], chart(4)),  # a client that has nothing yet
    ],
    ids=["half", "nobody's", "few", "new"],
)
async def test_wrong_client_does_not_trip(world: World, before: list[Dimension], after: list[Dimension]) -> None:
    world.guards = OPEN
    world.place(3)
    await two_clients(world)
    assert (await world.sync(company(3, before))).exit_code == 0
    after = [row._replace(key=f"{row.erp_id}") for row in after] if len(after) > 40 else after
    result = (await world.sync(company(3, after))).companies[0]
    assert (result.exit_code, slugs(result)) == (0, [])


async def test_l2_a_chart_that_one_other_company_has_is_asked_about_at_first_contact(world: World) -> None:
    """Its file may be that company's; a person who says that it is not says it once."""
    world.place(3)
    await two_clients(world)
    result = (await world.sync(company(3, chart(2)))).companies[0]
    assert verdict(result) == ("held", 4, ["wrong-client"])
    assert "100% of the source's rows are company 2's" in result.problems[0].message
    assert world.stored(3) == []
    (leave,) = (await world.sync(company(3, chart(2)), allow=[("wrong-client", 3)])).companies
    assert columns(leave) == {"created": 40}
    more = [*chart(2), *dims(1, first=900)]
    assert columns((await world.sync(company(3, more))).companies[0]) == {"unchanged": 40, "created": 1}


@pytest.mark.parametrize("first", [0, 1, 2], ids=["all at once", "one by hand", "two by hand"])
async def test_l2_one_chart_in_all_companies_is_a_template(world: World, first: int) -> None:
    """A franchise: each outlet has the same accounts. One that is tried alone holds up none of the others."""
    fleet = [company(n, chart(1)) for n in range(1, 9)]
    for each in fleet:
        world.place(each.id)
    for each in fleet[:first]:
        await world.sync(each, allow=[("wrong-client", each.id)])
    result = await world.sync(*fleet)
    assert (result.exit_code, result.totals.created) == (0, 40 * (8 - first))


# The canary


def mixed_rows(accounts: int, items: int) -> list[Dimension]:
    return [*dims(accounts), *dims(items, first=500, type_code="item")]


async def first_contact(world: World, rows: list[Dimension], wanted: list[Dimension], *, keys: bool = True) -> None:
    """Meet a populated company: all rows differ, and nothing shows that their keys lead there."""
    world.guards = OPEN
    world.place(1, rows, keys=keys)
    result = await world.sync_one(1, wanted)
    assert columns(result) == {"held": len(wanted)}
    assert "--allow canary:1 tries one row of each type first" in result.problems[-1].message


async def test_a_canary_that_passes_lets_the_others_go_in_steps(world: World) -> None:
    """One alone, then 10, then the rest, type by type; afterwards their keys are confirmed."""
    rows = mixed_rows(30, 3)
    wanted = renamed(rows, len(rows))
    await first_contact(world, rows, wanted)
    result = await allowed(world, wanted, "canary")
    assert (verdict(result), columns(result)) == (("synced", 0, []), {"updated": 33})
    sent = [entry.rows for entry in world.sandbox.service.log if entry.operation == "bulk"]
    assert sent == [1, 10, 19, 1, 2]
    await heal(world, 1, wanted)
    assert columns(await world.sync_one(1, rows)) == {"updated": 33}  # without asking anybody


async def test_a_canary_that_makes_a_row_is_the_last_one(world: World) -> None:
    """Somebody else's keys: one row is doubled, and none after it; it is not tried again by itself."""
    rows = mixed_rows(30, 3)
    wanted = renamed(rows, len(rows))
    await first_contact(world, rows, wanted, keys=False)
    result = await allowed(world, wanted, "canary")
    assert (result.state, result.exit_code) == ("held", 4)
    assert columns(result) == {"created": 1, "held": 32}
    assert "key-mismatch" in slugs(result)
    assert (world.sent("bulk"), len(world.stored(1))) == (1, 34)
    world.clock.forward(days=30)
    again = await world.sync_one(1, wanted)
    assert (again.state, world.sent("bulk"), len(world.stored(1))) == ("held", 0, 34)


async def test_a_canary_that_is_refused_holds_its_type_alone(world: World) -> None:
    rows = mixed_rows(5, 5)
    wanted = renamed(rows, len(rows))
    await first_contact(world, rows, wanted)
    world.script({"effect": "reject-rows", "name": "^New Name 00000$", "message": "no such period"})
    result = await allowed(world, wanted, "canary")
    assert columns(result) == {"updated": 5, "rejected": 1, "held": 4}
    assert result.exit_code == 4


@pytest.mark.parametrize("keys", [True, False], ids=["leads there", "leads nowhere"])
@pytest.mark.parametrize("commit", [True, False])
async def test_what_a_repeat_answers_is_not_believed(world: World, keys: bool, commit: bool) -> None:
    """The canary's answer is lost: a listing tells whether its key led there, and the others wait in any case."""
    rows = dims(20)
    wanted = renamed(rows, 20)
    await first_contact(world, rows, wanted, keys=keys)
    world.script({"effect": "reset", "commit": commit, "times": 3, "match": BULK})
    result = await allowed(world, wanted, "canary")
    doubled = len(world.stored(1)) - 20
    assert doubled == (0 if keys or not commit else 1)
    assert (result.exit_code in (4, 10), len({e.rows for e in world.sandbox.service.log if e.operation == "bulk"})) == (
        True,
        1,
    )
    if doubled:
        assert (result.state, "key-mismatch" in slugs(result)) == ("held", True)
    elif keys and commit:
        assert columns(result) == {"updated": 1, "held": 19}
    else:
        assert columns(result) == {"uncertain": 1, "held": 19}
        world.script()
        held = await world.sync_one(1, wanted)  # nothing has been confirmed: nothing is sent without a word
        assert (columns(held), world.sent("bulk")) == ({"held": 20}, 0)
    if keys:
        world.script()
        assert (await allowed(world, wanted, "canary")).exit_code == 0
        await heal(world, 1, wanted)


async def test_a_canary_of_unknown_outcome_that_cannot_be_looked_at_stops_the_company(world: World) -> None:
    rows = dims(20)
    wanted = renamed(rows, 20)
    await first_contact(world, rows, wanted)
    world.script({"effect": "reset", "commit": True, "match": BULK}, *({**rule, "after": 0} for rule in BLIND))
    result = await allowed(world, wanted, "canary")
    assert (result.exit_code in (4, 10), columns(result)) == (True, {"uncertain": 1, "held": 19})
    assert "key-mismatch" in slugs(result)
    world.script()
    again = await world.sync_one(1, wanted)
    assert (again.state, world.sent("bulk")) == ("held", 0)


# Rows that are changed back and forth


async def changed_there(world: World, name: str) -> None:
    """Let somebody rename row K00000 in Ottimate."""
    remote = world.sandbox.tenant.companies[1]
    row = remote.by_key["K00000"]
    world.sandbox.tenant.change(remote, row, row.values._replace(name=name))


@pytest.mark.parametrize(
    ("days", "quiet", "trips"),
    [
        (1, 0, True),
        (8, 0, True),  # three listings in a row
        (4, 1, True),  # every second listing, all within 14 days
        (8, 1, False),
    ],
)
async def test_flapping(either_world: World, days: int, quiet: int, trips: bool) -> None:
    """Pushed back twice, held the third time within 14 days or four listings; the other rows go on.

    `quiet`: listings in between that show the row as it is wanted.
    """
    world = either_world
    rows = dims(3)
    await loaded(world, rows)
    world.verify = Verify(mode=VerifyMode.FULL)
    for _ in range(2):
        await changed_there(world, "Theirs")
        assert columns(await world.sync_one(1, rows)) == {"unchanged": 2, "updated": 1}
        for _ in range(quiet):
            world.clock.forward(hours=1)
            assert columns(await world.sync_one(1, rows, fresh=True)) == {"unchanged": 3}
        world.clock.forward(days=days)
    await changed_there(world, "Theirs")
    wanted = renamed(rows[1:], 1)
    result = await world.sync_one(1, [rows[0], *wanted])
    if not trips:
        assert columns(result) == {"unchanged": 1, "updated": 2}
        return
    assert (verdict(result), columns(result)) == (
        ("partial", 4, ["flapping"]),
        {"unchanged": 1, "updated": 1, "held": 1},
    )
    assert "name 'Theirs' -> 'Name 00000'" in result.problems[0].message
    assert columns(await allowed(world, [rows[0], *wanted], "flapping")) == {"unchanged": 2, "updated": 1}


async def test_changes_of_the_source_are_no_flapping(world: World) -> None:
    rows = dims(3)
    await loaded(world, rows)
    for turn in range(1, 7):
        assert columns(await world.sync_one(1, renamed(rows, turn % 2))) == {"unchanged": 2, "updated": 1}


# The fleet


@pytest.mark.parametrize(
    ("share", "allow", "done"), [(0.3, False, 0), (0.3, True, 5), (0.5, False, 5), (None, False, 5)]
)
@pytest.mark.sockets
async def test_fleet(world: World, share: float | None, allow: bool, done: int) -> None:
    """Four of ten companies are held: too many for chance, where a share is set; what is held comes first here."""
    for n in range(1, 11):
        world.place(n)
    await world.sync(*(company(n, dims(40)) for n in range(1, 11)))
    fleet = [company(n, renamed(dims(40), 40 if n < 5 else 1)) for n in range(1, 11)]
    settings = replace(world.settings, fleet_share=share, companies_at_once=1)
    async with Engine(settings, now=world.clock, rng=world.rng) as engine:
        result = await engine.sync(fleet, allow=[Allow("fleet")] if allow else []).result()
    states = [str(each.state) for each in result.companies]
    assert states == (["held"] * 4 + (["synced"] * 6 if done else ["deferred"] * 6))
    assert (result.exit_code, [problem.code for problem in result.problems]) == (4, [] if done else ["fleet"])
    assert result.allowed == (("fleet",) if allow else ())


@pytest.mark.sockets
async def test_of_one_company_alone_none_is_too_many(world: World) -> None:
    world.place(1)
    await world.sync(company(1, dims(40)))
    async with Engine(replace(world.settings, fleet_share=0.0), now=world.clock, rng=world.rng) as engine:
        result = await engine.sync([company(1, renamed(dims(40), 40))]).result()
    assert (result.exit_code, result.problems) == (4, ())


async def test_a_leave_for_all_is_for_the_fleet_alone(world: World) -> None:
    world.place(1)
    for wrong in (Allow("mass-create"), Allow("fleet", 1)):
        async with world.engine() as engine:
            with pytest.raises(ConfigError, match="for the whole run"):
                engine.sync([company(1, dims(1))], allow=[wrong])


class Forgetful(Replays):
    """An API without idempotency keys, as the guide's: each send is carried out anew."""

    def begin(self, slot: Slot, body: bytes, *, now: datetime) -> Memory | None:  # noqa: ARG002  the base's signature
        """Remember nothing."""
        return None


@pytest.mark.parametrize("keys", [True, False], ids=["leads there", "leads nowhere"])
async def test_a_canary_that_is_answered_at_the_second_send(world: World, keys: bool) -> None:
    """Nothing replays the first answer: the repeat says `updated`, of whichever row. A listing tells of which."""
    rows = dims(1)
    wanted = renamed(rows, 1)
    await first_contact(world, rows, wanted, keys=keys)
    world.script({"effect": "status", "status": 503, "commit": True, "times": 1, "match": BULK})
    world.sandbox.service.admission.replays = Forgetful(0)
    result = await allowed(world, wanted, "canary")
    if keys:
        assert (verdict(result), columns(result)) == (("synced", 0, []), {"updated": 1})
        await heal(world, 1, wanted)
    else:
        assert len(world.stored(1)) == 2
        assert (result.state, "key-mismatch" in slugs(result), result.exit_code in (4, 10)) == ("held", True, True)


async def test_no_leave_lifts_the_brake_on_keys_that_led_nowhere(world: World) -> None:
    rows = dims(20)
    wanted = renamed(rows, 20)
    await first_contact(world, rows, wanted, keys=False)
    await allowed(world, wanted, "canary")
    for slug in ("canary", "look-alike", "mass-update"):
        again = await allowed(world, wanted, slug)
        assert (again.state, world.sent("bulk"), len(world.stored(1))) == ("held", 0, 21)


async def test_pushing_counts_for_the_mass_update(world: World) -> None:
    rows = dims(60)
    world.place(1, rows)
    world.guards = Guards(adopt=Adopt.PUSH)
    assert verdict(await world.sync_one(1, renamed(rows, 40))) == ("held", 4, ["mass-update"])


async def test_a_canary_whose_key_leads_to_another_row_stops_the_company(world: World) -> None:
    """K1's key is that of the row which K2 was taken for: that row is changed now, and nothing after it is touched."""
    world.guards = OPEN
    there = [Dimension("K9", "account", "Account", "Rent", "1"), Dimension("K1", "account", "Account", "Fuel", "2")]
    world.place(1, there)
    wanted = [Dimension("K1", "account", "Account", "Rents", "1"), Dimension("K2", "account", "Account", "Fuel", "2")]
    assert columns(await world.sync_one(1, wanted)) == {"unchanged": 1, "held": 1}
    result = await allowed(world, wanted, "canary")
    assert (result.state, result.exit_code, "key-mismatch" in slugs(result)) == ("held", 4, True)
    again = await world.sync_one(1, wanted)
    assert (again.state, world.sent("bulk")) == ("held", 0)
