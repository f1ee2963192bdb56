"""What a ledger forgets when somebody doubts it, and what it keeps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.ledger.protocols import Ledger
from engine.model.company_record import KEY_MISMATCH, OVERWRITTEN, CompanyRecord, CompanyState
from engine.model.ledger_writes import Learned, Settlement
from engine.model.outcome import Column, Outcome
from engine.model.row_history import Generation
from engine.model.row_record import Agreement, RowRecord
from tests.ledger.values import (
    ANCHOR,
    HARBOR,
    LATER,
    NOON,
    blank,
    certificate,
    intent,
    known,
    known_rows,
    rejection,
    stray,
)

LISTED = Learned(
    certificate=certificate(3),
    at=NOON,
    rows={"a": known("a", seen=stray("dim_a")), "b": known("b")},
    keyless=(stray("z"),),
)
DOUBTED = Agreement(is_open=True, is_doubted=True)

FULL = Agreement({"name": "FOOD"}, "Foo", True, {"name": "Foo"}, "run-1", True)
"""An agreement of which each part says something."""


async def test_values_and_listings_are_forgotten_and_links_stay(ledger: Ledger) -> None:
    await ledger.learn(HARBOR, LISTED)
    await ledger.begin(HARBOR, intent("lost", "c", "d"))
    lost = Settlement(
        intent_id="lost",
        at=LATER,
        unknown=("c",),
        rejected={"d": rejection()},
        lost_at=LATER,
        outcomes=(Outcome("c", Column.UNCERTAIN),),
    )
    await ledger.settle(HARBOR, lost)
    await ledger.begin(HARBOR, intent("cut", "a"))
    await ledger.reverted(HARBOR, ["a"], LATER)
    await ledger.rekey(HARBOR, {"new": "a"}, LATER)
    await ledger.passed(HARBOR, b"12345678")
    await ledger.sketch(HARBOR, 3, b"12345678")
    assert await ledger.distrust(HARBOR) == 3
    assert await ledger.read(HARBOR) == CompanyRecord(
        rows={
            "a": known("a")._replace(code_known=False, agreement=DOUBTED),
            "b": known("b")._replace(code_known=False, agreement=DOUBTED),
            "c": blank("c"),
        },
        wire_keys={"new": "a"},
        left_over=NOON,
        lost_at=LATER,
    )
    assert len((await ledger.life(HARBOR, "c")).attempts) == 1
    assert len(await ledger.sketches(HARBOR.origin)) == 1


@pytest.mark.parametrize(
    ("entry", "agreement"),
    [
        (known("a"), DOUBTED),
        (known("a", confirmed=False), None),  # whose key nothing has confirmed: it is adopted anew
        (known("a")._replace(outcome_known=False), None),  # it is sent again in any case
    ],
)
async def test_of_an_agreement_nothing_is_left(ledger: Ledger, entry: RowRecord, agreement: Agreement | None) -> None:
    agreed = entry._replace(agreement=FULL, before={"name": "Food"}, seen=stray("dim_a"))
    await ledger.learn(HARBOR, replace(LISTED, rows={"a": agreed}))
    await ledger.begin(HARBOR, intent("chunk", "b"))
    await ledger.settle(HARBOR, Settlement(intent_id="chunk", at=LATER, rows={"b": known("b")}))
    await ledger.distrust(HARBOR)
    rows = (await ledger.read(HARBOR)).rows
    assert rows["a"] == entry._replace(code_known=False, agreement=agreement)
    assert not rows["b"].is_fresh


@pytest.mark.parametrize("trouble", [KEY_MISMATCH, OVERWRITTEN, "incomplete-listing"])
async def test_only_the_trouble_that_no_listing_mends_stays(ledger: Ledger, trouble: str) -> None:
    notes = CompanyState(
        failures=2, retry_at=LATER, failed_source=b"digest", failure=trouble, failure_message="words", last_good_rows=40
    )
    await ledger.learn(HARBOR, LISTED)
    await ledger.note(HARBOR, notes)
    await ledger.distrust(HARBOR)
    left = CompanyState(last_good_rows=40)
    stays = replace(left, failure=trouble, failure_message="words") if trouble == KEY_MISMATCH else left
    assert (await ledger.read(HARBOR)).state == stays


async def test_each_company_is_doubted_by_itself(ledger: Ledger) -> None:
    await ledger.learn(HARBOR, LISTED)
    await ledger.learn(ANCHOR, LISTED)
    before = await ledger.read(ANCHOR)
    await ledger.distrust(HARBOR)
    assert await ledger.read(ANCHOR) == before
    assert await ledger.generation(ANCHOR) == Generation(1, None)


async def test_a_company_that_was_never_written_stays_so(ledger: Ledger) -> None:
    assert await ledger.distrust(HARBOR) == 0
    assert await ledger.known_companies(HARBOR.origin) == []


async def test_a_listing_ends_the_doubt(ledger: Ledger) -> None:
    await ledger.learn(HARBOR, LISTED)
    await ledger.distrust(HARBOR)
    await ledger.learn(HARBOR, replace(LISTED, rows=known_rows("a", "b")))
    image = await ledger.read(HARBOR)
    assert image.rows == known_rows("a", "b")
    assert image.state == CompanyState(listed_at=NOON, checked_at=NOON, remote_count=3)


async def test_companies_are_known_by_origin_in_their_order(ledger: Ledger) -> None:
    elsewhere = replace(HARBOR, origin="http://127.0.0.1:8700/v1")
    second = replace(HARBOR, account="racc_2", company_id=7)
    for scope in (second, elsewhere, ANCHOR, HARBOR):
        await ledger.checked(scope, NOON)
    assert await ledger.known_companies(HARBOR.origin) == [HARBOR, ANCHOR, second]
    assert await ledger.known_companies(elsewhere.origin) == [elsewhere]
