from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from engine.errors import LedgerError
from engine.ledger.protocols import Ledger
from engine.ledger.sqlite.ledger import SqliteLedger, open_ledger
from engine.model.directory import Directory, VisibleAccount, VisibleCompany, VisibleLocation
from tests.ledger.values import LATER, NOON, ORIGIN

COMPANIES = Directory(
    at=NOON,
    companies=(VisibleCompany(102, "Anchor", 2, "enterprise"), VisibleCompany(101, "Harbor Grill")),
)
WHOLE = replace(
    COMPANIES,
    rest_at=NOON,
    locations=(VisibleLocation(7, "Pier 7", "Anchor", "West"), VisibleLocation(3, "Deck")),
    accounts=(VisibleAccount("racc_2", "Coast Ltd", 1, 4), VisibleAccount("racc_1", "Port Inc")),
)
EMPTY = Directory(at=NOON, rest_at=NOON, companies=(), locations=(), accounts=())

HOSTILE = {
    "4-byte": "Pie \N{PIE} & \N{FORK AND KNIFE WITH PLATE}",
    "nul": "before\0after\0",
    "rtl": "\u202e\u05d1\u05d9\u05ea\u202c مطعم",
    "long": "\N{PIE}" * 10_000,
    "escapes": "\x1b[2J<script>alert(1)</script>",
    "sql": "x'); drop table directories; --",
    "apart": "e\u0301 \u00e9 ",  # two spellings of one letter stay two
    "empty": "",
}


async def test_nothing_is_known_of_an_account_that_was_never_asked(ledger: Ledger) -> None:
    assert await ledger.directory(ORIGIN, "racc_1") is None


@pytest.mark.parametrize("directory", [COMPANIES, WHOLE, EMPTY], ids=["companies alone", "whole", "empty"])
async def test_a_directory_is_read_back_as_it_was_listed(ledger: Ledger, directory: Directory) -> None:
    await ledger.remember_directory(ORIGIN, "racc_1", directory)
    assert await ledger.directory(ORIGIN, "racc_1") == directory


async def test_a_later_directory_replaces_the_former(ledger: Ledger) -> None:
    await ledger.remember_directory(ORIGIN, "racc_1", WHOLE)
    later = Directory(
        at=LATER,
        rest_at=LATER,
        companies=(VisibleCompany(101, "Harbor Bar", 1),),
        locations=(VisibleLocation(3, "Deck", "Harbor Bar"),),
        accounts=(VisibleAccount("racc_1", "Port Inc", 1, 1),),
    )
    await ledger.remember_directory(ORIGIN, "racc_1", later)
    assert await ledger.directory(ORIGIN, "racc_1") == later
    await ledger.remember_directory(ORIGIN, "racc_1", EMPTY)
    assert await ledger.directory(ORIGIN, "racc_1") == EMPTY


@pytest.mark.parametrize("part", ["locations", "accounts"])
async def test_a_part_that_was_not_read_stays(ledger: Ledger, part: str) -> None:
    await ledger.remember_directory(ORIGIN, "racc_1", WHOLE)
    await ledger.remember_directory(ORIGIN, "racc_1", replace(EMPTY, at=LATER, **{part: None}))  # type: ignore[arg-type]  # either part
    expected = replace(EMPTY, at=LATER, **{part: getattr(WHOLE, part)})
    assert await ledger.directory(ORIGIN, "racc_1") == expected


async def test_a_part_that_was_read_and_is_empty_is_not_one_that_was_never_read(ledger: Ledger) -> None:
    await ledger.remember_directory(ORIGIN, "racc_1", COMPANIES)
    await ledger.remember_directory(ORIGIN, "racc_1", replace(COMPANIES, locations=()))
    await ledger.remember_directory(ORIGIN, "racc_1", COMPANIES)
    found = await ledger.directory(ORIGIN, "racc_1")
    assert found is not None
    assert (found.locations, found.accounts) == ((), None)


@pytest.mark.parametrize(
    "other", [("http://127.0.0.1:8080/v1", "racc_1"), (ORIGIN, "racc_2")], ids=["origin", "account"]
)
async def test_accounts_do_not_see_each_other(ledger: Ledger, other: tuple[str, str]) -> None:
    await ledger.remember_directory(ORIGIN, "racc_1", WHOLE)
    assert await ledger.directory(*other) is None
    await ledger.remember_directory(*other, replace(EMPTY, at=LATER))
    assert await ledger.directory(ORIGIN, "racc_1") == WHOLE
    assert await ledger.directory(*other) == replace(EMPTY, at=LATER, rest_at=LATER)


async def test_text_comes_back_as_it_came(ledger: Ledger) -> None:
    for name, text in HOSTILE.items():
        directory = Directory(
            at=NOON,
            rest_at=NOON,
            companies=(VisibleCompany(1, text, None, text),),
            locations=(VisibleLocation(1, text, text, text),),
            accounts=(VisibleAccount(text, text),),
        )
        await ledger.remember_directory(text, text, directory)
        assert await ledger.directory(text, text) == directory, name


@pytest.mark.parametrize(
    "bad",
    [
        replace(WHOLE, accounts=(VisibleAccount("racc_1", "half a pair: \ud800"),)),
        replace(WHOLE, locations=(VisibleLocation(2**63, "more than 64 bits"),)),
    ],
    ids=["no Unicode", "number"],
)
async def test_a_directory_that_cannot_be_held_changes_nothing(ledger: Ledger, bad: Directory) -> None:
    with pytest.raises(LedgerError):
        await ledger.remember_directory(ORIGIN, "racc_1", bad)
    assert await ledger.directory(ORIGIN, "racc_1") is None
    await ledger.remember_directory(ORIGIN, "racc_1", WHOLE)
    with pytest.raises(LedgerError):
        await ledger.remember_directory(ORIGIN, "racc_1", replace(bad, companies=()))
    assert await ledger.directory(ORIGIN, "racc_1") == WHOLE


async def test_instants_of_other_zones_are_the_same_instants(ledger: Ledger) -> None:
    elsewhere = datetime(2026, 11, 21, 4, 0, tzinfo=timezone(timedelta(hours=-8)))
    await ledger.remember_directory(ORIGIN, "racc_1", replace(COMPANIES, at=elsewhere))
    found = await ledger.directory(ORIGIN, "racc_1")
    assert found is not None
    assert (found.at, found.at.utcoffset()) == (elsewhere, timedelta())


async def test_a_large_account_keeps_its_order(ledger: Ledger) -> None:
    companies = tuple(VisibleCompany(5_000 - n, f"Company {n % 7}", n) for n in range(5_000))
    directory = replace(WHOLE, companies=companies)
    await ledger.remember_directory(ORIGIN, "racc_1", directory)
    await ledger.remember_directory(ORIGIN, "racc_1", directory)
    assert await ledger.directory(ORIGIN, "racc_1") == directory


async def test_it_is_there_when_the_file_is_opened_again(tmp_path: Path) -> None:
    async with await open_ledger("sqlite:///ledger.db", base=tmp_path) as ledger:
        await ledger.remember_directory(ORIGIN, "racc_1", WHOLE)
    async with await open_ledger("sqlite:///ledger.db", base=tmp_path) as ledger:
        assert await ledger.directory(ORIGIN, "racc_1") == WHOLE


async def test_people_can_ask_the_file_how_old_each_part_is(on_disk: SqliteLedger, tmp_path: Path) -> None:
    await on_disk.remember_directory(ORIGIN, "racc_1", replace(WHOLE, accounts=None))
    await on_disk.remember_directory(ORIGIN, "racc_1", replace(COMPANIES, at=LATER))
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        ages = connection.execute("select origin, account, at, locations_at, accounts_at from directories").fetchall()
        assert ages == [(ORIGIN, "racc_1", "2026-11-21T13:00:00.123456Z", "2026-11-21T12:00:00.123456Z", None)]
        names = connection.execute("select id, name, locations, plan from directory_companies order by id").fetchall()
        assert names == [(101, "Harbor Grill", None, None), (102, "Anchor", 2, "enterprise")]


async def test_companies_are_shown_alone_in_the_order_in_which_they_were_listed(ledger: Ledger) -> None:
    assert await ledger.shown(ORIGIN, "racc_1", [101]) is None
    await ledger.remember_directory(ORIGIN, "racc_1", WHOLE)
    one, other = WHOLE.companies[:2]
    assert await ledger.shown(ORIGIN, "racc_1", [other.id, 999, one.id]) == Directory(
        at=WHOLE.at, companies=(one, other)
    )
    assert await ledger.shown(ORIGIN, "racc_1", []) == Directory(at=WHOLE.at, companies=())
    assert await ledger.shown(ORIGIN, "racc_2", [one.id]) is None
