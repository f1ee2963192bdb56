from __future__ import annotations

import pytest

from engine.errors import LedgerError
from engine.ledger.protocols import Ledger
from engine.model.ledger_writes import Learned, Settlement
from engine.model.outcome import Outcome
from tests.ledger.values import (
    HARBOR,
    LATER,
    NOON,
    blank,
    certificate,
    fresh,
    intent,
    known,
    known_rows,
    rejection,
    settlement,
    unsettled,
)


async def test_an_intent_says_nothing_of_its_rows_yet(ledger: Ledger) -> None:
    await ledger.learn(HARBOR, Learned(certificate=certificate(1), at=NOON, rows=known_rows("a")))
    await ledger.begin(HARBOR, intent("chunk", "a", "b"))
    assert (await ledger.read(HARBOR)).rows == known_rows("a")


async def test_an_outcome_ends_its_intent(ledger: Ledger) -> None:
    await ledger.learn(HARBOR, Learned(certificate=certificate(2), at=NOON, rows=known_rows("b", "c", name="old")))
    await ledger.begin(HARBOR, intent("chunk", "d", "c", "b", "a"))
    outcome = Settlement(
        intent_id="chunk",
        at=LATER,
        rows=known_rows("a", "b", name="new"),
        rejected={"c": rejection()},
        unknown=("d",),
    )
    await ledger.settle(HARBOR, outcome)
    image = await ledger.read(HARBOR)
    assert image.rows == fresh(known_rows("a", "b", name="new")) | known_rows("c", name="old") | {"d": blank("d")}
    assert image.rejections == {"c": rejection()}
    assert await ledger.recover(HARBOR) == 0


async def test_an_unknown_outcome_keeps_the_values_and_unsettles_them(ledger: Ledger) -> None:
    await ledger.learn(HARBOR, Learned(certificate=certificate(1), at=NOON, rows=known_rows("a")))
    await ledger.begin(HARBOR, intent("chunk", "a"))
    await ledger.settle(HARBOR, Settlement(intent_id="chunk", at=NOON, unknown=("a",)))
    assert (await ledger.read(HARBOR)).rows == {"a": unsettled(known("a"))}


async def test_an_acknowledged_row_loses_its_rejection(ledger: Ledger) -> None:
    await ledger.begin(HARBOR, intent("first", "a", "b"))
    await ledger.settle(
        HARBOR, Settlement(intent_id="first", at=NOON, rejected={"a": rejection("no"), "b": rejection()})
    )
    await ledger.begin(HARBOR, intent("second", "a", "b"))
    assert set((await ledger.read(HARBOR)).rejections) == {"a", "b"}  # about to be sent is not yet accepted
    await ledger.settle(
        HARBOR,
        Settlement(intent_id="second", at=LATER, rows=known_rows("a"), rejected={"b": rejection("still no")}),
    )
    assert (await ledger.read(HARBOR)).rejections == {"b": rejection("still no")}


@pytest.mark.parametrize("text", ["a\ufdd0", "\ufdd1\ufdd0b", "\ufdd1", "c\ufdd0\ufdd1\ufdd1\ufdd0"])
async def test_a_text_that_no_program_should_send_is_held_as_it_is(ledger: Ledger, text: str) -> None:
    """In Postgres U+FDD0 stands for NUL: read back as NUL in the midst of JSON, it broke the whole run."""
    await ledger.begin(HARBOR, intent("first", text))
    await ledger.begin(HARBOR, intent("second", "other"))
    outcomes = (Outcome(text, "rejected", None, text),)
    settled = Settlement(intent_id="first", at=LATER, rejected={text: rejection(text)}, outcomes=outcomes)
    await ledger.settle(HARBOR, settled)
    assert (await ledger.read(HARBOR)).rejections == {text: rejection(text)}
    (attempt,) = (await ledger.life(HARBOR, text)).attempts
    assert attempt.message == text


async def test_left_over_intents_unsettle_their_keys(ledger: Ledger) -> None:
    await ledger.learn(HARBOR, Learned(certificate=certificate(2), at=NOON, rows=known_rows("a", "b")))
    await ledger.begin(HARBOR, intent("first", "a", "new"))
    await ledger.begin(HARBOR, intent("second", "newer"))
    assert await ledger.recover(HARBOR) == 3
    rows = (await ledger.read(HARBOR)).rows
    assert rows == {"a": unsettled(known("a")), "b": known("b"), "new": blank("new"), "newer": blank("newer")}
    assert await ledger.recover(HARBOR) == 0
    await ledger.begin(HARBOR, intent("third", "a", "new", "newer"))


async def test_a_key_is_never_in_flight_twice(ledger: Ledger) -> None:
    await ledger.begin(HARBOR, intent("first", "a", "b"))
    with pytest.raises(LedgerError, match="'b' of chunk second is in flight already, in chunk first"):
        await ledger.begin(HARBOR, intent("second", "c", "b"))
    await ledger.begin(HARBOR, intent("third", "c"))  # the refused intent left nothing behind
    await ledger.settle(HARBOR, settlement("first", "a", "b"))
    await ledger.begin(HARBOR, intent("second", "b"))


@pytest.mark.parametrize("keys", [("x",), ("y", "y")], ids=["id", "key"])
async def test_an_intent_begins_once(ledger: Ledger, keys: tuple[str, ...]) -> None:
    await ledger.begin(HARBOR, intent("chunk-0", "a"))
    chunk = "chunk-0" if keys == ("x",) else "chunk-1"
    with pytest.raises(LedgerError, match="begun before, or names a key twice"):
        await ledger.begin(HARBOR, intent(chunk, *keys))


async def test_what_was_never_begun_cannot_be_settled(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="chunk ghost"):
        await ledger.settle(HARBOR, settlement("ghost", "a"))
    assert (await ledger.read(HARBOR)).rows == {}
    await ledger.begin(HARBOR, intent("chunk", "a"))
    await ledger.settle(HARBOR, settlement("chunk", "a"))
    with pytest.raises(LedgerError, match="chunk chunk"):
        await ledger.settle(HARBOR, settlement("chunk", "a"))


async def test_a_key_that_is_no_unicode_is_refused(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="surrogates not allowed"):
        await ledger.begin(HARBOR, intent("chunk", "a", "half a pair: \ud800"))
    assert await ledger.recover(HARBOR) == 0


async def test_recovering_a_company_that_was_never_written_finds_nothing(ledger: Ledger) -> None:
    assert await ledger.recover(HARBOR) == 0
