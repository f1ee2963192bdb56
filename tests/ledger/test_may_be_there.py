"""What was sent under a key and has not been listed since: noted when it is in doubt, forgotten when that is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.ledger.protocols import Ledger
from engine.model.dimension import NaturalKey
from engine.model.ledger_writes import Learned, Settlement
from engine.model.resting import KEY_COLLISION, MADE_ANEW, NOT_LISTED, UNCERTAIN, RestingRow
from tests.ledger.values import ANCHOR, HARBOR, LATER, NOON, certificate, intent, known_rows, rejection, settlement

NATURAL = ("account", "0a")
NOTE = {"a": NATURAL}


async def doubt(ledger: Ledger) -> None:
    """Leave a create of unknown outcome behind."""
    await ledger.begin(HARBOR, intent("lost", "a"))
    lost = Settlement(intent_id="lost", at=NOON, unknown=("a",), may_be_there=NOTE, lost_at=NOON)
    await ledger.settle(HARBOR, lost)


async def noted(ledger: Ledger) -> dict[str, NaturalKey]:
    return dict((await ledger.read(HARBOR)).may_be_there)


async def test_it_is_kept_until_an_answer_tells_what_the_row_is(ledger: Ledger) -> None:
    await doubt(ledger)
    assert await noted(ledger) == NOTE
    assert (await ledger.read(ANCHOR)).may_be_there == {}
    await ledger.begin(HARBOR, intent("again", "a"))
    await ledger.settle(HARBOR, settlement("again", "a"))
    assert await noted(ledger) == {}


@pytest.mark.parametrize("code", [None, UNCERTAIN, KEY_COLLISION, NOT_LISTED, MADE_ANEW])
@pytest.mark.parametrize("sent", [NATURAL, ("account", "0b"), ("item", "0a")])
async def test_a_refusal_tells_nothing_of_a_row_that_was_acknowledged_before_or_sent_as_another(
    ledger: Ledger, code: str | None, sent: tuple[str, str]
) -> None:
    await doubt(ledger)
    if code is not None:
        await ledger.rest(HARBOR, {"a": RestingRow(code, b"", "why", NOON)})
    await ledger.begin(HARBOR, intent("again", "a"))
    refused = Settlement(intent_id="again", at=NOON, rejected={"a": rejection()}, rejected_as={"a": sent})
    await ledger.settle(HARBOR, refused)
    assert await noted(ledger) == (NOTE if code in {NOT_LISTED, MADE_ANEW} or sent != NATURAL else {})


@pytest.mark.parametrize("is_listed", [False, True])
@pytest.mark.parametrize("is_left_over", [False, True])
async def test_an_acknowledged_row_falls_into_doubt(ledger: Ledger, is_listed: bool, is_left_over: bool) -> None:
    """What it was acknowledged as may be there, unless a listing has shown it."""
    await ledger.begin(HARBOR, intent("stored", "a"))
    await ledger.settle(HARBOR, settlement("stored", "a"))
    if is_listed:
        await ledger.learn(HARBOR, Learned(certificate=certificate(1), at=NOON, rows=known_rows("a")))
    await ledger.begin(HARBOR, intent("lost", "a"))
    if is_left_over:
        await ledger.recover(HARBOR)
    else:
        await ledger.settle(HARBOR, Settlement(intent_id="lost", at=NOON, unknown=("a",), lost_at=NOON))
    assert await noted(ledger) == ({} if is_listed else NOTE)


async def test_a_listing_tells_all_of_it_or_nothing(ledger: Ledger) -> None:
    await doubt(ledger)
    listed = Learned(certificate=certificate(1), at=LATER)
    before = (await ledger.generation(HARBOR)).number
    await ledger.learn(HARBOR, listed)
    assert await noted(ledger) == NOTE
    assert (await ledger.generation(HARBOR)).number == before
    await ledger.learn(HARBOR, replace(listed, may_be_there={"b": ("item", "7")}))
    assert await noted(ledger) == {"b": ("item", "7")}
    assert (await ledger.generation(HARBOR)).number == before + 1
    await ledger.learn(HARBOR, replace(listed, may_be_there={}))
    assert await noted(ledger) == {}


async def test_it_stays_in_a_ledger_that_is_not_trusted(ledger: Ledger) -> None:
    await doubt(ledger)
    await ledger.distrust(HARBOR)
    assert await noted(ledger) == NOTE
