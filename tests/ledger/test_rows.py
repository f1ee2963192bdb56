from __future__ import annotations

from dataclasses import replace

import pytest

from engine.errors import LedgerError
from engine.ledger.protocols import Ledger
from engine.model.company_record import CompanyRecord, CompanyState
from engine.model.dimension import Dimension, dimension_table
from engine.model.ledger_writes import Learned, Settlement
from engine.model.row_record import RowRecord
from tests.ledger.values import (
    ANCHOR,
    HARBOR,
    LATER,
    NOON,
    certificate,
    fresh,
    intent,
    known,
    known_rows,
    rejection,
    settlement,
    stray,
)


async def test_nothing_is_known_of_a_new_company(ledger: Ledger) -> None:
    assert await ledger.read(HARBOR) == CompanyRecord()


async def test_a_listing_is_read_back_as_it_was_learned(ledger: Ledger) -> None:
    rows = {
        "b": known("b", seen=stray("dim_b")),
        "a": known("a", "Żurek — “soup” \N{POT OF FOOD}\0", confirmed=False),
        "c0": RowRecord(
            Dimension("c0", "task", "", "", ""), None, confirmed=False, outcome_known=False, code_known=False
        ),
    }
    strays = (stray("dim_z"), stray("dim_y"))
    await ledger.learn(HARBOR, Learned(certificate=certificate(5), at=NOON, rows=rows, keyless=strays))
    assert await ledger.read(HARBOR) == CompanyRecord(
        rows=rows,
        keyless=strays,
        state=CompanyState(listed_at=NOON, checked_at=NOON, remote_count=5),
        is_as_listed=True,
    )
    assert list((await ledger.read(HARBOR)).rows) == ["a", "b", "c0"]


async def test_a_record_has_the_texts_of_the_rows_that_it_is_read_for(ledger: Ledger) -> None:
    await ledger.learn(HARBOR, Learned(certificate=certificate(3), at=NOON, rows=known_rows("a", "b", "c")))
    alone = await ledger.read(HARBOR)
    wanted = [known(key).row for key in ("d", "c", "a")]
    alike = dimension_table([row._replace(name=f"{row.name}!") if row.key == "a" else row for row in wanted])
    record = await ledger.read(HARBOR, alike=alike)
    assert record == alone
    rows, theirs = record.entries.table, {id(text) for name in Dimension._fields for text in alike.column(name)}
    own = [text for name in ("key", "name", "erp_id") for text in rows.column(name) if id(text) not in theirs]
    b = alone.rows["b"].row
    assert own == ["b", alone.rows["a"].row.name, b.name, b.erp_id]


async def test_booleans_come_back_as_booleans(ledger: Ledger) -> None:
    await ledger.learn(HARBOR, Learned(certificate=certificate(1), at=NOON, rows=known_rows("a")))
    entry = (await ledger.read(HARBOR)).rows["a"]
    assert (entry.confirmed, entry.outcome_known, entry.code_known) == (True, True, True)
    assert {type(flag) for flag in entry[2:5]} == {bool}


async def test_a_later_listing_replaces_forgets_and_keeps(ledger: Ledger) -> None:
    first = Learned(certificate=certificate(3), at=NOON, rows=known_rows("a", "b", "c"), keyless=(stray("dim_z"),))
    await ledger.learn(HARBOR, first)
    changed = known("b", "Beverages", seen=stray("dim_b"))
    await ledger.learn(
        HARBOR, Learned(certificate=certificate(2), at=LATER, rows={"b": changed}, gone=("c", "never-there"))
    )
    image = await ledger.read(HARBOR)
    assert image.rows == {"a": known("a"), "b": changed}
    assert image.keyless == (stray("dim_z"),)  # None: as before
    assert image.state.remote_count == 2
    await ledger.learn(HARBOR, Learned(certificate=certificate(2), at=LATER, keyless=()))
    assert (await ledger.read(HARBOR)).keyless == ()


@pytest.mark.parametrize("count", [1, 2, 26, 131])
@pytest.mark.parametrize(
    ("other", "confirmed"), [(None, True), (None, False), ("dim_shown", True)], ids=["alike", "unsure", "shown"]
)
async def test_entries_written_together_come_back_whether_or_not_they_are_alike(
    ledger: Ledger, count: int, other: str | None, *, confirmed: bool
) -> None:
    keys = [f"k{number:03}" for number in range(count)]
    rows = known_rows(*keys)
    rows[keys[-1]] = known(keys[-1], seen=None if other is None else stray(other), confirmed=confirmed)
    await ledger.learn(HARBOR, Learned(certificate=certificate(count), at=NOON, rows=rows))
    await ledger.begin(HARBOR, intent("chunk", *keys))
    assert (await ledger.read(HARBOR)).rows == rows
    renamed = {key: entry._replace(row=entry.row._replace(name="Beverages")) for key, entry in rows.items()}
    await ledger.settle(HARBOR, Settlement(intent_id="chunk", at=LATER, rows=renamed))
    assert (await ledger.read(HARBOR)).rows == fresh(renamed)


@pytest.mark.parametrize(
    "other",
    [ANCHOR, replace(HARBOR, origin="http://127.0.0.1:8080/v1"), replace(HARBOR, account="racc_2")],
    ids=["company", "origin", "account"],
)
async def test_companies_do_not_see_each_other(ledger: Ledger, other: object) -> None:
    assert isinstance(other, type(HARBOR))
    await ledger.learn(
        HARBOR, Learned(certificate=certificate(1), at=NOON, rows=known_rows("a"), keyless=(stray("z"),))
    )
    await ledger.begin(HARBOR, intent("chunk", "a"))
    await ledger.begin(other, intent("chunk", "a"))
    await ledger.settle(other, Settlement(intent_id="chunk", at=NOON, rejected={"a": rejection()}))
    await ledger.learn(other, Learned(certificate=certificate(0), at=LATER, gone=("a",), keyless=()))
    image = await ledger.read(HARBOR)
    assert image.rows == known_rows("a")
    assert image.keyless == (stray("z"),)
    assert image.rejections == {}
    assert await ledger.recover(HARBOR) == 1


async def test_a_probe_moves_the_check_alone(ledger: Ledger) -> None:
    await ledger.learn(HARBOR, Learned(certificate=certificate(4), at=NOON))
    await ledger.checked(HARBOR, LATER)
    state = (await ledger.read(HARBOR)).state
    assert state == CompanyState(listed_at=NOON, checked_at=LATER, remote_count=4)


async def test_notes_replace_notes_and_a_listing_ends_failures(ledger: Ledger) -> None:
    failed = CompanyState(
        failures=2,
        retry_at=LATER,
        failed_source=b"\x00\xff" * 8,
        failure="incomplete-listing",
        failure_message="3 rows declared, 2 seen",
        last_good_rows=40,
    )
    await ledger.learn(HARBOR, Learned(certificate=certificate(4), at=NOON))
    await ledger.note(HARBOR, replace(failed, listed_at=None, remote_count=99))
    listed = CompanyState(listed_at=NOON, checked_at=NOON, remote_count=4)
    assert (await ledger.read(HARBOR)).state == replace(
        failed, listed_at=NOON, checked_at=NOON, remote_count=listed.remote_count
    )
    await ledger.learn(HARBOR, Learned(certificate=certificate(4), at=NOON))
    assert (await ledger.read(HARBOR)).state == replace(listed, last_good_rows=40)


async def test_acknowledged_creates_count_as_remote_rows(ledger: Ledger) -> None:
    await ledger.begin(HARBOR, intent("before", "a"))
    await ledger.settle(HARBOR, settlement("before", "a", created=1))
    assert (await ledger.read(HARBOR)).state.remote_count is None  # never listed: one more than unknown is unknown
    await ledger.learn(HARBOR, Learned(certificate=certificate(1), at=NOON))
    await ledger.begin(HARBOR, intent("after", "b", "c"))
    await ledger.settle(HARBOR, settlement("after", "b", "c", created=2))
    assert (await ledger.read(HARBOR)).state.remote_count == 3


@pytest.mark.parametrize("count", [1, 4, 5, 6, 24, 25, 26, 99, 100, 101, 131])
async def test_any_number_of_rows_is_written_whole(count: int, ledger: Ledger) -> None:
    keys = [f"{number * 7919 % 1000:03}" for number in range(count)]
    one, two = known_rows(*keys), known_rows(*keys, name="Beverages")
    one[keys[0]] = known(keys[0], seen=stray("dim_x"), confirmed=False)
    await ledger.learn(HARBOR, Learned(certificate=certificate(count), at=NOON, rows=one))
    assert (await ledger.read(HARBOR)).rows == one
    await ledger.begin(HARBOR, intent("chunk", *keys))
    await ledger.settle(HARBOR, Settlement(intent_id="chunk", at=LATER, rows=two))
    after = (await ledger.read(HARBOR)).rows
    assert after == fresh(two)
    assert list(after) == sorted(keys)
    await ledger.learn(HARBOR, Learned(certificate=certificate(count), at=LATER, rows=one))
    assert (await ledger.read(HARBOR)).rows == one
    assert {(await ledger.life(HARBOR, key)).acknowledged_at for key in keys} == {LATER}  # which learning leaves


async def test_text_that_is_no_unicode_is_refused_whole(ledger: Ledger) -> None:
    rows = known_rows("a") | {"b": known("b", "half a pair: \ud800")}
    with pytest.raises(LedgerError):
        await ledger.learn(HARBOR, Learned(certificate=certificate(2), at=NOON, rows=rows))
    assert await ledger.read(HARBOR) == CompanyRecord()
