"""Looking at Ottimate without a run: rows listed whole, invoices looked up, single rows; each request is counted."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest

from engine import (
    AccountParked,
    BadInvoice,
    Company,
    Evidence,
    Finding,
    IncompleteListing,
    Locked,
    Lookup,
    OutOfScope,
    QuotaExhausted,
    TenantLeak,
    VerifyMode,
)
from engine.model.origin import origin_of
from engine.model.settings import CompanyKey
from engine.sandbox.tenant import Values
from tests.sandbox.conftest import BLIND, DEMO, World, company, dims

ROWS = dims(120)
BULK = {"operation": "bulk"}


def operations(world: World) -> dict[str, int]:
    """Return how many requests of each kind came, tokens apart, and forget them."""
    found: dict[str, int] = {}
    for entry in world.sandbox.service.log:
        if entry.operation != "token":
            found[entry.operation] = found.get(entry.operation, 0) + 1
    world.sandbox.service.log.clear()
    return found


def bill(*erp_ids: str, company_id: int = 1, **more: Any) -> dict[str, Any]:
    """Return an invoice in the guide's shape, with a line for each account."""
    return {
        "ottimate_company_id": company_id,
        "invoice_number": f"X-{company_id}",
        "line_items": [{"dimensions": {"Account": erp_id}} for erp_id in erp_ids],
        **more,
    }


async def looked_up(
    world: World, *bills: dict[str, Any], companies: Iterable[Company] = (), **options: Any
) -> list[Lookup]:
    world.sandbox.service.log.clear()
    async with world.engine() as engine:
        return await engine.lookup(list(companies) or [company(1, ROWS)], bills, **options)


def codes(found: Lookup) -> list[str]:
    return [each.code for each in found.findings]


def add_there(world: World, erp_id: str) -> None:
    there = world.sandbox.tenant.companies[1]
    world.sandbox.tenant.insert(there, Values(None, "account", "Account", "New", erp_id), by=0, at=world.clock())


# Listing


async def test_all_rows_are_listed_with_their_certificate(either_world: World) -> None:
    """Of a company that is read-only, too; the ledger of runs is not touched."""
    world = either_world
    world.place(1, ROWS)
    world.limit(page_size=50)
    async with world.engine() as engine:
        found = await engine.rows(company(1, [], write=False))
    assert operations(world) == {"list": 3}
    assert [row.erp_id for row in found.rows] == [row.erp_id for row in ROWS]
    assert found.certificate is not None
    assert (found.evidence, found.certificate.whole, found.certificate.unique) == (Evidence.LISTING, True, 120)
    assert [row.code for row in found.rows[:2]] == ([None, None] if world.contract == "guide" else ["C0", "C1"])
    async with world.open_ledger() as ledger:
        assert await ledger.known_companies(origin_of(world.sandbox.base_url)) == []


@pytest.mark.parametrize(
    ("rule", "error", "requests"),
    [
        ({"effect": "lying-count", "by": 1, "match": {"operation": "list"}}, IncompleteListing, 6),
        ({"effect": "foreign-row", "company": 2, "match": {"operation": "list"}}, TenantLeak, None),
        ({"effect": "status", "status": 404, "match": {"operation": "list"}}, OutOfScope, None),
    ],
)
async def test_what_is_not_whole_is_no_listing(
    world: World, rule: dict[str, Any], error: type[Exception], requests: int | None
) -> None:
    world.place(1, ROWS)
    world.script(rule)
    async with world.engine() as engine:
        with pytest.raises(error):
            await engine.rows(company(1, []))
    assert requests in {None, world.sent("list")}


async def test_a_company_that_a_run_holds_is_not_listed(world: World) -> None:
    world.place(1, ROWS)
    key = CompanyKey(origin=origin_of(world.sandbox.base_url), account=DEMO.account_id, company_id=1)
    async with AsyncExitStack() as held:
        ledger = await held.enter_async_context(world.open_ledger())
        await held.enter_async_context(ledger.lock(key))
        engine = await held.enter_async_context(world.engine())
        with pytest.raises(Locked):
            await engine.rows(company(1, []))
    assert operations(world) == {}


async def test_what_is_listed_is_counted_against_the_days_quota(world: World) -> None:
    world.place(1, ROWS)
    async with world.engine() as engine:
        await engine.rows(company(1, []))
    key_id = world.accounts[0].key_id
    async with world.open_ledger() as ledger:
        day = await ledger.quota(origin_of(world.sandbox.base_url), key_id, world.clock().date())
    assert day.used == len(world.sandbox.service.log) == 3  # a token, two pages


# Looking up


async def test_at_first_contact_one_listing_answers_for_all_invoices(world: World) -> None:
    world.place(1, ROWS)
    first, second = await looked_up(world, bill("00001", "00002"), bill("00001", "99999", "1"))
    assert operations(world) == {"list": 2}
    assert (first.ok, first.evidence, first.dimensions) == (True, "listing", 2)
    assert (second.ok, codes(second)) == (False, ["no-such-dimension", "no-such-dimension"])
    assert second.findings[1] == Finding(
        "no-such-dimension", "line_items[2].dimensions", "no Account has the ERP id '1'", ("00001 Name 00001",)
    )


async def test_what_the_ledger_knows_costs_nothing(either_world: World) -> None:
    world = either_world
    world.place(1)
    await world.sync(company(1, ROWS))
    (found,) = await looked_up(world, bill("00001", "00119"), require=["account"])
    assert (found.ok, found.evidence, operations(world)) == (True, "ledger", {})


async def test_what_it_does_not_know_is_looked_for_with_a_probe(world: World) -> None:
    world.place(1)
    await world.sync(company(1, ROWS))
    (found,) = await looked_up(world, bill("00001", "77777"))
    assert (codes(found), found.evidence, operations(world)) == (["no-such-dimension"], "probe", {"list": 1})
    add_there(world, "77777")
    (found,) = await looked_up(world, bill("00001", "77777"))
    assert (found.ok, found.evidence, operations(world)) == (True, "listing", {"list": 2})


async def test_the_mode_says_what_is_looked_at(world: World) -> None:
    world.place(1)
    await world.sync(company(1, ROWS))
    add_there(world, "77777")
    told = {}
    for mode in VerifyMode:
        (found,) = await looked_up(world, bill("77777"), verify=mode)
        told[str(mode)] = (found.ok, found.evidence, operations(world))
    assert told == {
        "auto": (True, "listing", {"list": 2}),
        "full": (True, "listing", {"list": 2}),
        "probe": (True, "listing", {"list": 2}),
        "none": (False, "ledger", {}),
    }


async def test_the_ledger_is_as_old_as_for_a_sync(world: World) -> None:
    world.place(1)
    await world.sync(company(1, ROWS))
    for forward, evidence, sent in (({"hours": 30}, "probe", 1), ({"days": 12}, "listing", 2)):
        world.clock.forward(**forward)
        (found,) = await looked_up(world, bill("00001"))
        assert (found.ok, found.evidence, operations(world)) == (True, evidence, {"list": sent})


async def test_no_answer_rests_on_a_row_of_unknown_outcome(world: World) -> None:
    """Its ERP id was changed, and the answer was lost: neither the old nor the new one is taken for true unseen."""
    world.place(1)
    await world.sync(company(1, ROWS))
    world.limit(max_attempts=1)
    world.script({"effect": "reset", "commit": True, "match": BULK}, *({**rule, "after": 0} for rule in BLIND))
    moved = [ROWS[0]._replace(erp_id="77777"), *ROWS[1:]]
    await world.sync(company(1, moved))
    world.script()
    for erp_id, is_there in (("00000", False), ("77777", True)):
        (found,) = await looked_up(world, bill(erp_id))
        assert (found.ok, found.evidence, operations(world)) == (is_there, "listing", {"list": 2})


async def test_a_company_that_rests_is_not_read_before_its_time(world: World) -> None:
    """Its last listing was not whole. A person may ask for one; from its time on it is tried again."""
    world.place(1, ROWS)
    world.script({"effect": "lying-count", "by": 1, "match": {"operation": "list"}})
    assert (await world.sync(company(1, ROWS))).exit_code == 4
    world.script()
    with pytest.raises(IncompleteListing, match="not tried again before 2026-11-20 08:00 UTC"):
        await looked_up(world, bill("00001"))
    assert operations(world) == {}
    assert (await looked_up(world, bill("00001"), verify=VerifyMode.FULL))[0].ok
    assert operations(world) == {"list": 2}
    world.clock.forward(hours=2)
    assert (await looked_up(world, bill("00001")))[0].ok
    assert operations(world) == {"list": 2}


async def test_a_days_requests_are_not_overrun(world: World) -> None:
    world.place(1, ROWS)
    world.limit(requests_per_day=2, reserve_per_day=0)
    async with world.engine() as engine:
        with pytest.raises((QuotaExhausted, AccountParked)):
            await engine.rows(company(1, []))
    assert len(world.sandbox.service.log) == 2


async def test_a_location_of_another_company_is_told(world: World) -> None:
    """The account's directory is read once, and remembered; one that it does not show is looked for once more."""
    world.place(1, ROWS)
    world.place(2)
    async with world.engine() as engine:
        places = (await engine.directory()).locations or ()
        own, other = (next(one.id for one in places if one.company == f"Company {company_id}") for company_id in (1, 2))
    await world.sync(company(1, ROWS))
    bills = [bill("00001", ottimate_location_id=place) for place in (own, other, 10**9)]
    first, second, third = await looked_up(world, *bills)
    assert (codes(first), codes(second), codes(third)) == ([], ["foreign-location"], ["no-such-location"])
    assert operations(world) == {"companies": 1, "locations": 1, "accounts": 1}
    await looked_up(world, *bills[:2])
    assert operations(world) == {}


async def test_an_invoice_of_another_company_is_told(world: World) -> None:
    """All of its dimensions are another company's; or no company is named; or none that is configured."""
    for number, first in ((1, 0), (2, 500)):
        world.place(number)
        await world.sync(company(number, dims(30, first=first)))
    both = [company(1, ROWS), company(2, ROWS)]
    bills = [bill("00500", "00501"), {"dimensions": {}}, bill(company_id=99)]
    found = await looked_up(world, *bills, companies=both)
    assert [codes(each) for each in found] == [
        ["no-such-dimension", "no-such-dimension", "other-company"],
        ["no-such-company"],
        ["no-such-company"],
    ]
    assert found[0].findings[-1].nearest == ("2",)
    assert not any(each.ok for each in found)


async def test_a_broken_invoice_is_refused_before_any_request(world: World) -> None:
    with pytest.raises(BadInvoice):
        await looked_up(world, bill("00001"), {"dimensions": 1})
    assert operations(world) == {}


# Single rows


async def test_one_row_is_shown_by_key_by_erp_id_and_by_id(either_world: World) -> None:
    world = either_world
    rows = [*dims(5), *dims(2, first=3, type_code="department", prefix="D")]
    world.place(1)
    await world.sync(company(1, rows))
    world.clock.forward(days=10)
    await world.sync(company(1, rows))  # whose listing shows the ids
    there = world.sandbox.tenant.companies[1].by_key
    world.sandbox.service.log.clear()
    async with world.engine() as engine:
        asked = {what: await engine.get(company(1, rows), what) for what in ("K00001", "00003", there["K00002"].id)}
        assert {what: [row.name for row in found] for what, found in asked.items()} == {
            "K00001": ["Name 00001"],
            "00003": ["Name 00003", "Name 00003"],
            there["K00002"].id: ["Name 00002"],
        }
        assert operations(world) == {"get": 4}
        assert await engine.get(company(1, rows), "nothing") == []
        assert operations(world) == {"get": 1}


async def test_a_row_that_nobody_knows_of_is_shown_by_its_id(world: World) -> None:
    world.place(1, ROWS[:1])
    row_id = world.sandbox.tenant.companies[1].rows[0].id
    async with world.engine() as engine:
        (found,) = await engine.get(replace(company(1, []), write=False), row_id)
    assert (found.id, found.name) == (row_id, "Name 00000")
