"""The honest server: its dimension calls in both contracts, held against their files by the caller."""

from __future__ import annotations

from typing import Any

import pytest

from engine.sandbox.server import Options
from engine.sandbox.tenant import Values
from tests.sandbox_server.conftest import BOTH, DEMO, OTHER, OURS, RENAMED, THEIRS, Caller, open_caller, row, stored

ENVELOPE = {"code", "message", "request_id", "timestamp"}
REFERENCE = pytest.mark.parametrize("contract", ["reference"])
SHOWN = {
    "guide": {"id", "name", "type", "dimension_type", "erp_dimension_id", "ottimate_company_id"},
    "reference": {
        "id",
        "name",
        "erp_type",
        "ottimate_type",
        "erp_dimension_id",
        "ottimate_company_id",
        "code",
        "reference_id",
    },
}


async def test_token_is_granted_to_a_form_and_to_json(caller: Caller) -> None:
    form = await caller.log_in()
    body = {"grant_type": "client_credentials", "client_id": DEMO.client_id, "client_secret": DEMO.client_secret}
    json = await caller.call("POST", "/oauth/token", json=body)
    for reply in (form, json):
        assert reply.status == 200
        assert (reply.json["token_type"], reply.json["expires_in"]) == ("Bearer", 3600)
        assert reply.json["scope"] == "accounts.can_access_dashboard"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"client_secret": "wrong"}, 401),
        ({"client_id": OTHER.client_id, "client_secret": OTHER.client_secret}, 401),  # another key's client
        ({"grant_type": "password"}, 400),
    ],
)
async def test_token_is_refused(caller: Caller, fields: dict[str, str], status: int) -> None:
    good = {"grant_type": "client_credentials", "client_id": DEMO.client_id, "client_secret": DEMO.client_secret}
    reply = await caller.call("POST", "/oauth/token", json=good | fields, lawful=False)
    assert (reply.status, set(reply.json)) == (status, ENVELOPE)


@BOTH
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Api-Key": "nobody"}, 403),
        ({"X-Api-Key": ""}, 403),
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer nonsense"}, 401),
        ({"X-Api-Key": OTHER.api_key}, 401),  # a token belongs to one account
    ],
)
async def test_credentials_are_asked_for(caller: Caller, headers: dict[str, str], status: int) -> None:
    reply = await caller.call("GET", f"/dimensions?ottimate_company_id={OURS}", headers=headers)
    assert reply.status == status
    assert reply.json == {"message": "Forbidden"} if status == 403 else set(reply.json) == ENVELOPE


@BOTH
@pytest.mark.parametrize("company", [THEIRS, 999])
async def test_another_accounts_company_is_forbidden(caller: Caller, company: int) -> None:
    replies = [
        await caller.page(company),
        await caller.bulk([row("a")], company),
        await caller.call("POST", "/dimensions", json=caller.spell(row("a")) | {"ottimate_company_id": company}),
    ]
    assert [reply.status for reply in replies] == [403, 403, 403]
    assert all(set(reply.json) == ENVELOPE for reply in replies)


@BOTH
async def test_page_shows_rows_in_order_of_creation_with_what_the_contract_shows(caller: Caller) -> None:
    await caller.bulk([row("a-new")])
    reply = await caller.page()
    assert reply.json["count"] == 6
    assert [shown["name"] for shown in reply.json["dimensions"]] == [f"Name k{n}" for n in range(5)] + ["Name a-new"]
    assert all(set(shown) == SHOWN[caller.contract] for shown in reply.json["dimensions"])


@BOTH
@pytest.mark.parametrize(
    ("query", "rows", "limit"),
    [
        ({}, 20, 20),
        ({"limit": 50}, 50, 50),
        ({"limit": 100, "page": 3}, 50, 100),
        ({"limit": 100, "page": 4}, 0, 100),
        ({"limit": 5000}, 100, 100),
        ({"type": "Account", "limit": 100}, 100, 100),
        ({"type": "account"}, 0, 20),  # a label, not a code
    ],
)
async def test_paging(caller: Caller, query: dict[str, Any], rows: int, limit: int) -> None:
    caller.sandbox.service.place(OURS, stored(250))
    reply = await caller.page(**caller.spell(query))
    assert (len(reply.json["dimensions"]), reply.json["limit"]) == (rows, limit)
    assert (reply.json["count"], reply.json["page"]) == (
        250 if query.get("type") != "account" else 0,
        query.get("page", 1),
    )


@BOTH
@pytest.mark.parametrize("query", ["?ottimate_company_id=x", "?ottimate_company_id=42&page=0", "?limit=-1"])
async def test_bad_query(caller: Caller, query: str) -> None:
    reply = await caller.call("GET", f"/dimensions{query}", lawful=False)
    assert (reply.status, set(reply.json)) == (400, ENVELOPE)


async def test_the_guide_asks_for_a_company(caller: Caller) -> None:
    assert (await caller.call("GET", "/dimensions", lawful=False)).status == 400


@REFERENCE
async def test_the_reference_lists_all_that_the_account_has(caller: Caller) -> None:
    caller.sandbox.service.place(OURS + 1, stored(2))
    reply = await caller.call("GET", "/dimensions?page=2&limit=3")
    assert [shown["ottimate_company_id"] for shown in reply.json["dimensions"]] == [OURS, OURS, OURS + 1]
    assert reply.json["count"] == 7
    assert caller.sandbox.service.log[-1].company is None


@REFERENCE
async def test_a_basic_listing_is_reduced(caller: Caller) -> None:
    (shown, *_) = (await caller.page(detail="basic")).json["dimensions"]
    assert set(shown) == {"id", "name", "erp_type", "erp_dimension_id"}
    assert (await caller.call("GET", "/dimensions?detail=full", lawful=False)).status == 400


@REFERENCE
async def test_what_a_row_lacks_is_absent(caller: Caller) -> None:
    caller.sandbox.service.place(OURS, [Values(None, "cost_type", "Cost Type", "Hosted", "CT-1")])
    (shown,) = (await caller.page()).json["dimensions"]
    assert set(shown) == SHOWN["reference"] - {"code", "reference_id"}
    assert shown["ottimate_type"] == "costtype"


async def test_one_store_speaks_either_contract(caller: Caller) -> None:
    await caller.bulk([row("ct", dimension_type_code="cost_type")])
    options = Options(accounts=(DEMO, OTHER), contract="reference")
    async with open_caller(options, tenant=caller.sandbox.tenant) as other:
        listed = await other.page()
        changed = await other.bulk([row("ct", dimension_type_code="costtype", name="Renamed")])
    assert (listed.json["dimensions"][5]["ottimate_type"], changed.json["updated_count"]) == ("costtype", 1)
    shown = (await caller.page()).json["dimensions"][5]
    assert (shown["name"], shown["dimension_type"]) == ("Renamed", "cost_type")


@BOTH
async def test_one_row(caller: Caller) -> None:
    ours, theirs = (caller.sandbox.tenant.companies[company].rows[0].id for company in (OURS, THEIRS))
    assert (await caller.call("GET", f"/dimensions/{ours}")).json["dimension"]["id"] == ours
    assert [(await caller.call("GET", f"/dimensions/{one}")).status for one in ("dim_x", theirs)] == [404, 404]


@pytest.mark.parametrize(
    ("contract", "method", "path", "status"),
    [
        ("guide", "POST", "/dimensions/bulk", 404),
        ("guide", "POST", "/dimensions/bulk-create", 404),
        ("reference", "POST", "/dimensions/bulk-create/", 404),
        ("reference", "POST", "/dimensions/bulk/", 404),
        ("guide", "GET", "/vendors", 404),
        ("guide", "GET", "/accounts/racc_demo/vendors", 404),
        ("guide", "DELETE", "/dimensions", 405),
        ("reference", "GET", "/dimensions/bulk", 405),
        ("reference", "POST", "/accounts", 405),
    ],
)
async def test_what_the_contract_lacks(caller: Caller, method: str, path: str, status: int) -> None:
    assert (await caller.call(method, path, lawful=False)).status == status


@BOTH
async def test_create_one_is_flat_and_an_upsert(caller: Caller) -> None:
    body = caller.spell(row("one", ottimate_company_id=OURS))
    first = await caller.call("POST", "/dimensions", json=body)
    again = await caller.call("POST", "/dimensions", json=body | {"name": "Other"})
    bad = await caller.call("POST", "/dimensions", json=body | {"name": ""}, lawful=False)
    assert [reply.status for reply in (first, again, bad)] == [201, 201, 400]
    assert again.json == first.json | {"name": "Other"}
    dated = {"created_date"} if caller.contract == "guide" else set()
    assert set(first.json) == SHOWN[caller.contract] | {"version"} | dated


@BOTH
async def test_bulk_creates_and_updates_by_key(caller: Caller) -> None:
    reply = await caller.bulk([row("k1", name="Renamed"), row("new")])
    assert reply.status == 201
    counters = {name: reply.json[f"{name}_count"] for name in ("success", "created", "updated", "error")}
    assert counters == {"success": 2, "created": 1, "updated": 1, "error": 0}
    company = caller.sandbox.tenant.companies[OURS]
    assert reply.json["updated"] == [{"id": company.rows[1].id, "name": "Renamed"}]
    assert reply.json["created"] == [{"id": company.rows[5].id, "name": "Name new"}]
    assert company.rows[1].revision == 2
    assert (await caller.page()).json["dimensions"][1]["name"] == "Renamed"


async def test_bulk_replaces_the_full_record(caller: Caller) -> None:
    bare = row("k1")
    del bare["code"]
    await caller.bulk([bare])
    assert caller.sandbox.tenant.companies[OURS].rows[1].values.code is None


@BOTH
async def test_a_row_of_another_key_is_doubled(caller: Caller) -> None:
    caller.sandbox.service.place(OURS, [Values(None, "account", "Account", "Hosted", "E-1")])
    await caller.bulk([row("mine", erp_dimension_id="E-1")])
    summary = (await caller.control("GET", "summary")).json
    assert summary["companies"][str(OURS)]["natural_keys_twice"] == [["account", "E-1"]]
    assert summary["companies"][str(OURS)]["keys_twice"] == []


BAD_ROWS: list[tuple[dict[str, Any], str | None, str]] = [
    ({"name": ""}, "b", "name must not be empty"),
    ({"name": None}, "b", "name is required"),
    ({"name": 7}, "b", "name must be a string"),
    ({"unique_key": None}, None, "is required"),
    ({"unique_key": "a"}, "a", "more than once"),
    ({"dimension_type_code": "Account"}, "b", "must be one of account, location"),
    ({"code": 7}, "b", "code must be a string"),
]


@pytest.mark.parametrize(
    ("contract", "bad", "key", "words"),
    [
        *[(contract, *bad) for contract in ("guide", "reference") for bad in BAD_ROWS],
        ("guide", {"dimension_type_code": "costtype"}, "b", "must be one of account, location"),
        ("guide", {"code": None}, "b", "code must be a string"),
        ("reference", {"dimension_type_code": "cost_type"}, "b", "must be one of account, location"),
        ("reference", {"code": None}, "b", "code is required"),
    ],
)
async def test_one_bad_row_does_not_sink_the_others(
    caller: Caller, bad: dict[str, Any], key: str | None, words: str
) -> None:
    caller.script({"effect": "error-style", "shape": "guide"})
    reply = await caller.bulk([row("a"), row("b") | bad, row("c")], lawful=False)
    status, column = (207, "unique_key") if caller.contract == "guide" else (201, RENAMED["unique_key"])
    assert (reply.status, reply.json["created_count"], reply.json["error_count"]) == (status, 2, 1)
    (error,) = reply.json["errors"]
    assert (error["index"], error[column], error["type"]) == (1, key, "validation_error")
    assert words in error["error"]


@REFERENCE
async def test_the_references_errors_are_bare(caller: Caller) -> None:
    rows = [row("k1", erp_dimension_id=""), row("new", code=None), row("k2", name=None), {}, "no object"]
    reply = await caller.bulk(rows, lawful=False)
    first, second = (caller.sandbox.tenant.companies[OURS].rows[place].id for place in (1, 2))
    known = [{"id": first, "name": "Name k1"}, {"name": "Name new"}, {"id": second}]
    assert reply.json["errors"] == [*known, {}, {}]


@BOTH
async def test_all_rows_bad_is_an_answer_and_stores_nothing(caller: Caller) -> None:
    reply = await caller.bulk([{"name": "x"}, "no object"], lawful=False)
    status = 207 if caller.contract == "guide" else 201
    assert (reply.status, reply.json["success_count"], reply.json["error_count"]) == (status, 0, 2)
    assert len(caller.sandbox.tenant.companies[OURS].rows) == 5


@BOTH
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"",
        b'{"ottimate_company_id": 42}',
        b'{"ottimate_company_id": 42, "dimensions": []}',
        b'{"ottimate_company_id": "42", "dimensions": [{}]}',
        b'{"dimensions": [{}]}',
    ],
)
async def test_no_bulk_object(caller: Caller, body: bytes) -> None:
    reply = await caller.call("POST", caller.bulk_path, body=body, lawful=False)
    assert (reply.status, set(reply.json)) == (400, ENVELOPE)


@BOTH
async def test_more_than_100_rows_are_refused_whole(caller: Caller) -> None:
    assert (await caller.bulk([row(f"n{n}") for n in range(101)])).status == 400
    assert (await caller.bulk([row(f"n{n}") for n in range(100)])).status == 201


async def test_every_answer_has_an_id_and_the_date(caller: Caller) -> None:
    for reply in (await caller.page(), await caller.page(999)):
        assert reply.headers["X-Request-Id"].startswith("req-")
        assert reply.headers["Date"].endswith("GMT")
