"""Scripted trouble: each effect alone and with others, when rules fire, and what the parser says of a bad script."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints

import aiohttp
import orjson
import pytest

from engine.sandbox.exchange import Call
from engine.sandbox.faults.catalogue import describe
from engine.sandbox.faults.effects import EFFECTS
from engine.sandbox.faults.rules import BadScript, Match, Script, parse_rules
from engine.sandbox.faults.scheduled_fault import OPERATIONS
from tests.sandbox_server.conftest import BOTH, DEMO, OURS, THEIRS, Caller, open_caller, row, stored
from tests.tables import each_of

LOST = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientPayloadError)
GRANT = {"grant_type": "client_credentials", "client_id": DEMO.client_id, "client_secret": DEMO.client_secret}
ELSEWHERE = {
    "token": ("POST", "/oauth/token"),
    "accounts": ("GET", "/accounts"),
    "companies": ("GET", f"/accounts/{DEMO.account_id}/companies"),
    "locations": ("GET", f"/accounts/{DEMO.account_id}/locations"),
}
"""Requests that are not of one company."""


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


async def test_status_in_the_vendors_envelope(caller: Caller) -> None:
    dead = {"effect": "status", "status": 401, "envelope": "Unknown client.", "match": {"operation": "token"}}
    closed = {"effect": "status", "status": 403, "envelope": "Not your company.", "match": {"company": OURS}}
    odd = {"effect": "status", "status": 418, "envelope": "A teapot.", "match": {"operation": "accounts"}}
    caller.script(dead, closed, odd)
    replies = [
        await caller.call("POST", "/oauth/token", json=GRANT),
        await caller.page(),
        await caller.bulk([row("a")]),
        await caller.call("GET", "/accounts"),
    ]
    assert [(reply.status, reply.json["code"], reply.json["message"]) for reply in replies] == [
        (401, "Unauthorized", "Unknown client."),
        (403, "Forbidden", "Not your company."),
        (403, "Forbidden", "Not your company."),
        (418, "Error", "A teapot."),
    ]
    assert all(reply.json["request_id"] == reply.headers["X-Request-Id"] for reply in replies)
    assert len(caller.sandbox.tenant.companies[OURS].rows) == 5


@pytest.mark.parametrize("operation", ELSEWHERE)
async def test_lost_answers_of_tokens_and_the_directory(caller: Caller, operation: str) -> None:
    method, path = ELSEWHERE[operation]
    body = GRANT if method == "POST" else None
    caller.script({"effect": "reset", "match": {"operation": operation}})
    with pytest.raises(LOST):  # a GET is repeated by aiohttp, once
        await caller.call(method, path, json=body)
    assert caller.sandbox.service.log[-1].status == "reset"
    caller.script({"effect": "hang", "match": {"operation": operation}, "times": 1})
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await caller.call(method, path, json=body)
    assert caller.sandbox.service.log[-1].status == "hang"
    assert (await caller.call(method, path, json=body)).status == 200


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


@pytest.mark.parametrize(
    ("fault", "status"), [({"effect": "hang"}, "hang"), ({"effect": "slow-drip", "pause_s": 3600}, 200)]
)
async def test_shutdown_waits_for_nobody(fault: dict[str, Any], status: str | int) -> None:
    async with asyncio.timeout(5), open_caller() as caller:
        caller.script(fault)
        waiting = asyncio.ensure_future(_raw(caller))
        while caller.sandbox.service.log[-1].status != status or caller.sandbox.service.log[-1].operation != "list":
            await caller.control("GET", "health")
        await caller.sandbox.__aexit__(None, None, None)
        with pytest.raises(LOST):
            await waiting


async def test_slow_drip(caller: Caller) -> None:
    honest = await caller.page()
    caller.script({"effect": "slow-drip", "pieces": 4, "pause_s": 0.01})
    async with caller.session.get(_listing(caller), headers=caller.headers) as answer:
        pieces = [piece async for piece in answer.content.iter_any()]
    assert b"".join(pieces) == honest.body
    assert 1 < len(pieces) <= 4  # a busy machine may join some
    assert caller.sandbox.service.log[-1].status == 200


async def test_a_drip_ends_when_the_client_leaves(caller: Caller) -> None:
    caller.script({"effect": "slow-drip", "pause_s": 3600})
    async with caller.session.get(_listing(caller), headers=caller.headers) as answer:
        assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    while caller.sandbox.service.log[-1].status != "left":
        await caller.control("GET", "health")


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


@pytest.mark.parametrize("blanks", [0, 1_000_000])
async def test_compressed_bodies(caller: Caller, blanks: int) -> None:
    honest = await caller.page()
    caller.script({"effect": "gzip", "blanks": blanks})
    packed = await caller.page()
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.body == b" " * blanks + honest.body
    assert int(packed.headers["Content-Length"]) < 2000
    caller.script({"effect": "gzip", "cut": True})
    assert (await _raw(caller)) != honest.body


def _listing(caller: Caller) -> str:
    return f"{caller.sandbox.base_url}/dimensions?ottimate_company_id={OURS}"


async def _raw(caller: Caller) -> bytes:
    async with caller.session.get(_listing(caller), headers=caller.headers) as answer:
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


async def test_w11_a_listing_that_is_empty_by_mistake(caller: Caller) -> None:
    caller.script({"effect": "empty-listing", "match": {"company": OURS}, "times": 1})
    pages = [(await caller.page()).json for _ in range(2)]
    assert [(page["count"], len(page["dimensions"])) for page in pages] == [(0, 0), (5, 5)]


async def test_shifted_page(caller: Caller) -> None:
    caller.script({"effect": "shifted-page", "by": -1, "match": {"page": 2}})
    assert _names(await caller.page(page=2, limit=2)) == ["Name k1", "Name k2"]


@pytest.mark.parametrize("more", [{}, {"effect": "clamp-limit", "limit": 1}, {"effect": "shifted-page", "by": 2}])
async def test_repeated_page(caller: Caller, more: dict[str, Any]) -> None:
    caller.script({"effect": "repeat-page", "match": {"page": 2}}, *([more] if more else []))
    reply = await caller.page(page=2, limit=2)
    assert (reply.json["page"], reply.json["count"]) == (2, 5)
    assert _names(reply) == ["Name k0", "Name k1"][: reply.json["limit"]]


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


async def test_errors_in_another_order() -> None:
    orders = []
    for rows in (2, 10, 10):
        async with open_caller() as caller:
            caller.script({"effect": "error-style", "shuffled": True}, {"effect": "reject-rows", "erp_id": "."})
            replies = [await caller.bulk([row(f"n{n}") for n in range(rows)]) for _ in range(2)]
        orders.append([[error["index"] for error in reply.json["errors"]] for reply in replies])
        assert all(sorted(order) == list(range(rows)) != order for order in orders[-1])
    assert orders[1] == orders[2]  # seeded


@BOTH
async def test_error_shapes(caller: Caller, contract: str) -> None:
    key = "unique_key" if contract == "guide" else "reference_id"
    known = caller.sandbox.tenant.companies[OURS].rows[1].id
    seen = {}
    for shape in ({"shape": "guide"}, {"shape": "bare"}, {}):  # and without one, the contract's own
        caller.script({"effect": "error-style", **shape}, {"effect": "reject-rows", "key": "^(k1|new)$"})
        reply = await caller.bulk([row("k1"), row("new")], honest=False)
        seen[shape.get("shape")] = reply.json["errors"]
    told = {"error": "rejected by a validation rule", "type": "validation_error"}
    assert seen["guide"] == [{"index": 0, key: "k1", **told}, {"index": 1, key: "new", **told}]
    assert seen["bare"] == [{"id": known, "name": "Name k1"}, {"name": "Name new"}]
    assert seen[None] == seen["guide" if contract == "guide" else "bare"]
    keyless = {"effect": "error-style", "shape": "bare", "keyless": True}
    caller.script(keyless, {"effect": "reject-rows", "key": "^k1$"})
    reply = await caller.bulk([row("k1")], honest=False)
    assert reply.json["errors"] == [{"name": "Name k1"}]


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


async def test_too_many_bytes(caller: Caller) -> None:
    rows = [row(f"n{n}") for n in range(3)]
    size = len(orjson.dumps({"ottimate_company_id": OURS, "dimensions": rows}))
    statuses = []
    for above in (size - 1, size):
        caller.script({"effect": "too-many-bytes", "above": above})
        statuses.append((await caller.bulk(rows)).status)
    assert statuses == [413, 201]
    assert len(caller.sandbox.tenant.companies[OURS].rows) == 5 + 3


@pytest.mark.parametrize("style", ["answer", "rows", "opaque"])
async def test_batch(caller: Caller, style: str) -> None:
    caller.script({"effect": "batch", "polls": 1, "style": style}, {"effect": "reject-rows", "key": "bad"})
    reply = await caller.bulk([row("k1"), row("bad")])
    assert (reply.status, reply.json["status"], reply.json["summary"]) == (202, "processing", {"count": 2})
    polls = [await caller.call("GET", reply.json["batch_url"].removeprefix("/v1")) for _ in range(2)]
    assert [poll.json["status"] for poll in polls] == ["processing", "completed"]
    results = (await caller.call("GET", reply.json["results_url"].removeprefix("/v1"))).json["results"]
    assert [sorted(task) for task in results] == {
        "answer": [["result", "task"]],
        "rows": [["result", "task"], ["message", "result", "task"]],
        "opaque": [["task"], ["task"]],
    }[style]
    assert [entry.operation for entry in caller.sandbox.service.log[-4:]] == ["bulk", "progress", "progress", "results"]


async def test_ignored_keys_make_second_rows(caller: Caller) -> None:
    caller.script({"effect": "ignore-keys"})
    reply = await caller.bulk([row("k1")])
    assert (reply.json["created_count"], reply.json["updated_count"]) == (1, 0)


async def test_rules_compose(caller: Caller) -> None:
    caller.sandbox.service.place(OURS, stored(50))
    caller.script({"effect": "clamp-limit", "limit": 10}, {"effect": "lying-count", "by": 1})
    reply = await caller.page()
    assert (reply.json["limit"], reply.json["count"]) == (10, 51)


async def _outcome(caller: Caller) -> str | int:
    try:
        return (await caller.bulk([row("a"), row("b")])).status
    except LOST:
        return "lost"


POISON = {"effect": "poison", "key": "a"}
LATE = {"effect": "status", "status": 504, "commit": True}
DRIP = {"effect": "slow-drip", "pieces": 2, "pause_s": 0.01}


@pytest.mark.parametrize(
    ("rules", "outcome", "rows"),
    [
        ([{"effect": "status", "status": 503}, {"effect": "status", "status": 429}], 429, 0),
        ([{"effect": "status", "status": 503}, LATE], 504, 0),
        ([LATE, {"effect": "status", "status": 503}], 503, 0),
        ([LATE, POISON], 400, 0),
        ([POISON, LATE], 504, 0),
        ([POISON, {"effect": "reset", "commit": True}], "lost", 0),
        ([{"effect": "reset", "commit": True}, POISON], "lost", 0),
        ([LATE, {"effect": "reset", "commit": True}], "lost", 2),
        ([{"effect": "latency", "seconds": 0.01}, {"effect": "reject-rows", "key": "b"}, LATE], 504, 1),
        ([{"effect": "reject-rows", "key": "b"}, {"effect": "truncated"}, DRIP], "lost", 1),
        ([{"effect": "batch"}, {"effect": "reset", "commit": True}, {"effect": "latency", "seconds": 0.01}], "lost", 2),
        ([{"effect": "batch"}, {"effect": "too-many-rows", "above": 1}], 413, 0),
    ],
)
async def test_several_on_one_request(
    caller: Caller, rules: list[dict[str, Any]], outcome: str | int, rows: int
) -> None:
    caller.script(*rules)
    assert await _outcome(caller) == outcome
    assert len(caller.sandbox.tenant.companies[OURS].rows) == 5 + rows
    assert caller.sandbox.service.log[-1].committed == bool(rows)


async def test_spoilers_act_in_the_order_of_their_rules(caller: Caller) -> None:
    page, huge = {"effect": "html"}, {"effect": "huge", "bytes": 1000}
    lengths = []
    for rules in ([page], [page, huge], [huge, page]):
        caller.script(*rules)
        lengths.append(len(await _raw(caller)))
    assert lengths == [lengths[0], lengths[0] + 1000, lengths[0]]


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


@each_of(
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
        ([{"effect": "reject-rows"}], "faults[0].erp_id: is required, or name, or key"),
        ([{"effect": "poison"}], "faults[0].key: is required, or erp_id"),
        ([{"effect": "status", "status": 99}], "faults[0].status: must be from 200 to 599"),
        ([{"effect": "status", "status": 401, "body": "", "envelope": ""}], "faults[0].envelope: is a body"),
        ([{"effect": "slow-drip", "pieces": 0}], "faults[0].pieces: must be at least 1"),
        ([{"effect": "latency", "seconds": float("nan")}], "faults[0].seconds: nan does not fit"),
        ([{"effect": "latency", "seconds": float("inf")}], "faults[0].seconds: inf does not fit"),
        ([{"effect": "latency", "seconds": True}], "faults[0].seconds: True does not fit"),
        ([{"effect": "error-style", "shape": "round"}], "faults[0].shape: 'round' does not fit"),
        ([{"effect": "batch", "style": None}], "faults[0].style: None does not fit"),
        ([{"effect": "reset", "share": 1.5}], "faults[0].share: must be from 0 to 1"),
        ([{"effect": "reset", "after": -1}], "faults[0].after: must not be negative"),
        ([{"effect": "reset", "times": -1}], "faults[0].times: must not be negative"),
        ([{"effect": "reset", "lasts_s": -1}], "faults[0].lasts_s: must not be negative"),
        ([{"effect": "reset", "match": {"row": "("}}], "faults[0].match.row: missing )"),
        ([{"effect": "outage", "seconds": 0}], "faults[0].seconds: must be more than 0"),
        ([{"effect": "reset", "match": {"company": "42"}}], "faults[0].match.company: '42' does not fit"),
    ]
)
def test_a_bad_script_is_named(raw: object, words: str) -> None:
    with pytest.raises(BadScript) as caught:
        parse_rules(raw)
    assert words in str(caught.value)


def test_every_effect_says_what_it_does() -> None:
    assert all(kind.__doc__ and not kind.__doc__.startswith(kind.__name__) for kind in EFFECTS.values())
    lines = list(describe())
    assert [line.split(":")[0].split(" ")[0] for line in lines if line[:1].isalpha()] == ["every", *EFFECTS]
    for line in (
        "    match.company: whole number, not set",
        "    share: number, default 1.0",
        "    headers: table of texts, default {}",
        '    shape: "guide" | "bare", not set',
        '    style: "answer" | "rows" | "opaque", default "answer"',
        "    seconds: number, required",
    ):
        assert line in lines


def test_every_effect_is_tried_here() -> None:
    assert set(re.findall(r'"effect": "([a-z-]+)"', Path(__file__).read_text("utf-8"))) - {"explode"} == set(EFFECTS)


def test_every_operation_can_be_matched() -> None:
    assert set(get_args(get_type_hints(Match)["operation"])) == OPERATIONS - {"unknown"} | {"any"}
