"""A memo of a company's entries in Postgres tells what stands in their table, whoever changes it there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import psycopg
import pytest

from engine.ledger.postgres.ledger import PostgresLedger, open_postgres
from engine.model.ledger_writes import GoodEnd, Learned, Settlement, SourceLines
from engine.model.row_record import Agreement
from tests.ledger.values import ANCHOR, HARBOR, LATER, NOON, certificate, intent, known_rows

KEYS = [f"k{number:03}" for number in range(300)]


async def settle(ledger: PostgresLedger) -> None:
    await ledger.begin(HARBOR, intent("chunk", "k001", "new", "z"))
    rows = known_rows("k001", "new", name="Another")
    await ledger.settle(HARBOR, Settlement(intent_id="chunk", at=LATER, rows=rows, unknown=("z",), sends=1))


async def agree(ledger: PostgresLedger) -> None:
    await ledger.agree(HARBOR, {"k002": Agreement(is_open=True)})


async def forget(ledger: PostgresLedger) -> None:
    learned = Learned(certificate=certificate(2), at=LATER, rows=known_rows("k003"), gone=("k004", "k005"))
    await ledger.learn(HARBOR, learned)


async def distrust(ledger: PostgresLedger) -> None:
    await ledger.distrust(HARBOR)


async def move_by_hand(ledger: PostgresLedger) -> None:
    """Move an entry to another key, as a person does with another program."""
    await ledger._thread.write(lambda session: session.execute("update rows set key = 'k0061' where key = 'k006'"))


async def empty_by_hand(ledger: PostgresLedger) -> None:
    await ledger._thread.write(lambda session: session.execute("truncate rows"))


@pytest.mark.parametrize("change", [settle, agree, forget, distrust, move_by_hand, empty_by_hand])
async def test_a_memo_is_true_after(change: Callable[[PostgresLedger], Awaitable[None]], postgres_url: str) -> None:
    async with await open_postgres(postgres_url) as ledger:
        for company_key in (HARBOR, ANCHOR):
            learned = Learned(certificate=certificate(300), at=NOON, rows=known_rows(*KEYS))
            await ledger.learn(company_key, learned)
            rows = [known.row for known in learned.rows.values()]
            await ledger.end_well(company_key, GoodEnd(gathers=True, lines=SourceLines(rows, range(1, 301))))
        await change(ledger)
        by_memo = await ledger.read(HARBOR)
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute("delete from dimsync.entry_memos")
        without = await ledger.read(HARBOR)
    assert by_memo.rows == without.rows
    line_of = dict(zip(learned.rows, range(1, 301), strict=True))
    told = zip(by_memo.lines or [0] * len(by_memo.rows), by_memo.rows.items(), strict=True)
    by_lines = {key for hashed, (key, known) in told if hashed == line_of.get(key) and known == learned.rows[key]}
    assert {key for key, hashed in zip(by_memo.rows, by_memo.lines or [], strict=False) if hashed} == by_lines
    assert len(by_lines) > 290 or change in (distrust, empty_by_hand)
    assert by_memo.scattered < len(without.rows) or change in (distrust, empty_by_hand)
