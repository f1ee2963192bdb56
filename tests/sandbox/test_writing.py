"""Bulk requests that are refused, lost, half done or lied about: each row ends in one column, and a rerun converges."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp.client_middlewares import ClientHandlerType

from engine import CompanyResult, Dimension, Engine
from engine.sandbox.record import Entry
from tests.sandbox.conftest import BLIND, OPEN, World, assert_exact, columns, company, dims, heal, kinds, slugs, verdict

BULK = {"operation": "bulk"}
THIRD = "^00003$"


def bulks(world: World, company_id: int = 1) -> list[Entry]:
    """Return the log's bulk requests of a company, in order."""
    return [entry for entry in world.sandbox.service.log if (entry.operation, entry.company) == ("bulk", company_id)]


async def load(world: World, rows: int, *rules: Mapping[str, Any]) -> CompanyResult:
    """Run company 1, empty so far, with trouble; each row is a create."""
    world.place(1)
    world.script(*rules)
    return await world.sync_one(1, dims(rows))


# Rows refused one by one


@pytest.mark.parametrize("first", [0, 1], ids=["from-0", "from-1"])
@pytest.mark.parametrize("keyless", [False, True], ids=["keyed", "keyless"])
@pytest.mark.parametrize("refused", ["^0000[09]$", "^00009$"], ids=["ends", "last"])
async def test_refused_rows_are_named_and_the_others_stored(
    world: World, keyless: bool, first: int, refused: str
) -> None:
    """207: errors join by key, else by index, whichever number the first row has: the stored names tell."""
    rules = (
        {"effect": "reject-rows", "erp_id": refused, "message": "no such period", "kind": "period_error"},
        {"effect": "error-style", "keyless": keyless, "first": first},
    )
    result = await load(world, 10, *rules)
    stored = world.stored(1)
    wrong = [row.key for row in dims(10) if row not in stored]
    assert 1 <= len(wrong) <= 5
    assert columns(result) == {"created": 10 - len(wrong), "rejected": len(wrong)}
    assert [problem.key for problem in result.problems] == wrong
    assert all(problem.code == "rejected" and "no such period" in problem.message for problem in result.problems)
    assert ((result.state, result.exit_code), kinds(result.requests)) == (("partial", 3), {"list": 1, "bulk": 1})
    world.clock.forward(hours=25)
    await heal(world, 1, dims(10))


async def test_a_refused_row_is_not_sent_again_for_a_day(world: World) -> None:
    await load(world, 10, {"effect": "reject-rows", "erp_id": THIRD})
    for hours in (0, 23):
        world.clock.forward(hours=hours)
        again = await world.sync_one(1, dims(10))
        assert (world.sent(), verdict(again)) == (0, ("partial", 3, ["rejected"]))
        assert columns(again) == {"unchanged": 9, "rejected": 1}
        assert again.problems[0].key == "K00003"
        assert "rejected by a validation rule" in again.problems[0].message
    world.clock.forward(hours=2)
    again = await world.sync_one(1, dims(10))
    assert (kinds(again.requests), verdict(again)) == ({"probe": 1, "bulk": 1}, ("partial", 3, ["rejected"]))
    assert [entry.rows for entry in bulks(world)] == [1]
    assert (await world.sync_one(1, dims(10))).requests.total == 0  # for another day
    world.clock.forward(hours=25)
    healed = await heal(world, 1, dims(10))
    assert kinds(healed.requests) == {"probe": 1, "bulk": 1}


async def test_a_refused_row_is_sent_at_once_when_it_changed(world: World) -> None:
    await load(world, 10, {"effect": "reject-rows", "erp_id": THIRD})
    changed = [row._replace(name="Shorter") if row.key == "K00003" else row for row in dims(10)]
    result = await heal(world, 1, changed)
    assert (columns(result), kinds(result.requests)) == ({"unchanged": 9, "created": 1}, {"probe": 1, "bulk": 1})


async def test_a_refused_update_leaves_the_row_as_it_was(world: World) -> None:
    await load(world, 10)
    world.script({"effect": "reject-rows", "name": "^Bad"})
    changed = [row._replace(name="Bad name") if row.key == "K00003" else row for row in dims(10)]
    for requests in ({"bulk": 1}, {}):
        result = await world.sync_one(1, changed)
        assert (columns(result), result.exit_code) == ({"unchanged": 9, "rejected": 1}, 3)
        assert kinds(result.requests) == requests
    assert_exact(world, 1, dims(10))
    assert (await world.sync_one(1, dims(10))).exit_code == 0  # back as it was: nothing to send, nothing refused
    assert world.sent() == 0


async def test_all_rows_refused_one_by_one(world: World) -> None:
    result = await load(world, 10, {"effect": "reject-rows", "erp_id": "."})
    assert (columns(result), kinds(result.requests)) == ({"rejected": 10}, {"list": 1, "bulk": 1})
    assert (result.state, result.exit_code, world.stored(1)) == ("partial", 3, [])
    world.clock.forward(hours=25)
    await heal(world, 1, dims(10))


# Whole chunks refused


async def test_a_poisoned_chunk_is_bisected_to_its_row(world: World) -> None:
    """100 rows: halving finds one row in at most 1 + 2 * 7 requests (`tests/unit/test_sender.py`); 99 are stored."""
    bad = 37
    result = await load(world, 100, {"effect": "poison", "erp_id": f"{bad:05}"})
    assert (columns(result), result.exit_code) == ({"created": 99, "rejected": 1}, 3)
    assert [(problem.code, problem.key) for problem in result.problems] == [("rejected", f"K{bad:05}")]
    assert result.requests.bulk == result.requests.total - 1
    assert result.requests.bulk in (13, 15)
    sent = bulks(world)
    assert len({entry.idempotency_key for entry in sent}) == len(sent)
    assert_exact(world, 1, [row for row in dims(100) if row.erp_id != f"{bad:05}"])
    assert (await world.sync_one(1, dims(100))).requests.total == 0
    world.clock.forward(hours=25)
    await heal(world, 1, dims(100))


async def test_one_refusal_of_three_companies_is_the_contract(world: World) -> None:
    """The account stops, exit 2; no row is called refused, and a later run sends them all."""
    world.limit(max_concurrency=1)
    for n in range(1, 9):
        world.place(n)
    world.script({"effect": "status", "status": 400, "body": '{"message":"unknown field"}', "match": BULK})
    result = await world.sync(*(company(n, dims(30)) for n in range(1, 9)))
    assert (result.exit_code, result.totals.rejected, result.totals.created) == (2, 0, 0)
    assert result.totals.deferred == 8 * 30
    assert all(slugs(each) == ["wrong-contract"] for each in result.companies)
    assert result.requests.bulk <= 8  # no company was bisected to its rows
    world.script()
    healed = await world.sync(*(company(n, dims(30)) for n in range(1, 9)))
    assert (healed.exit_code, healed.totals.created) == (0, 8 * 30)
    for n in range(1, 9):
        assert_exact(world, n, dims(30))


async def test_refusals_do_not_stop_an_account_that_has_stored_rows(world: World) -> None:
    world.limit(max_concurrency=1)
    for n in range(1, 6):
        world.place(n)
    world.script(*({"effect": "poison", "erp_id": "00001", "match": {"company": n}} for n in range(2, 6)))
    result = await world.sync(*(company(n, dims(4)) for n in range(1, 6)))
    assert (result.exit_code, result.totals.rejected, result.totals.created) == (3, 4, 16)


@pytest.mark.parametrize("status", [404, 405])
async def test_a_bulk_path_that_is_not_there(world: World, status: int) -> None:
    for n in (1, 2, 3):
        world.place(n)
    world.limit(max_concurrency=1)
    world.script({"effect": "status", "status": status, "body": '{"message":"Not found"}', "match": BULK})
    result = await world.sync(*(company(n, dims(5)) for n in (1, 2, 3)))
    assert (result.exit_code, world.sent("bulk"), result.totals.deferred) == (2, 3, 15)
    told = sorted(slugs(each) for each in result.companies)
    assert told == [["out-of-scope"], ["out-of-scope"], ["wrong-contract"]]  # two may be two companies' trouble
    for n in (1, 2, 3):
        await heal(world, n, dims(5), fresh=True)


# Answers lost

LOST: Mapping[str, dict[str, Any]] = {
    "500": {"effect": "status", "status": 500},
    "502": {"effect": "status", "status": 502},
    "503": {"effect": "status", "status": 503},
    "504": {"effect": "status", "status": 504},
    "reset": {"effect": "reset"},
    "hang": {"effect": "hang"},
    "500-after-commit": {"effect": "status", "status": 500, "commit": True},
    "502-after-commit": {"effect": "status", "status": 502, "commit": True},
    "503-after-commit": {"effect": "status", "status": 503, "commit": True},
    "504-after-commit": {"effect": "status", "status": 504, "commit": True},
    "reset-after-commit": {"effect": "reset", "commit": True},
    "hang-after-commit": {"effect": "hang", "commit": True},
    "html-after-commit": {"effect": "html"},
    "malformed-after-commit": {"effect": "malformed"},
    "truncated-after-commit": {"effect": "truncated"},
    "huge-after-commit": {"effect": "huge", "bytes": 300_000},
    "empty-after-commit": {"effect": "status", "status": 201, "body": "", "commit": True},
    "other-shape-after-commit": {"effect": "status", "status": 201, "body": '{"ok": true}', "commit": True},
}


def lose_answers(world: World, **timing: int) -> list[int]:
    """Place an empty company for each kind of lost answer, and script it; returns their ids."""
    world.limit(timeout_s=0.3, max_attempts=2, body_bytes=100_000)
    rules = []
    for n, rule in enumerate(LOST.values(), start=1):
        world.place(n)
        rules.append({**rule, "match": {"operation": "bulk", "company": n}, **timing})
    world.script(*rules)
    return list(range(1, len(rules) + 1))


async def test_a_lost_answer_is_asked_for_again(world: World) -> None:
    """Same idempotency key; where the work was done the server's replay tells so, and nothing is there twice."""
    ids = lose_answers(world, times=1)
    result = await world.sync(*(company(n, dims(5)) for n in ids))
    for name, each in zip(LOST, result.companies, strict=True):
        assert (each.state, each.exit_code, columns(each)) == ("synced", 0, {"created": 5}), (name, each.problems)
        assert kinds(each.requests) == {"list": 1, "bulk": 1, "retry": 1}, name
        first, second = bulks(world, each.company_id)
        assert first.idempotency_key == second.idempotency_key is not None, name
        assert (first.replayed, second.replayed) == (False, name.endswith("after-commit")), name
        assert_exact(world, each.company_id, dims(5))
    keys = {entry.idempotency_key for entry in world.sandbox.service.log if entry.operation == "bulk"}
    assert len(keys) == len(ids)


async def test_answers_lost_for_good_leave_rows_uncertain(world: World) -> None:
    """One row a company (it cannot be halved): after `max_attempts` uncertain, exit 10; the next run settles it."""
    ids = lose_answers(world)
    result = await world.sync(*(company(n, dims(1)) for n in ids))
    assert result.exit_code == 10
    for name, each in zip(LOST, result.companies, strict=True):
        if name.endswith("after-commit"):  # the listing shows it
            assert (each.state, columns(each)) == ("synced", {"created": 1}), (name, each.problems)
        else:
            assert verdict(each) == ("partial", 10, ["uncertain"]), (name, each.problems)
            assert "read back: it is not there" in each.problems[-1].message
            assert columns(each) == {"uncertain": 1}, name
        assert len(bulks(world, each.company_id)) == 2, name
        assert bool(world.stored(each.company_id)) == name.endswith("after-commit"), name
    world.script()
    healed = await world.sync(*(company(n, dims(1)) for n in ids))
    assert (healed.exit_code, healed.totals.uncertain) == (0, 0)
    for n in ids:
        assert_exact(world, n, dims(1))
    await world.sync(*(company(n, dims(1)) for n in ids))
    assert world.sent() == 0


@pytest.mark.parametrize(("updates", "commit"), [(False, True), (True, False)], ids=["creates-done", "updates-undone"])
async def test_two_timeouts_halve_the_chunk(world: World, updates: bool, commit: bool) -> None:
    """10, 10 again, then 5 and 5 under keys of their own: a smaller request may fare better."""
    world.limit(timeout_s=0.2, max_attempts=4)
    await load(world, 10 if updates else 0)
    wanted = [row._replace(name=f"New {row.name}") for row in dims(10)] if updates else dims(10)
    world.script({"effect": "hang", "commit": commit, "match": BULK, "times": 2})
    result = await world.sync_one(1, wanted)
    sent = bulks(world)
    assert [entry.rows for entry in sent] == [10, 10, 5, 5]
    assert sent[0].idempotency_key == sent[1].idempotency_key
    assert len({entry.idempotency_key for entry in sent}) == 3
    assert (columns(result), result.exit_code) == ({"updated" if updates else "created": 10}, 0), result.problems
    assert_exact(world, 1, wanted)
    await heal(world, 1, wanted)


async def test_a_chunk_that_is_never_answered_stays_uncertain(world: World) -> None:
    """Halving is bounded by `max_attempts` of each row; nothing is called stored that nobody acknowledged."""
    world.limit(timeout_s=0.1, max_attempts=3)
    result = await load(world, 4, {"effect": "hang", "commit": True, "match": BULK}, *BLIND)
    assert (columns(result), result.exit_code, result.state) == ({"uncertain": 4}, 10, "partial")
    assert all("not read back" in problem.message for problem in result.problems)
    assert [entry.rows for entry in bulks(world)] == [4, 4, 2, 2]
    healed = await heal(world, 1, dims(4))
    assert healed.balance.source_rows == 4


async def test_updates_of_unknown_outcome_are_sent_again_although_the_source_went_back(world: World) -> None:
    """A -> B -> A: B landed and its answer was lost. The ledger must not think that A still stands."""
    world.limit(max_attempts=1)
    await load(world, 5)
    world.script({"effect": "reset", "commit": True, "match": BULK}, *({**rule, "after": 0} for rule in BLIND))
    other = [row._replace(name=f"B {row.key}") for row in dims(5)]
    assert (await world.sync_one(1, other)).exit_code == 10
    assert_exact(world, 1, other)
    healed = await heal(world, 1, dims(5))
    assert columns(healed) == {"updated": 5}


# Answers that lie

LIES: Mapping[str, list[dict[str, Any]]] = {
    f"{counter}{by:+}": [{"effect": "lying-counter", "counter": f"{counter}_count", "by": by}]
    for counter in ("success", "created", "updated", "error")
    for by in (-1, 1)
}


@pytest.mark.parametrize("rules", LIES.values(), ids=LIES)
async def test_counters_that_disagree_prove_nothing(world: World, rules: list[dict[str, Any]]) -> None:
    """Two rows changed, one new, all of one name: what the counters deny is uncertain until it is read back.

    The listing shows the new row and not the new codes; a later run is exact.
    """
    world.limit(max_attempts=1)
    twins = [row._replace(name="Twin") for row in dims(6)]
    world.place(1)
    await world.sync_one(1, twins[:5])
    world.script(*rules)
    wanted = [row._replace(code="NEW") if row.key < "K00002" else row for row in twins]
    result = await world.sync_one(1, wanted)
    assert columns(result) == {"unchanged": 3, "created": 1, "uncertain": 2}
    assert verdict(result) == ("partial", 10, ["uncertain"])
    assert_exact(world, 1, wanted)
    await heal(world, 1, wanted)


@pytest.mark.parametrize("rules", [LIES[name] for name in ("success-1", "created+1", "error+1")])
async def test_rows_that_an_answer_names_stand_although_its_counters_lie(
    world: World, rules: list[dict[str, Any]]
) -> None:
    """A name that one row bears, with an id, proves that row whatever is counted; the sandbox's record agrees."""
    await load(world, 5)
    world.script(*rules)
    wanted = [row._replace(name=f"New {row.name}") if row.key < "K00002" else row for row in dims(6)]
    result = await world.sync_one(1, wanted)
    assert columns(result) == {"unchanged": 3, "created": 1, "updated": 2}
    assert_exact(world, 1, wanted)
    await heal(world, 1, wanted)


@pytest.mark.parametrize("keyless", [False, True], ids=["keyed", "keyless"])
async def test_an_error_without_its_row_is_uncertain(world: World, keyless: bool) -> None:
    """Two rows refused, one named: the other is not called created."""
    rules = (
        {"effect": "reject-rows", "erp_id": "^0000[37]$"},
        {"effect": "missing-errors", "rows": 1},
        {"effect": "error-style", "keyless": keyless},
    )
    result = await load(world, 10, *rules)
    assert result.exit_code == 10
    assert result.balance.uncertain is not None
    assert result.balance.uncertain >= 1
    assert columns(result).get("created", 0) <= 8
    doubtful = {problem.key for problem in result.problems}
    assert "K00007" in doubtful
    world.clock.forward(hours=25)
    await heal(world, 1, dims(10))


async def test_keys_that_lead_nowhere_stop_the_company(world: World) -> None:
    """Updates that come back as `created` are duplicates that nobody can delete: the first one is the last."""
    world.limit(chunk_rows=2, max_concurrency=1)
    await load(world, 10)
    world.script({"effect": "ignore-keys"})
    wanted = [row._replace(name=f"New {row.name}") if row.key < "K00006" else row for row in dims(10)]
    result = await world.sync_one(1, wanted)
    assert (result.exit_code, "key-mismatch" in slugs(result)) == (4, True)
    assert (result.requests.bulk, len(world.stored(1))) == (1, 12)
    assert columns(result) == {"unchanged": 4, "created": 2, "held": 4}


@pytest.mark.parametrize("hours", [0, 25, 24 * 30])
async def test_keys_that_lead_nowhere_are_not_tried_again(world: World, hours: int) -> None:
    """Each try makes rows that nobody can delete; a person has to look first."""
    world.limit(chunk_rows=2, max_concurrency=1)
    await load(world, 10)
    world.script({"effect": "ignore-keys"})
    wanted = [row._replace(name=f"New {row.name}") if row.key < "K00006" else row for row in dims(10)]
    await world.sync_one(1, wanted)
    world.clock.forward(hours=hours)
    again = await world.sync_one(1, wanted)
    assert (world.sent("bulk"), len(world.stored(1)), again.exit_code) == (0, 12, 4)


async def test_keys_that_lead_nowhere_stop_no_neighbour(world: World) -> None:
    for n in (1, 2):
        world.place(n)
    await world.sync(*(company(n, dims(4)) for n in (1, 2)))
    world.script({"effect": "ignore-keys", "match": {"company": 1}})
    wanted = [row._replace(name=f"New {row.name}") for row in dims(4)]
    first, second = (await world.sync(*(company(n, wanted) for n in (1, 2)))).companies
    assert (first.exit_code, second.exit_code, columns(second)) == (4, 0, {"updated": 4})
    assert_exact(world, 2, wanted)


# What is sent


async def test_rows_of_one_name(world: World) -> None:
    """Bulk answers give names alone: rows of one name are told apart by the next listing, and nothing is lost."""
    world.limit(chunk_rows=20)
    twins = [row._replace(name=f"Twin {index // 4}") for index, row in enumerate(dims(40))]
    world.place(1)
    result = await world.sync_one(1, twins)
    assert (columns(result), result.exit_code, result.requests.bulk) == ({"created": 40}, 0, 2)
    assert_exact(world, 1, twins)
    recoded = [
        row._replace(code="NEW", name=f"{row.name}!") if index % 3 == 0 else row for index, row in enumerate(twins)
    ]
    result = await heal(world, 1, recoded)
    assert columns(result) == {"updated": 14, "unchanged": 26}
    world.clock.forward(days=30)
    healed = await heal(world, 1, recoded)
    assert (columns(healed), healed.evidence) == ({"unchanged": 40}, "listing")


@pytest.mark.parametrize("keyless", [False, True], ids=["keyed", "keyless"])
async def test_a_refused_row_among_rows_of_one_name(world: World, keyless: bool) -> None:
    twins = [row._replace(name="Twin") for row in dims(6)]
    world.place(1)
    world.script({"effect": "reject-rows", "erp_id": THIRD}, {"effect": "error-style", "keyless": keyless})
    result = await world.sync_one(1, twins)
    assert (columns(result), slugs(result)) == ({"created": 5, "rejected": 1}, ["rejected"])
    assert result.problems[0].key == "K00003"
    world.clock.forward(hours=25)
    await heal(world, 1, twins)


@pytest.mark.sockets
async def test_chunks_are_cut_by_the_bytes_that_are_sent(world: World) -> None:
    bodies: list[bytes] = []

    async def keep(request: aiohttp.ClientRequest, handler: ClientHandlerType) -> aiohttp.ClientResponse:
        if isinstance(request.body, aiohttp.BytesPayload) and request.url.path.endswith("/bulk-create/"):
            bodies.append(bytes(request.body._value))
        return await handler(request)

    world.limit(chunk_bytes=2_000)
    world.place(1)
    wide = [row._replace(name=f"Größe {'ü' * (index * 7 % 200)} {index}") for index, row in enumerate(dims(60))]
    async with (
        aiohttp.ClientSession(middlewares=(keep,)) as session,
        Engine(world.settings, session=session, now=world.clock) as engine,
    ):
        result = await engine.sync([company(1, wide)]).result()
    assert (result.exit_code, result.totals.created, result.requests.bulk) == (0, 60, len(bodies))
    sizes = [len(body) for body in bodies]
    assert max(sizes) <= 2_000
    assert len(bodies) <= 1 + sum(sizes) // 1_000  # no chunk could have held its neighbour
    assert sum(len(orjson.loads(body)["dimensions"]) for body in bodies) == 60
    assert_exact(world, 1, wide)


async def test_a_row_larger_than_a_chunk_goes_alone(world: World) -> None:
    world.limit(chunk_bytes=2_000)
    world.place(1)
    rows = [row._replace(name="x" * 3_000) if row.key == "K00002" else row for row in dims(5)]
    result = await world.sync_one(1, rows)
    assert (columns(result), result.exit_code) == ({"created": 5}, 0)
    assert_exact(world, 1, rows)


async def test_rows_are_sent_in_the_order_of_their_keys(world: World) -> None:
    """Whatever the order of the source: a plan is the same plan."""
    world.limit(max_concurrency=1, chunk_rows=7)
    shuffled = Random(3).sample(dims(50), 50)
    world.place(1)
    result = await world.sync_one(1, shuffled)
    assert [row.values.key for row in world.sandbox.tenant.companies[1].rows] == [row.key for row in dims(50)]
    assert columns(result) == {"created": 50}


async def test_a_plan_does_not_depend_on_the_order_of_the_source(world: World) -> None:
    world.guards = OPEN
    for n in (1, 2):
        world.place(n, dims(20))
    wanted = [row._replace(code="NEW") if row.key > "K00030" else row for row in dims(50)]
    async with world.engine() as engine:
        rows = (wanted, Random(3).sample(wanted, 50))
        result = await engine.plan([company(n, each) for n, each in zip((1, 2), rows, strict=True)]).result()
    first, second = result.companies
    assert first.digest == second.digest is not None


# Creates that meet rows which are there


def overtaken(world: World) -> list[Dimension]:
    """Place a row whose key, which no listing shows, is that of another source row than the one that looks like it."""
    there = Dimension("K4", "account", "Account", "Rent", "29")
    world.place(1, [there])
    return [Dimension("K4", "account", "Account", "Fuel", "11"), Dimension("K5", "account", "Account", "Rent", "29")]


async def test_a_create_that_changes_an_adopted_row_is_not_green(world: World) -> None:
    """K5 is taken for the row of its type and id; K4's create changes that very row, and K5 is nowhere then."""
    wanted = overtaken(world)
    result = await world.sync_one(1, wanted)
    assert verdict(result) == ("partial", 5, ["overwritten"])
    assert columns(result) == {"updated": 1, "deferred": 1}
    assert "(K5)" in result.problems[0].message
    again = await world.sync_one(1, wanted)
    assert columns(again) == {"unchanged": 1, "created": 1}
    await heal(world, 1, wanted)


async def test_a_create_that_met_a_row_is_no_create_however_often_it_was_sent(world: World) -> None:
    """The first send may have made the row, for all that its answer tells; the id was in the listing before it."""
    world.place(1, [Dimension("K6", "department", "Department", "Rent", "01")])
    world.script({"match": {"operation": "bulk"}, "effect": "status", "status": 409, "envelope": "busy", "times": 1})
    wanted = [Dimension("K6", "account", "Account", "Fuel", "01")]
    result = await world.sync_one(1, wanted)
    assert (result.exit_code, columns(result)) == (0, {"updated": 1})
    assert columns(await world.sync_one(1, wanted)) == {"unchanged": 1}


async def test_a_create_that_changes_an_adopted_row_and_is_not_looked_at(world: World) -> None:
    """The listing that would tell fails: exit 10, and the next run lists whatever the ledger says."""
    wanted = overtaken(world)
    world.script(*BLIND)
    result = await world.sync_one(1, wanted)
    assert (result.exit_code, slugs(result)) == (10, ["overwritten"])
    world.script()
    assert columns(await world.sync_one(1, wanted)) == {"unchanged": 1, "created": 1}
    await heal(world, 1, wanted)


async def test_errors_that_no_row_can_be_told_from_are_sent_in_other_company(world: World) -> None:
    """Four rows of one name, one of them refused without its key: alone, each says for itself."""
    rows = [row._replace(name="Twin") for row in dims(4)] + dims(3, first=10)
    rules = ({"effect": "reject-rows", "erp_id": "^00002$"}, {"effect": "error-style", "shape": "bare"})
    world.place(1)
    world.script(*rules)
    result = await world.sync_one(1, rows)
    assert (columns(result), verdict(result)) == ({"created": 6, "rejected": 1}, ("partial", 3, ["rejected"]))
    assert len(world.stored(1)) == 6


async def test_errors_that_name_nothing_at_all(world: World) -> None:
    """Halved until each row stands alone; nothing is called stored that was refused."""
    world.place(1)
    body = {"effect": "error-style", "shape": "bare", "keyless": True}
    world.script({"effect": "reject-rows", "erp_id": "^0000[36]$"}, body)
    result = await world.sync_one(1, [row._replace(name="One") for row in dims(8)])
    assert columns(result) == {"created": 6, "rejected": 2}
    assert result.requests.bulk < 20
