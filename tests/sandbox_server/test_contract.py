"""The contracts' files and the sandbox agree: each declared answer of each operation occurs, and is as declared."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import orjson
import pytest
from openapi_core import OpenAPI

from tests.contract import _HELD, DOCUMENTS, check_answer, check_request, operation, operation_known, paths, schemas
from tests.sandbox_server.conftest import BOTH, DEMO, OTHER, OURS, THEIRS, Caller, row
from tests.tables import each_of

HOST = "http://127.0.0.1:8"
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded", "X-Api-Key": "k"}
KEYS = {"Authorization": "Bearer t", "X-Api-Key": "k"}
GUIDE_BULK, BULK = f"{HOST}/v1/dimensions/bulk-create/", f"{HOST}/v1/dimensions/bulk"
LIST = f"{HOST}/v1/dimensions"
TOKEN = f"{HOST}/v1/oauth/token"
GONE = {"Authorization": "Bearer gone"}
GRANT = {"grant_type": "client_credentials", "client_id": DEMO.client_id, "client_secret": DEMO.client_secret}


@pytest.mark.parametrize("contract", DOCUMENTS)
def test_the_files_are_valid_descriptions_of_an_api(contract: str) -> None:
    OpenAPI.from_dict(DOCUMENTS[contract])  # raises what is wrong


@BOTH
async def test_every_declared_answer_occurs(caller: Caller) -> None:
    declared = {
        (one["operationId"], int(status))
        for file, ours in ((caller.contract, ("dimensions",)), ("reference", ("oauth", "accounts", "batch")))
        for path, item in paths(file).items()
        for one in item.values()
        for status in one["responses"]
        if path.split("/")[2] in ours
    }
    seen = set()
    for method, path, body in await _calls(caller):
        named = operation(method, caller.sandbox.base_url + path, caller.contract)
        assert named is not None
        for headers in ({}, GONE):
            reply = await caller.call(method, path, json=body, headers=headers, lawful=False)
            seen.add((named["operationId"], reply.status))
    assert declared <= seen, declared - seen


async def _calls(caller: Caller) -> list[tuple[str, str, Any]]:
    """Return the calls that bring every declared answer, together with a token that is none."""
    one = caller.sandbox.tenant.companies[OURS].rows[0].id
    caller.script({"effect": "batch", "polls": 0})
    ours = (await caller.bulk([row("x")])).json["batch_id"]
    await caller.log_in(OTHER)
    theirs = (await caller.bulk([row("x")], THEIRS)).json["batch_id"]
    await caller.log_in(DEMO)
    caller.script()
    good, stray = ({"ottimate_company_id": company} for company in (OURS, THEIRS))
    bulk, a, b = caller.bulk_path, caller.spell(row("a")), caller.spell(row("b"))
    return [
        ("POST", "/oauth/token", GRANT),
        ("POST", "/oauth/token", GRANT | {"client_secret": "wrong"}),
        ("POST", "/oauth/token", GRANT | {"grant_type": "password"}),
        ("GET", "/accounts", None),
        ("GET", f"/accounts/{DEMO.account_id}/companies", None),
        ("GET", f"/accounts/{DEMO.account_id}/locations", None),
        ("GET", f"/dimensions?ottimate_company_id={OURS}", None),
        ("GET", "/dimensions?page=x", None),
        ("GET", f"/dimensions?ottimate_company_id={THEIRS}", None),
        ("GET", f"/dimensions/{one}", None),
        ("GET", "/dimensions/dim_none", None),
        ("POST", "/dimensions", a | good),
        ("POST", "/dimensions", a | stray),
        ("POST", "/dimensions", {}),
        ("POST", bulk, good | {"dimensions": [b]}),
        ("POST", bulk, good | {"dimensions": [b | {"name": "Other"}, {}]}),
        ("POST", bulk, stray | {"dimensions": [b]}),
        ("POST", bulk, {}),
        *(("GET", f"/batch/{batch}/{what}", None) for batch in (ours, theirs) for what in ("progress", "results")),
    ]


@each_of(
    [
        ("guide", "POST", GUIDE_BULK, JSON, b'{"ottimate_company_id":1,"dimensions":[{}]}', "'type' is a required"),
        ("guide", "POST", GUIDE_BULK, JSON, b'{"ottimate_company_id":1,"dimensions":[]}', "should be non-empty"),
        ("guide", "POST", GUIDE_BULK, JSON, b'{"ottimate_company_id":"1","dimensions":[{}]}', "not of type 'integer'"),
        ("guide", "POST", GUIDE_BULK, JSON, b"{", "Failed to deserialize"),
        ("guide", "POST", GUIDE_BULK, {}, b"{}", "mimetype not found"),
        ("guide", "GET", LIST, {}, b"", "Missing required query parameter: ottimate_company_id"),
        ("guide", "GET", f"{LIST}?ottimate_company_id=1&page=0", {}, b"", "less than the minimum of 1"),
        ("guide", "DELETE", LIST, {}, b"", "has no DELETE /v1/dimensions"),
        ("guide", "POST", BULK, JSON, b"{}", "has no POST /v1/dimensions/bulk"),
        ("guide", "GET", f"{HOST}/v1/accounts", {}, b"", "Missing required header parameter: Authorization"),
        ("reference", "POST", GUIDE_BULK, KEYS | JSON, b"{}", "has no POST /v1/dimensions/bulk-create/"),
        (
            "reference",
            "POST",
            BULK,
            KEYS | JSON,
            b'{"ottimate_company_id":1,"dimensions":[{"erp_type":""}]}',
            "'code' is a required property",
        ),
        ("reference", "POST", BULK, JSON, b'{"ottimate_company_id":1,"dimensions":[]}', "Missing required header"),
        ("reference", "GET", f"{LIST}?page=x", KEYS, b"", "invalid literal for int"),
        ("reference", "GET", f"{LIST}?detail=all", KEYS, b"", "'all' is not one of"),
        ("reference", "GET", LIST, {"Authorization": "Bearer t"}, b"", "Missing required header parameter: X-Api-Key"),
        ("guide", "POST", TOKEN, FORM, b"grant_type=password&client_id=a&client_secret=b", "'password' is not one of"),
        ("guide", "POST", TOKEN, FORM, b"grant_type=client_credentials", "'client_id' is a required property"),
        ("reference", "POST", TOKEN, JSON, b"{}", "Missing required header parameter: X-Api-Key"),
    ]
)
def test_a_bad_request_is_named(
    contract: str, method: str, url: str, headers: Mapping[str, str], body: bytes, words: str
) -> None:
    with pytest.raises(AssertionError, match=words):
        check_request(method, url, headers, body, contract=contract)


@BOTH
def test_good_requests_pass(contract: str) -> None:
    check_request("POST", TOKEN, FORM, b"grant_type=client_credentials&client_id=a&client_secret=b", contract=contract)
    check_request("GET", f"{HOST}/v1/batch/b-1/results", KEYS, b"", contract=contract)
    check_request("GET", f"{LIST}?ottimate_company_id=1&page=2", KEYS, b"", contract=contract)


@pytest.mark.parametrize(
    ("contract", "path", "body", "words"),
    [
        ("guide", "dimensions/dim_1", b'{"version":"1"}', "'dimension' is a required property"),
        ("guide", "dimensions/dim_1", b"<html>", "Failed to deserialize"),
        (
            "reference",
            "dimensions/dim_1",
            b'{"version":"1","dimension":{"id":"1","name":"n","erp_dimension_id":"e"}}',
            "'erp_type' is a required property",
        ),
        ("guide", "accounts/racc_1/companies", b'{"results":[{"id":"1","name":"n"}]}', "'1' is not of type 'integer'"),
        ("guide", "batch/b-1/progress", b'{"status":"done"}', "'version' is a required property"),
    ],
)
def test_a_bad_answer_is_named(contract: str, path: str, body: bytes, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_answer("GET", f"{HOST}/v1/{path}", 200, JSON, body, contract=contract)


NOT_ASKED = {
    *(
        "pattern",
        "maxLength",
        "maxItems",
        "uniqueItems",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
    ),
    *("const", "not", "anyOf", "allOf", "contains", "propertyNames", "minProperties", "maxProperties", "if"),
    *("additionalProperties", "patternProperties", "prefixItems", "dependentRequired", "dependentSchemas", "default"),
}
"""What no contract asks of a value: a form (`tests.contract.form`) does not keep what these look at."""


def test_forms_keep_all_that_the_contracts_ask() -> None:
    for schema in schemas(DOCUMENTS):
        assert not NOT_ASKED & schema.keys(), schema
        assert {schema.get(name, 1) for name in ("minLength", "minItems", "minimum")} == {1}, schema
        assert all(isinstance(word, str) for word in schema.get("enum", ()))


ROW = {"unique_key": "K1", "type": "Account", "dimension_type_code": "account", "name": "N", "erp_dimension_id": "1"}
BODY = {"ottimate_company_id": 7, "dimensions": [ROW, ROW | {"unique_key": "K2", "name": "Other", "code": "C"}]}
ODD: tuple[object, ...] = ("", "account", "else", 0, -1, 1, 1.5, True, None, [], {}, ["x"], {"name": "x"})


@each_of(product([*ROW, "code", "dimensions", "ottimate_company_id"], ODD))
def test_what_held_says_nothing_of_what_breaks_the_contract(name: str, odd: object) -> None:
    """After good bodies of every kind, a bad one is judged as it is before any."""
    bad = BODY | {name: odd} if name in BODY else BODY | {"dimensions": [ROW, ROW | {name: odd}]}
    verdicts = []
    for before in ((), (BODY, {"ottimate_company_id": 1, "dimensions": [ROW]})):
        _HELD.clear()
        for good in before:
            check_request("POST", GUIDE_BULK, KEYS | JSON, orjson.dumps(good))
        try:
            check_request("POST", GUIDE_BULK, KEYS | JSON, orjson.dumps(bad))
        except AssertionError as error:
            verdicts.append(str(error))
        else:
            verdicts.append("")
    assert verdicts[0] == verdicts[1]


def test_undeclared_statuses_and_operations_pass_by() -> None:
    check_answer("GET", f"{LIST}/dim_1", 503, {}, b"<html>")
    assert not operation_known("GET", TOKEN)
    assert not operation_known("POST", BULK)
    assert operation_known("POST", BULK, contract="reference")
    assert operation_known("get", f"{LIST}?page=1")
