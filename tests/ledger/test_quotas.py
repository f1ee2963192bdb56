"""Requests of a day are counted before they are sent, once for all who share the ledger."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from pathlib import Path

import pytest

from engine.errors import LedgerError
from engine.ledger.protocols import Ledger
from engine.ledger.sqlite.ledger import SqliteLedger, open_ledger
from engine.model.quota import DayUse, UsedUp, block, next_block
from engine.model.resting import Pause
from engine.model.settings import Account, Limits, Secret
from engine.net.limits.quota import Quota
from tests.ledger.conftest import Play
from tests.ledger.values import LATER, NOON, ORIGIN
from tests.tables import each_of

DAY = NOON.date()
NEXT = DAY + timedelta(days=1)
ACCOUNT_ID, KEY_ID = "racc_1", "00ff00ff00ff00ff"  # of its key
KEY = (ORIGIN, KEY_ID)
LIMITS = Limits(requests_per_day=500, reserve_per_day=20)
USED_UP = UsedUp(at=NOON, per_day=500, reserve=20, reason="HTTP 429: Limit Exceeded")


async def used(ledger: Ledger, day: date = DAY) -> int:
    return (await ledger.quota(*KEY, day)).used


@each_of([(10_000, 64), (1_024, 64), (1_023, 63), (160, 10), (32, 2), (31, 1), (2, 1), (1, 1), (0, 0), (-50, 0)])
def test_blocks_are_smaller_when_little_is_left(left: int, requests: int) -> None:
    assert block(left) == requests


def test_l14_a_process_asks_for_few_requests_at_first() -> None:
    asked = [0]
    while len(asked) < 9:
        asked.append(next_block(asked[-1], 0))
    assert asked == [0, 1, 2, 4, 8, 16, 32, 64, 64]
    assert (next_block(0, 8), next_block(4, 500), next_block(0, 500)) == (8, 64, 64)  # those that wait are sent at once


async def test_l14_a_block_is_no_larger_than_was_asked_for(ledger: Ledger) -> None:
    assert [await ledger.reserve_requests(*KEY, DAY, 9_000, most) for most in (1, 2, 64, 500)] == [1, 2, 64, 64]
    assert await used(ledger) == 131


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
    [("http://127.0.0.1:8080/v1", KEY_ID, DAY), (ORIGIN, "racc_2", DAY), (ORIGIN, KEY_ID, NEXT)],
    ids=["origin", "key", "day"],
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


async def test_the_apis_word_is_taken_back_unless_it_was_said_again(ledger: Ledger) -> None:
    await ledger.charge_requests(*KEY, DAY, 7)
    await ledger.forget_used_up(*KEY, DAY, NOON)
    await ledger.remember_used_up(*KEY, DAY, USED_UP)
    await ledger.forget_used_up(*KEY, DAY, USED_UP.at + timedelta(seconds=1))
    assert await ledger.quota(*KEY, DAY) == DayUse(day=DAY, used=7, used_up=USED_UP)
    await ledger.forget_used_up(*KEY, DAY, USED_UP.at)
    assert await ledger.quota(*KEY, DAY) == DayUse(day=DAY, used=7)


async def test_a_wait_is_over_unless_another_one_was_asked_for(ledger: Ledger) -> None:
    pause = Pause(at=NOON, until=LATER, reason="slow down")
    await ledger.forget_pause(*KEY, NOON)
    await ledger.remember_pause(*KEY, pause)
    await ledger.forget_pause(*KEY, LATER)
    assert await ledger.pause(*KEY) == pause
    await ledger.forget_pause(*KEY, NOON)
    assert await ledger.pause(*KEY) is None


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


# Whose count it is


def an_account(name: str, account_id: str, api_key: str) -> Account:
    secret = Secret("secret")
    return Account(name=name, account_id=account_id, api_key=Secret(api_key), client_id=secret, client_secret=secret)


async def test_l15_the_count_is_the_keys_whatever_account_names_it(ledger: Ledger) -> None:
    """Two settings files call one client account by two ids; a third has another key, as after a rotation."""
    ids = {"one": ("racc_1", "key"), "two": ("racc_2", "key"), "rotated": ("racc_1", "another key")}
    accounts = {name: an_account(name, *each) for name, each in ids.items()}
    for account in accounts.values():
        quota = Quota(account, ledger, ORIGIN, lambda: NOON)
        await quota.take()
        await quota.settle()
    used = {name: (await ledger.quota(ORIGIN, each.key_id, DAY)).used for name, each in accounts.items()}
    assert used == {"one": 2, "two": 2, "rotated": 1}


def test_l15_the_key_itself_is_not_written_down() -> None:
    key_id = an_account("one", "racc_1", "topsecret").key_id
    assert (len(key_id), "topsecret" in key_id) == (16, False)
    assert key_id != blake2b(b"topsecret", digest_size=8).hexdigest()  # no other program's digest of it


async def test_l15_what_an_older_dimsync_counted_is_carried_over(ledger: Ledger) -> None:
    """It is added to what the key has already: both are of one day."""
    pause = Pause(at=NOON, until=LATER, reason="Too Many Requests")
    await ledger.charge_requests(ORIGIN, ACCOUNT_ID, DAY, 40)
    await ledger.remember_used_up(ORIGIN, ACCOUNT_ID, DAY, USED_UP)
    await ledger.remember_pause(ORIGIN, ACCOUNT_ID, pause)
    await ledger.remember_page_size(ORIGIN, ACCOUNT_ID, 50)
    await ledger.charge_requests(ORIGIN, "racc_2", DAY, 5)
    await ledger.charge_requests(*KEY, DAY, 2)
    for _ in range(2):  # the second time nothing is left to carry over
        await ledger.carry_over(ORIGIN, {ACCOUNT_ID: KEY_ID, "racc_9": "1111111111111111"})
        assert await ledger.quota(*KEY, DAY) == DayUse(day=DAY, used=42, used_up=USED_UP)
        assert (await ledger.pause(*KEY), await ledger.page_size(*KEY)) == (pause, 50)
        assert await ledger.quota(ORIGIN, ACCOUNT_ID, DAY) == DayUse(day=DAY)
        assert await ledger.quota(ORIGIN, "racc_2", DAY) == DayUse(day=DAY, used=5)


async def test_l15_what_the_key_has_of_its_own_is_newer(ledger: Ledger) -> None:
    newer = UsedUp(at=LATER, per_day=500, reserve=20, reason="newer")
    pauses = [Pause(at=NOON, until=LATER, reason=reason) for reason in ("older", "newer")]
    for name, used_up, pause, rows in ((ACCOUNT_ID, USED_UP, pauses[0], 20), (KEY_ID, newer, pauses[1], 100)):
        await ledger.remember_used_up(ORIGIN, name, DAY, used_up)
        await ledger.remember_pause(ORIGIN, name, pause)
        await ledger.remember_page_size(ORIGIN, name, rows)
    await ledger.carry_over(ORIGIN, {ACCOUNT_ID: KEY_ID})
    assert (await ledger.quota(*KEY, DAY)).used_up == newer
    assert (await ledger.pause(*KEY), await ledger.page_size(*KEY)) == (pauses[1], 100)
    assert (await ledger.pause(ORIGIN, ACCOUNT_ID), await ledger.page_size(ORIGIN, ACCOUNT_ID)) == (None, None)


# Files and processes


async def test_the_count_is_there_when_the_file_is_opened_again(tmp_path: Path) -> None:
    async with await open_ledger("sqlite:///ledger.db", base=tmp_path) as ledger:
        await ledger.charge_requests(*KEY, DAY, 40)
        await ledger.remember_used_up(*KEY, DAY, USED_UP)
    async with await open_ledger("sqlite:///ledger.db", base=tmp_path) as ledger:
        assert await ledger.quota(*KEY, DAY) == DayUse(day=DAY, used=40, used_up=USED_UP)


def test_processes_never_exceed_a_day_together(play: Play) -> None:
    with play("spend") as one, play("spend") as two:
        assert (one.heard(), two.heard()) == ("ready", "ready")
        one.go_on()  # both of them
        spent = int(one.heard()), int(two.heard())
    assert sum(spent) == 700


@pytest.mark.parametrize("blocks", [1, 20])
async def test_a_killed_process_has_counted_what_it_was_given(on_disk: SqliteLedger, blocks: int, play: Play) -> None:
    with play("reserve") as child:
        given = sum(int(child.heard()) for _ in range(blocks))
        child.kill()
    assert await used(on_disk) >= given
