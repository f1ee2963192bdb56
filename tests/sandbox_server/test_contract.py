"""The contract's file and the sandbox agree: each declared answer of each operation occurs, and is as declared."""

from __future__ import annotations

import orjson
import pytest

from tests.contract import CONTRACT, check_answer, check_request, operation_known
from tests.sandbox_server.conftest import OURS, THEIRS, Caller, row

JSON = {"Content-Type": "application/json"}
BULK_URL = "http://127.0.0.1:8/v1/dimensions/bulk-create/"
LIST_URL = "http://127.0.0.1:8/v1/dimensions"


async def test_every_declared_answer_occurs(caller: Caller) -> None:
    declared = {
        (operation["operationId"], int(status))
        for path in orjson.loads(CONTRACT.read_bytes())["paths"].values()
        for operation in path.values()
        for status in operation["responses"]
    }
    one = caller.sandbox.tenant.companies[OURS].rows[0].id
    good, stray = ({"ottimate_company_id": company} for company in (OURS, THEIRS))
    calls = [
        ("listDimensions", "GET", f"/dimensions?ottimate_company_id={OURS}", None),
        ("listDimensions", "GET", "/dimensions", None),
        ("listDimensions", "GET", f"/dimensions?ottimate_company_id={THEIRS}", None),
        ("getDimension", "GET", f"/dimensions/{one}", None),
        ("getDimension", "GET", "/dimensions/dim_none", None),
        ("createDimension", "POST", "/dimensions", row("a") | good),
        ("createDimension", "POST", "/dimensions", row("a") | stray),
        ("createDimension", "POST", "/dimensions", {}),
        ("bulkCreateDimensions", "POST", "/dimensions/bulk-create/", good | {"dimensions": [row("b")]}),
        ("bulkCreateDimensions", "POST", "/dimensions/bulk-create/", good | {"dimensions": [row("c"), {}]}),
        ("bulkCreateDimensions", "POST", "/dimensions/bulk-create/", stray | {"dimensions": [row("b")]}),
        ("bulkCreateDimensions", "POST", "/dimensions/bulk-create/", {}),
    ]
    seen = set()
    for headers in ({}, {"Authorization": "Bearer gone"}):
        for name, method, path, body in calls:
            reply = await caller.call(method, path, json=body, headers=headers, lawful=False)
            seen.add((name, reply.status))
    assert seen == declared


@pytest.mark.parametrize(
    ("method", "url", "headers", "body", "words"),
    [
        ("POST", BULK_URL, JSON, b'{"ottimate_company_id":1,"dimensions":[{}]}', "'type' is a required property"),
        ("POST", BULK_URL, JSON, b'{"ottimate_company_id":1,"dimensions":[]}', "should be non-empty"),
        ("POST", BULK_URL, JSON, b'{"ottimate_company_id":"1","dimensions":[{}]}', "is not of type 'integer'"),
        ("POST", BULK_URL, JSON, b"{", "Failed to deserialize"),
        ("POST", BULK_URL, {}, b"{}", "mimetype not found"),
        ("GET", LIST_URL, {}, b"", "Missing required query parameter: ottimate_company_id"),
        ("GET", f"{LIST_URL}?ottimate_company_id=1&page=0", {}, b"", "less than the minimum of 1"),
        ("DELETE", LIST_URL, {}, b"", "has no DELETE /v1/dimensions"),
    ],
)
def test_a_bad_request_is_named(method: str, url: str, headers: dict[str, str], body: bytes, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_request(method, url, headers, body)


def test_a_bad_answer_is_named() -> None:
    for body, words in (
        (b'{"version":"1"}', "'dimension' is a required property"),
        (b"<html>", "Failed to deserialize"),
    ):
        with pytest.raises(AssertionError, match=words):
            check_answer("GET", f"{LIST_URL}/dim_1", 200, JSON, body)


def test_undeclared_statuses_and_operations_pass_by() -> None:
    check_answer("GET", f"{LIST_URL}/dim_1", 503, {}, b"<html>")
    assert not operation_known("POST", "http://127.0.0.1:8/v1/oauth/token")
    assert operation_known("get", f"{LIST_URL}?page=1")
