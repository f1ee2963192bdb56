"""One company, honest server: what is created, updated, left alone, and what it costs."""

from __future__ import annotations

import pytest

from engine import State
from engine.model.dimension import Dimension
from tests.sandbox.conftest import World, company, dims


@pytest.mark.parametrize(("rows", "requests"), [(0, 1), (1, 2), (100, 2), (101, 3), (250, 4)])
async def test_first_load_of_an_empty_company(world: World, rows: int, requests: int) -> None:
    """A first load of N small rows costs 1 + ceil(N / 100), and stores exactly the source."""
    world.place(1)
    wanted = dims(rows)
    result = await world.sync_one(1, wanted)
    assert world.stored(1) == wanted
    assert result.balance.created == rows
    assert (result.requests.list, result.requests.bulk, result.requests.total) == (1, requests - 1, requests)
    assert result.exit_code == 0
    assert result.state == (State.SYNCED if rows else State.UNCHANGED)


async def test_an_unchanged_company_costs_nothing(world: World) -> None:
    world.place(1)
    await world.sync_one(1, dims(150))
    result = await world.sync_one(1, dims(150))
    assert world.sent() == 0
    assert result.balance.unchanged == 150
    assert (result.state, result.evidence, result.exit_code) == (State.UNCHANGED, "ledger", 0)


async def test_changes_cost_a_chunk_and_new_rows_a_probe(world: World) -> None:
    """One changed row in each of 5 companies costs 5; one new row in each costs 10 (tokens apart)."""
    for n in range(1, 6):
        world.place(n)
    await world.sync(*(company(n, dims(30)) for n in range(1, 6)))
    changed = [row._replace(name="New name") if row.key == "K00003" else row for row in dims(30)]
    result = await world.sync(*(company(n, changed) for n in range(1, 6)))
    assert (result.totals.updated, result.totals.created, result.totals.unchanged) == (5, 0, 145)
    assert (result.requests.bulk, result.requests.probe, result.requests.total - result.requests.token) == (5, 0, 5)
    more = [*changed, *dims(1, first=900)]
    result = await world.sync(*(company(n, more) for n in range(1, 6)))
    assert (result.totals.updated, result.totals.created) == (0, 5)
    assert (result.requests.bulk, result.requests.probe, result.requests.total - result.requests.token) == (5, 5, 10)
    assert all(world.stored(n) == more for n in range(1, 6))


async def test_a_code_only_change_is_found_through_the_ledger(world: World) -> None:
    """A guide listing shows no codes; what was acknowledged does."""
    world.place(1)
    await world.sync_one(1, dims(20))
    recoded = [row._replace(code="NEW") if row.key == "K00007" else row for row in dims(20)]
    world.clock.forward(days=30)
    result = await world.sync_one(1, recoded)
    assert (result.evidence, result.balance.updated, result.balance.unchanged) == ("listing", 1, 19)
    assert world.stored(1) == recoded


async def test_rows_of_others_are_adopted_and_differing_ones_held(world: World) -> None:
    """First contact with a populated company: equal rows are taken over, others wait for their canary."""
    theirs = dims(10)
    world.place(1, theirs, keys=False)
    wanted = [theirs[0]._replace(name="Renamed"), *theirs[1:9], *dims(1, first=50)]
    result = await world.sync_one(1, wanted)
    balance = result.balance
    assert (balance.unchanged, balance.adopted, balance.held, balance.created) == (8, 8, 1, 1)
    assert (balance.remote_rows, balance.matched, balance.contested, balance.orphans) == (10, 9, 0, 1)
    assert [(problem.code, problem.key) for problem in result.problems] == [
        ("not-observable", None),  # codes of adopted rows
        ("key-unconfirmed", "K00000"),
    ]
    assert (result.state, result.exit_code) == (State.PARTIAL, 4)
    assert len(world.stored(1)) == 11
    again = await world.sync_one(1, wanted)
    assert (again.balance.held, again.balance.unchanged, world.sent()) == (1, 9, 0)


async def test_a_row_changed_in_ottimate_is_set_right_once_it_is_seen(world: World) -> None:
    world.place(1)
    await world.sync_one(1, dims(5))
    tenant = world.sandbox.tenant
    row = tenant.companies[1].rows[2]
    tenant.change(tenant.companies[1], row, row.values._replace(name="Edited by hand"))
    assert (await world.sync_one(1, dims(5))).balance.unchanged == 5  # nothing was looked at
    world.clock.forward(days=10)
    result = await world.sync_one(1, dims(5))
    assert (result.evidence, result.balance.updated) == ("listing", 1)
    assert world.stored(1) == dims(5)


async def test_a_count_that_differs_leads_to_a_listing(world: World) -> None:
    """The page that the probe brought is page 1 of the listing: it is not asked for again."""
    world.place(1)
    await world.sync_one(1, dims(150))
    tenant = world.sandbox.tenant
    tenant.remove(tenant.companies[1], tenant.companies[1].rows[7])
    world.clock.forward(hours=25)
    result = await world.sync_one(1, dims(150))
    assert (result.requests.probe, result.requests.list, result.requests.bulk) == (1, 1, 1)
    assert (result.evidence, result.balance.created, result.balance.unchanged) == ("listing", 1, 149)
    assert world.stored(1) == dims(150)


async def test_labels_of_the_client_are_kept(world: World) -> None:
    """Labels are keys of invoice dimensions: an update keeps the remote one, a create takes the one in use."""
    world.place(1, [row._replace(type_label="GL Konto") for row in dims(3)], keys=False)
    result = await world.sync_one(1, dims(4))
    assert (result.balance.adopted, result.balance.created) == (3, 1)
    renamed = [*dims(3), dims(4)[3]._replace(name="Renamed")]
    await world.sync_one(1, renamed)
    assert {row.type_label for row in world.stored(1)} == {"GL Konto"}


async def test_text_is_compared_and_sent_in_nfc(world: World) -> None:
    world.place(1)
    nfd, nfc = "Cafe\u0301", "Caf\u00e9"
    row = Dimension("K1", "account", "Account", nfd, "0100", None)
    assert (await world.sync_one(1, [row])).balance.created == 1
    assert world.stored(1) == [row._replace(name=nfc)]
    assert (await world.sync_one(1, [row._replace(name=nfc)])).balance.unchanged == 1


async def test_the_page_size_that_is_echoed_is_believed(world: World) -> None:
    """A server that clamps `limit` silently is asked for what it grants; every row is read."""
    world.place(1, dims(95), keys=False)
    world.script({"effect": "clamp-limit", "limit": 30})
    result = await world.sync_one(1, dims(95))
    assert (result.balance.adopted, result.requests.list) == (95, 4)
    assert result.certificate is not None
    assert result.certificate.whole


async def test_a_run_is_a_part_of_the_fleet_while_others_may_be_written_to(world: World) -> None:
    for n in (1, 2, 3):
        world.place(n)
    first, second = company(1, dims(3)), company(2, dims(3))
    world.companies = (first, second, company(3, dims(3), write=False))
    assert (await world.sync(first)).is_part
    assert not (await world.sync(first, second)).is_part
    world.companies = ()  # nobody says that there are others
    assert not (await world.sync(first)).is_part
