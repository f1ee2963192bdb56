"""Hold requests and answers against the guide contract's file. Plain values in; AssertionError with the reason out."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import orjson
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

CONTRACT = Path(__file__).parent / "data" / "guide.openapi.json"
HOST = "https://api.ottimate.com"  # the contract's own server; whichever host was called stands for it
ONE = "/v1/dimensions/{id}"


def operation_known(method: str, url: str) -> bool:
    """Whether the contract has this operation (it has no token endpoint)."""
    return method.lower() in _document()["paths"].get(_pattern(urlsplit(url).path), {})


def check_request(method: str, url: str, headers: Mapping[str, str], body: bytes) -> None:
    """Fail when a request is not one that the contract allows."""
    _known(method, url)
    try:
        _contract().validate_request(_request(method, url, headers, body))
    except OpenAPIError as error:
        raise AssertionError(f"{method} {url} breaks the contract: {_reason(error)}; body {body[:300]!r}") from error


def check_answer(method: str, url: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Fail when an answer of a declared status is not as the contract says; undeclared statuses pass unseen."""
    _known(method, url)
    declared = _document()["paths"][_pattern(urlsplit(url).path)][method.lower()]["responses"]
    if str(status) not in declared:
        return
    answer = MockResponse(body, status_code=status, headers=dict(headers), content_type=_content_type(headers))
    try:
        _contract().validate_response(_request(method, url, {}, b""), answer)
    except OpenAPIError as error:
        reason = _reason(error)
        raise AssertionError(f"{status} to {method} {url} breaks the contract: {reason}; {body[:300]!r}") from error


@functools.cache
def _document() -> dict[str, dict[str, dict[str, dict[str, dict[str, object]]]]]:
    document: dict[str, dict[str, dict[str, dict[str, dict[str, object]]]]] = orjson.loads(CONTRACT.read_bytes())
    return document


@functools.cache
def _contract() -> OpenAPI:
    """Read and check the contract once: it takes longer than a thousand calls."""
    return OpenAPI.from_dict(_document())


def _pattern(path: str) -> str:
    """Return the contract's name for a path. The fixed paths come first, as in the contract's own rules."""
    if path in _document()["paths"]:
        return path
    start, _, row_id = path.rpartition("/")
    return ONE if start == "/v1/dimensions" and row_id else path


def _known(method: str, url: str) -> None:
    assert operation_known(method, url), f"the contract has no {method} {urlsplit(url).path}"


def _request(method: str, url: str, headers: Mapping[str, str], body: bytes) -> MockRequest:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return MockRequest(
        HOST,
        method,
        parts.path,
        args=query,
        headers=dict(headers),
        data=body,
        content_type=_content_type(headers),
    )


def _content_type(headers: Mapping[str, str]) -> str:
    return next((value for name, value in headers.items() if name.lower() == "content-type"), "").lower()


def _reason(error: BaseException) -> str:
    """Return the innermost messages: the outer ones only say that something is invalid."""
    reasons = [str(one) for one in getattr(error.__cause__, "schema_errors", ())]
    inner = error.__cause__ and _reason(error.__cause__)
    return " | ".join(reason.splitlines()[0] for reason in reasons) or inner or str(error)
