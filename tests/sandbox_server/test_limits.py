"""Idempotency, the token bucket, the daily quota, tokens' lives and the gateway's time limit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from engine.sandbox.access import Access, Allowance, Credentials
from engine.sandbox.server import Options
from tests.sandbox_server.conftest import BOTH, DEMO, OTHER, OURS, SCARCE, TIGHT, Caller, Reply, open_caller, row

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@BOTH
async def test_the_same_request_is_replayed_byte_for_byte(caller: Caller) -> None:
    first, again = [await caller.bulk([row("a")], key="run-1") for _ in range(2)]
    assert (first.status, again.status, again.body) == (201, 201, first.body)
    assert "X-Idempotent-Replayed" not in first.headers
    assert again.headers["X-Idempotent-Replayed"] == "true"
    assert caller.sandbox.tenant.companies[OURS].rows[5].revision == 1
    assert [(entry.replayed, entry.committed) for entry in caller.sandbox.service.log[1:]] == [
        (False, True),
        (True, False),
    ]


async def test_a_large_answer_is_replayed_without_its_body() -> None:
    honest = len((await _replayed(Options())).body)
    for replay_bytes, status, length in ((honest, 201, honest), (honest - 1, 208, 0)):
        again = await _replayed(Options(replay_bytes=replay_bytes))
        assert (again.status, len(again.body), again.headers["X-Idempotent-Replayed"]) == (status, length, "true")


async def _replayed(options: Options) -> Reply:
    """Return the answer to the second of two equal requests; the first is answered in full."""
    async with open_caller(options) as caller:
        first, again = [await caller.bulk([row("a")], key="run-1") for _ in range(2)]
        assert (first.status, first.json["created_count"]) == (201, 1)
        assert caller.sandbox.tenant.companies[OURS].rows[5].revision == 1
        return again


async def test_one_key_for_another_body_is_422(caller: Caller) -> None:
    await caller.bulk([row("a")], key="run-1")
    assert (await caller.bulk([row("b")], key="run-1")).status == 422


@pytest.mark.parametrize("key", ["has space", "x" * 129, "ä"])
async def test_malformed_idempotency_key(caller: Caller, key: str) -> None:
    assert (await caller.bulk([row("a")], key=key)).status == 400


async def test_failures_are_not_replayed(caller: Caller) -> None:
    caller.script({"effect": "poison", "key": "a", "times": 1})
    assert [(await caller.bulk([row("a")], key="k")).status for _ in range(2)] == [400, 201]


async def test_a_key_is_forgotten_after_a_day(caller: Caller) -> None:
    await caller.bulk([row("a")], key="k")
    caller.sandbox.service.shift += timedelta(hours=24, seconds=1)
    await caller.log_in()
    assert (await caller.bulk([row("b")], key="k")).status == 201


async def test_keys_of_two_api_keys_are_apart(caller: Caller) -> None:
    await caller.bulk([row("a")], key="k")
    await caller.log_in(OTHER)
    assert (await caller.bulk([row("b")], 77, key="k")).status == 201


async def test_work_past_the_gateways_limit_is_504_in_flight_and_then_done() -> None:
    async with open_caller(Options(timeout_s=0.02)) as caller:
        caller.script({"effect": "latency", "seconds": 0.25, "match": {"operation": "bulk"}, "times": 1})
        late = await caller.bulk([row("late")], key="k")
        busy = await caller.bulk([row("late")], key="k")
        assert (late.status, late.json) == (504, {"message": "Endpoint request timed out"})
        assert busy.status == 409
        company = caller.sandbox.tenant.companies[OURS]
        while len(company.rows) == 5:
            await caller.control("GET", "health")
        again = await caller.bulk([row("late")], key="k")
        assert (again.status, again.headers["X-Idempotent-Replayed"]) == (201, "true")
        entry = next(entry for entry in caller.sandbox.service.log if entry.status == 504)
        assert entry.committed


async def test_the_bucket_empties() -> None:
    async with open_caller(Options(allowance=TIGHT)) as caller:  # one of three is the token's
        replies = [await caller.page() for _ in range(3)]
        assert [reply.status for reply in replies] == [200, 200, 429]
        assert replies[2].json == {"message": "Too Many Requests"}
        keys = (await caller.control("GET", "summary")).json["api_keys"]
        assert keys == {DEMO.api_key: {"used_today": 4, "throttled": 1}}


def test_the_bucket_fills_at_its_rate() -> None:
    access = Access([Credentials()], Allowance(rate=10, burst=2, per_day=99), random=Random(1))
    words = [access.count(DEMO.api_key, now=NOON, second=second) for second in (0, 0, 0, 0.05, 0.15, 9, 9, 9)]
    busy = "Too Many Requests"
    assert words == [None, None, busy, busy, None, None, None, busy]


async def test_the_quota_ends_and_returns_at_midnight() -> None:
    now = [NOON]
    async with open_caller(Options(allowance=SCARCE), clock=lambda: now[0]) as caller:
        replies = [await caller.page() for _ in range(3)]
        assert [reply.status for reply in replies] == [200, 200, 429]
        assert replies[2].json == {"message": "Limit Exceeded"}
        assert replies[2].headers["Date"] == "Sun, 01 Mar 2026 12:00:00 GMT"
        now[0] += timedelta(hours=12)
        await caller.log_in()
        assert (await caller.page()).status == 200


async def test_tokens_end(caller: Caller) -> None:
    await caller.control("POST", "clock", {"shift_s": 3601})
    assert (await caller.page()).status == 401
    await caller.log_in()
    assert (await caller.page()).status == 200


async def test_a_body_over_the_gateways_limit(caller: Caller) -> None:
    reply = await caller.call("POST", caller.bulk_path, body=b" " * 10_000_001, lawful=False)
    assert reply.status == 413
