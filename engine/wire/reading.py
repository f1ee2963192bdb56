"""Tolerant reading, the same for every contract: either contract's field names, and nothing taken for granted.

An absent field is unknown (`None`), never empty. What identifies a row (id, name, type code, ERP id) must be there.
"""

from __future__ import annotations

from typing import Any

import orjson

from engine.model.dimension import RemoteRow, canonical_type, clean
from engine.model.listing import Page
from engine.model.outcome import BulkAnswer, BulkError
from engine.wire.dialect import BadAnswer


def read_object(body: bytes) -> dict[str, Any]:
    """Decode a JSON object. Raises `BadAnswer`."""
    try:
        decoded = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadAnswer(f"not JSON: {error}") from error
    if not isinstance(decoded, dict):
        raise BadAnswer(f"a JSON object was expected, not {type(decoded).__name__}")
    return decoded


def read_page(body: bytes, company_id: int) -> Page:
    """Decode one page of a listing. Raises `BadAnswer` where a row cannot be told from others."""
    document = read_object(body)
    listed = document.get("dimensions")
    if not isinstance(listed, list):
        raise BadAnswer("no array `dimensions`")
    rows: list[RemoteRow] = []
    foreign: int | None = None
    try:
        for item in listed:
            owner = item.get("ottimate_company_id")
            if owner is not None and owner != company_id and str(owner) != str(company_id) and foreign is None:
                foreign = int(owner)
            rows.append(_row(item))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadAnswer(f"row {len(rows) + 1} of the page is no dimension: {error!r}") from error
    return Page(
        number=_count(document, "page", default=0),
        limit=_count(document, "limit", default=0),
        declared=_count(document, "count"),
        rows=rows,
        foreign=foreign,
    )


def _row(item: dict[str, Any]) -> RemoteRow:
    get = item.get
    type_code = get("ottimate_type") or get("dimension_type") or get("dimension_type_code")
    code, key = get("code"), get("reference_id") or get("unique_key")
    return RemoteRow(
        _text(item["id"]),
        canonical_type(_text(type_code)),
        _text(get("erp_type") or get("type") or ""),
        clean(_text(item["name"])),
        clean(_text(item["erp_dimension_id"])),
        None if code is None else clean(_text(code)),
        None if key is None else clean(_text(key)),
    )


def _text(value: object) -> str:
    if type(value) is str:
        return value
    if type(value) is int:  # an id that lost its quotes
        return str(value)
    raise TypeError(f"text was expected, not {value!r}")


def _count(document: dict[str, Any], name: str, *, default: int | None = None) -> int:
    value = document.get(name, default)
    if type(value) is not int or value < 0:
        raise BadAnswer(f"`{name}` is {value!r}, not a count")
    return value


def read_bulk(body: bytes) -> BulkAnswer:
    """Decode a bulk answer as it stands; whether it adds up is for the caller to find out. Raises `BadAnswer`."""
    document = read_object(body)
    try:
        return BulkAnswer(
            success_count=_count(document, "success_count"),
            created_count=_count(document, "created_count"),
            updated_count=_count(document, "updated_count"),
            error_count=_count(document, "error_count"),
            created=[(_text(item["id"]), clean(_text(item["name"]))) for item in document.get("created") or ()],
            updated=[(_text(item["id"]), clean(_text(item["name"]))) for item in document.get("updated") or ()],
            errors=[_error(item) for item in document.get("errors") or ()],
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise BadAnswer(f"no bulk answer: {error!r}") from error


def _error(item: dict[str, Any]) -> BulkError:
    key = item.get("unique_key") or item.get("reference_id")
    name, index = item.get("name"), item.get("index")
    message = item.get("error") or item.get("message") or "refused without a reason"
    return BulkError(
        message if isinstance(message, str) else orjson.dumps(message).decode(),
        str(item.get("type") or "error"),
        clean(key) if isinstance(key, str) else None,
        clean(name) if isinstance(name, str) else None,
        index if type(index) is int else None,
    )


def read_refusal(body: bytes) -> tuple[str, str | None]:
    """Return (the server's words, its request id) of an error body in any shape: envelope, gateway, HTML, nothing."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    if isinstance(document, dict):
        parts = [
            document.get("code"),
            document.get("message"),
            document.get("error_description"),
            document.get("error"),
        ]
        words = [part if isinstance(part, str) else orjson.dumps(part).decode() for part in parts if part]
        request_id = document.get("request_id")
        return ": ".join(words), request_id if isinstance(request_id, str) else None
    return excerpt(body), None


def is_gateway(body: bytes) -> bool:
    """Return whether an error comes from the gateway in front of the API: a message, without the API's envelope."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(document, dict) and document.keys() == {"message"}


def excerpt(body: bytes) -> str:
    """Return the start of a body as one printable line of at most 200 characters."""
    text = body[:400].decode("utf-8", "replace")
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:200]
