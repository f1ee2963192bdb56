"""The guide contract as the server spells it: requests in, answers out. Written from the documents alone.

`type` is the label; the code is `dimension_type_code` in requests and `dimension_type` in answers; the upsert key is
`unique_key`. Listings show neither the key nor `code`. Bulk: `POST /v1/dimensions/bulk-create/`, 201 or 207.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson

from engine.sandbox.exchange import Answer, BulkDone, Call, PageMade, RowError, instant
from engine.sandbox.tenant import Row, Values

VERSION = "1.0.0"
TYPE_CODES = ("account", "location", "department", "project", "task", "cost_type", "item")
REQUIRED = ("type", "dimension_type_code", "name", "unique_key", "erp_dimension_id")
ROUTES = {
    "/v1/oauth/token": {"POST": "token"},
    "/v1/dimensions": {"GET": "list", "POST": "create"},
    "/v1/dimensions/bulk-create/": {"POST": "bulk"},
}


def read(call: Call, query: Mapping[str, str]) -> None:
    """Fill in what the request means. A path or method that the contract does not have stays "unknown"."""
    methods = ROUTES.get(call.path)
    if methods is not None:
        call.operation = methods.get(call.method, "unknown")
    elif call.method == "GET" and call.path.startswith("/v1/dimensions/"):
        call.operation, call.row_id = "get", call.path.removeprefix("/v1/dimensions/")
    if call.operation == "list":
        _read_query(call, query)
    elif call.operation == "token":
        call.grant = _fields(call.body)
    elif call.operation in ("create", "bulk"):
        _read_body(call)


def _read_query(call: Call, query: Mapping[str, str]) -> None:
    wrong: dict[str, list[str]] = {}
    numbers = {"ottimate_company_id": 0, "page": 1, "limit": 20}
    for name in numbers:
        text = query.get(name)
        if text is None:
            if name == "ottimate_company_id":
                wrong[name] = ["required"]
        elif not (text.isascii() and text.isdigit()) or (int(text) < 1 and name != "ottimate_company_id"):
            wrong[name] = ["must be a positive integer"]
        else:
            numbers[name] = int(text)
    call.company_id = None if "ottimate_company_id" in wrong else numbers["ottimate_company_id"]
    call.page, call.limit, call.label = numbers["page"], numbers["limit"], query.get("type")
    call.wrong = wrong or None


def _fields(body: bytes) -> dict[str, str]:
    """Return a token request's fields, from JSON or from a form (the documents disagree: API-FACTS 2.1)."""
    try:
        decoded = orjson.loads(body)
    except orjson.JSONDecodeError:
        return dict(parse_qsl(body.decode("utf-8", "replace")))
    return {name: str(value) for name, value in decoded.items()} if isinstance(decoded, dict) else {}


def _read_body(call: Call) -> None:
    try:
        body = orjson.loads(call.body)
    except orjson.JSONDecodeError as error:
        call.wrong = f"JSON parse error - {error}"
        return
    if not isinstance(body, dict):
        call.wrong = "Expected an object."
        return
    wrong: dict[str, Any] = {}
    company_id = body.get("ottimate_company_id")
    if type(company_id) is int:  # not a bool
        call.company_id = company_id
    else:
        wrong["ottimate_company_id"] = ["required" if company_id is None else "must be an integer"]
    if call.operation == "create":
        call.items = [_item(0, body)]
        wrong |= _faults(body)
    else:
        rows = body.get("dimensions")
        if not isinstance(rows, list) or not rows:
            wrong["dimensions"] = ["must be a list with at least one row"]
        else:
            call.items = _items(rows)
    call.wrong = wrong or None


def _items(rows: list[Any]) -> list[Values | RowError]:
    """Return the rows of a bulk request; a second row with one key is an error (undocumented: taken strictly)."""
    seen: set[str | None] = set()
    items: list[Values | RowError] = []
    for index, row in enumerate(rows):
        item = _item(index, row)
        if isinstance(item, Values):
            if item.key in seen:
                item = RowError(index, item.key, "unique_key is given more than once in this request")
            seen.add(item.key)
        items.append(item)
    return items


def _item(index: int, row: Any) -> Values | RowError:
    if not isinstance(row, dict):
        return RowError(index, None, "Expected an object.")
    faults = _faults(row)
    key = row.get("unique_key")
    if faults:
        message = "; ".join(f"{name} {fault}" for name, (fault,) in faults.items())
        return RowError(index, key if isinstance(key, str) else None, message)
    return Values(key, row["dimension_type_code"], row["type"], row["name"], row["erp_dimension_id"], row.get("code"))


def _faults(row: dict[str, Any]) -> dict[str, list[str]]:
    """Return what is wrong with a row, by field."""
    faults: dict[str, list[str]] = {}
    for name in REQUIRED:
        value = row.get(name)
        if value is None:
            faults[name] = ["is required"]
        elif not isinstance(value, str):
            faults[name] = ["must be a string"]
        elif not value.strip():
            faults[name] = ["must not be empty"]
    if "code" in row and not isinstance(row["code"], str):
        faults["code"] = ["must be a string"]
    if "dimension_type_code" not in faults and row["dimension_type_code"] not in TYPE_CODES:
        faults["dimension_type_code"] = [f"must be one of {', '.join(TYPE_CODES)}"]
    return faults


def token(text: str, lifetime_s: int, scope: str) -> Answer:
    """Spell the answer to a token request."""
    body = {"access_token": text, "token_type": "Bearer", "expires_in": lifetime_s, "scope": scope}
    return Answer(status=200, body=orjson.dumps(body), headers={"Cache-Control": "no-store"})


def page(made: PageMade) -> Answer:
    """Spell one page; each stored row is encoded once and its bytes are joined here."""
    head = b'{"version":"%s","count":%d,"page":%d,"limit":%d,"dimensions":['
    numbers = (VERSION.encode(), made.count, made.page, made.limit)
    return Answer(status=200, body=head % numbers + b",".join([row.shown or _show(row) for row in made.rows]) + b"]}")


def single(row: Row) -> Answer:
    """Spell the answer to a GET of one row."""
    return Answer(status=200, body=b'{"version":"%s","dimension":%s}' % (VERSION.encode(), row.shown or _show(row)))


def created(row: Row) -> Answer:
    """Spell the answer to the creation of one row: flat."""
    body = {"version": VERSION, **_listed(row), "created_date": instant(row.created_at)}
    return Answer(status=201, body=orjson.dumps(body))


def bulk(done: BulkDone) -> Answer:
    """Spell a bulk answer: 207 as soon as one row failed, even when all did."""
    body = {
        "version": VERSION,
        "success_count": done.success_count,
        "created_count": done.created_count,
        "updated_count": done.updated_count,
        "error_count": done.error_count,
        "created": [{"id": row.id, "name": row.values.name} for row in done.created],
        "updated": [{"id": row.id, "name": row.values.name} for row in done.updated],
        "errors": [
            {"index": error.at, "unique_key": error.key, "error": error.message, "type": error.kind}
            for error in done.errors
        ],
    }
    return Answer(status=207 if done.errors or done.error_count else 201, body=orjson.dumps(body))


def _show(row: Row) -> bytes:
    row.shown = orjson.dumps(_listed(row))
    return row.shown


def _listed(row: Row) -> dict[str, object]:
    values = row.values
    return {
        "id": row.id,
        "name": values.name,
        "type": values.label,
        "dimension_type": values.type_code,
        "erp_dimension_id": values.erp_id,
        "ottimate_company_id": row.company_id,
    }
