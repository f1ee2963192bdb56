"""The record of the truth, and the changes that are made behind the API's back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox_server.conftest import BOTH, DEMO, OURS, Caller, row


async def test_companies_are_added_and_replaced(caller: Caller) -> None:
    hosted = row("x")
    del hosted["unique_key"], hosted["code"]
    for count in (3, 1):
        companies = [{"id": 5, "name": "New", "rows": [hosted] * count}]
        assert (await caller.control("POST", "companies", {"companies": companies})).json == {"companies": 3}
        assert (await caller.page(5)).json["count"] == count
    shown = (await caller.control("GET", "rows?company=5")).json["rows"][0]
    assert (shown["unique_key"], shown["code"], shown["created_by"], shown["revision"]) == (None, None, 0, 1)


@BOTH
async def test_rows_show_everything(caller: Caller) -> None:
    await caller.bulk([row("k1", name="Renamed"), row("new")])
    reply = (await caller.control("GET", f"rows?company={OURS}")).json
    assert reply["count"] == 6
    assert reply["rows"][1] | {"id": ""} == {
        "id": "",
        "unique_key": "k1",
        "type": "Account",
        "dimension_type_code": "account",
        "name": "Renamed",
        "code": "C",
        "erp_dimension_id": "E-k1",
        "revision": 2,
        "created_by": 0,
    }
    assert reply["rows"][5]["created_by"] == 2  # the second request; the token was the first


async def test_edits_are_seen_by_clients(caller: Caller) -> None:
    rows = caller.sandbox.tenant.companies[OURS].rows
    edit = {
        "company": OURS,
        "change": [{"unique_key": "k1", "name": "Theirs"}, {"id": rows[2].id, "unique_key": "k2-moved"}],
        "delete": [{"unique_key": "k0"}],
        "insert": [row("front")],
        "front": True,
    }
    assert (await caller.control("POST", "edit", edit)).json == {"rows": 5}
    names = [shown["name"] for shown in (await caller.page()).json["dimensions"]]
    assert names == ["Name front", "Theirs", "Name k2", "Name k3", "Name k4"]
    assert (await caller.bulk([row("k2-moved"), row("k2"), row("k0")])).json["created_count"] == 2


async def test_the_log_tells_what_happened(caller: Caller) -> None:
    await caller.bulk([row("k1"), row("new"), row("bad", name="")], key="id-1", lawful=False)
    (entry,) = (await caller.control("GET", "log")).json["requests"][1:]
    del entry["time"]
    assert entry == {
        "number": 2,
        "operation": "bulk",
        "account": DEMO.account_id,
        "company": OURS,
        "status": 207,
        "rows": 3,
        "created": 1,
        "updated": 1,
        "rejected": 1,
        "idempotency_key": "id-1",
        "replayed": False,
        "committed": True,
    }
    await caller.control("POST", "reset-log")
    assert (await caller.control("GET", "log")).json == {"requests": []}


async def test_the_summary_adds_up(caller: Caller) -> None:
    caller.script({"effect": "ignore-keys"})
    await caller.bulk([row("k1")])
    await caller.page()
    summary = (await caller.control("GET", "summary")).json
    assert summary["companies"][str(OURS)] == {
        "rows": 6,
        "keys_twice": ["k1"],
        "natural_keys_twice": [["account", "E-k1"]],
        "requests": {"bulk": {"201": 1}, "list": {"200": 1}},
    }
    assert summary["other_requests"] == {"token": {"200": 1}}
    assert summary["api_keys"][DEMO.api_key] == {"used_today": 3, "throttled": 0}


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("companies", {"companies": [{"id": "5"}]}, "id: must be there and be int"),
        ("companies", {"companies": [{"id": 5, "rows": [{"name": "x"}]}]}, "dimension_type_code: must be there"),
        ("edit", {"company": 999}, "there is no 999"),
        ("edit", {"company": OURS, "delete": [{"id": "dim_x"}]}, "there is no row"),
        ("faults", {"faults": [{"effect": "status"}]}, "faults[0].status: is required"),
        ("clock", {}, "shift_s: must be there"),
    ],
)
async def test_nonsense_is_named(caller: Caller, path: str, body: Any, words: str) -> None:
    reply = await caller.control("POST", path, body)
    assert reply.status == 400
    assert words in reply.json["error"]


async def test_unknown_doors(caller: Caller) -> None:
    assert (await caller.control("GET", "nothing")).status == 404
    assert (await caller.control("GET", "health")).json["ready"] is True
