"""Requests of a day are counted before they are sent, once for all who share the ledger."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from engine.errors import LedgerError
from engine.ledger.base import Ledger
from engine.ledger.sqlite import SqliteLedger, open_ledger
from engine.model.quota import DayUse, UsedUp, block
from engine.model.settings import Limits
from tests.ledger.test_processes import heard, process
from tests.ledger.values import LATER, NOON, ORIGIN

DAY = NOON.date()
NEXT = DAY + timedelta(days=1)
KEY = (ORIGIN, "racc_1")
LIMITS = Limits(requests_per_day=500, reserve_per_day=20)
USED_UP = UsedUp(at=NOON, per_day=500, reserve=20, reason="HTTP 429: Limit Exceeded")


async def used(ledger: Ledger, day: date = DAY) -> int:
    return (await ledger.quota(*KEY, day)).used


@pytest.mark.parametrize(
    ("left", "requests"),
    [(10_000, 64), (1_024, 64), (1_023, 63), (160, 10), (32, 2), (31, 1), (2, 1), (1, 1), (0, 0), (-50, 0)],
)
def test_blocks_are_smaller_when_little_is_left(left: int, requests: int) -> None:
    assert block(left) == requests


# Counting


async def test_nothing_is_used_of_a_day_that_nobody_asked_for(ledger: Ledger) -> None:
    assert await ledger.quota(*KEY, DAY) == DayUse(day=DAY)


async def test_a_reserved_block_is_used_until_it_is_given_back(ledger: Ledger) -> None:
    assert await ledger.reserve_requests(*KEY, DAY, 9_000) == 64
    assert await used(ledger) == 64
    await ledger.charge_requests(*KEY, DAY, -60)
    assert await used(ledger) == 4
    await ledger.charge_requests(*KEY, DAY, 3)
    assert await used(ledger) == 7


async def test_the_last_request_is_the_last(ledger: Ledger) -> None:
    blocks = []
    while requests := await ledger.reserve_requests(*KEY, DAY, 1_000):
        blocks.append(requests)
    assert (sum(blocks), await used(ledger)) == (1_000, 1_000)
    assert blocks == sorted(blocks, reverse=True)
    assert await ledger.reserve_requests(*KEY, DAY, 990) == 0  # a limit that was lowered meanwhile
    assert await ledger.reserve_requests(*KEY, DAY, 1_001) == 1  # and one that was raised


async def test_never_less_than_nothing_is_used(ledger: Ledger) -> None:
    await ledger.charge_requests(*KEY, DAY, -5)
    assert await used(ledger) == 0
    await ledger.charge_requests(*KEY, DAY, 3)
    await ledger.charge_requests(*KEY, DAY, -5)
    assert await used(ledger) == 0


@pytest.mark.parametrize(
    "other",
    [("http://127.0.0.1:8080/v1", "racc_1", DAY), (ORIGIN, "racc_2", DAY), (ORIGIN, "racc_1", NEXT)],
    ids=["origin", "account", "day"],
)
async def test_keys_and_days_are_counted_apart(ledger: Ledger, other: tuple[str, str, date]) -> None:
    await ledger.charge_requests(*KEY, DAY, 100)
    await ledger.remember_used_up(*KEY, DAY, USED_UP)
    assert await ledger.quota(*other) == DayUse(day=other[2])
    assert await ledger.reserve_requests(*other, 160) == 10
    assert await used(ledger) == 100


async def test_who_reserves_at_once_gets_no_request_twice(ledger: Ledger) -> None:
    blocks = await asyncio.gather(*(ledger.reserve_requests(*KEY, DAY, 300) for _ in range(200)))
    assert (sum(blocks), await used(ledger)) == (300, 300)


# What the API says


async def test_the_apis_word_is_kept_beside_the_count(ledger: Ledger) -> None:
    await ledger.remember_used_up(*KEY, DAY, USED_UP)
    assert await ledger.quota(*KEY, DAY) == DayUse(day=DAY, used_up=USED_UP)
    await ledger.charge_requests(*KEY, DAY, 7)
    later = UsedUp(at=LATER, per_day=600, reserve=0, reason="Küche ist zu \N{FORK AND KNIFE WITH PLATE}")
    await ledger.remember_used_up(*KEY, DAY, later)
    assert await ledger.quota(*KEY, DAY) == DayUse(day=DAY, used=7, used_up=later)


async def test_a_word_that_cannot_be_held_changes_nothing(ledger: Ledger) -> None:
    with pytest.raises(LedgerError):
        await ledger.remember_used_up(*KEY, DAY, UsedUp(at=NOON, per_day=2**63, reserve=0, reason=""))
    assert await ledger.quota(*KEY, DAY) == DayUse(day=DAY)


@pytest.mark.parametrize(
    ("at", "limits", "until"),
    [
        (NOON, LIMITS, NOON + timedelta(hours=1)),
        (NOON + timedelta(minutes=59), LIMITS, NOON + timedelta(hours=1)),
        (NOON + timedelta(hours=1), LIMITS, None),
        (NOON - timedelta(seconds=1), LIMITS, None),
        (NOON, Limits(requests_per_day=501, reserve_per_day=20), None),
        (NOON, Limits(requests_per_day=500, reserve_per_day=19), None),
    ],
    ids=["at once", "within the hour", "after it", "before it", "another limit", "another reserve"],
)
def test_the_apis_word_counts_for_an_hour(at: datetime, limits: Limits, until: datetime | None) -> None:
    assert DayUse(day=DAY, used_up=USED_UP).closed_until(at, limits) == until


def test_the_apis_word_ends_with_the_day() -> None:
    late = UsedUp(at=datetime(2026, 11, 21, 23, 30, tzinfo=UTC), per_day=500, reserve=20, reason="")
    assert DayUse(day=DAY, used_up=late).closed_until(late.at, LIMITS) == datetime(2026, 11, 22, tzinfo=UTC)


async def test_old_days_are_forgotten_with_old_runs(ledger: Ledger) -> None:
    for days in range(3):
        await ledger.charge_requests(*KEY, DAY + timedelta(days=days), 5)
    await ledger.prune(NOON + timedelta(days=1))
    assert [await used(ledger, DAY + timedelta(days=days)) for days in range(3)] == [0, 5, 5]


# Files and processes


async def test_the_count_is_there_when_the_file_is_opened_again(tmp_path: Path) -> None:
    async with await open_ledger("sqlite:///ledger.db", base=tmp_path) as ledger:
        await ledger.charge_requests(*KEY, DAY, 40)
        await ledger.remember_used_up(*KEY, DAY, USED_UP)
    async with await open_ledger("sqlite:///ledger.db", base=tmp_path) as ledger:
        assert await ledger.quota(*KEY, DAY) == DayUse(day=DAY, used=40, used_up=USED_UP)


SPEND = """
from datetime import date
say("ready")
sys.stdin.readline()
spent = 0
while requests := await ledger.reserve_requests(ORIGIN, "racc_1", date(2026, 11, 21), 700):
    spent += requests
say(spent)
"""


def test_processes_never_exceed_a_day_together(tmp_path: Path) -> None:
    with process(tmp_path, SPEND) as one, process(tmp_path, SPEND) as two:
        assert (heard(one), heard(two)) == ("ready", "ready")
        for child in (one, two):
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
        spent = int(heard(one)), int(heard(two))
    assert sum(spent) == 700


RESERVE = """
from datetime import date
while True:
    say(await ledger.reserve_requests(ORIGIN, "racc_1", date(2026, 11, 21), 9_000))
"""


@pytest.mark.parametrize("blocks", [1, 20])
async def test_a_killed_process_has_counted_what_it_was_given(
    on_disk: SqliteLedger, blocks: int, tmp_path: Path
) -> None:
    with process(tmp_path, RESERVE) as child:
        given = sum(int(heard(child)) for _ in range(blocks))
        child.kill()
        child.wait()
    assert await used(on_disk) >= given
