"""Tolerant reading of answers, the same for every contract: nothing is taken for granted.

The rows of a page are read by `listing`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import orjson

from engine.model.dimension import RemoteRow, clean
from engine.model.listing import Page
from engine.model.outcome import BulkAnswer, BulkError, Entries
from engine.wire.dialect import BadAnswer, NotJson
from engine.wire.listing import read_row, read_rows, read_stored
from engine.wire.values import excerpt, kind_of

LONGEST_COUNT = 19
"""A counter must have fewer digits than this, so that a database column can hold it."""

LONGEST_MESSAGE = 2_000
"""Characters kept of what a server says of one row: it goes into ledger, results and terminals."""


def read_object(body: bytes) -> dict[str, Any]:
    """Decode a JSON object. Raises `BadAnswer`."""
    try:
        decoded = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise NotJson(f"not JSON: {error}") from error
    if not isinstance(decoded, dict):
        raise BadAnswer(f"a JSON object was expected, not {kind_of(decoded)}")
    return decoded


def read_page(body: bytes, company_id: int) -> Page:
    """Decode one page of a listing. Raises `BadAnswer` where a row cannot be told from others."""
    document = read_object(body)
    listed = document.get("dimensions")
    if not isinstance(listed, list):
        raise BadAnswer("no array `dimensions`")
    rows, foreign = read_rows(listed, company_id)
    return Page(
        number=read_count(document, "page", default=0),
        limit=read_count(document, "limit", default=0),
        declared=read_count(document, "count"),
        rows=rows,
        foreign=foreign,
    )


def segment(text: str) -> str:
    """Return text as one segment of a path: an id that a server gave out cannot lead elsewhere, dots included."""
    return quote(text, safe="").replace(".", "%2E") if text in {".", ".."} else quote(text, safe="")


def read_one(body: bytes, company_id: int) -> RemoteRow:
    """Decode the answer to a GET of one row. Raises `BadAnswer`."""
    return _own_row(read_object(body).get("dimension"), company_id)


def read_created(body: bytes, company_id: int) -> RemoteRow:
    """Decode the answer to the creation of one row: flat in both contracts, and wrapped as a vendor's would be."""
    document = read_object(body)
    return _own_row(document.get("dimension", document), company_id)


def _own_row(item: Any, company_id: int) -> RemoteRow:
    if not isinstance(item, dict):
        raise BadAnswer("no object `dimension`")
    owner = item.get("ottimate_company_id")
    if owner is not None and str(owner) != str(company_id):
        raise BadAnswer(f"a row of company {owner} was answered, not of {company_id}")
    try:
        return read_row(item)
    except BadAnswer as error:
        raise BadAnswer(f"the dimension {error}") from None


def read_count(document: dict[str, Any], name: str, *, default: int | None = None) -> int:
    """Return a counter of an envelope. Raises `BadAnswer` for what is no count."""
    value = document.get(name, default)
    if type(value) is int and value >= 0:
        return value
    if value is None and default is None:
        raise BadAnswer(f"no `{name}`: how many rows there are in all is not said")
    return _count(value, name)


def _count(value: object, name: str) -> int:
    if type(value) is not int or value < 0:
        raise BadAnswer(f"`{name}` is {kind_of(value)}, not a count")
    return value


def _counter(document: dict[str, Any], name: str, default: int) -> int:
    """Return a counter of a bulk answer, which may be digits in quotes; `default` where it is absent or null."""
    value = document.get(name)
    if type(value) is str and value.isascii() and value.isdigit() and len(value) < LONGEST_COUNT:
        value = int(value)
    return default if value is None else _count(value, name)


def read_bulk(body: bytes) -> BulkAnswer:
    """Decode a bulk answer as it stands; whether it adds up is for the caller to find out. Raises `BadAnswer`."""
    return read_bulk_object(read_object(body))


def read_bulk_object(document: dict[str, Any]) -> BulkAnswer:
    """Read a decoded bulk answer. Raises `BadAnswer`."""
    if document.keys().isdisjoint({"success_count", "error_count", "created", "updated", "errors"}):
        raise BadAnswer("no bulk answer: it has neither counters nor rows")
    created, updated = _stored(document, "created"), _stored(document, "updated")
    errors = [read_error(item) for item in _list(document, "errors")]
    made, changed = len(created), len(updated)
    return BulkAnswer(  # the contracts let counters be absent; the lists are counted then
        success_count=_counter(document, "success_count", made + changed),
        created_count=_counter(document, "created_count", made),
        updated_count=_counter(document, "updated_count", changed),
        error_count=_counter(document, "error_count", len(errors)),
        created=created,
        updated=updated,
        errors=errors,
    )


def _stored(document: dict[str, Any], name: str) -> Entries:
    items = _list(document, name)
    try:
        return read_stored(items)
    except BadAnswer as error:
        raise BadAnswer(f"no bulk answer: an entry of `{name}` {error}") from None


def _list(document: dict[str, Any], name: str) -> list[Any]:
    """Return a list of a bulk answer; one that is absent or null is empty."""
    entries = document.get(name)
    if entries is None:
        return []
    if not isinstance(entries, list):
        raise BadAnswer(f"no bulk answer: `{name}` is {kind_of(entries)}, not a list")
    return entries


def read_error(item: Any) -> BulkError:
    """Read one refused row, in whichever shape. Raises `BadAnswer`."""
    if not isinstance(item, dict):
        raise BadAnswer(f"no bulk answer: an entry of `errors` is {kind_of(item)}")
    key, remote_id = _given(item.get("unique_key") or item.get("reference_id")), _given(item.get("id"))
    name, index = item.get("name"), item.get("index")
    message = item.get("error") or item.get("message") or "refused without a reason"
    return BulkError(
        (message if isinstance(message, str) else _spelled(message))[:LONGEST_MESSAGE],
        str(item.get("type") or "error")[:LONGEST_MESSAGE],
        clean(key) if key else None,
        clean(name) if isinstance(name, str) else None,
        index if type(index) is int else None,
        remote_id,
    )


def _given(value: object) -> str | None:
    """Return an identity that may be there, as `_text` reads it; None: nothing that could be one."""
    return str(value) if (type(value) is str and value) or type(value) is int else None


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
        words = [part if isinstance(part, str) else _spelled(part) for part in parts if part]
        request_id = document.get("request_id")
        return ": ".join(words), request_id if isinstance(request_id, str) else None
    return excerpt(body), None


def _spelled(value: object) -> str:
    """Return decoded JSON as text; what is nested too deeply to be encoded again says nothing to people either."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return "words nested too deeply to be shown"


def is_gateway(body: bytes) -> bool:
    """Return whether an error comes from the gateway in front of the API: a message, without the API's envelope."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(document, dict) and document.keys() == {"message"}


def has_code(body: bytes) -> bool:
    """Return whether an error is in the API's own envelope, which has a code: so it is not the gateway's."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(document, dict) and "code" in document
