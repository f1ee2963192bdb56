from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from engine.compare.backoff import rest_again
from engine.ledger.protocols import Ledger
from engine.model.resting import Rest
from tests.ledger.values import LATER, NOON, ORIGIN

REST = Rest(failures=1, retry_at=LATER, message="no `count`", settings="a")


async def test_notes_on_a_key_are_its_own(ledger: Ledger) -> None:
    assert await ledger.key_notes(ORIGIN, "racc_1") == {}
    await ledger.note_key(ORIGIN, "racc_1", "token-encoding", "application/json")
    await ledger.note_key(ORIGIN, "racc_1", "counts-all", "1")
    await ledger.note_key(ORIGIN, "racc_2", "counts-all", "2")
    await ledger.note_key(ORIGIN, "racc_1", "counts-all", "3")
    assert await ledger.key_notes(ORIGIN, "racc_1") == {"token-encoding": "application/json", "counts-all": "3"}
    assert await ledger.key_notes("https://other.test", "racc_1") == {}


async def test_what_rests_is_remembered_until_it_is_over(ledger: Ledger) -> None:
    assert await ledger.rests(ORIGIN, "racc_1") == {}
    await ledger.remember_rest(ORIGIN, "racc_1", "contract", REST)
    await ledger.remember_rest(ORIGIN, "racc_1", "directory", replace(REST, failures=2))
    await ledger.remember_rest(ORIGIN, "racc_1", "contract", replace(REST, failures=3))
    found = await ledger.rests(ORIGIN, "racc_1")
    assert found == {"contract": replace(REST, failures=3), "directory": replace(REST, failures=2)}
    await ledger.remember_rest(ORIGIN, "racc_1", "contract", None)
    assert await ledger.rests(ORIGIN, "racc_1") == {"directory": replace(REST, failures=2)}
    assert await ledger.rests(ORIGIN, "racc_2") == {}


def test_a_rest_grows_with_each_failure_and_ends_with_other_settings() -> None:
    rest, hours = None, []
    for _ in range(4):
        rest = rest_again(rest, "no", NOON, "a")
        hours.append((rest.retry_at - NOON) / timedelta(hours=1))
    assert hours == [1, 6, 23.5, 23.5]
    assert rest is not None
    assert [rest.holds(NOON, "a"), rest.holds(NOON, "b"), rest.holds(rest.retry_at, "a")] == [True, False, False]
    assert not rest.holds(NOON - timedelta(days=2), "a")
    assert rest_again(rest, "no", NOON, "b").failures == 1
