"""Scripted trouble: each effect alone, when rules fire, and what the parser says of a bad script."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest

from engine.sandbox.effects import EFFECTS
from engine.sandbox.exchange import Call
from engine.sandbox.faults import BadScript, Script, parse_rules
from tests.sandbox_server.conftest import OURS, THEIRS, Caller, open_caller, row, stored

LOST = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientPayloadError)


def _names(reply: Any) -> list[str]:
    return [shown["name"] for shown in reply.json["dimensions"]]


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        ({"status": 503}, 503, b'{"message":"Internal server error"}'),
        ({"status": 429}, 429, b'{"message":"Too Many Requests"}'),
        ({"status": 429, "body": '{"message":"Limit Exceeded"}'}, 429, b'{"message":"Limit Exceeded"}'),
        ({"status": 403}, 403, b'{"message":"Forbidden"}'),
        ({"status": 502, "body": "<html>", "content_type": "text/html"}, 502, b"<html>"),
        ({"status": 504, "commit": True}, 504, b'{"message":"Endpoint request timed out"}'),
    ],
)
async def test_status(caller: Caller, fault: Mapping[str, Any], status: int, body: bytes) -> None:
    caller.script({"effect": "status", **fault})
    reply = await caller.bulk([row("new")])
    assert (reply.status, reply.body) == (status, body)
    commit = bool(fault.get("commit"))
    assert len(caller.sandbox.tenant.companies[OURS].rows) == 5 + commit
    assert caller.sandbox.service.log[-1].committed == commit


async def test_status_with_headers(caller: Caller) -> None:
    caller.script(
        {"effect": "status", "status": 429, "headers": {"Retry-After": "3"}, "times": 1},
        {"effect": "status", "status": 307, "headers": {"Location": "http://elsewhere.invalid/"}, "after": 1},
    )
    assert (await caller.page()).headers["Retry-After"] == "3"
    moved = await caller.page()
    assert (moved.status, moved.headers["Location"]) == (307, "http://elsewhere.invalid/")


@pytest.mark.parametrize("commit", [False, True])
async def test_reset(caller: Caller, commit: bool) -> None:
    caller.script({"effect": "reset", "commit": commit, "match": {"operation": "bulk"}})
    with pytest.raises(LOST):
        await caller.bulk([row("new")])
    assert len(caller.sandbox.tenant.companies[OURS].rows) == 5 + commit
    entry = caller.sandbox.service.log[-1]
    assert (entry.status, entry.committed) == ("reset", commit)


async def test_an_answer_lost_after_the_work_is_replayed(caller: Caller) -> None:
    caller.script({"effect": "reset", "commit": True, "times": 1})
    with pytest.raises(LOST):
        await caller.bulk([row("new")], key="k")
    again = await caller.bulk([row("new")], key="k")
    assert (again.status, again.json["created_count"], again.headers["X-Idempotent-Replayed"]) == (201, 1, "true")


@pytest.mark.parametrize("commit", [False, True])
async def test_hang_ends_when_the_client_leaves(caller: Caller, commit: bool) -> None:
    caller.script({"effect": "hang", "commit": commit})
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await caller.bulk([row("new")])
    assert caller.sandbox.service.log[-1].status == "hang"
    assert len(caller.sandbox.tenant.companies[OURS].rows) == 5 + commit


async def test_shutdown_does_not_wait_for_hanging_requests() -> None:
    async with asyncio.timeout(5), open_caller() as caller:
        caller.script({"effect": "hang"})
        url = f"{caller.sandbox.base_url}/dimensions?ottimate_company_id={OURS}"
        hanging = asyncio.ensure_future(caller.session.post(url, headers=caller.headers))
        while caller.sandbox.service.log[-1].status != "hang":
            await caller.control("GET", "health")
        await caller.sandbox.__aexit__(None, None, None)
        with pytest.raises(LOST):
            await hanging


async def test_latency_is_taken_and_leaves_the_answer_alone(caller: Caller) -> None:
    caller.script({"effect": "latency", "seconds": 0.01, "jitter": 0.01})
    assert (await caller.page()).json["count"] == 5


async def test_work_goes_on_when_the_client_leaves(caller: Caller) -> None:
    caller.script({"effect": "latency", "seconds": 0.1})
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await caller.bulk([row("new")])
    while len(caller.sandbox.tenant.companies[OURS].rows) == 5:
        await caller.control("GET", "health")
    (entry,) = [entry for entry in caller.sandbox.service.log if entry.operation == "bulk"]
    assert (entry.status, entry.committed) == ("left", True)


async def test_spoilt_bodies(caller: Caller) -> None:
    honest = await caller.page()
    caller.script({"effect": "html"})
    html = await caller.page()
    assert (html.status, html.headers["Content-Type"]) == (200, "text/html")
    assert html.body.startswith(b"<!doctype html>")
    caller.script({"effect": "huge", "bytes": 3_000_000})
    huge = await caller.page()
    assert (huge.json["count"], len(huge.body)) == (5, 3_000_000 + len(honest.body))
    caller.script({"effect": "malformed"})
    raw = await _raw(caller)
    assert raw == honest.body[: len(honest.body) // 2]
    caller.script({"effect": "truncated"})
    with pytest.raises(aiohttp.ClientPayloadError):
        await _raw(caller)
    assert caller.sandbox.service.log[-1].status == "truncated"


async def _raw(caller: Caller) -> bytes:
    url = f"{caller.sandbox.base_url}/dimensions?ottimate_company_id={OURS}"
    async with caller.session.get(url, headers=caller.headers) as answer:
        return await answer.read()


async def test_expired_tokens(caller: Caller) -> None:
    caller.script({"effect": "expire-tokens", "match": {"operation": "list"}, "times": 1})
    assert [(await caller.page()).status for _ in range(2)] == [401, 401]
    await caller.log_in()
    assert (await caller.page()).status == 200


async def test_limits_clamped_and_refused(caller: Caller) -> None:
    caller.script({"effect": "clamp-limit", "limit": 2}, {"effect": "refuse-limit", "above": 40})
    reply = await caller.page(limit=40)
    assert (reply.json["limit"], len(reply.json["dimensions"])) == (2, 2)
    caller.script({"effect": "refuse-limit", "above": 40})
    assert [(await caller.page(limit=limit)).status for limit in (40, 41)] == [200, 400]


async def test_lying_count(caller: Caller) -> None:
    caller.script({"effect": "lying-count", "by": -2, "match": {"page": 2}})
    assert [(await caller.page(page=page, limit=3)).json["count"] for page in (1, 2)] == [5, 3]


async def test_shifted_page(caller: Caller) -> None:
    caller.script({"effect": "shifted-page", "by": -1, "match": {"page": 2}})
    assert _names(await caller.page(page=2, limit=2)) == ["Name k1", "Name k2"]


async def test_drift_is_really_there(caller: Caller) -> None:
    caller.script({"effect": "drift", "rows": 1, "match": {"page": 2}, "times": 1})
    assert _names(await caller.page(page=1, limit=2)) == ["Name k0", "Name k1"]
    second = await caller.page(page=2, limit=2)
    assert (second.json["count"], _names(second)) == (6, ["Name k1", "Name k2"])
    assert len(caller.sandbox.tenant.companies[OURS].rows) == 6


@pytest.mark.parametrize("company", [THEIRS, 12345])
async def test_foreign_row(caller: Caller, company: int) -> None:
    caller.script({"effect": "foreign-row", "company": company})
    owners = [shown["ottimate_company_id"] for shown in (await caller.page()).json["dimensions"]]
    assert owners == [OURS] * 4 + [company]


@pytest.mark.parametrize("counter", ["success_count", "created_count", "updated_count", "error_count"])
async def test_lying_counter(caller: Caller, counter: str) -> None:
    caller.script({"effect": "lying-counter", "counter": counter, "by": 1})
    reply = await caller.bulk([row("k1"), row("new")])
    honest = {"success_count": 2, "created_count": 1, "updated_count": 1, "error_count": 0}
    assert {name: reply.json[name] for name in honest} == honest | {counter: honest[counter] + 1}
    assert (len(reply.json["created"]), len(reply.json["updated"])) == (1, 1)


async def test_missing_errors(caller: Caller) -> None:
    caller.script({"effect": "missing-errors"}, {"effect": "reject-rows", "erp_id": "^E-[ab]$"})
    reply = await caller.bulk([row("a"), row("b"), row("c")])
    assert (reply.json["error_count"], len(reply.json["errors"])) == (2, 1)


async def test_error_styles(caller: Caller) -> None:
    caller.script({"effect": "error-style", "keyless": True, "first": 1}, {"effect": "reject-rows", "name": "b$"})
    (error,) = (await caller.bulk([row("a"), row("b")])).json["errors"]
    assert (error["index"], error["unique_key"]) == (2, None)


async def test_rejected_rows(caller: Caller) -> None:
    caller.script({"effect": "reject-rows", "key": "^bad", "message": "no such period", "kind": "period_error"})
    reply = await caller.bulk([row("a"), row("bad")])
    assert (reply.status, reply.json["created_count"]) == (207, 1)
    assert reply.json["errors"] == [
        {"index": 1, "unique_key": "bad", "error": "no such period", "type": "period_error"},
    ]


async def test_poison_sinks_the_whole_chunk(caller: Caller) -> None:
    caller.script({"effect": "poison", "erp_id": "E-b"})
    statuses = [(await caller.bulk(rows)).status for rows in ([row("a"), row("b")], [row("a")], [row("b")])]
    assert statuses == [400, 201, 400]
    assert len(caller.sandbox.tenant.companies[OURS].rows) == 6


async def test_too_many_rows(caller: Caller) -> None:
    caller.script({"effect": "too-many-rows", "above": 2})
    assert [(await caller.bulk([row(f"n{n}") for n in range(rows)])).status for rows in (3, 2)] == [413, 201]


async def test_ignored_keys_make_second_rows(caller: Caller) -> None:
    caller.script({"effect": "ignore-keys"})
    reply = await caller.bulk([row("k1")])
    assert (reply.json["created_count"], reply.json["updated_count"]) == (1, 0)


async def test_rules_compose(caller: Caller) -> None:
    caller.sandbox.service.place(OURS, stored(50))
    caller.script({"effect": "clamp-limit", "limit": 10}, {"effect": "lying-count", "by": 1})
    reply = await caller.page()
    assert (reply.json["limit"], reply.json["count"]) == (10, 51)


def _fired(script: Script, calls: list[Call]) -> list[int]:
    return [len(script.fire(call)) for call in calls]


def _call(operation: str = "bulk", company: int = 1, page: int = 1) -> Call:
    return Call(number=1, method="", path="", operation=operation, company_id=company, page=page)


@pytest.mark.parametrize(
    ("rule", "calls", "fired"),
    [
        ({"after": 1, "times": 2}, [_call()] * 5, [0, 1, 1, 0, 0]),
        ({"match": {"operation": "list"}}, [_call(), _call("list")], [0, 1]),
        ({"match": {"company": 2}}, [_call(), _call(company=2)], [0, 1]),
        ({"match": {"operation": "list", "page": 2}}, [_call("list"), _call("list", page=2)], [0, 1]),
        ({"match": {"company": 2}, "times": 1}, [_call(), _call(company=2), _call(company=2)], [0, 1, 0]),
        ({"effect": "clamp-limit", "limit": 1, "times": 1}, [_call(), _call("list")], [0, 1]),
        ({"share": 0.0}, [_call()] * 3, [0, 0, 0]),
    ],
)
def test_when_rules_fire(rule: dict[str, Any], calls: list[Call], fired: list[int]) -> None:
    assert _fired(Script(parse_rules([{"effect": "reset"} | rule]), seed=1), calls) == fired


def test_shares_are_seeded() -> None:
    rules = parse_rules([{"effect": "reset", "share": 0.3}])
    first, again, other = (_fired(Script(rules, seed=seed), [_call()] * 1000) for seed in (1, 1, 2))
    assert first == again != other
    assert 200 < sum(first) < 400


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({}, "faults: must be a list"),
        (["x"], "faults[0]: must be a table"),
        ([{"effect": "explode"}], "faults[0].effect: 'explode' is none of latency, status"),
        ([{"effect": ["reset"]}], "faults[0].effect"),
        ([{"effect": "reset"}, {"effect": "latency"}], "faults[1].seconds: is required"),
        ([{"effect": "latency", "seconds": "1"}], "faults[0].seconds: '1' does not fit"),
        ([{"effect": "reset", "commit": 1}], "faults[0].commit: 1 does not fit"),
        ([{"effect": "reset", "comit": True}], "faults[0].comit: unknown; known are commit"),
        ([{"effect": "reset", "times": 1.5}], "faults[0].times: 1.5 does not fit"),
        ([{"effect": "reset", "match": {"operation": "delete"}}], "faults[0].match.operation: 'delete' does not fit"),
        ([{"effect": "reset", "match": 3}], "faults[0].match: must be a table"),
        ([{"effect": "status", "status": 429, "headers": {"Retry-After": 3}}], "faults[0].headers"),
        ([{"effect": "reject-rows", "erp_id": "("}], "faults[0].erp_id"),
    ],
)
def test_a_bad_script_is_named(raw: object, words: str) -> None:
    with pytest.raises(BadScript) as caught:
        parse_rules(raw)
    assert words in str(caught.value)


def test_every_effect_says_what_it_does() -> None:
    assert all(kind.__doc__ and not kind.__doc__.startswith(kind.__name__) for kind in EFFECTS.values())
