"""A company's API as an object: what it costs, what it keeps to, and that it writes as a sync does."""

from __future__ import annotations

import asyncio

import pytest

from engine import (
    AccountParked,
    Allow,
    Company,
    ConfigError,
    Dimension,
    EngineError,
    IncompleteListing,
    Locked,
)
from tests.sandbox.conftest import World, assert_exact, columns, company, dims, kinds, verdict
from tests.sandbox.test_library import in_flight, until

NEW = Dimension("K09000", "account", "Account", "Petty cash", "09000", "C9000")


@pytest.fixture
async def loaded(either_world: World) -> World:
    """A world with a company of 250 rows that a sync has loaded, and a clean log; under each contract in turn."""
    world = either_world
    world.place(1)
    assert (await world.sync_one(1, dims(250))).exit_code == 0
    world.sandbox.service.log.clear()
    return world


# Looking


async def test_a_list_gives_each_row_once_and_then_its_certificate(loaded: World) -> None:
    async with loaded.engine() as engine:
        rows = engine.client(1).list()
        assert loaded.sent() == 0
        found = [row async for row in rows]
        assert [row async for row in rows] == found  # read again, nothing is sent
    assert (loaded.sent("list"), loaded.sent()) == (3, 4)  # and a token
    assert [(row.type_code, row.erp_id) for row in found] == [(row.type_code, row.erp_id) for row in dims(250)]
    certificate = rows.certificate
    assert (certificate.whole, certificate.declared, certificate.pages) == (True, 250, 3)


async def test_there_is_no_certificate_before_the_first_row(loaded: World) -> None:
    async with loaded.engine() as engine:
        rows = engine.client(1).list()
        with pytest.raises(EngineError, match="nothing was listed yet"):
            _ = rows.certificate
        async for _ in rows:
            assert rows.certificate.whole
            break


async def test_a_listing_that_is_not_whole_gives_no_row(loaded: World) -> None:
    loaded.script({"effect": "lying-count", "by": 1, "match": {"operation": "list"}})
    async with loaded.engine() as engine:
        with pytest.raises(IncompleteListing, match="never whole"):
            await anext(aiter(engine.client(1).list()))


async def test_a_company_is_not_listed_while_it_is_written(loaded: World) -> None:
    loaded.script({"effect": "latency", "seconds": 0.1, "match": {"operation": "bulk"}})
    async with loaded.engine() as engine:
        running = asyncio.ensure_future(engine.sync([company(1, dims(251))]).result())
        await until(lambda: in_flight(loaded))
        with pytest.raises(Locked):
            await anext(aiter(engine.client(1).list()))
        assert (await running).exit_code == 0
        assert len([row async for row in engine.client(1).list()]) == 251


async def test_single_rows_and_the_count_cost_a_request_each(loaded: World) -> None:
    async with loaded.engine() as engine:
        client = engine.client(1)
        (row,) = await client.get("K00007")
        assert (row.name, loaded.sent("get"), loaded.sent()) == ("Name 00007", 1, 2)  # and a token
        assert await client.one(row.id) == row
        assert await client.get("no such key") == []
        assert (await client.count(), loaded.sent("list")) == (250, 1)
        assert (loaded.sent("get"), loaded.sent()) == (3, 5)
        page = await client.page(2, 100)
        assert (page.declared, len(page.rows)) == (250, 100)


async def test_a_count_that_a_full_page_does_not_prove_is_listed(world: World) -> None:
    """The API may count the rows of each page alone: a company of exactly one page is looked at whole."""
    world.place(1, dims(100))
    async with world.engine() as engine:
        assert (await engine.client(1).count(), world.sent("list")) == (100, 3)
    world.place(2, dims(150))
    world.follow({"count": "page"})
    async with world.engine() as engine:
        with pytest.raises(IncompleteListing, match="the API counts the rows of a page"):
            await engine.client(2).count()


async def test_a_lookup_is_that_of_the_engine(loaded: World) -> None:
    bill = {"ottimate_company_id": 1, "line_items": [{"dimensions": {"Account": "00001"}}]}
    other = bill | {"ottimate_company_id": 2}
    unnamed = {"line_items": bill["line_items"]}
    async with loaded.engine() as engine:
        found = await engine.client(1).lookup([bill, other, unnamed])
    assert [(one.ok, one.company_id) for one in found] == [(True, 1), (False, 2), (True, 1)]
    assert [finding.code for finding in found[1].findings] == ["no-such-company"]
    assert loaded.sent() == 0


# Writing


async def test_upserts_are_cut_into_requests_and_rows_in_order_cost_nothing(loaded: World) -> None:
    changed = [row._replace(name=f"{row.name} again") for row in dims(150)]
    rows = [*changed, *dims(150, first=300)]
    async with loaded.engine() as engine:
        client = engine.client(1)
        result = await client.upsert(rows)
        assert (result.exit_code, columns(result)) == (0, {"created": 150, "updated": 150})
        assert kinds(result.requests) == {"probe": 1, "bulk": 3}
        again = await client.upsert(rows)
        assert (columns(again), again.requests.total) == ({"unchanged": 300}, 0)
        nothing = await client.upsert([])
        assert (nothing.exit_code, nothing.companies, nothing.requests.total) == (0, (), 0)
    assert_exact(loaded, 1, [*changed, *dims(100, first=150), *dims(150, first=300)])
    everything = await loaded.sync_one(1, [*changed, *dims(100, first=150), *dims(150, first=300)])
    assert (str(everything.state), loaded.sent()) == ("unchanged", 0)  # what was written is known to the ledger


async def test_each_row_has_its_column_and_bad_ones_do_not_stop_the_others(loaded: World) -> None:
    twice = NEW._replace(key="twice")
    rows = [NEW, twice, twice._replace(name="Other"), NEW._replace(key="bad", type_code="no-such-type"), dims(1)[0]]
    async with loaded.engine() as engine:
        result = await engine.client(1).upsert(row._replace(erp_id=f"9{row.key}") for row in rows)
    assert result.totals.adds_up
    assert columns(result) == {"created": 1, "updated": 1, "invalid": 3}
    assert result.exit_code == 3


async def test_many_new_rows_are_no_mass_create_and_a_look_alike_is_held(loaded: World) -> None:
    alike = dims(1)[0]._replace(key="other", erp_id="777")
    async with loaded.engine() as engine:
        client = engine.client(1)
        result = await client.upsert([*dims(300, first=1_000), alike])
        assert (verdict(result.companies[0]), columns(result)) == (
            ("partial", 4, ["look-alike"]),
            {"created": 300, "held": 1},
        )
        allowed = await client.upsert([alike], allow=[Allow("look-alike", 1)])
    assert columns(allowed) == {"created": 1}


async def test_a_row_is_created_once_and_what_is_there_stays(loaded: World) -> None:
    async with loaded.engine() as engine:
        client = engine.client(1)
        first, second = await client.create(NEW), await client.create(NEW)
        assert (columns(first), columns(second)) == ({"created": 1}, {"unchanged": 1})
        assert second.requests.total == 0
        result = await client.create(NEW._replace(name="Another name"))
    (one,) = result.companies
    assert (verdict(one), columns(result), one.requests.bulk) == (("partial", 4, ["exists"]), {"held": 1}, 0)
    assert "is there already as dim_" in one.problems[0].message
    assert "use `upsert` to change it" in one.problems[0].message
    assert_exact(loaded, 1, [*dims(250), NEW])


async def test_a_row_that_somebody_else_made_is_not_changed_by_a_create(world: World) -> None:
    """First contact: the listing shows the row under another key."""
    world.place(1, dims(3), keys=False)
    async with world.engine() as engine:
        result = await engine.client(1).create(dims(1)[0]._replace(name="Another name"))
    assert columns(result) == {"held": 1}
    assert world.sent("bulk") == 0
    assert [row.values.name for row in world.sandbox.tenant.companies[1].rows] == [row.name for row in dims(3)]


async def test_a_create_whose_answer_is_lost_is_not_done_twice(loaded: World) -> None:
    loaded.script({"effect": "reset", "match": {"operation": "bulk"}}, {"effect": "status", "status": 503})
    async with loaded.engine() as engine:
        lost = await engine.client(1).create(NEW)
        assert lost.exit_code in {1, 5, 10}
        loaded.script()
        loaded.clock.forward(hours=2)
        again = await engine.client(1).create(NEW)
    assert again.exit_code == 0
    assert_exact(loaded, 1, [*dims(250), NEW])


async def test_a_company_s_settings_hold_for_its_object(loaded: World) -> None:
    loaded.companies = (Company(id=1, name="One", source=company(1, []).source, write=False),)
    async with loaded.engine() as engine:
        client = engine.client(1)
        assert client.company_id == 1
        with pytest.raises(ConfigError, match="company 1 is read-only"):
            client.create(NEW)
        with pytest.raises(ConfigError, match="company 1 is read-only"):
            client.upsert([NEW])
        assert await client.count() == 250
        writable = engine.client(company(1, []))
        assert columns(await writable.upsert([NEW])) == {"created": 1}


async def test_two_writers_of_one_company_exclude_each_other(loaded: World) -> None:
    loaded.script({"effect": "latency", "seconds": 0.1, "match": {"operation": "bulk"}})
    async with loaded.engine() as engine:
        client = engine.client(1)
        running = asyncio.ensure_future(client.upsert(dims(5, first=300)).result())
        await until(lambda: in_flight(loaded))
        locked = await client.create(NEW)
        assert (verdict(locked.companies[0])[:2], locked.requests.total) == (("locked", 9), 0)
        assert (await running).exit_code == 0
        assert (await client.create(NEW)).exit_code == 0
    assert_exact(loaded, 1, [*dims(250), *dims(5, first=300), NEW])


async def test_a_write_can_be_watched(loaded: World) -> None:
    async with loaded.engine() as engine, engine.client(1).upsert([NEW]) as run:
        names = [type(event).__name__ async for event in run]
    assert names[-1] == "RunFinished"
    assert run.result.totals.created == 1


async def test_an_object_of_a_stopped_account_works_again_when_the_account_does(loaded: World) -> None:
    loaded.script({"effect": "status", "status": 403})
    async with loaded.engine() as engine:
        client = engine.client(1)
        with pytest.raises(AccountParked, match="gateway refuses"):
            await client.count()
        loaded.script()
        assert await client.count() == 250


async def test_an_id_that_is_none_and_an_account_that_is_not_there(world: World) -> None:
    async with world.engine() as engine:
        with pytest.raises(ConfigError, match="Company: id is 'x'"):
            engine.client("x")  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match="company 1 names the account 'west'"):
            engine.client(1, "west")
