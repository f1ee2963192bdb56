"""Bulk requests answered 202: the work is done, its progress and its results are asked for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox_server.conftest import BOTH, OTHER, OURS, RENAMED, Caller, row


async def _accept(caller: Caller, **batch: Any) -> dict[str, Any]:
    """Send three rows, one that is there, one new and one bad; return the 202."""
    caller.script({"effect": "batch", **batch})
    reply = await caller.bulk([row("k1", name="Renamed"), row("new"), row("bad", name="")], key="run-1", lawful=False)
    assert reply.status == 202
    body: dict[str, Any] = reply.json
    return body


async def _ask(caller: Caller, url: str) -> Any:
    return (await caller.call("GET", url.removeprefix("/v1"))).json


@BOTH
async def test_the_work_is_done_and_a_batch_named(caller: Caller) -> None:
    body = await _accept(caller)
    batch = body["batch_id"]
    assert body == {
        "version": "1.0.0",
        "status": "processing",
        "batch_id": batch,
        "batch_url": f"/v1/batch/{batch}/progress",
        "results_url": f"/v1/batch/{batch}/results",
        "summary": {"count": 3},
    }
    entry = caller.sandbox.service.log[-1]
    assert (entry.status, entry.created, entry.updated, entry.rejected) == (202, 1, 1, 1)
    assert len(caller.sandbox.tenant.companies[OURS].rows) == 6


@pytest.mark.parametrize("polls", [0, 1, 3])
async def test_progress(caller: Caller, polls: int) -> None:
    body = await _accept(caller, polls=polls, style="rows")
    for number in range(polls):
        assert (await _ask(caller, body["results_url"]))["results"] == []
        reply = await _ask(caller, body["batch_url"])
        assert (reply["status"], reply["results_url"]) == ("processing", None)
        assert reply["progress"] == (number + 1) / (polls + 1)
    for _ in range(2):
        reply = await _ask(caller, body["batch_url"])
        assert (reply["status"], reply["progress"], reply["results_url"]) == ("completed", 1.0, body["results_url"])
        assert [reply[f"tasks_{name}"] for name in ("count", "completed", "failed")] == [3, 2, 1]
    assert [entry.operation for entry in caller.sandbox.service.log[-2:]] == ["progress", "progress"]
    assert caller.sandbox.service.log[-1].company == OURS


@BOTH
async def test_results_hold_the_bulk_answer(caller: Caller) -> None:
    body = await _accept(caller, polls=0)
    caller.script()
    again = await caller.bulk([row("k1", name="Renamed"), row("new"), row("bad", name="")], lawful=False)
    (task,) = (await _ask(caller, body["results_url"]))["results"]
    assert set(task["result"]) == set(again.json)
    assert task["result"]["created"] == [{"id": again.json["updated"][1]["id"], "name": "Name new"}]
    assert task["result"]["errors"] == again.json["errors"]


@BOTH
async def test_results_hold_a_task_for_each_row(caller: Caller) -> None:
    body = await _accept(caller, polls=0, style="rows")
    stored = caller.sandbox.tenant.companies[OURS].rows
    key = "unique_key" if caller.contract == "guide" else RENAMED["unique_key"]
    tasks = (await _ask(caller, body["results_url"]))["results"]
    assert tasks == [
        {"task": 1, "result": {"id": stored[1].id, "name": "Renamed", key: "k1", "status": "updated"}},
        {"task": 2, "result": {"id": stored[5].id, "name": "Name new", key: "new", "status": "created"}},
        {"task": 3, "message": "name must not be empty", "result": {key: "bad", "status": "failed"}},
    ]


async def test_a_key_sent_twice_keeps_its_first_place(caller: Caller) -> None:
    caller.script({"effect": "batch", "polls": 0, "style": "rows"})
    body = (await caller.bulk([row("a"), row("a"), row("b")])).json
    tasks = (await _ask(caller, body["results_url"]))["results"]
    assert [(task["task"], task["result"]["status"]) for task in tasks] == [
        (1, "created"),
        (2, "failed"),
        (3, "created"),
    ]


async def test_results_may_say_nothing(caller: Caller) -> None:
    body = await _accept(caller, polls=0, style="opaque")
    assert (await _ask(caller, body["results_url"]))["results"] == [{"task": 1}, {"task": 2}, {"task": 3}]


async def test_a_202_is_replayed(caller: Caller) -> None:
    first = await _accept(caller)
    again = await _accept(caller)
    assert again == first
    assert caller.sandbox.service.log[-1].replayed


@pytest.mark.parametrize("what", ["progress", "results"])
async def test_another_accounts_batch_is_forbidden_and_an_unknown_one_not_there(caller: Caller, what: str) -> None:
    batch = (await _accept(caller))["batch_id"]
    row_id = caller.sandbox.tenant.companies[OURS].rows[0].id
    await caller.log_in(OTHER)
    replies = [await caller.call("GET", f"/batch/{one}/{what}") for one in (batch, "b-0", row_id)]
    assert [reply.status for reply in replies] == [403, 404, 404]
    assert (await caller.call("GET", f"/dimensions/{batch}")).status == 404
