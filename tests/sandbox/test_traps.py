"""Ways to be green and wrong, or to spend for nothing, that a hostile reader found: each was true once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine import ConfigError, Dimension, Engine, Secret
from engine.model.settings import Verify, VerifyMode
from engine.sandbox.contracts import reference
from engine.sandbox.tenant import Values
from tests.sandbox.conftest import (
    BLIND,
    World,
    account,
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
DEAD = ({"effect": "status", "status": 503, "match": BULK}, *BLIND)
LOST = ({"effect": "reset", "commit": True, "match": BULK}, *({**rule, "after": 0} for rule in BLIND))


@pytest.mark.parametrize(
    ("new", "end"),
    [
        (Dimension("K1", "item", "Item", "N", "1", "c"), {"unchanged": 1, "created": 1}),
        (Dimension("K1", "item", "Item", "N20", "20", "c"), None),
    ],
    ids=["what it was before", "what it may have become"],
)
async def test_a_row_of_unknown_outcome_neither_stands_in_for_another_nor_hides(
    either_world: World, new: Dimension, end: dict[str, int] | None
) -> None:
    """K5 goes from ERP id 1 to 20, unanswered, and leaves the source; then a new key has the one id, or the other."""
    world = either_world
    world.limit(max_attempts=1)
    kept, moved = Dimension("K0", "item", "Item", "M", "7", "c"), Dimension("K5", "item", "Item", "N", "1", "c")
    world.place(1)
    await world.sync_one(1, [kept, moved])
    world.script(*LOST)
    assert (await world.sync_one(1, [kept, moved._replace(erp_id="20", name="N20")])).exit_code == 10
    world.script()
    result = await world.sync_one(1, [kept, new])
    stored = [(row.values.type_code, row.values.erp_id) for row in world.sandbox.tenant.companies[1].rows]
    assert len(stored) == len(set(stored)), "something is there twice"
    if end is not None:
        assert columns(result) == end
        assert ("item", "1") in stored
    else:  # it is there, under the key that the source has dropped
        assert columns(result) in ({"unchanged": 2}, {"unchanged": 1, "held": 1})


async def test_rows_that_swap_their_ids_are_not_read_back_by_their_looks(world: World) -> None:
    """One name, so that their ids are unknown: nothing landed, and each row looks like what the other should become."""
    world.limit(max_attempts=1)
    one, two = (Dimension(f"K{n}", "account", "Account", "Misc", f"{n}00", f"C{n}") for n in (1, 2))
    world.place(1)
    await world.sync_one(1, [one, two])
    wanted = [one._replace(erp_id="200"), two._replace(erp_id="100")]
    world.script(DEAD[0])
    assert (await world.sync_one(1, wanted)).exit_code == 10
    await heal(world, 1, wanted)


async def test_a_listed_key_that_only_looks_like_ours_is_another(either_world: World) -> None:
    """A blank at its end, or another spelling of a letter: sent as ours, it would make a second row."""
    world = either_world
    rows = [*dims(2), Dimension("Kaf\u00e9", "account", "Account", "Cafe", "9", "c9")]
    theirs = [f"{rows[0].key} ", rows[1].key, "Kafe\u0301"]
    world.sandbox.service.place(1, [Values(key, *row[1:]) for key, row in zip(theirs, rows, strict=True)])
    result = await world.sync_one(1, [row._replace(name=f"New {row.name}") for row in rows])
    assert len(world.sandbox.tenant.companies[1].rows) == 3
    if world.contract == "reference":
        assert (columns(result), set(slugs(result))) == ({"updated": 1, "held": 2}, {"key-shift"})


async def test_a_key_that_changed_is_told_alike_whatever_is_read(either_world: World) -> None:
    world = either_world
    rows = dims(3)
    world.place(1)
    await world.sync_one(1, rows)
    rows[0] = rows[0]._replace(key="NEW")
    ends = set()
    for mode in (VerifyMode.AUTO, VerifyMode.FULL, VerifyMode.AUTO, VerifyMode.PROBE):
        world.verify = Verify(mode=mode)
        result = await world.sync_one(1, rows)
        ends.add((result.exit_code, tuple(columns(result).items())))
    assert len(ends) == 1


@pytest.mark.parametrize(
    "said", ["99999999999999", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"], ids=["long", "endless", "date"]
)
async def test_no_server_can_stop_a_key_for_ever(world: World, said: str) -> None:
    world.place(1)
    rule = {"effect": "status", "status": 429, "headers": {"Retry-After": said}, "match": {"operation": "list"}}
    world.script(rule)
    assert verdict(await world.sync_one(1, dims(2))) == ("deferred", 5, ["throttled"])
    world.script()
    world.clock.forward(hours=23)
    waiting = await world.sync_one(1, dims(2))
    assert (waiting.exit_code, kinds(waiting.requests)) == (5, {})
    assert "--fresh" in waiting.problems[0].message
    world.clock.forward(hours=2)
    await heal(world, 1, dims(2))


async def test_fresh_tries_a_key_that_was_asked_to_wait(world: World) -> None:
    world.place(1)
    world.script({"effect": "status", "status": 429, "headers": {"Retry-After": "7200"}, "times": 1, "match": BULK})
    assert (await world.sync_one(1, dims(2))).exit_code == 5
    assert columns(await world.sync_one(1, dims(2), fresh=True)) == {"created": 2}


@pytest.mark.parametrize(
    "body",
    [
        r'{"code":"bad","message":"client abc\/def+ghi= unknown"}',
        r'{"code":"bad","message":"client abc/def\u002bghi= unknown"}',
        '{"code":"bad","message":"client abc/def+ghi= unknown"}',
        "client abc%2Fdef%2bghi%3D unknown",
    ],
)
async def test_a_secret_is_hidden_however_it_is_spelled(world: World, body: str) -> None:
    world.accounts = (replace(account(), client_secret=Secret("abc/def+ghi=")),)
    world.place(1)
    world.script({"effect": "status", "status": 400, "body": body, "match": {"operation": "token"}})
    result = await world.sync(company(1, dims(2)))
    (problem,) = result.companies[0].problems
    assert "client *** unknown" in problem.message


async def test_a_batch_that_never_ends_is_waited_for_once(world: World) -> None:
    """The chunks in flight are uncertain or read back; the others are not sent, and the next run goes on."""
    world.limit(batch_wait_s=0.8, chunk_rows=10)
    world.place(1)
    world.script({"effect": "batch", "polls": 1_000_000}, *BLIND)
    result = await world.sync_one(1, dims(100))
    assert columns(result) == {"uncertain": 40, "deferred": 60}
    assert (result.exit_code, set(slugs(result))) == (10, {"batch-unfinished", "uncertain"})
    assert (world.sent("bulk"), world.sent("progress") <= 8) == (4, True)
    await heal(world, 1, dims(100))


async def test_work_that_is_never_explained_comes_to_an_end(either_world: World) -> None:
    """A server that says nothing of any row: what is read back is enough, and the third run has nothing to do."""
    world = either_world
    rows = [row._replace(code=None) for row in dims(25)]
    world.place(1)
    world.script({"effect": "batch", "style": "opaque"})
    for run in range(3):
        result = await world.sync_one(1, rows)
        world.clock.forward(hours=1)
        assert result.exit_code == 0, run
    assert (columns(result), world.sent("bulk")) == ({"unchanged": 25}, 0)
    assert {row.key for row in world.stored(1)} == {row.key for row in rows}


async def test_a_rejection_for_want_of_a_code_ends_with_the_contract(world: World) -> None:
    """What rests is what was sent: under the other contract the row goes with a code."""
    row = dims(1)[0]._replace(code=None)
    world.place(1)
    world.script({"effect": "reject-rows", "erp_id": ".", "message": "code is required"})
    assert columns(await world.sync_one(1, [row])) == {"rejected": 1}
    world.script()
    world.sandbox.service.contract, world.speaks = reference.CONTRACT, "reference"
    assert columns(await world.sync_one(1, [row])) == {"created": 1}


@pytest.mark.parametrize("field", ["api_key", "account_id"])
async def test_an_account_under_two_names_is_refused(world: World, field: str) -> None:
    other = replace(account("other"), api_key=Secret("another"), account_id="racc_9")
    world.accounts = (account(), replace(other, **{field: getattr(account(), field)}))
    with pytest.raises(ConfigError, match=f"have one {field}"):
        Engine(world.settings)


async def test_rows_read_back_in_thousands_take_no_longer_than_their_listing(world: World) -> None:
    """Compared by index: 3,000 rows against 3,000 once took seconds of a stopped event loop."""
    world.limit(max_attempts=1)
    world.place(1)
    world.script({"effect": "status", "status": 504, "commit": True, "match": BULK})
    result = await world.sync_one(1, dims(3_000))
    assert (columns(result), result.requests.list) == ({"created": 3_000}, 31)
    assert_exact(world, 1, dims(3_000))
