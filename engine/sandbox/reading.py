"""Parse requests: the operation and its arguments. Pure; what is wrong with a request goes to `Call.wrong`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from engine.sandbox.contract import Contract
from engine.sandbox.exchange import Call, RowError
from engine.sandbox.oauth import read_form
from engine.sandbox.tenant import FIELDS, Field, Values

PATHS = {
    "/v1/oauth/token": {"POST": "token"},
    "/v1/accounts": {"GET": "accounts"},
    "/v1/dimensions": {"GET": "list", "POST": "create"},
}
ONE = re.compile(r"/v1/(accounts|batch|dimensions)/([^/]+)(?:/([a-z]+))?")
ABOUT_ONE = {
    ("dimensions", None): "get",
    ("accounts", "companies"): "companies",
    ("accounts", "locations"): "locations",
    ("batch", "progress"): "progress",
    ("batch", "results"): "results",
}
DIRECTORY = frozenset({"accounts", "companies", "locations"})

Wrong = dict[str, list[str]]


def methods(path: str, contract: Contract) -> Mapping[str, str]:
    """Return the operations of a fixed path by method; empty: there is no such path."""
    return {"POST": "bulk"} if path == contract.bulk_path else PATHS.get(path, {})


def read(call: Call, query: Mapping[str, str], contract: Contract, *, directory_base: int) -> None:
    """Set operation and arguments of the call. For an unknown path or method the operation stays "unknown"."""
    here = methods(call.path, contract)
    if here:
        call.operation = here.get(call.method, "unknown")
    elif call.method == "GET" and (named := ONE.fullmatch(call.path)):
        call.operation, call.path_id = ABOUT_ONE.get((named[1], named[3]), "unknown"), named[2]
    if call.operation == "list":
        _read_listing(call, query, contract)
    elif call.operation in DIRECTORY:
        _read_search(call, query, directory_base)
    elif call.operation == "token":
        call.grant = read_form(call.body)
    elif call.operation in ("create", "bulk"):
        _read_body(call, contract)


def _read_listing(call: Call, query: Mapping[str, str], contract: Contract) -> None:
    wrong: Wrong = {}
    call.company_id = _number(query, "ottimate_company_id", 0, wrong)
    if call.company_id is None and contract.company_required:
        wrong.setdefault("ottimate_company_id", ["required"])
    call.page = _number(query, "page", 1, wrong) or 1
    call.limit = _number(query, "limit", 1, wrong) or call.limit
    call.label = query.get(contract.label)
    if contract.detail and "detail" in query:
        call.basic = query["detail"] == "basic"
        if not call.basic:
            wrong["detail"] = ["must be basic"]
    call.wrong = wrong or None


def _read_search(call: Call, query: Mapping[str, str], base: int) -> None:
    """Read a query of the directory.

    A page number below the first means the first: the vendor's example asks for page 0 and shows an answer of page 1.
    """
    wrong: Wrong = {}
    call.page = max(base, _number(query, "page", 0, wrong) or base)
    call.limit = _number(query, "limit", 1, wrong) or call.limit
    call.search = query.get("search", "")
    call.wrong = wrong or None


def _number(query: Mapping[str, str], name: str, least: int, wrong: Wrong) -> int | None:
    """Return a number of the query; None: it is missing, or below `least` or no number, which `wrong` then says."""
    text = query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or int(text) < least:
        wrong[name] = ["must be a positive integer"]
        return None
    return int(text)


def _read_body(call: Call, contract: Contract) -> None:
    try:
        body = orjson.loads(call.body)
    except orjson.JSONDecodeError as error:
        call.wrong = f"JSON parse error - {error}"
        return
    if not isinstance(body, dict):
        call.wrong = "Expected an object."
        return
    wrong: Wrong = {}
    company_id = body.get("ottimate_company_id")
    if type(company_id) is int:  # not a bool
        call.company_id = company_id
    else:
        wrong["ottimate_company_id"] = ["required" if company_id is None else "must be an integer"]
    if call.operation == "create":
        call.items = [_item(0, body, contract)]
        wrong |= _faults(body, contract)
    else:
        rows = body.get("dimensions")
        if not isinstance(rows, list) or not rows:
            wrong["dimensions"] = ["must be a list with at least one row"]
        else:
            call.items = _items(rows, contract)
    call.wrong = wrong or None


def _items(rows: list[Any], contract: Contract) -> list[Values | RowError]:
    """Return the rows of a bulk request. A second row with the same key is an error; the documents leave that open."""
    seen: set[str | None] = set()
    items: list[Values | RowError] = []
    for index, row in enumerate(rows):
        item = _item(index, row, contract)
        if isinstance(item, Values):
            if item.key in seen:
                message = f"{contract.key} is given more than once in this request"
                item = RowError(index, item.key, message, name=item.name)
            seen.add(item.key)
        items.append(item)
    return items


def _item(index: int, row: Any, contract: Contract) -> Values | RowError:
    if not isinstance(row, dict):
        return RowError(index, None, "Expected an object.")
    key, name = row.get(contract.key), row.get("name")
    faults = _faults(row, contract)
    if faults:
        message = "; ".join(f"{column} {fault}" for column, (fault,) in faults.items())
        return RowError(index, _text(key), message, name=_text(name))
    given: dict[str, Any] = {name: row.get(column) for name, column in contract.columns.items()}
    return Values(**given)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _faults(row: dict[str, Any], contract: Contract) -> Wrong:
    """Return what is wrong with a row, by column."""
    faults: Wrong = {}
    for field in FIELDS:
        column, is_needed = contract.columns[field.name], field.name in contract.needs
        if fault := _fault(row.get(column), field, is_given=column in row, is_needed=is_needed):
            faults[column] = [fault]
    type_code = contract.columns["type_code"]
    if type_code not in faults and row[type_code] not in contract.type_codes:
        faults[type_code] = [f"must be one of {', '.join(contract.type_codes)}"]
    return faults


def _fault(value: Any, field: Field, *, is_given: bool, is_needed: bool) -> str | None:
    """Return the fault of one column's value; None: it has none. A needed value of an optional field may be empty."""
    if value is None and (is_needed or not field.is_optional):
        return "is required"
    if not isinstance(value, str):
        return "must be a string" if is_given else None
    return None if field.is_optional or value.strip() else "must not be empty"
