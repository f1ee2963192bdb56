"""Hold requests and answers against the contracts' files. Plain values in; AssertionError with the reason out.

Dimension calls are held against the file of the contract they speak. Tokens, the directory and batches stand in the
reference's file alone, which speaks for both.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

HOST = "https://api.ottimate.com"  # the contracts' own server; whichever host was called stands for it
TOKEN = "/v1/oauth/token"
FORM = "application/x-www-form-urlencoded"
DOCUMENTS: Mapping[str, Any] = {
    contract: orjson.loads((Path(__file__).parent / "data" / f"{contract}.openapi.json").read_bytes())
    for contract in ("guide", "reference")
}
FILES = {contract: OpenAPI.from_dict(document) for contract, document in DOCUMENTS.items()}
"""Checked on import, which takes longer than a hundred calls: no test shall wait for it with its clock running."""
TELLING = frozenset({"content-type", "authorization", "x-api-key", "x-api-version", "idempotency-key"})
"""The headers that are declared; the others say nothing here."""


def operation_known(method: str, url: str, *, contract: str = "guide") -> bool:
    """Whether the contract has this operation."""
    return operation(method, url, contract) is not None


def operation(method: str, url: str, contract: str) -> Mapping[str, Any] | None:
    """Return what is declared of an operation; None: there is no such one."""
    path = urlsplit(url).path
    known = paths(_spoken(path, contract))
    pattern = path if path in known else re.sub(r"^(/v1/\w+/)[^/]+", r"\1{id}", path)  # fixed paths come first
    found: Mapping[str, Any] | None = known.get(pattern, {}).get(method.lower())
    return found


@functools.cache
def paths(contract: str) -> Mapping[str, Mapping[str, Any]]:
    """Return what a contract's file declares: path, from the host on -> method -> operation."""
    document = DOCUMENTS[contract]
    base = urlsplit(document["servers"][0]["url"]).path
    return {base + path: item for path, item in document["paths"].items()}


def check_request(method: str, url: str, headers: Mapping[str, str], body: bytes, *, contract: str = "guide") -> None:
    """Fail when a request is not one that the contract allows."""
    _declared(method, url, contract)
    telling = _telling(headers)
    if urlsplit(url).path == TOKEN and dict(telling).get("content-type") == FORM:
        # The file declares JSON alone, yet the vendor's own examples send a form, and so do we (API-FACTS 4, no. 19):
        # the same fields are asked of it.
        body = orjson.dumps(dict(parse_qsl(body.decode())))
        telling = _telling({**headers, "Content-Type": "application/json"})
    try:
        _request_holds(contract, method, url, telling, body)
    except OpenAPIError as error:
        raise AssertionError(f"{method} {url} breaks the contract: {_reason(error)}; body {body[:300]!r}") from error


def check_answer(
    method: str, url: str, status: int, headers: Mapping[str, str], body: bytes, *, contract: str = "guide"
) -> None:
    """Fail when an answer of a declared status is not as the contract says; undeclared statuses pass unseen."""
    if str(status) not in _declared(method, url, contract)["responses"]:
        return
    try:
        _answer_holds(contract, method, url, status, dict(_telling(headers)).get("content-type", ""), body)
    except OpenAPIError as error:
        reason = _reason(error)
        raise AssertionError(f"{status} to {method} {url} breaks the contract: {reason}; {body[:300]!r}") from error


# A check takes milliseconds, and a test run makes thousands of them, many of them the same: what held, holds again.


@functools.lru_cache(maxsize=512)
def _request_holds(contract: str, method: str, url: str, headers: tuple[tuple[str, str], ...], body: bytes) -> None:
    FILES[_spoken(urlsplit(url).path, contract)].validate_request(_request(method, url, dict(headers), body))


@functools.lru_cache(maxsize=512)
def _answer_holds(contract: str, method: str, url: str, status: int, content_type: str, body: bytes) -> None:
    answer = MockResponse(body, status_code=status, content_type=content_type)
    FILES[_spoken(urlsplit(url).path, contract)].validate_response(_request(method, url, {}, b""), answer)


def _spoken(path: str, contract: str) -> str:
    """Return the contract whose file speaks for a path."""
    return contract if path.startswith("/v1/dimensions") else "reference"


def _declared(method: str, url: str, contract: str) -> Mapping[str, Any]:
    found = operation(method, url, contract)
    assert found is not None, f"the contract has no {method} {urlsplit(url).path}"
    return found


def _telling(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the headers that contracts speak of, in one order."""
    lowered = ((name.lower(), value) for name, value in headers.items())
    return tuple(sorted((name, value) for name, value in lowered if name in TELLING))


def _request(method: str, url: str, headers: Mapping[str, str], body: bytes) -> MockRequest:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    content_type = headers.get("content-type", "").lower()
    return MockRequest(
        HOST, method, parts.path, args=query, headers=dict(headers), data=body, content_type=content_type
    )


def _reason(error: BaseException) -> str:
    """Return the innermost messages: the outer ones only say that something is invalid."""
    reasons = [str(one) for one in getattr(error.__cause__, "schema_errors", ())]
    inner = error.__cause__ and _reason(error.__cause__)
    return " | ".join(reason.splitlines()[0] for reason in reasons) or inner or str(error)
