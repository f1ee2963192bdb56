"""Rows that are not sent for now: noted until something is known of them that is newer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.ledger.protocols import Ledger
from engine.model.ledger_writes import Learned, Settlement
from engine.model.resting import KEY_COLLISION, MADE_ANEW, NOT_LISTED, UNCERTAIN, RestingRow
from tests.ledger.values import ANCHOR, HARBOR, LATER, NOON, certificate, intent, known_rows, rejection, settlement

LISTED = Learned(certificate=certificate(2), at=NOON, rows=known_rows("a", "b"))


def rest(code: str = UNCERTAIN) -> RestingRow:
    return RestingRow(code, b"\x00sent", "no answer within 35 s", NOON, 2, LATER, ("x", "ÿ"))


async def test_what_is_noted_is_read_as_it_was(ledger: Ledger) -> None:
    notes = {"a": rest(), "b": RestingRow(NOT_LISTED, b"", "gone", NOON)}
    await ledger.rest(HARBOR, notes)
    assert (await ledger.read(HARBOR)).resting == notes
    assert (await ledger.read(ANCHOR)).resting == {}
    assert (await ledger.life(HARBOR, "a")).resting == notes["a"]
    await ledger.rest(HARBOR, {"a": rest(KEY_COLLISION)})
    assert (await ledger.read(HARBOR)).resting == notes | {"a": rest(KEY_COLLISION)}


@pytest.mark.parametrize("code", [UNCERTAIN, NOT_LISTED, KEY_COLLISION, MADE_ANEW])
async def test_an_answer_ends_it_but_of_a_row_made_anew_only_a_listing_tells(ledger: Ledger, code: str) -> None:
    await ledger.rest(HARBOR, {"a": rest(code), "b": rest(code)})
    await ledger.begin(HARBOR, intent("chunk", "a"))
    await ledger.settle(HARBOR, settlement("chunk", "a"))
    assert set((await ledger.read(HARBOR)).resting) == ({"a", "b"} if code == MADE_ANEW else {"b"})
    await ledger.learn(HARBOR, replace(LISTED, rested=("a",), resting={"c": rest()}))
    assert set((await ledger.read(HARBOR)).resting) == {"b", "c"}


@pytest.mark.parametrize("code", [UNCERTAIN, NOT_LISTED, KEY_COLLISION, MADE_ANEW])
async def test_a_refusal_ends_a_doubt_and_nothing_else(ledger: Ledger, code: str) -> None:
    await ledger.rest(HARBOR, {"a": rest(code)})
    await ledger.begin(HARBOR, intent("chunk", "a"))
    await ledger.settle(HARBOR, Settlement(intent_id="chunk", at=NOON, rejected={"a": rejection()}))
    record = await ledger.read(HARBOR)
    assert (set(record.resting), set(record.rejections)) == (set() if code == UNCERTAIN else {"a"}, {"a"})


@pytest.mark.parametrize("left_over", [False, True])
async def test_a_refusal_is_gone_when_the_row_was_sent_since_to_no_known_end(ledger: Ledger, left_over: bool) -> None:
    for chunk, keys in (("one", "ab"), ("two", "a")):
        await ledger.begin(HARBOR, intent(chunk, *keys))
        if chunk == "one":
            refused = {key: rejection() for key in keys}
            await ledger.settle(HARBOR, Settlement(intent_id=chunk, at=NOON, rejected=refused))
        elif left_over:
            await ledger.recover(HARBOR)
        else:
            await ledger.settle(HARBOR, Settlement(intent_id=chunk, at=NOON, unknown=tuple(keys), lost_at=NOON))
    assert set((await ledger.read(HARBOR)).rejections) == {"b"}


async def test_a_refusal_and_a_doubt_of_one_request_stay_both(ledger: Ledger) -> None:
    """Sent in company it may have landed; sent alone it was refused."""
    await ledger.begin(HARBOR, intent("chunk", "a"))
    doubtful = Settlement(intent_id="chunk", at=NOON, rejected={"a": rejection()}, unknown=("a",))
    await ledger.settle(HARBOR, doubtful)
    record = await ledger.read(HARBOR)
    assert (set(record.rejections), record.rows["a"].outcome_known) == ({"a"}, False)


async def test_which_rows_no_listing_has_shown_since_they_were_acknowledged(ledger: Ledger) -> None:
    await ledger.learn(HARBOR, LISTED)
    assert await ledger.unlisted(HARBOR, ["a", "b", "zz"]) == frozenset()
    await ledger.begin(HARBOR, intent("chunk", "b", "c"))
    await ledger.settle(HARBOR, settlement("chunk", "b", "c", created=1))
    assert await ledger.unlisted(HARBOR, ["a", "b", "c"]) == {"b", "c"}
    assert await ledger.unlisted(HARBOR, ["c"]) == {"c"}
    assert await ledger.unlisted(ANCHOR, ["c"]) == frozenset()
    await ledger.learn(HARBOR, Learned(certificate=certificate(3), at=NOON))  # at the same moment, by the clock
    assert await ledger.unlisted(HARBOR, ["a", "b", "c"]) == frozenset()
    await ledger.begin(HARBOR, intent("chunk", "c"))
    await ledger.settle(HARBOR, settlement("chunk", "c"))
    assert await ledger.unlisted(HARBOR, ["a", "b", "c"]) == {"c"}


async def test_distrust_forgets_what_rests_and_what_was_acknowledged(ledger: Ledger) -> None:
    await ledger.learn(HARBOR, LISTED)
    await ledger.begin(HARBOR, intent("chunk", "a"))
    await ledger.settle(HARBOR, settlement("chunk", "a"))
    await ledger.rest(HARBOR, {"b": rest()})
    await ledger.distrust(HARBOR)
    assert (await ledger.read(HARBOR)).resting == {}
    assert await ledger.unlisted(HARBOR, ["a"]) == frozenset()
